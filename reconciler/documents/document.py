"""One file's text with the places in it: what documents and their errors share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reconciler.diagnostics import Source
from reconciler.documents import escapes, positions
from reconciler.documents.positions import SourceNode
from reconciler.model import Path


class RawScalar(NamedTuple):
    """A scalar as it was written: its text without quotes, and its style: "" plain, ' " | > as in YAML."""

    text: str
    style: str


class SourceFile:
    """The text of one file. Where its values stand is found out when first asked, and kept.

    `is_foreign` is true of another tool's file, which that tool's library wrote and nobody reviews.
    """

    def __init__(self, name: str, text: str, *, is_foreign: bool = False) -> None:
        self.name = name
        self.text = text
        self.is_foreign = is_foreign

    @property
    def json(self) -> bool:
        """True for a file that is read as JSON."""
        return self.name.lower().endswith(".json")

    def source(self, line: int, column: int) -> Source:
        """Return a place in this file; line and column are 1-based."""
        return Source(self.name, line, column)

    # Needs the instance dictionary that a class with slots lacks.
    @cached_property
    def roots(self) -> Sequence[SourceNode]:
        """The top of each document, in order."""
        return positions.read_json_nodes(self.text) if self.json else positions.read_yaml_nodes(self.text)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One document of a file: its plain value, its first key's place, its number among the file's.

    `value` holds dict (str keys), list, str, int, float, bool, None, date, Ambiguous and REFUSED. `damaged` says that
    something was refused inside, so that what is missing may only have been refused.
    """

    value: object
    source: Source
    file: SourceFile
    number: int
    damaged: bool = False

    def at(self, path: Path) -> Source:
        """Return where a value stands: a scalar where it is written, a list or mapping at its key.

        Scans the text again on the first call for a file. A path that leads nowhere gives the deepest place on it that
        exists; the empty path gives `source`.
        """
        node, depth = self._find_node(path)
        if node is None or depth == 0:
            return self.source
        if node.members is not None and node.key is not None:
            return self.file.source(*node.key)
        return self.file.source(*node.place)

    def key(self, path: Path) -> Source:
        """Return where the key stands whose value `path` leads to; the item itself in a list."""
        node, depth = self._find_node(path)
        if node is None or depth < len(path) or node.key is None:
            return self.at(path)
        return self.file.source(*node.key)

    def raw(self, path: Path) -> RawScalar | None:
        """Return a scalar as it was written, or None if there is no scalar at `path`."""
        node, depth = self._find_node(path)
        return RawScalar(node.text, node.style) if node and depth == len(path) and node.members is None else None

    def find_escape(self, path: Path, character: str) -> str:
        """Return the escape in double quotes by which a scalar holds a character; "" where it holds it otherwise."""
        node, depth = self._find_node(path)
        return escapes.find_escape(self.file.text, *node.place, character) if node and depth == len(path) else ""

    def _find_node(self, path: Path) -> tuple[SourceNode | None, int]:
        node: SourceNode | None = self.file.roots[self.number]
        depth = 0
        for step in path:
            child = node.members.get(step) if node and node.members is not None else None
            if child is None:
                break
            node = child
            depth += 1
        return node, depth
