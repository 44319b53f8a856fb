"""One file's text with the places in it: what documents and their errors share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reconciler.documents import limits, positions
from reconciler.documents.positions import Spot
from reconciler.errors import Problem, Source
from reconciler.kinds.kind import Path


class Raw(NamedTuple):
    """A scalar as it was written: its text without quotes, and its style: "" plain, ' " | > as in YAML."""

    text: str
    style: str


class File:
    """The text of one file. Where its values stand is found out when first asked, and kept."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text

    @property
    def json(self) -> bool:
        """True for a file that is read as JSON."""
        return self.name.lower().endswith(".json")

    def source(self, line: int, column: int) -> Source:
        """Return a place in this file; line and column are 1-based."""
        return Source(self.name, line, column)

    # Needs the instance dictionary that a class with slots lacks.
    @cached_property
    def spots(self) -> Sequence[Spot]:
        """The top of each document, in order."""
        return positions.of_json(self.text) if self.json else positions.of_yaml(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document of a file: its plain value, its first key's place, its number among the file's.

    `value` holds dict (str keys), list, str, int, float, bool, None, date, Ambiguous and REFUSED. `damaged` says that
    something was refused inside, so that what is missing may only have been refused.
    """

    value: object
    source: Source
    file: File
    number: int
    damaged: bool = False

    def at(self, path: Path) -> Source:
        """Return where a value stands: a scalar where it is written, a list or mapping at its key.

        Scans the text again on the first call for a file. A path that leads nowhere gives the deepest place on it that
        exists; the empty path gives `source`.
        """
        spot, depth = self._walk(path)
        if spot is None or depth == 0:
            return self.source
        if spot.members is not None and spot.key is not None:
            return self.file.source(*spot.key)
        return self.file.source(*spot.place)

    def key(self, path: Path) -> Source:
        """Return where the key stands whose value `path` leads to; the item itself in a list."""
        spot, depth = self._walk(path)
        if spot is None or depth < len(path) or spot.key is None:
            return self.at(path)
        return self.file.source(*spot.key)

    def raw(self, path: Path) -> Raw | None:
        """Return a scalar as it was written, or None if there is no scalar at `path`."""
        spot, depth = self._walk(path)
        return Raw(spot.text, spot.style) if spot and depth == len(path) and spot.members is None else None

    def _walk(self, path: Path) -> tuple[Spot | None, int]:
        spot: Spot | None = self.file.spots[self.number]
        depth = 0
        for step in path:
            below = spot.members.get(step) if spot and spot.members is not None else None
            if below is None:
                break
            spot = below
            depth += 1
        return spot, depth


def bounded(problems: Iterable[Problem]) -> list[Problem]:
    """Sort one file's problems and keep the first `limits.PROBLEMS`; a last one counts the rest."""
    ordered = sorted(set(problems))
    if len(ordered) <= limits.PROBLEMS:
        return ordered
    rest = len(ordered) - limits.PROBLEMS
    last = ordered[limits.PROBLEMS]
    more = f"{rest} more problems in this file; the first {limits.PROBLEMS} are listed; mend these and run again"
    return [*ordered[: limits.PROBLEMS], Problem(last.source, more)]
