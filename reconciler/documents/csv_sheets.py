"""The rows of a CSV text before anybody knows what its columns mean: separators, quotes, and where cells stand."""

from __future__ import annotations

import csv
import re
from collections.abc import Hashable, Iterator, Sequence
from typing import Final, NamedTuple

from reconciler.diagnostics import Explanation, Source
from reconciler.sanitize import escape_invisible

COPIED_MARK: Final = "\u200e"
"""LEFT-TO-RIGHT MARK: the certificate window of Windows puts it before a thumbprint that is copied from there."""
SEPARATORS: Final = (",", ";", "\t")
# Excel's own first line, by which a file names its separator whatever the reader's country uses.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([,;\t])"?', re.IGNORECASE)
# What Export-Csv of Windows PowerShell writes before the header, where nobody tells it not to.
_TYPE_LINE: Final = re.compile(r'"?#TYPE .*')
_TAB: Final = Explanation(
    "csv.syntax", "U+0009 (a tab) in a table whose columns it does not separate", remedy="replace or remove it"
)


class Fault(NamedTuple):
    """What is wrong with a row, counted from the header at 0, or with a cell of it; equal causes are told once."""

    cause: Hashable
    row: int
    cell: int | None
    explanation: Explanation


class Sheet(NamedTuple):
    """A text as rows; `lines` are those of the rows, from `first_line` (1-based) on, and the first is the header.

    `rows` is None where some line is no row.
    """

    file: str
    text: str
    separator: str
    first_line: int
    lines: Sequence[str]
    rows: Sequence[Sequence[str]] | None

    def get_body(self) -> Sequence[Sequence[str]]:
        """Return the rows below the header."""
        return (self.rows or ())[1:]

    def locate(self, fault: Fault) -> Source:
        """Return where a row or a cell begins."""
        column = 1 if fault.cell is None else find_cell_column(self.lines[fault.row], fault.cell, self.separator)
        return Source(self.file, self.first_line + fault.row, column)

    def is_quoted(self, row: int, cell: int) -> bool:
        """Say whether a cell stands in quotes, so that the spaces inside them are meant."""
        line = self.lines[row]
        return line[find_cell_column(line, cell, self.separator) - 1 :].lstrip(" ").startswith('"')


def read_sheet(text: str, file: str, columns: Sequence[str]) -> Sheet:
    """Return the rows of a text; the separator is the one that finds most of these columns in the header."""
    # Not splitlines, which also breaks at U+000B, U+000C and U+001C to U+001E. RFC 4180 ends rows with
    # CRLF.
    lines = text.replace("\r\n", "\n").split("\n")
    first_line = 1
    named = _SEPARATOR_LINE.fullmatch(lines[0].rstrip(",; \t") or lines[0]) or _SEPARATOR_LINE.fullmatch(lines[0])
    if named:
        lines, first_line = lines[1:] or [""], 2
    elif _TYPE_LINE.fullmatch(lines[0]) and len(lines) > 1:
        lines, first_line = lines[1:], 2
    separator = named[1] if named else _find_separator(lines[0], columns)
    # A spreadsheet writes separators alone for rows that were emptied.
    while len(lines) > 1 and not lines[-1].strip(f"{separator} "):
        lines.pop()
    rows = _split_rows(lines, separator)
    has_rows = len(rows) == len(lines) and (separator == "\t" or "\t" not in text)
    return Sheet(file, text, separator, first_line, lines, rows if has_rows else None)


def _split_rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        # RFC 4180 lets a quoted cell hold line breaks; here a row is a line, so that its position is plain.
        # Without strict, csv reads `"a"b` as ab. Over 131,072 characters in a cell it raises csv.Error.
        return list(csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return []


def _find_separator(header: str, columns: Sequence[str]) -> str:
    names = {name.casefold() for name in columns}

    def count_columns(separator: str) -> int:
        return len(names.intersection(fold_column_name(cell) for cell in header.split(separator)))

    # max takes the first of equals: a comma where nothing is known.
    return max(SEPARATORS, key=lambda separator: (count_columns(separator), header.count(separator)))


def fold_column_name(cell: str) -> str:
    """Return the name of a column as it is compared: without case, quotes, blanks around it and what nobody sees."""
    return cell.replace(COPIED_MARK, "").strip(' "\t\xa0').casefold()


def find_broken_lines(sheet: Sheet) -> Iterator[Fault]:
    """Find the lines that are no rows: quotes that don't close on their line, and tabs."""
    for number, line in enumerate(sheet.lines):
        if "\t" in line and sheet.separator != "\t":
            yield Fault("tab", number, None, _TAB)
        try:
            list(csv.reader([line], delimiter=sheet.separator, strict=True, skipinitialspace=True))
        except csv.Error as error:
            # csv.Error says what is wrong, but not at which character; it quotes the separator, which may be a tab.
            summary = f"the quotes on this line don't match ({escape_invisible(str(error))})"
            words = Explanation("csv.syntax", summary, "a row stands on one line", 'write "" for a quote inside')
            yield Fault(summary, number, None, words)


def find_cell_column(line: str, index: int, separator: str = ",") -> int:
    """Return the 1-based column at which a cell of a line begins."""
    inside = False
    for offset, character in enumerate(line):
        if index == 0:
            return offset + 1
        if character == '"':
            # A doubled quote inside a cell (RFC 4180, section 2) toggles twice, which comes to nothing.
            inside = not inside
        elif character == separator and not inside:
            index -= 1
    return len(line) + 1
