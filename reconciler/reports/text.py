"""A plan as its reviewer reads it: the verdict, one row an object, then the fields of each.

Every row cites the manifest's line. Hundreds of equal differences are shown once and counted; nothing is wrapped or
cropped unless the reader sits at a terminal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.diagnostics import Diagnostic
from reconciler.model import Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep
from reconciler.reports.alike_steps import build_likeness_key
from reconciler.reports.field_changes import render_fields
from reconciler.reports.headline import summarize_drift, summarize_news, summarize_outcomes, summarize_plan
from reconciler.reports.layout import PLAIN_LAYOUT, Layout, Line, build_line, format_count, render_parts
from reconciler.reports.object_names import describe_object
from reconciler.reports.perspective import NOT_THERE, BuildHeaders, View
from reconciler.reports.rights import render_rights
from reconciler.reports.step_table import VERDICTS, build_step_table, build_survey, find_symbol
from reconciler.reports.unmanaged import summarize_unmanaged

if TYPE_CHECKING:
    from reconciler.plans.drift_items import DriftComparison

MAX_ROWS = 500
"""Rows of the table; where there are more, the riskiest stay."""

MAX_BLOCKS = 100
"""Steps, or groups of equal ones, whose fields are shown."""

MAX_SURVEYED = 50
"""Rows that a reader takes in at a glance: where there are more, a survey stands before them."""

_MAX_OBJECTS = 3
"""Objects of a group of equal steps that its block names: the table has each."""


def render_plan(
    plan: MaskedPlan,
    layout: Layout = PLAIN_LAYOUT,
    refusals: int = 0,
    headers: BuildHeaders | None = None,
) -> str:
    """Return a plan's report; `refusals` is how many reasons there are not to apply it, told elsewhere as problems.

    With `headers` each request is shown whole, and nothing is grouped, cut or left out.
    """
    view = View(plan.targets, headers=headers)
    return render_parts(_render_comparison(summarize_plan(plan, refusals), plan, layout, view), layout)


def render_drift(
    plan: MaskedPlan,
    layout: Layout = PLAIN_LAYOUT,
    drift: DriftComparison | None = None,
) -> str:
    """Return the same comparison as news, from the server's side: what was declared, and what was found."""
    view = View(plan.targets, from_server=True)
    verdict, news = summarize_drift(plan), summarize_news(drift)
    return render_parts(_render_comparison(verdict, plan, layout, view, news), layout)


def render_outcomes(
    outcomes: Sequence[MaskedOutcome],
    layout: Layout = PLAIN_LAYOUT,
    *,
    interrupted: bool = False,
    view: View = View(),  # noqa: B008 - a frozen value
) -> str:
    """Return what became of each step; whatever did not simply succeed is explained below the table."""

    def report() -> Iterator[Line]:
        summary = summarize_outcomes(outcomes, interrupted=interrupted)
        yield build_line((summary, "bold"), hang=2)
        yield from render_outcome_lines(outcomes, layout, view)

    return render_parts(report(), layout)


def render_outcome_lines(outcomes: Sequence[MaskedOutcome], layout: Layout, view: View) -> Iterator[Line]:
    """Yield a row for each outcome, and below them what there is to say of those that did not simply succeed."""
    rows = _pick_foremost_rows([outcome.verdict is not Verdict.APPLIED for outcome in outcomes], view)
    yield build_line()
    shown = [outcomes[index] for index in rows]
    yield from build_step_table([outcome.step for outcome in shown], layout, view, shown)
    yield from _render_hidden_count(len(outcomes) - len(rows), view)
    for outcome in outcomes:
        if outcome.verdict is not Verdict.NOT_REACHED:
            yield from _render_detail(outcome, view)
    yield from _render_unreached(outcomes)


def name_target(step: MaskedStep, view: View) -> str:
    """Return the words that say which target a step is about; "" where there is only one."""
    return f"target {step.address.target}" if view.names_targets else ""


def _render_comparison(verdict: str, plan: MaskedPlan, layout: Layout, view: View, news: str = "") -> Iterator[Line]:
    yield build_line((verdict, "bold"), hang=2)
    if news:
        yield build_line(news, hang=2)
    for name, bound in sorted(plan.targets.items()):
        project = f" project {bound.project}" if bound.project else ""
        yield build_line((f"target {name}: {bound.url}{project}", "dim"), hang=2)
    yield from render_step_lines(plan.steps, layout, view)
    if plan.rights:
        yield build_line()
        yield from render_rights(plan.rights, view.remainder_hint, names_target=view.names_targets)
    if view.from_server:
        yield from _render_absences(plan.absences, view)
    if plan.acknowledged:
        yield build_line()
        yield build_line(("Acknowledged and left alone:", "bold"))
        yield from _render_blocks(plan.acknowledged, view, table_is_whole=False)
    if unmanaged := summarize_unmanaged(plan.unmanaged):
        if plan.steps or plan.acknowledged or (view.from_server and plan.absences):
            yield build_line()
        yield build_line(unmanaged, hang=2)


def render_step_lines(steps: Sequence[MaskedStep], layout: Layout, view: View) -> Iterator[Line]:
    """Yield a row for each step, and below them the fields of each; nothing where there are no steps."""
    if not steps:
        return
    rows = _pick_foremost_rows([step.risk.rank for step in steps], view)
    if len(steps) > MAX_SURVEYED:
        yield build_line()
        yield from build_survey(steps, layout, view)
    yield build_line()
    yield from build_step_table([steps[index] for index in rows], layout, view)
    yield from _render_hidden_count(len(steps) - len(rows), view)
    yield from _render_blocks(steps, view, table_is_whole=len(rows) == len(steps))


