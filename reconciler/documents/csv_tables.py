"""CSV tables beside manifests, as spreadsheets, consoles and openssl write them: strict UTF-8, one row a line.

Columns are separated by commas, semicolons or tabs, which the header shows; its names may be in any case, and columns
that nobody asks for are passed over, with a note unless an export writes them itself. Cells are without the spaces
around them unless they are quoted, and never empty. Columns stay plain lists: no object is made for a row.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation, Severity, Source
from reconciler.documents import characters, csv_header, csv_sheets, limits, texts
from reconciler.documents.causes import merge_causes
from reconciler.documents.csv_sheets import Fault, Sheet
from reconciler.documents.files import InputFile, Unreadable
from reconciler.documents.limits import limit_problems
from reconciler.documents.merge_markers import find_merge_conflicts
from reconciler.documents.suggestions import quote_text
from reconciler.model import CellForm, Table

_NO_ROWS: Final = Explanation(
    "csv.no-rows",
    "the table has a header and no rows",
    "an empty list is more often a mistake",
    "add rows or remove it",
)
NO_FORMS: Final[Mapping[str, CellForm]] = MappingProxyType({})
_EMPTY_CELL_RULE: Final = "csv.empty-cell"
_EMPTY_LINE: Final = Explanation("csv.row-length", "an empty line", "each line but the last ones is a row", "remove it")


class TableNameError(Exception):
    """The name can't be that of a table."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


def locate_table(manifest: InputFile, name: str) -> InputFile:
    """Return where a manifest's table is; raises TableNameError for a name that may lead elsewhere."""
    parts = name.split("/")
    # A backslash separates folders on Windows: `..\` would be one harmless name here and a way out there.
    if name.startswith(("/", "~")) or ".." in parts or "\\" in name or not all(parts) or "." in parts:
        raise TableNameError(
            Explanation(
                "csv.file-name",
                f"{quote_text(name)} is not a plain path below the manifest's folder",
                "other files are out of bounds",
                "put the table beside the manifest and give its name",
            )
        )
    if not parts[-1].lower().endswith(".csv"):
        raise TableNameError(
            Explanation(
                "csv.file-name",
                f"{quote_text(name)} does not end in .csv",
                "other files are not read as tables",
                "rename it",
            )
        )
    return manifest.beside(parts)


def read_table(
    table_file: InputFile,
    columns: Sequence[str],
    forms: Mapping[str, CellForm] = NO_FORMS,
    extra_columns: Collection[str] = (),
) -> tuple[Table | None, list[Diagnostic]]:
    """Return a table, or None with everything that is wrong with it; raises Unreadable where it can't be opened."""
    data = table_file.read(limits.TABLE_BYTES)
    if len(data) > limits.TABLE_BYTES:
        size = f"{limits.TABLE_BYTES >> 20} MiB"
        raise Unreadable(limits.describe_excess("TABLE_BYTES", f"has more than {size}", remedy="split it"))
    text, problems = characters.decode_text(data, table_file.shown, tolerated=csv_sheets.COPIED_MARK, merged=True)
    if problems:
        return None, limit_problems(problems)
    return parse_table(text, table_file.shown, columns, forms, extra_columns)


def parse_table(
    text: str,
    file: str,
    columns: Sequence[str],
    forms: Mapping[str, CellForm] = NO_FORMS,
    extra_columns: Collection[str] = (),
) -> tuple[Table | None, list[Diagnostic]]:
    """Return the table that a text holds; its header names these columns, in any order and beside others.

    `forms` bring the cells of a column into the form that is read; `extra_columns` may be there for people and are not
    told. What is only told has the severity of a note.
    """
    if text.count("\n") > limits.TABLE_ROWS:
        summary, reason, remedy = f"more than {limits.TABLE_ROWS} rows", "no run takes that many", "split the table"
        excess = limits.describe_excess("TABLE_ROWS", summary, reason, remedy)
        return None, [excess.locate(Source(file))]
    if conflicts := list(find_merge_conflicts(text, file)):
        return None, limit_problems(conflicts)
    sheet = csv_sheets.read_sheet(text, file, columns)
    if problems := _find_problems(sheet, columns):
        return None, limit_problems(problems)
    return _read_columns(sheet, columns, forms, extra_columns)


def _find_problems(sheet: Sheet, columns: Sequence[str]) -> list[Diagnostic]:
    """Find what is wrong with the form of a table: its lines, its header, the length of its rows."""
    if sheet.rows is None:
        return tell_faults(sheet, csv_sheets.find_broken_lines(sheet))
    header = csv_header.read_header(sheet.rows[0])
    if problems := list(csv_header.check_header(sheet, header, columns)):
        return problems
    if len(sheet.rows) == 1:
        return [_NO_ROWS.locate(Source(sheet.file, sheet.first_line, 1))]
    if {len(header)} == set(map(len, sheet.rows)):
        return []
    return tell_faults(sheet, _check_lengths(sheet, header, max(map(header.index, columns)) + 1))


