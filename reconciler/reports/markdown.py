"""A run as a comment on a pull request: the verdict, one row an object, the fields folded.

GitHub takes 65,536 characters in a comment. What doesn't fit is left out at the borders of objects, the least risky
first, and the report says how many there are and where the whole is. Its first line is a comment that stays the same
for the same command and selection: whoever posts it finds the one of before, and edits it in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.diagnostics import Diagnostic
from reconciler.reports.blame import describe_evidence, group_fields
from reconciler.reports.fleet_markdown import (
    MarkdownSection,
    build_matrix_sections,
    build_shared_fields,
    build_shared_section,
)
from reconciler.reports.fleet_matrix import FleetMatrix, build_fleet_matrix, is_fleet
from reconciler.reports.fleet_problems import fold_diagnostics, fold_notes
from reconciler.reports.fleet_sharing import SharedChange, fold_changes, fold_rights
from reconciler.reports.fleet_words import summarize_fleet
from reconciler.reports.layout import PLAIN_LAYOUT, escape_ci_commands, format_count
from reconciler.reports.markdown_runs import RUN_TABLE_HEAD, build_run_row, build_run_steps, list_withdrawal_lines
from reconciler.reports.markdown_steps import build_fields, build_row, build_table_head, pick_columns
from reconciler.reports.markdown_text import build_fence, measure_markdown, quote_code, quote_words
from reconciler.reports.perspective import View
from reconciler.reports.rights import describe_rights, summarize_rights
from reconciler.reports.run_report import ReportedStep, RunReport
from reconciler.reports.run_verdict import describe_verdict, summarize_run
from reconciler.reports.step_table import build_survey
from reconciler.reports.text import MAX_SURVEYED
from reconciler.reports.unmanaged import summarize_unmanaged
from reconciler.rights import RightsChange

if TYPE_CHECKING:
    from reconciler.reports.formats import FormatContext

MAX_CHARACTERS = 65_000
"""Of a report; what is left to 65,536 is for whoever adds a line of their own."""
_RESERVED = 1_500
_SHARE_OF_PROBLEMS = 0.4
_SHARE_OF_ROWS = 0.7
_SHARE_OF_TARGETS = 0.3
_SHARE_OF_SHARED = 0.5
_MAX_TARGETS = 10
_MAX_NOTES = 50
_MAX_CLEARED = 50
_MAX_RIGHTS = 20
_UNSAFE_IN_MARKER = re.compile(r"[^\w.,:]+")


class _Sheet:
    """Lines, as long as there is room for them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._size = 0

    def add(self, *lines: str, share: float = 1.0) -> bool:
        """Add all of these lines, or none where they go beyond this share of the room; says whether they are there."""
        size = sum(measure_markdown(line) + 1 for line in lines)
        if self._size + size > (MAX_CHARACTERS - _RESERVED) * share:
            return False
        self.lines.extend(lines)
        self._size += size
        return True


def render_markdown(report: RunReport, context: FormatContext) -> str:
    """Return the run as Markdown of at most 65,536 characters."""
    sheet = _Sheet()
    verdict = describe_verdict(report)
    sheet.add(_build_marker(report, context), f"### {verdict.icon} {report.command}: {verdict.word}", "")
    for line in filter(None, summarize_run(report).split("\n")):
        sheet.add(quote_words(line), "")
    sheet.add(" · ".join(_list_facts(report, context)))
    remainder_place = context.whole_result or context.link
    matrix = build_fleet_matrix(report) if is_fleet(report) else None
    if matrix:
        _add_matrix(sheet, matrix, remainder_place)
    _add_problems(sheet, fold_diagnostics(report, report.all_problems), remainder_place)
    _add_list(sheet, "Found", report.findings, remainder_place)
    if matrix:
        _add_fleet_steps(sheet, report, matrix, remainder_place)
    else:
        _add_steps(sheet, report, list(report.steps), remainder_place)
    _add_rights(sheet, report, remainder_place)
    _add_blame(sheet, report, remainder_place)
    _add_acknowledged(sheet, report, remainder_place)
    absences = fold_diagnostics(report, sorted(report.plan.absences))
    _add_list(sheet, "Not there, and only told", absences, remainder_place)
    _add_runs(sheet, report, remainder_place)
    _add_withdrawals(sheet, report, remainder_place)
    _add_cleared(sheet, report)
    _add_notes(sheet, report)
    return "\n".join(sheet.lines) + "\n"


