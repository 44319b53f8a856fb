"""Tables that `read_table` gives back exactly, and that a spreadsheet shows without running anything in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from reconciler.documents import limits
from reconciler.documents.characters import escape_unsafe_text, explain_unsafe_text
from reconciler.documents.texts import explain_other_blank

# OWASP, "CSV Injection": what begins a formula for a spreadsheet, in full-width form too, and behind blanks.
_FORMULA: Final = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]")
_BARE_CELL: Final = re.compile(r"[\w./:()](?:[\w./:()@*+ -]*[\w./:()@*+-])?")
_NOTE_CHARACTERS: Final = 200
"""Length of a cell that is for people alone."""


def format_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows below a header, separated by commas, each on a line; cells are quoted where they have to be.

    Cells hold no line end, and no character that a table refuses.
    """
    return "".join(f"{','.join(map(_quote_cell, row))}\n" for row in (columns, *rows))


def is_plain_cell(text: str) -> bool:
    """Say whether a text can stand on its line in a cell that is read, and a spreadsheet neither runs nor trims it."""
    fits = 0 < len(text) <= limits.CELL_CHARACTERS and text == text.strip()
    is_readable = explain_unsafe_text(text) is None and explain_other_blank(text) is None
    return fits and is_readable and not has_formula(text)


def has_formula(text: str) -> bool:
    """Say whether a spreadsheet would calculate a cell instead of showing it."""
    return _FORMULA.match(text) is not None


def format_note_cell(text: str) -> str:
    """Return a text for a cell that nobody but people read: visible, of bounded length, no formula."""
    note = escape_unsafe_text(text)
    note = note if len(note) <= _NOTE_CHARACTERS else f"{note[: _NOTE_CHARACTERS - 1]}…"
    # The apostrophe is how people themselves tell a spreadsheet that a cell is text.
    return f"'{note}" if has_formula(note) else note


def _quote_cell(text: str) -> str:
    if not text or _BARE_CELL.fullmatch(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
