"""The first line of a table: which columns there are, which are wanted, and which are passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.documents.csv_sheets import Sheet, find_cell_column, fold_column_name
from reconciler.documents.suggestions import find_nearest, quote_text, suggest_option


def read_header(row: Sequence[str]) -> list[str]:
    """Return the folded names of the columns, up to the last that has one."""
    names = list(map(fold_column_name, row))
    while names and not names[-1]:
        names.pop()
    return names


def check_header(sheet: Sheet, header: Sequence[str], columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield the columns that are missing, with those that may be they, and those that are given twice."""
    missing = [name for name in columns if name not in header]
    # Where none is there the first line is no header at all, and its cells are no columns that anybody misspelt.
    has_some = len(missing) < len(columns)
    cells = [cell.strip() for cell in (sheet.rows or [()])[0]]
    expected = f"the first line names the columns {','.join(columns)}"
    for index, name in enumerate(header):
        source = _locate_name(sheet, index)
        if name in columns and name in header[:index]:
            summary = f"column {quote_text(cells[index])} is given twice"
            yield Diagnostic("csv.duplicate-column", source, summary, "which one holds is unclear", "remove one")
        elif name and name not in columns and missing and (has_some or find_nearest(name, missing)):
            summary, remedy = f"unknown column {quote_text(cells[index])}", suggest_option(name, missing)
            yield Diagnostic("csv.unknown-column", source, summary, expected, remedy)
    if missing:
        reason = f"{expected}, separated by commas, semicolons or tabs"
        start = Source(sheet.file, sheet.first_line, 1)
        is_one = len(missing) == 1
        summary = f"column {missing[0]} is missing" if is_one else f"columns {' and '.join(missing)} are missing"
        yield Diagnostic("csv.missing-column", start, summary, reason, "add it" if is_one else "add them")


def note_other_columns(sheet: Sheet, header: Sequence[str], columns: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield one note for all columns that nobody asks for."""
    rows = sheet.rows or ()
    others = [index for index, name in enumerate(header) if name not in columns and (name or _has_cells(rows, index))]
    if not others:
        return
    names = ", ".join(
        quote_text(rows[0][index].strip()) if header[index] else f"no. {index + 1} (without a name)" for index in others
    )
    noun = "column" if len(others) == 1 else "columns"
    yield Diagnostic(
        "csv.unknown-column",
        _locate_name(sheet, others[0]),
        f"{noun} {names} passed over",
        "they are for people alone" if len(others) > 1 else "it is for people alone",
        severity=Severity.NOTE,
    )


def _has_cells(rows: Sequence[Sequence[str]], index: int) -> bool:
    return any(row[index].strip() for row in rows if index < len(row))


def _locate_name(sheet: Sheet, index: int) -> Source:
    return Source(sheet.file, sheet.first_line, find_cell_column(sheet.lines[0], index, sheet.separator))