def _build_marker(report: RunReport, context: FormatContext) -> str:
    # `--` may not stand in a comment (HTML, 13.1.6).
    return f"<!-- reconciler:{report.command}:{_UNSAFE_IN_MARKER.sub('-', context.scope)} -->"


def _list_facts(report: RunReport, context: FormatContext) -> Iterator[str]:
    """Yield what else is to be known of the run: how it ended, how much it compared, when and where it was."""
    compared = report.plan.compared
    yield f"exit {int(report.exit)} ({report.exit.word.replace('_', ' ')})"
    if compared.of:
        yield f"compared {compared.objects:,} of {compared.of:,}"
    if targets := sorted(report.plan.targets):
        more = f" and {len(targets) - _MAX_TARGETS:,} more" if len(targets) > _MAX_TARGETS else ""
        names = ", ".join(map(quote_code, targets[:_MAX_TARGETS]))
        yield f"{'targets' if len(targets) > 1 else 'target'} {names}{more}"
    if unmanaged := summarize_unmanaged(report.plan.unmanaged):
        yield unmanaged
    if report.plan_digest:
        yield f"plan {quote_code(report.plan_digest)}"
    yield f"{context.moment:%Y-%m-%d %H:%M} UTC"
    if context.link.startswith(("https://", "http://")) and not set(context.link) & set(" ()<>[]\\\"'`|"):
        yield f"[job]({context.link})"


def _add_problems(sheet: _Sheet, problems: Sequence[Diagnostic], remainder_place: str) -> None:
    _add_list(sheet, "To be mended", problems, remainder_place, share=_SHARE_OF_PROBLEMS)


def _add_list(
    sheet: _Sheet, title: str, diagnostics: Sequence[Diagnostic], remainder_place: str, *, share: float = 1.0
) -> None:
    if not diagnostics:
        return
    sheet.add("", f"**{title}: {len(diagnostics):,}**", "")
    shown = _count_added(sheet.add(_format_diagnostic(problem), share=share) for problem in diagnostics)
    _tell_rest(sheet, len(diagnostics) - shown, "more", remainder_place)


def _format_diagnostic(problem: Diagnostic) -> str:
    words = "; ".join(quote_words(part) for part in (problem.summary, problem.reason, problem.remedy) if part)
    return f"- {quote_code(str(problem.source))}: {words}"


def _count_added(answers: Iterable[bool]) -> int:
    """Say how many there was room for: nothing is left out in between."""
    number = 0
    for is_added in answers:
        if not is_added:
            break
        number += 1
    return number


def _add_matrix(sheet: _Sheet, matrix: FleetMatrix, remainder_place: str) -> None:
    """Add a row for each target of a fleet, the worst first: before the problems, which may be as many."""
    sheet.add("", quote_words(summarize_fleet(matrix)), "")
    for section in build_matrix_sections(matrix):
        row_count = _add_section(sheet, section, _SHARE_OF_TARGETS)
        _tell_rest(sheet, len(section.rows) - row_count, "more target", remainder_place)


def _add_fleet_steps(sheet: _Sheet, report: RunReport, matrix: FleetMatrix, remainder_place: str) -> None:
    """Add the steps of a fleet, what targets share once for all of them; what went wrong stands first."""
    folded = fold_changes(report.steps, report.plan.targets)
    if folded.is_worse_apart:
        _add_steps(sheet, report, folded.remaining, remainder_place)
    _add_shared_changes(sheet, report, folded.shared, matrix, remainder_place)
    if not folded.is_worse_apart:
        _add_steps(sheet, report, folded.remaining, remainder_place)


