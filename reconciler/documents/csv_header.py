"""The first line of a table: which columns there are, which are wanted, and which are passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.documents.csv_sheets import Sheet, find_cell_column, fold_column_name
from reconciler.documents.suggestions import quote_text, suggest_option


def read_header(row: Sequence[str]) -> list[str]:
    """Return the folded names of the columns, up to the last that has one."""
    names = list(map(fold_column_name, row))
    while names and not names[-1]:
        names.pop()
    return names


def check_header(sheet: Sheet, header: Sequence[str], columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield the columns that are missing, with those that may be they, and those that are given twice."""
    missing = [name for name in columns if name not in header]
    cells = [cell.strip() for cell in (sheet.rows or [()])[0]]
    expected = f"the first line names the columns {','.join(columns)}"
    for index, name in enumerate(header):
        source = _locate_name(sheet, index)
        if name in columns and name in header[:index]:
            summary = f"column {quote_text(cells[index])} is given twice"
            yield Diagnostic("csv.duplicate-column", source, summary, "which one holds is unclear", "remove one")
        elif name and name not in columns and missing:
            summary, remedy = f"unknown column {quote_text(cells[index])}", suggest_option(name, missing)
            yield Diagnostic("csv.unknown-column", source, summary, expected, remedy)
    for name in missing:
        reason = f"{expected}, separated by commas, semicolons or tabs"
        start = Source(sheet.file, sheet.first_line, 1)
        yield Diagnostic("csv.missing-column", start, f"column {name} is missing", reason, "add it")


def note_other_columns(sheet: Sheet, header: Sequence[str], columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield one note for all columns that nobody asks for."""
    others = [index for index, name in enumerate(header) if name not in columns]
    if not others or sheet.rows is None:
        return
    names = ", ".join(quote_text(sheet.rows[0][index].strip()) for index in others)
    noun = "column" if len(others) == 1 else "columns"
    yield Diagnostic(
        "csv.unknown-column",
        _locate_name(sheet, others[0]),
        f"{noun} {names} passed over",
        "they are for people alone" if len(others) > 1 else "it is for people alone",
        severity=Severity.NOTE,
    )


def _locate_name(sheet: Sheet, index: int) -> Source:
    return Source(sheet.file, sheet.first_line, find_cell_column(sheet.lines[0], index, sheet.separator))