def _render_absences(absences: Sequence[Diagnostic], view: View) -> Iterator[Line]:
    """Yield what has no step, and is a difference all the same: objects that are only to be told, where they miss."""
    for absence in absences[:MAX_BLOCKS]:
        address = absence.address
        target = f"  target {address.target}" if address and view.names_targets else ""
        name = f"{address.kind} {address.label}" if address else ""
        yield build_line()
        yield build_line(
            (NOT_THERE.symbol, NOT_THERE.style),
            f" {name}  {NOT_THERE.word}{target}",
            (f"  {absence.source}", "dim"),
            hang=4,
        )
        yield build_line(f"    {absence.message}", hang=4)
    if len(absences) > MAX_BLOCKS:
        yield build_line()
        yield from _render_hidden_count(len(absences) - MAX_BLOCKS, view, "more object that is not there")


def _pick_foremost_rows(weights: Sequence[int], view: View) -> list[int]:
    """Return the places of the rows to show, the weightiest where there are too many, in their own order."""
    # sorted() is stable: among equals the first ones stay.
    limit = len(weights) if view.is_full else MAX_ROWS
    return sorted(sorted(range(len(weights)), key=lambda index: -weights[index])[:limit])


def _render_hidden_count(hidden: int, view: View, noun: str = "more row") -> Iterator[Line]:
    if hidden:
        yield build_line((f"({format_count(hidden, noun)}, {view.remainder_hint})", "dim"))


def _render_blocks(steps: Sequence[MaskedStep], view: View, *, table_is_whole: bool) -> Iterator[Line]:
    """Yield the fields of each step, those of equal steps once."""
    groups: dict[Hashable, list[MaskedStep]] = {}
    for number, step in enumerate(steps):
        groups.setdefault(number if view.is_full else build_likeness_key(step), []).append(step)
    first_groups = list(groups.values())[: len(groups) if view.is_full else MAX_BLOCKS]
    for group in first_groups:
        yield build_line()
        yield from _render_block(group, view, "each in the table" if table_is_whole else view.remainder_hint)
    if hidden := len(steps) - sum(len(group) for group in first_groups):
        yield build_line()
        yield from _render_hidden_count(hidden, view, "more step")


def _render_block(group: Sequence[MaskedStep], view: View, remainder_hint: str) -> Iterator[Line]:
    step = group[0]
    names = _join_names(list(dict.fromkeys(member.address.label for member in group)))
    title: list[str | tuple[str, str]] = [find_symbol(step, view), f" {step.address.kind} {names}"]
    target = name_target(step, view)
    if len(group) == 1:
        facts = [text for text in (describe_object(step, view), _tell_missing(step, view), target) if text]
        yield build_line(*title, *(f"  {text}" for text in facts), (f"  {step.source}", "dim"), hang=4)
        yield from render_fields(step, view)
        return
    facts = [f"{format_count(len(group), 'object')} alike", *([target] if target else [])]
    yield build_line(*title, *(f"  {text}" for text in facts), hang=4)
    for member in group[:_MAX_OBJECTS]:
        yield build_line(f"    {describe_object(member, view)}", hang=6)
    if len(group) > _MAX_OBJECTS:
        yield build_line((f"    and {len(group) - _MAX_OBJECTS:,} more, {remainder_hint}", "dim"))
    yield from render_fields(step, view, group_size=len(group))


def _tell_missing(step: MaskedStep, view: View) -> str:
    return f"{view.find_words(step).word} on the server" if view.from_server and step.finds_nothing else ""


def _join_names(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f", ... (+{len(names) - limit:,} more)" if len(names) > limit else "")


def _render_unreached(outcomes: Sequence[MaskedOutcome]) -> Iterator[Line]:
    """Yield why the steps at the end were not reached: it is the same for all of them."""
    reasons = Counter(outcome.detail for outcome in outcomes if outcome.verdict is Verdict.NOT_REACHED)
    for detail, number in reasons.items():
        yield build_line()
        yield build_line(VERDICTS[Verdict.NOT_REACHED], f"  {format_count(number, 'step')}: {detail}", hang=4)


def _render_detail(outcome: MaskedOutcome, view: View) -> Iterator[Line]:
    """Yield what there is to say of a step that did not simply succeed."""
    split = len(set(outcome.verdicts)) > 1
    if not split and (not outcome.detail or outcome.verdict is Verdict.APPLIED):
        return
    step = outcome.step
    facts = [text for text in (str(step.address), describe_object(step, view), name_target(step, view)) if text]
    yield build_line()
    yield build_line(VERDICTS[outcome.verdict], *(f"  {text}" for text in facts), hang=4)
    if outcome.detail:
        yield build_line(f"    {outcome.detail}", hang=4)
    if split:
        width = max(len(word) for word, _ in VERDICTS.values())
        names = {subject.path: f"  {subject.name}" for subject in step.subjects if subject.path}
        for change, verdict in zip(step.changes, outcome.verdicts, strict=True):
            word, style = VERDICTS[verdict]
            yield build_line("    ", (f"{word:{width}}", style), f"  {change.path}{names.get(change.path, '')}")