def _add_shared_changes(
    sheet: _Sheet, report: RunReport, changes: Sequence[SharedChange], matrix: FleetMatrix, remainder_place: str
) -> None:
    """Add a row for each change that targets share, and below them the fields of each."""
    section = build_shared_section(changes, matrix, report)
    row_count = _add_section(sheet, section, _SHARE_OF_SHARED)
    _tell_rest(sheet, len(section.rows) - row_count, "more shared change", remainder_place)
    unfolded = _count_added(
        sheet.add(*build_shared_fields(change, matrix, report), share=_SHARE_OF_ROWS) for change in changes[:row_count]
    )
    if row_count:
        _tell_rest(sheet, row_count - unfolded, "shared change", remainder_place, "whose fields are left out here")


def _add_section(sheet: _Sheet, section: MarkdownSection, share: float) -> int:
    """Add a table with as many of its rows as have room, and say how many; without a row there is no table."""
    if not sheet.add(*section.head, *section.rows[:1], share=share):
        return 0
    row_count = _count_added(sheet.add(row, share=share) for row in section.rows[1:])
    # What the head has opened is closed, whatever room there is.
    sheet.lines += section.tail
    return row_count + min(1, len(section.rows))


def _add_steps(sheet: _Sheet, report: RunReport, steps: Sequence[ReportedStep], remainder_place: str) -> None:
    """Add a row for each step, the riskiest where there is no room for all, and below them the fields of each."""
    if not steps:
        return
    view = View(report.plan.targets, from_server=report.command == "drift")
    columns = pick_columns(report, view)
    if len(steps) > MAX_SURVEYED:
        survey = build_survey([reported.step for reported in steps], PLAIN_LAYOUT, view)
        sheet.add("", *build_fence([escape_ci_commands(line.plain.rstrip()) for line in survey], "text"))
    sheet.add("", *build_table_head(columns))
    foremost = sorted(range(len(steps)), key=lambda index: _weigh(steps[index]), reverse=True)
    rows: dict[int, str] = {}
    budget = _Sheet()
    budget.add(*sheet.lines)
    for index in foremost:
        row = build_row(steps[index], columns, view)
        if not budget.add(row, share=_SHARE_OF_ROWS):
            break
        rows[index] = row
    sheet.add(*(rows[index] for index in sorted(rows)))
    _tell_rest(sheet, len(steps) - len(rows), "more object", remainder_place, "of no higher risk")
    sheet.add("")
    folded = (sheet.add(*build_fields(steps[index], view)) for index in foremost[: len(rows)])
    shown = _count_added(folded)
    if rows:
        _tell_rest(sheet, len(rows) - shown, "object", remainder_place, "whose fields are left out here")


def _add_blame(sheet: _Sheet, report: RunReport, remainder_place: str) -> None:
    """Add who changed what, where that was asked for, folded."""
    lines = [
        f"- {quote_code(f'{step.address} {step.object}'.strip())} {quote_words(', '.join(fields))}: "
        f"{quote_words(describe_evidence(found))}"
        for step, all_evidence in zip(report.plan.steps, report.evidence, strict=False)
        for found, fields in group_fields(step, all_evidence).items()
    ]
    if lines:
        sheet.add("", f"<details><summary>Who and when: {len(lines):,}</summary>", "")
        _tell_rest(sheet, len(lines) - _count_added(map(sheet.add, lines)), "more", remainder_place)
        sheet.add("", "</details>")


def _add_acknowledged(sheet: _Sheet, report: RunReport, remainder_place: str) -> None:
    """Add what is left alone until a day, folded, each with its day and its manifest."""
    acknowledged = list(report.acknowledged)
    if not acknowledged:
        return
    view = View(report.plan.targets, from_server=report.command == "drift")
    sheet.add("", f"**Acknowledged and left alone: {len(acknowledged):,}**", "")
    shown = _count_added(sheet.add(*build_fields(reported, view)) for reported in acknowledged)
    _tell_rest(sheet, len(acknowledged) - shown, "more", remainder_place)


