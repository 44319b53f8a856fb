"""Replacing parts of a text, and finding the lines that they stand on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class EditedText:
    """A text that is to be edited; `comments` are put behind single values that come new, where there is room."""

    text: str
    is_json: bool = False
    comments: Mapping[Any, str] = field(default_factory=dict)

    @property
    def newline(self) -> str:
        """How its lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"


class TextEdit(NamedTuple):
    """What stands in the place of text[start:end]."""

    start: int
    end: int
    replacement: str


class CannotEdit(Exception):
    """Why a value can't be written in its place; the reason is a clause without a subject."""


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return the text with all edits made; of several at one place the first that was given comes first.

    Raises CannotEdit for edits that overlap.
    """
    parts: list[str] = []
    position = 0
    for start, end, replacement in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if start < position:
            raise CannotEdit("two changes meet at one place of the text")
        parts += [text[position:start], replacement]
        position = end
    return "".join([*parts, text[position:]])


def find_line_start(text: str, offset: int) -> int:
    """Return where the line of an offset begins."""
    return text.rfind("\n", 0, offset) + 1


def find_line_end(text: str, offset: int) -> int:
    """Return where the line after that of an offset begins, or the end of the text."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1


def begins_line(text: str, offset: int) -> bool:
    """Say whether nothing but blanks stands before an offset on its line."""
    return not text[find_line_start(text, offset) : offset].strip(" \t")


def begin_line(text: str, offset: int, newline: str) -> str:
    """Return what has to come before a line that is put at an offset: a line end, where the text's last has none."""
    return newline if offset and offset == len(text) and not text.endswith("\n") else ""
