"""What is told to a person: values with the words for a person in them. Nobody reads the words back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering
from typing import NamedTuple


class Source(NamedTuple):
    """Where something was said: a file with a 1-based line and column, or the HTTP call that was made."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Address(NamedTuple):
    """Names one document everywhere. `name` is the document's metadata.name. Sorts; never parsed back."""

    target: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.label}"

    @property
    def label(self) -> str:
        """The name as it is shown: in quotes where blanks at its ends would not be seen."""
        return self.name if self.name == self.name.strip() else f'"{self.name}"'


class Severity(StrEnum):
    """Whether something has to be mended, or is only told."""

    ERROR = "error"
    NOTE = "note"


def _join_parts(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


class Explanation(NamedTuple):
    """The words of a diagnostic before its place is known: what is wrong, why it matters, what to do."""

    rule: str
    summary: str
    reason: str = ""
    remedy: str = ""

    @property
    def message(self) -> str:
        """The words, joined for printing."""
        return _join_parts(self.summary, self.reason, self.remedy)

    def add_subject(self, subject: str) -> Explanation:
        """Return the same said of something, for a summary that is a sentence without its subject."""
        return self._replace(summary=f"{subject} {self.summary}")

    def locate(self, source: Source, address: Address | None = None, object_name: str = "") -> Diagnostic:
        """Return the diagnostic at a place."""
        return Diagnostic(
            self.rule, source, self.summary, self.reason, self.remedy, address=address, object_name=object_name
        )


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Diagnostic:
    """One thing to tell: what is wrong (`summary`), why it matters (`reason`), what to do (`remedy`), and where.

    `rule` is the stable id of its kind, as `explain rules` lists them; `address` is the document that it is about, if
    any, and `object_name` which of its objects, where it has several. Printed it reads `source: summary; reason;
    remedy`, without what is empty. It sorts by place and then by words, and two that read the same are the same.
    """

    rule: str
    source: Source
    summary: str
    reason: str = ""
    remedy: str = ""
    severity: Severity = Severity.ERROR
    address: Address | None = None
    object_name: str = ""

    @property
    def message(self) -> str:
        """The words, joined for printing."""
        return _join_parts(self.summary, self.reason, self.remedy)

    @property
    def identity(self) -> tuple[Source, str, str, str, str, str, str, tuple[str, ...], str]:
        """All that it is: two that read the same may be about two documents. Sorts as diagnostics do."""
        words = (self.rule, self.summary, self.reason, self.remedy, self.severity.value)
        return (self.source, self.message, *words, tuple(self.address or ()), self.object_name)

    @property
    def key(self) -> tuple[Source, str, Address | None]:
        """What is said, where, and of which document."""
        return (self.source, self.message, self.address)

    def __str__(self) -> str:
        return f"{self.source}: {self.message}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Diagnostic):
            return NotImplemented
        return (self.source, self.message) == (other.source, other.message)

    def __lt__(self, other: Diagnostic) -> bool:
        return (self.source, self.message) < (other.source, other.message)

    def __hash__(self) -> int:
        return hash((self.source, self.message))


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the diagnostics in one order, whatever order they came in; what is said twice of a document is told once.

    What reads the same of two documents is told of both: one file may be for hundreds of targets.
    """
    distinct: dict[tuple[Source, str, Address | None], Diagnostic] = {}
    for diagnostic in sorted(diagnostics, key=_get_identity):
        distinct.setdefault(diagnostic.key, diagnostic)
    return list(distinct.values())


def _get_identity(diagnostic: Diagnostic) -> tuple[object, ...]:
    return diagnostic.identity
