"""Cells and rows of a CSV table as they are to be; every other byte stays as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.documents import characters, csv_header
from reconciler.documents.csv_sheets import read_sheet
from reconciler.documents.editing.text_edits import CannotEdit


def edit_table(text: str, file: str, columns: Sequence[str], rows: Mapping[int, Mapping[str, str] | None]) -> str:
    """Return a table's text with other cells in some rows and without others: those for which there is None.

    `rows` are by their line (1-based), with the new cells by their column, which is one of `columns`. Raises CannotEdit
    for a table that can't be read, and for text that no cell may hold.
    """
    sheet = read_sheet(text, file, columns)
    header = csv_header.read_header(sheet.rows[0]) if sheet.rows else []
    if any(name not in header for name in columns):
        raise CannotEdit("the table can't be read")
    lines = text.split("\n")
    edited_lines = []
    for number, line in enumerate(lines, 1):
        cells = rows.get(number, {})
        if cells is None:
            continue
        for name, value in cells.items():
            line = _replace_cell(line, header.index(name), value, sheet.separator)  # noqa: PLW2901 - cell by cell
        edited_lines.append(line)
    return "\n".join(edited_lines)


def _replace_cell(line: str, index: int, value: str, separator: str) -> str:
    """Return a line with another value in a cell: the blanks around it stay, and its quotes where it has some."""
    if unsafe := characters.explain_unsafe_text(value):
        raise CannotEdit(unsafe.summary)
    start, end = _list_cells(line.removesuffix("\r"), separator)[index]
    cell = line[start:end]
    old = cell.strip(" ")
    needs_quotes = old.startswith('"') or any(sign in value for sign in (separator, '"')) or value != value.strip()
    doubled = value.replace('"', '""')
    lead = cell[: len(cell) - len(cell.lstrip(" "))]
    tail = cell[len(lead) + len(old) :]
    return line[:start] + lead + (f'"{doubled}"' if needs_quotes else value) + tail + line[end:]


def _list_cells(line: str, separator: str) -> list[tuple[int, int]]:
    """Return where the cells of a line begin and end; a separator in quotes is none (RFC 4180, section 2)."""
    separators: list[int] = []
    is_quoted = False
    for offset, character in enumerate(line):
        is_quoted ^= character == '"'
        separators += [offset] if character == separator and not is_quoted else []
    return list(zip([0, *(offset + 1 for offset in separators)], [*separators, len(line)], strict=True))
