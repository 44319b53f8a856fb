"""Tables of aligned columns: as wide as their text in a file, and broken between words at a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

from reconciler.reports.layout import Layout, Line, build_line, measure_text
from reconciler.sanitize import escape_invisible

Cell = tuple[str, str]
Row = dict[str, Cell]
"""Cells (text, style) by heading."""

_GAP = 2
_LINE_END, WORD_END = re.compile(r"\n"), re.compile(" ")
_SEAM = re.compile(r" |(?<=[./:_-])")
"""Where a word that has no room is parted sooner than anywhere else."""


def build_table(
    rows: Sequence[Row], layout: Layout, sections: Mapping[int, str] | None = None, first: str = ""
) -> Iterator[Line]:
    """Yield rows as aligned lines without rules, the headings first; a cell without room goes on below itself.

    `sections` are titles by the number of the row that they stand above; the column `first` gives way before others.
    """
    if not rows:
        return
    headings: Row = {name: (name, "bold") for name in rows[0]}
    shown_rows = [{name: (escape_invisible(text), style) for name, (text, style) in row.items()} for row in rows]
    widths = _fit_widths([headings, *shown_rows], layout.width, first)
    yield from _build_row(headings, widths)
    for number, row in enumerate(shown_rows):
        if sections and number in sections:
            yield build_line((sections[number], "bold"))
        yield from _build_row(row, widths)


def measure_columns(rows: Sequence[Row], separator: re.Pattern[str] = _LINE_END) -> dict[str, int]:
    """Return how wide each column has to be for the longest part of its cells, parted where the separator says."""
    parts = {name: [part for row in rows for part in separator.split(row[name][0])] for name in rows[0]}
    return {name: max(map(measure_text, parts[name])) for name in parts}


def sum_widths(widths: Mapping[str, int]) -> int:
    """Return what columns take together."""
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _fit_widths(rows: Sequence[Row], room: int, first: str) -> dict[str, int]:
    """Return widths that fit. The widest column gives way first: down to its longest word, then to parts of it."""
    widths = measure_columns(rows)
    if not room or sum_widths(widths) <= room:
        return widths
    words, parts = measure_columns(rows, WORD_END), measure_columns(rows, _SEAM)
    for least in (widths | {first: words.get(first, 0)}, words, parts, dict.fromkeys(widths, 1)):
        while sum_widths(widths) > room and (wide := [name for name in widths if widths[name] > least[name]]):
            widths[max(wide, key=lambda name: widths[name])] -= 1
    return widths


def _build_row(row: Row, widths: Mapping[str, int]) -> Iterator[Line]:
    columns = [[(part, style) for part in _wrap_cell(text, widths[name])] for name, (text, style) in row.items()]
    for parts in zip_longest(*columns, fillvalue=("", "")):
        pieces: list[str | Cell] = []
        for (text, style), width in zip(parts, widths.values(), strict=True):
            pieces += [(text, style), " " * (width - measure_text(text) + _GAP)]
        yield build_line(*pieces[:-1])


def _wrap_cell(text: str, width: int) -> list[str]:
    """Return a cell's lines: whole words where they have room, else parted at a dot or the like, else anywhere."""
    if measure_text(text) <= width:
        return [text]
    lines: list[str] = []
    for word in filter(None, text.split(" ")):
        if lines and measure_text(lines[-1]) + 1 + measure_text(word) <= width:
            lines[-1] += f" {word}"
            continue
        lines.append("")
        for part in _part_word(word, width):
            if lines[-1] and measure_text(lines[-1]) + measure_text(part) > width:
                lines.append("")
            lines[-1] += part
    return lines


def _part_word(word: str, width: int) -> list[str]:
    if measure_text(word) <= width:
        return [word]
    parts: list[str] = []
    for part in _SEAM.split(word):
        parts += [part] if measure_text(part) <= width else list(part)
    return parts
