"""CSV tables beside manifests: strict UTF-8, one header line, one row a line, plain columns.

Cells are stripped of blanks around them and are never empty. Columns stay plain lists: no object is made for a row.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import characters, files, limits
from reconciler.documents.document import limit_problems
from reconciler.documents.files import FileRef, Unreadable
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.model import Table

_NO_ROWS: Final = Explanation(
    "csv.no-rows",
    "the table has a header and no rows",
    "an empty list is more often a mistake",
    "add rows or remove it",
)
_TAB: Final = Explanation(
    "csv.syntax", "U+0009 (a tab) in a table", "columns are separated by commas", "replace or remove it"
)
_EMPTY_LINE: Final = Explanation("csv.row-length", "an empty line", "each line is a row", "remove it")


class TableNameError(Exception):
    """The name can't be that of a table."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


def locate_table(manifest: FileRef, name: str) -> FileRef:
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


def read_table(table_file: FileRef, columns: Sequence[str]) -> tuple[Table | None, list[Diagnostic]]:
    """Return a table, or None with everything that is wrong with it; raises Unreadable where it can't be opened."""
    data = files.read_file(table_file, limits.TABLE_BYTES)
    if len(data) > limits.TABLE_BYTES:
        size = f"{limits.TABLE_BYTES >> 20} MiB"
        raise Unreadable(limits.describe_excess("TABLE_BYTES", f"has more than {size}", remedy="split it"))
    text, problems = characters.decode_text(data, table_file.shown)
    if problems:
        return None, limit_problems(problems)
    return parse_table(text, table_file.shown, columns)


def parse_table(text: str, file: str, columns: Sequence[str]) -> tuple[Table | None, list[Diagnostic]]:
    """Return the table that a text holds; its header has exactly these columns, in any order."""
    if text.count("\n") > limits.TABLE_ROWS:
        summary, reason, remedy = f"more than {limits.TABLE_ROWS} rows", "no run takes that many", "split the table"
        excess = limits.describe_excess("TABLE_ROWS", summary, reason, remedy)
        return None, [excess.locate(Source(file))]
    # Not splitlines, which also breaks at U+000B, U+000C and U+001C to U+001E. RFC 4180 ends rows with
    # CRLF.
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    try:
        # RFC 4180 lets a quoted cell hold line breaks; here a row is a line, so that its position is plain.
        # Without strict, csv reads `"a"b` as ab. Over 131,072 characters in a cell it raises csv.Error.
        rows = list(csv.reader(lines, strict=True, skipinitialspace=True))
    except csv.Error:
        rows = []
    if len(rows) != len(lines) or "\t" in text:
        return None, limit_problems(_find_broken_lines(lines, file))
    header = [cell.strip() for cell in rows[0]]
    problems = list(_check_header(lines[0], header, columns, file))
    if not problems and len(rows) == 1:
        problems = [_NO_ROWS.locate(Source(file, 1, 1))]
    if problems:
        return None, problems
    if set(map(len, rows)) != {len(header)}:
        return None, limit_problems(_check_cells(lines, rows, header, file))
    stripped = [list(map(str.strip, column)) for column in zip(*rows[1:], strict=True)]
    if any("" in column or len(max(column, key=len)) > limits.CELL_CHARACTERS for column in stripped):
        return None, limit_problems(_check_cells(lines, rows, header, file))
    cell_problems = [] if text.isascii() else list(_find_uncomposed_cells(lines, stripped, file))
    table = Table(file, range(2, len(rows) + 1), dict(zip(header, stripped, strict=True)))
    return (None, limit_problems(cell_problems)) if cell_problems else (table, [])


def _find_broken_lines(lines: Sequence[str], file: str) -> Iterator[Diagnostic]:
    """Find the lines that are no rows: quotes that don't close on their line, and tabs."""
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield _TAB.locate(Source(file, number, line.index("\t") + 1))
        try:
            list(csv.reader([line], strict=True, skipinitialspace=True))
        except csv.Error as error:
            # csv.Error says what is wrong, but not at which character.
            column = line.find('"') + 1 or 1
            yield Diagnostic(
                "csv.syntax",
                Source(file, number, column),
                f"the quotes on this line don't match ({error})",
                "a row stands on one line",
                'write "" for a quote inside',
            )


def _check_header(line: str, header: Sequence[str], columns: Sequence[str], file: str) -> Iterator[Diagnostic]:
    expected_names = ",".join(columns)
    for index, name in enumerate(header):
        source = Source(file, 1, _find_cell_column(line, index))
        if name in header[:index]:
            yield Diagnostic(
                "csv.duplicate-column",
                source,
                f"column {quote_text(name)} is given twice",
                "which one holds is unclear",
                "remove one",
            )
        elif name not in columns:
            missing = [column for column in columns if column not in header]
            hint = suggest_option(name, missing) if missing else "remove it"
            yield Diagnostic(
                "csv.unknown-column",
                source,
                f"unknown column {quote_text(name)}",
                f"the first line names the columns {expected_names}",
                hint,
            )
    for name in columns:
        if name not in header:
            yield Diagnostic(
                "csv.missing-column",
                Source(file, 1, 1),
                f"column {name} is missing",
                f"the first line names the columns {expected_names}, separated by commas",
                "add it",
            )


def _check_cells(
    lines: Sequence[str], rows: Sequence[Sequence[str]], header: Sequence[str], file: str
) -> Iterator[Diagnostic]:
    for number, (line, row) in enumerate(zip(lines, rows, strict=True), 1):
        if not line.strip():
            yield _EMPTY_LINE.locate(Source(file, number, 1))
        elif len(row) != len(header):
            summary = f"{len(row)} cells where the header has {len(header)}"
            source = Source(file, number, 1)
            yield Diagnostic("csv.row-length", source, summary, "cells would shift", "correct the commas")
        else:
            for index, (name, cell) in enumerate(zip(header, row, strict=True)):
                if explanation := _check_cell(name, cell.strip()):
                    yield explanation.locate(Source(file, number, _find_cell_column(line, index)))


def _check_cell(name: str, cell: str) -> Explanation | None:
    if not cell:
        return Explanation(
            "csv.empty-cell", f"{name} is empty", "an empty cell says nothing", "fill it in or remove the row"
        )
    if len(cell) > limits.CELL_CHARACTERS:
        summary = f"{name} has more than {limits.CELL_CHARACTERS} characters"
        return limits.describe_excess("CELL_CHARACTERS", summary, remedy="shorten it")
    return None


def _find_uncomposed_cells(lines: Sequence[str], columns: Sequence[Sequence[str]], file: str) -> Iterator[Diagnostic]:
    """Find cells that are not in Unicode's composed form."""
    for index, column in enumerate(columns):
        for number, cell in enumerate(column, 2):
            if not cell.isascii() and (unsafe := characters.explain_unsafe_text(cell)):
                source = Source(file, number, _find_cell_column(lines[number - 1], index))
                yield unsafe.add_subject("this cell").locate(source)


def _find_cell_column(line: str, index: int) -> int:
    """Return the 1-based column at which a cell of a line begins."""
    inside = False
    for offset, character in enumerate(line):
        if index == 0:
            return offset + 1
        if character == '"':
            # A doubled quote inside a cell (RFC 4180, section 2) toggles twice, which comes to nothing.
            inside = not inside
        elif character == "," and not inside:
            index -= 1
    return len(line) + 1
