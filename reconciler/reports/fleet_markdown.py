"""A fleet in Markdown: a table of targets by kind, the worst first, and what targets share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from reconciler.reports.fleet_matrix import CellState, FleetMatrix, FleetRow, list_bounds
from reconciler.reports.fleet_sharing import (
    PROJECT_PLACEHOLDER,
    SharedChange,
    count_sharing,
    describe_ages,
    list_sharing,
)
from reconciler.reports.fleet_words import count_row_group, describe_cell, describe_cell_state
from reconciler.reports.markdown_steps import build_fields, build_row, build_table_head, pick_columns
from reconciler.reports.markdown_text import quote_cell, quote_code, quote_words
from reconciler.reports.perspective import View
from reconciler.reports.run_report import RunReport

MAX_OPEN_ROWS = 20
"""Targets that are seen without unfolding anything."""
_NAMED = 20
_BAD, _WARY, _GOOD, _CALM = "🟥", "🟧", "🟩", "⬜"
_SQUARES = {
    CellState.CHANGES: _WARY,
    CellState.ABSENT: _WARY,
    CellState.STALE: _WARY,
    CellState.APPLIED: _GOOD,
    CellState.IN_SYNC: _GOOD,
    CellState.NOT_REACHED: _CALM,
    CellState.ACKNOWLEDGED: _CALM,
    CellState.UNDECLARED: _CALM,
}
"""What is not among them is bad. A square never stands without its word."""


class MarkdownSection(NamedTuple):
    """Lines before rows of which some may have no room, the rows, and what stands below them in any case."""

    head: Sequence[str]
    rows: Sequence[str]
    tail: Sequence[str] = ()


def build_matrix_sections(matrix: FleetMatrix) -> Iterator[MarkdownSection]:
    """Yield the worst targets, the others that differ folded, by state, and how many are quiet, with their names."""
    columns = ("target", "state", *map(quote_cell, matrix.kinds))
    head = build_table_head(columns)
    rows = matrix.loud_rows
    if rows:
        yield MarkdownSection(head, [_build_matrix_row(row, matrix) for row in rows[:MAX_OPEN_ROWS]], ("",))
    # GitHub and GitLab draw a table inside of `details` only behind an empty line (CommonMark 4.6, kind 6).
    for state, group in groupby(rows[MAX_OPEN_ROWS:], key=lambda row: row.state):
        lines = [_build_matrix_row(row, matrix) for row in group]
        title = quote_words(count_row_group(state, matrix.command, len(lines), "more target"))
        yield MarkdownSection([f"<details><summary>{title}</summary>", "", *head], lines, ("", "</details>", ""))
    for state, targets in matrix.quiet_groups.items():
        title = count_row_group(state, matrix.command, len(targets))
        more = f" and {len(targets) - _NAMED:,} more" if len(targets) > _NAMED else ""
        names = ", ".join(map(quote_code, targets[:_NAMED]))
        yield MarkdownSection(["", f"{_find_square(state)} {title}: {names}{more}", ""], ())


def build_shared_section(changes: Sequence[SharedChange], matrix: FleetMatrix, report: RunReport) -> MarkdownSection:
    """Return a row for each change that targets share, in how many it is."""
    if not changes:
        return MarkdownSection((), ())
    view = View(list_bounds(report), from_server=report.command == "drift")
    columns = tuple(column for column in pick_columns(report, view) if column not in {"target", "since"})
    rows = [f"| {_count_targets(change, matrix)} {build_row(change.example, columns, view)}" for change in changes]
    # The targets have a column of their own, and the ages of hundreds of differences are told in words.
    head = ["", f"**Shared by several targets: {len(changes):,}**", "", *build_table_head(("targets", *columns))]
    return MarkdownSection(head, rows, ("",))


def build_shared_fields(change: SharedChange, matrix: FleetMatrix, report: RunReport) -> list[str]:
    """Return the fields of a shared change, folded, with the targets that have it."""
    # No single target belongs into the title.
    view = View(from_server=report.command == "drift")
    title, *lines = build_fields(change.example, view)
    facts = [count_sharing(change, matrix), describe_ages(change)]
    facts += [f"`{PROJECT_PLACEHOLDER}` stands for the project of each target"] if change.names_project else []
    names = list_sharing(change, matrix, _NAMED, quote_code)
    return [title, "", "; ".join([quote_words(fact) for fact in facts if fact] + ([names] if names else [])), *lines]


def _build_matrix_row(row: FleetRow, matrix: FleetMatrix) -> str:
    state = f"{_find_square(row.state)} {describe_cell_state(row.state, matrix.command)}"
    cells = [f"{_find_square(cell.state)} {describe_cell(cell, matrix.command)}" for cell in row.cells]
    return f"| {' | '.join([quote_cell(row.target), state, *cells])} |"


def _count_targets(change: SharedChange, matrix: FleetMatrix) -> str:
    return f"{len(change.targets):,} of {len(matrix.rows):,}"


def _find_square(state: CellState) -> str:
    return _SQUARES.get(state, _BAD)