def _read_columns(
    sheet: Sheet, columns: Sequence[str], forms: Mapping[str, CellForm], extra_columns: Collection[str]
) -> tuple[Table | None, list[Diagnostic]]:
    body = sheet.get_body()
    header = csv_header.read_header((sheet.rows or [()])[0])
    cells_by_name: dict[str, list[str]] = {}
    faults: list[Fault] = []
    for name in columns:
        place = header.index(name)
        cells_by_name[name] = _read_column(sheet, place, forms.get(name))
        faults += _check_cells(name, place, cells_by_name[name])
    if faults:
        return None, limit_problems(tell_faults(sheet, _merge_empty_rows(faults, body)))
    passed_over = csv_header.note_other_columns(sheet, header, (*columns, *extra_columns))
    notes = [*passed_over, *_note_padded_cells(sheet, header, cells_by_name)]
    lines = range(sheet.first_line + 1, sheet.first_line + 1 + len(body))
    return Table(sheet.file, lines, cells_by_name), notes


def tell_faults(sheet: Sheet, faults: Iterable[Fault]) -> list[Diagnostic]:
    """Return one problem for each cause, at the first row that it is about."""
    located = ((fault.cause, sheet.locate(fault), fault.explanation) for fault in faults)
    return [explanation.locate(source) for source, explanation in merge_causes(located)]


def _read_column(sheet: Sheet, place: int, form: CellForm | None) -> list[str]:
    """Return the cells of a column without the spaces around them; those inside quotes are kept as they are."""
    cells = [row[place] for row in sheet.get_body()]
    if form is not None:
        return list(map(form, cells))
    stripped = [cell.strip(" ") for cell in cells]
    if '"' in sheet.text and stripped != cells:
        for index, (cell, short) in enumerate(zip(cells, stripped, strict=True)):
            if short and cell != short and sheet.is_quoted(index + 1, place):
                stripped[index] = cell
    # Of what no form is for, such as an owner, many rows say the same: that is kept once.
    known: dict[str, str] = {}
    return list(map(known.setdefault, stripped, stripped))


def _merge_empty_rows(faults: Sequence[Fault], body: Sequence[Sequence[str]]) -> Iterator[Fault]:
    """Yield faults of cells, where a row has nothing in any cell one of the row."""
    empty_rows = {
        number
        for number in {fault.row for fault in faults if fault.explanation.rule == _EMPTY_CELL_RULE}
        if not any(cell.strip() for cell in body[number - 1])
    }
    yield from (_find_empty_row(number) for number in sorted(empty_rows))
    yield from (fault for fault in faults if fault.row not in empty_rows)


def _find_empty_row(number: int) -> Fault:
    return Fault("empty", number, None, _EMPTY_LINE)


def _check_lengths(sheet: Sheet, header: Sequence[str], needed: int) -> Iterator[Fault]:
    """Find empty rows, rows that end before the last column that is needed, and rows with more than the header names.

    A spreadsheet may leave the last cells of a row out, or write empty ones behind it.
    """
    for number, row in enumerate(sheet.get_body(), 1):
        if not any(cell.strip() for cell in row):
            yield _find_empty_row(number)
        elif len(row) < needed or any(cell.strip() for cell in row[len(header) :]):
            summary = f"{len(row)} cells where the header has {len(header)}"
            words = Explanation("csv.row-length", summary, "cells would shift", "correct the separators")
            yield Fault(summary, number, None, words)


def _check_cells(name: str, place: int, cells: Sequence[str]) -> Iterator[Fault]:
    """Find cells that are empty, too long, or hold what nobody sees."""
    whole = "".join(cells)
    # Of the blanks that ASCII has only a tab can stand in a cell: where tabs are separators, in quotes.
    is_plain = whole.isascii() and "\t" not in whole
    if is_plain and "" not in cells and max(map(len, cells)) <= limits.CELL_CHARACTERS:
        return
    for number, cell in enumerate(cells, 1):
        if explanation := _check_cell(name, cell):
            yield Fault((name, explanation.rule, explanation.summary), number, place, explanation)


def _check_cell(name: str, cell: str) -> Explanation | None:
    if not cell:
        reason, remedy = "an empty cell says nothing", "fill it in or remove the row"
        return Explanation(_EMPTY_CELL_RULE, f"{name} is empty", reason, remedy)
    if len(cell) > limits.CELL_CHARACTERS:
        summary = f"{name} has more than {limits.CELL_CHARACTERS} characters"
        return limits.describe_excess("CELL_CHARACTERS", summary, remedy="shorten it")
    if unsafe := characters.explain_unsafe_text(cell):
        return unsafe.add_subject("this cell")
    other_blank = texts.explain_other_blank(cell)
    return other_blank[1].add_subject("this cell") if other_blank else None


def _note_padded_cells(
    sheet: Sheet, header: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> Iterator[Diagnostic]:
    """Tell the cells that are taken with the spaces around them, since they stand in quotes."""
    faults = (
        Fault(name, number, header.index(name), texts.PADDED.add_subject(quote_text(cell)))
        for name, cells in columns.items()
        if _may_be_padded("\n".join(cells))
        for number, cell in enumerate(cells, 1)
        if texts.is_padded(cell)
    )
    for note in tell_faults(sheet, faults):
        yield replace(note, severity=Severity.NOTE)


def _may_be_padded(cells: str) -> bool:
    """Say whether one of the cells, one on a line, may start or end with a space."""
    return texts.is_padded(cells) or "\n " in cells or " \n" in cells
