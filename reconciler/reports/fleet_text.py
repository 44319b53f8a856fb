"""A fleet's report as text: a row a target, the worst first; what targets share, told once; then the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from reconciler.coverage import UnmanagedCounts
from reconciler.diagnostics import Diagnostic
from reconciler.reports.field_changes import render_fields
from reconciler.reports.fleet_matrix import CellState, FleetMatrix, FleetRow, build_fleet_matrix, list_bounds
from reconciler.reports.fleet_sharing import (
    PROJECT_PLACEHOLDER,
    FoldedChanges,
    SharedChange,
    count_sharing,
    describe_ages,
    fold_changes,
    fold_rights,
    list_sharing,
)
from reconciler.reports.fleet_words import count_row_group, describe_cell, describe_cell_state, summarize_fleet
from reconciler.reports.headline import summarize_drift, summarize_news, summarize_plan
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, Line, build_line, format_count, render_parts
from reconciler.reports.perspective import NOT_THERE, BuildHeaders, View
from reconciler.reports.rights import render_rights
from reconciler.reports.run_report import RunReport
from reconciler.reports.run_verdict import summarize_run
from reconciler.reports.step_table import VERDICTS, find_symbol
from reconciler.reports.table import Row, build_table, measure_columns, sum_widths
from reconciler.reports.text import MAX_BLOCKS, render_outcome_lines, render_step_lines
from reconciler.reports.unmanaged import summarize_unmanaged

MAX_FLEET_ROWS = 20
"""Targets of the matrix of a text; the worst stay, and the others are counted."""
_STYLES = {
    CellState.UNKNOWN: "bold red",
    CellState.NOT_APPLIED: "bold red",
    CellState.STALE: "bold yellow",
    CellState.LOST: "bold red",
    CellState.UNREAD: "red",
    CellState.REFUSED: "red",
    CellState.CHANGES: "yellow",
    CellState.ABSENT: "yellow",
    CellState.APPLIED: "green",
}


def render_fleet(report: RunReport, layout: Layout = PLAIN_LAYOUT, headers: BuildHeaders | None = None) -> str:
    """Return the report of a plan, a drift or an apply of many targets.

    With `headers` each request is shown whole, and nothing is folded or left out.
    """
    view = View(list_bounds(report), from_server=report.command == "drift", headers=headers)
    return render_parts(_render_report(report, layout, view), layout)


def _render_report(report: RunReport, layout: Layout, view: View) -> Iterator[Line]:
    matrix = build_fleet_matrix(report)
    yield build_line((_summarize_report(report), "bold"), hang=2)
    if news := summarize_news(report.drift):
        yield build_line(news, hang=2)
    yield build_line(summarize_fleet(matrix), hang=2)
    yield from _render_matrix(matrix, layout, view)
    steps = list(report.steps)
    folded = FoldedChanges((), tuple(steps)) if view.is_full else fold_changes(steps, report.plan.targets)
    # A reader who stops after the first screen has seen the worst.
    sections = [_render_shared(folded.shared, matrix, view), _render_others(folded, layout, view)]
    for section in reversed(sections) if folded.is_worse_apart else sections:
        yield from section
    # The plan of an apply was shown before, with all that belongs to it.
    if not report.outcomes:
        yield from _render_beside_steps(report, matrix, layout, view)


def _summarize_report(report: RunReport) -> str:
    if report.outcomes:
        return summarize_run(report)
    if report.command == "drift":
        return summarize_drift(report.plan, report.fleet)
    return summarize_plan(report.plan, report.refusals, report.fleet)


def _render_matrix(matrix: FleetMatrix, layout: Layout, view: View) -> Iterator[Line]:
    """Yield a row for each target that somebody should read, and how many others there are."""
    rows = matrix.loud_rows if view.is_full else matrix.loud_rows[:MAX_FLEET_ROWS]
    if not rows:  # the line above has said how many there are of each sort
        return
    yield build_line()
    yield from build_table(_fit_matrix_rows(matrix, rows, layout), layout)
    hidden = Counter(row.state for row in matrix.loud_rows[len(rows) :])
    groups = [
        f"{_count_group(matrix, state, number, 'more target')}, {view.remainder_hint}"
        for state, number in hidden.items()
    ]
    groups += [_count_group(matrix, state, len(targets)) for state, targets in matrix.quiet_groups.items()]
    for group in groups:
        yield build_line((f"(and {group})", "dim"), hang=2)


def _count_group(matrix: FleetMatrix, state: CellState, number: int, noun: str = "target") -> str:
    return count_row_group(state, matrix.command, number, noun)


def _fit_matrix_rows(matrix: FleetMatrix, rows: Sequence[FleetRow], layout: Layout) -> list[Row]:
    """Return a column a kind or, where there is no room for these, one that names the kinds that are not in sync."""
    heads = [_build_row_head(row, matrix) for row in rows]
    table = [
        {**head, **{kind: _build_text_cell(row, kind, matrix) for kind in matrix.kinds}}
        for head, row in zip(heads, rows, strict=True)
    ]
    # A cell that is broken would read as two: the columns stand as they are, or not at all.
    titles: Row = {name: (name, "") for name in table[0]}
    if not layout.width or sum_widths(measure_columns([titles, *table])) <= layout.width:
        return table
    return [{**head, "kinds": (_join_cells(row, matrix), "")} for head, row in zip(heads, rows, strict=True)]


def _build_row_head(row: FleetRow, matrix: FleetMatrix) -> Row:
    state = describe_cell_state(row.state, matrix.command)
    return {"target": (row.target, ""), "state": (state, _STYLES.get(row.state, ""))}


def _build_text_cell(row: FleetRow, kind: str, matrix: FleetMatrix) -> tuple[str, str]:
    cell = row.cells[matrix.kinds.index(kind)]
    return describe_cell(cell, matrix.command), _STYLES.get(cell.state, "dim")


def _join_cells(row: FleetRow, matrix: FleetMatrix) -> str:
    # Each kind by its name would take more lines than all there is to say.
    if row.state is CellState.LOST and {cell.state for cell in row.cells} <= {CellState.UNREAD}:
        return "nothing was read"
    cells = zip(matrix.kinds, row.cells, strict=True)
    quiet = {CellState.IN_SYNC, CellState.UNDECLARED}
    return "; ".join(f"{kind} {describe_cell(cell, matrix.command)}" for kind, cell in cells if cell.state not in quiet)


def _render_shared(changes: Sequence[SharedChange], matrix: FleetMatrix, view: View) -> Iterator[Line]:
    if not changes:
        return
    yield build_line()
    yield build_line((f"Shared by several targets: {format_count(len(changes), 'change')}", "bold"))
    for change in changes[:MAX_BLOCKS]:
        yield build_line()
        yield from _render_shared_change(change, matrix, view)
    if (hidden := len(changes) - MAX_BLOCKS) > 0:
        yield build_line()
        yield build_line((f"({format_count(hidden, 'more change')}, {view.remainder_hint})", "dim"))


def _render_shared_change(change: SharedChange, matrix: FleetMatrix, view: View) -> Iterator[Line]:
    step, outcome, _ = change.example
    verdict: list[str | tuple[str, str]] = [VERDICTS[outcome.verdict], " "] if outcome else []
    name = f"{step.address.kind} {step.address.label}"
    word = "acknowledged" if step.deferral else view.find_words(step).word
    yield build_line(
        *verdict, find_symbol(step, view), f" {word} {name}: ", (count_sharing(change, matrix), "bold"),
        (f"  {step.source}", "dim"), hang=4,
    )  # fmt: skip
    facts = [list_sharing(change, matrix), describe_ages(change), outcome.detail if outcome else ""]
    if change.names_project:
        facts.append(f"{PROJECT_PLACEHOLDER} stands for the project of each target")
    for fact in filter(None, facts):
        yield build_line(f"    {fact}", hang=6)
    # As below the table of an apply: what was sent stands in the plan before it.
    if not outcome:
        yield from render_fields(step, view, group_size=change.objects)


def _render_others(folded: FoldedChanges, layout: Layout, view: View) -> Iterator[Line]:
    if folded.shared and folded.remaining:
        yield build_line()
        yield build_line((f"Not shared: {format_count(len(folded.remaining), 'step')}", "bold"))
    outcomes = [reported.outcome for reported in folded.remaining if reported.outcome]
    if outcomes:
        yield from render_outcome_lines(outcomes, layout, view)
    else:
        yield from render_step_lines([reported.step for reported in folded.remaining], layout, view)


def _render_beside_steps(report: RunReport, matrix: FleetMatrix, layout: Layout, view: View) -> Iterator[Line]:
    """Yield what is no step: rights, what is missing and only told, what is left alone, what nobody declares."""
    plan = report.plan
    if plan.rights:
        yield build_line()
        yield from render_rights(fold_rights(report), view.remainder_hint, names_target=view.names_targets)
    if view.from_server:
        yield from _render_shared_absences(plan.absences, matrix, view)
    if plan.acknowledged:
        yield from _render_acknowledged(report, matrix, layout, view)
    if unmanaged := summarize_unmanaged(_sum_targets(plan.unmanaged)):
        yield build_line()
        yield build_line(unmanaged, hang=2)


def _render_acknowledged(report: RunReport, matrix: FleetMatrix, layout: Layout, view: View) -> Iterator[Line]:
    acknowledged = fold_changes(report.acknowledged, report.plan.targets)
    yield build_line()
    yield build_line(("Acknowledged and left alone:", "bold"))
    for change in acknowledged.shared:
        yield build_line()
        yield from _render_shared_change(change, matrix, view)
    yield from render_step_lines([reported.step for reported in acknowledged.remaining], layout, view)


def _render_shared_absences(absences: Iterable[Diagnostic], matrix: FleetMatrix, view: View) -> Iterator[Line]:
    """Yield objects that are only told to be missing, once for all targets where they are."""
    targets: dict[tuple[str, Diagnostic], list[str]] = {}
    for absence in absences:
        # Two diagnostics are equal where they read the same at one place, whichever objects they are about.
        if absence.address:
            key = (f"{absence.address.kind} {absence.address.label}", absence)
            targets.setdefault(key, []).append(absence.address.target)
    for (name, absence), names in list(targets.items())[:MAX_BLOCKS]:
        where = f"target {names[0]}" if len(names) == 1 else f"in {len(names):,} of {len(matrix.rows):,} targets"
        sign = (NOT_THERE.symbol, NOT_THERE.style)
        yield build_line()
        yield build_line(sign, f" {name}  {NOT_THERE.word}  {where}", (f"  {absence.source}", "dim"), hang=4)
        yield build_line(f"    {absence.message}", hang=4)
    if (hidden := len(targets) - MAX_BLOCKS) > 0:
        yield build_line((f"({format_count(hidden, 'more object')} not there, {view.remainder_hint})", "dim"))


def _sum_targets(counts: UnmanagedCounts) -> UnmanagedCounts:
    """Return the counts without the targets: hundreds of them are no line."""
    return {kind: {"": sum(by_target.values())} for kind, by_target in counts.items()}
