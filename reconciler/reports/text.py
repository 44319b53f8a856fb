"""A plan as its reviewer reads it: the verdict, one row an object, then the fields of each.

Every row cites the manifest's line. Hundreds of equal differences are shown once and counted; nothing is wrapped or
cropped unless the reader sits at a terminal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.model import Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep
from reconciler.reports.field_changes import render_fields
from reconciler.reports.headline import summarize_drift, summarize_outcomes, summarize_plan
from reconciler.reports.layout import (
    PLAIN_LAYOUT,
    Layout,
    Line,
    ReportPart,
    build_line,
    escape_ci_commands,
    format_count,
    render_parts,
)
from reconciler.reports.table import SYMBOLS, VERDICTS, build_step_table, describe_object
from reconciler.sanitize import escape_invisible

MAX_ROWS = 500
"""Rows of the table; where there are more, the riskiest stay."""

MAX_BLOCKS = 100
"""Steps, or groups of equal ones, whose fields are shown."""


def render_plan(plan: MaskedPlan, layout: Layout = PLAIN_LAYOUT, refusals: int = 0) -> str:
    """Return a plan's report; `refusals` is how many reasons there are not to apply it, told elsewhere as problems."""
    return render_parts(_render_comparison(summarize_plan(plan, refusals), plan, layout), layout)


def render_drift(plan: MaskedPlan, layout: Layout = PLAIN_LAYOUT) -> str:
    """Return the same comparison as news: what is no longer as declared. Values read `live -> declared`."""
    return render_parts(_render_comparison(summarize_drift(plan), plan, layout), layout)


def render_outcomes(
    outcomes: Sequence[MaskedOutcome], layout: Layout = PLAIN_LAYOUT, *, interrupted: bool = False
) -> str:
    """Return what became of each step; whatever did not simply succeed is explained below the table."""

    def report() -> Iterator[ReportPart]:
        yield build_line((summarize_outcomes(outcomes, interrupted=interrupted), "bold"))
        rows = _pick_foremost_rows([outcome.verdict is not Verdict.APPLIED for outcome in outcomes])
        yield build_line()
        yield build_step_table([outcomes[index].step for index in rows], layout, [outcomes[index] for index in rows])
        yield from _render_hidden_count(len(outcomes) - len(rows))
        for outcome in outcomes:
            if outcome.verdict is not Verdict.NOT_REACHED:
                yield from _render_detail(outcome)
        yield from _render_unreached(outcomes)

    return render_parts(report(), layout)


def sanitize_message(message: str) -> str:
    """Return a sentence of ours that may hold foreign names, harmless."""
    return escape_ci_commands("\n".join(escape_invisible(part) for part in message.split("\n")))


def _render_comparison(verdict: str, plan: MaskedPlan, layout: Layout) -> Iterator[ReportPart]:
    yield build_line((verdict, "bold"))
    for name, bound in sorted(plan.targets.items()):
        project = f" project {bound.project}" if bound.project else ""
        yield build_line((f"target {name}: {bound.url}{project}", "dim"))
    if plan.steps:
        rows = _pick_foremost_rows([step.risk.rank for step in plan.steps])
        yield build_line()
        yield build_step_table([plan.steps[index] for index in rows], layout)
        yield from _render_hidden_count(len(plan.steps) - len(rows))
        yield from _render_blocks(plan.steps)


def _pick_foremost_rows(weights: Sequence[int]) -> list[int]:
    """Return the places of the rows to show, the weightiest where there are too many, in their own order."""
    # sorted() is stable: among equals the first ones stay.
    return sorted(sorted(range(len(weights)), key=lambda index: -weights[index])[:MAX_ROWS])


def _render_hidden_count(hidden: int, noun: str = "more row") -> Iterator[Line]:
    if hidden:
        yield build_line((f"({format_count(hidden, noun)}, see --format json)", "dim"))


def _render_blocks(steps: Sequence[MaskedStep]) -> Iterator[Line]:
    """Yield the fields of each step, those of equal steps once."""
    groups: dict[str, list[MaskedStep]] = {}
    for step in steps:
        groups.setdefault(_build_likeness_key(step), []).append(step)
    first_groups = list(groups.values())[:MAX_BLOCKS]
    for group in first_groups:
        yield build_line()
        yield from _render_block(group)
    if hidden := len(steps) - sum(len(group) for group in first_groups):
        yield build_line()
        yield from _render_hidden_count(hidden, "more step")


def _build_likeness_key(step: MaskedStep) -> str:
    return json.dumps([step.address.kind, step.action, step.changes, step.refusal], sort_keys=True, default=str)


def _render_block(group: Sequence[MaskedStep]) -> Iterator[Line]:
    step = group[0]
    names = list(dict.fromkeys(member.address.name for member in group))
    title: list[str | tuple[str, str]] = [SYMBOLS[step.action], f" {step.address.kind} {_join_names(names)}"]
    if len(group) > 1:
        yield build_line(
            *title,
            f"  {format_count(len(group), 'object')} alike: {_join_names([*map(describe_object, group)])}",
        )
        yield from render_fields(step, group_size=len(group))
        return
    yield build_line(
        *title, f"  {description}" if (description := describe_object(step)) else "", (f"  {step.source}", "dim")
    )
    yield from render_fields(step)


def _join_names(names: Sequence[str], limit: int = 3) -> str:
    return ", ".join(names[:limit]) + (f", ... (+{len(names) - limit:,} more)" if len(names) > limit else "")


def _render_unreached(outcomes: Sequence[MaskedOutcome]) -> Iterator[Line]:
    """Yield why the steps at the end were not reached: it is the same for all of them."""
    reasons = Counter(outcome.detail for outcome in outcomes if outcome.verdict is Verdict.NOT_REACHED)
    for detail, number in reasons.items():
        yield build_line()
        yield build_line(VERDICTS[Verdict.NOT_REACHED], f"  {format_count(number, 'step')}: {detail}")


def _render_detail(outcome: MaskedOutcome) -> Iterator[Line]:
    """Yield what there is to say of a step that did not simply succeed."""
    split = len(set(outcome.verdicts)) > 1
    if not split and (not outcome.detail or outcome.verdict is Verdict.APPLIED):
        return
    step = outcome.step
    yield build_line()
    yield build_line(VERDICTS[outcome.verdict], f"  {step.address}  {describe_object(step)}".rstrip())
    if outcome.detail:
        yield build_line(f"    {outcome.detail}")
    if split:
        width = max(len(word) for word, _ in VERDICTS.values())
        for change, verdict in zip(step.changes, outcome.verdicts, strict=True):
            word, style = VERDICTS[verdict]
            yield build_line("    ", (f"{word:{width}}", style), f"  {change.path}")