def _weigh(reported: ReportedStep) -> tuple[int, int]:
    """What went wrong stands before what is risky."""
    is_unsettled = reported.outcome is not None and reported.outcome.verdict.value not in {"applied", "unchanged"}
    return (int(is_unsettled), reported.step.risk.rank)


def _add_runs(sheet: _Sheet, report: RunReport, remainder_place: str) -> None:
    """Add a row for each run, the newest first, and below them what each did."""
    if not report.runs:
        return
    sheet.add("", *RUN_TABLE_HEAD)
    rows = _count_added(sheet.add(build_run_row(run), share=_SHARE_OF_ROWS) for run in report.runs)
    _tell_rest(sheet, len(report.runs) - rows, "more run", remainder_place)
    sheet.add("")
    for run in report.runs[:rows]:
        steps = build_run_steps(run)
        if not sheet.add(*steps):
            _tell_rest(sheet, len(run.steps), "step", remainder_place, f"of {run.record.command} left out here")


def _add_rights(sheet: _Sheet, report: RunReport, remainder_place: str) -> None:
    """Add who gains and who loses rights, the greatest changes first."""
    changes = fold_rights(report)
    if not changes:
        return
    sheet.add("", f"**{quote_words(summarize_rights(changes))}**", "")
    names_target = len(report.plan.targets) > 1
    rows = map(partial(_format_rights, names_target=names_target), changes[:_MAX_RIGHTS])
    shown = _count_added(sheet.add(row) for row in rows)
    _tell_rest(sheet, len(changes) - shown, "more principal", remainder_place)


def _format_rights(change: RightsChange, *, names_target: bool) -> str:
    words = describe_rights(change, names_target=names_target, quote=quote_code)
    warning = f"; **{quote_words(words.warning)}**" if words.warning else ""
    return f"- {quote_code(words.who)} {words.changes}{warning}"


def _add_withdrawals(sheet: _Sheet, report: RunReport, remainder_place: str) -> None:
    lines = list(list_withdrawal_lines(report.members))
    if lines:
        sheet.add("", f"**No longer declared, and left as it is: {len(lines):,}**", "")
        _tell_rest(sheet, len(lines) - _count_added(map(sheet.add, lines)), "more", remainder_place)


def _add_cleared(sheet: _Sheet, report: RunReport) -> None:
    cleared = report.drift.cleared if report.drift else ()
    if not cleared:
        return
    sheet.add("", f"<details><summary>Cleared since earlier runs: {len(cleared):,}</summary>", "")
    for difference in islice(cleared, _MAX_CLEARED):
        name = f"{difference.address} {difference.path}".strip()
        sheet.add(f"- {quote_code(name)}, there since {difference.since[:10]}")
    _tell_rest(sheet, len(cleared) - _MAX_CLEARED, "more", "")
    sheet.add("", "</details>")


def _add_notes(sheet: _Sheet, report: RunReport) -> None:
    notes = fold_notes(report)
    if not notes:
        return
    lines = [_format_diagnostic(note) for note in notes[:_MAX_NOTES]]
    more = [f"- and {len(notes) - _MAX_NOTES:,} more"] if len(notes) > _MAX_NOTES else []
    sheet.add("", f"<details><summary>Notes: {len(notes):,}</summary>", "", *lines, *more, "", "</details>")


def _tell_rest(sheet: _Sheet, number: int, noun: str, remainder_place: str, which: str = "") -> None:
    """Say how much is left out and where it is; there is always room for that."""
    if number > 0:
        count = f"{number:,} {noun}" if noun == "more" else format_count(number, noun)
        hint = (
            f"; all of it is in {quote_words(remainder_place)}"
            if remainder_place
            else "; a report in the format json has all of it"
        )
        sheet.lines += ["", f"*({' '.join(filter(None, (count, which)))}{hint})*", ""]
