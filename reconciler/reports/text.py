"""A plan as its reviewer reads it: the verdict, one row an object, then the fields of each.

Every row cites the manifest's line. Hundreds of equal differences are shown once and counted; nothing is wrapped or
cropped unless the reader sits at a terminal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.model import Outcome, Plan, Step, Verdict
from reconciler.reports.field_changes import fields
from reconciler.reports.headline import apply_verdict, drift_verdict, plan_verdict
from reconciler.reports.layout import PLAIN, Line, Look, Part, count, drawn, inert, line
from reconciler.reports.table import SYMBOLS, VERDICTS, about, table
from reconciler.sanitize import visible

ROWS = 500
"""Rows of the table; where there are more, the riskiest stay."""

BLOCKS = 100
"""Steps, or groups of equal ones, whose fields are shown."""


def plan(plan: Plan, look: Look = PLAIN, refusals: int = 0) -> str:
    """Return a plan's report; `refusals` is how many reasons there are not to apply it, told elsewhere as problems."""
    return drawn(_report(plan_verdict(plan, refusals), plan, look), look)


def drift(plan: Plan, look: Look = PLAIN) -> str:
    """Return the same comparison as news: what is no longer as declared. Values read `live -> declared`."""
    return drawn(_report(drift_verdict(plan), plan, look), look)


def applied(outcomes: Sequence[Outcome], look: Look = PLAIN, *, interrupted: bool = False) -> str:
    """Return what became of each step; whatever did not simply succeed is explained below the table."""

    def report() -> Iterator[Part]:
        yield line((apply_verdict(outcomes, interrupted=interrupted), "bold"))
        rows = _foremost([outcome.verdict is not Verdict.APPLIED for outcome in outcomes])
        yield line()
        yield table([outcomes[at].step for at in rows], look, [outcomes[at] for at in rows])
        yield from _more(len(outcomes) - len(rows))
        for outcome in outcomes:
            if outcome.verdict is not Verdict.NOT_REACHED:
                yield from _detail(outcome)
        yield from _unreached(outcomes)

    return drawn(report(), look)


def plainly(said: str) -> str:
    """Return a sentence of ours that may hold foreign names, harmless."""
    return inert("\n".join(visible(part) for part in said.split("\n")))


def _report(verdict: str, plan: Plan, look: Look) -> Iterator[Part]:
    yield line((verdict, "bold"))
    for name, bound in sorted(plan.targets.items()):
        project = f" project {bound.project}" if bound.project else ""
        yield line((f"target {name}: {bound.url}{project}", "dim"))
    if plan.steps:
        rows = _foremost([step.risk.rank for step in plan.steps])
        yield line()
        yield table([plan.steps[at] for at in rows], look)
        yield from _more(len(plan.steps) - len(rows))
        yield from _blocks(plan.steps)


def _foremost(weights: Sequence[int]) -> list[int]:
    """Return the places of the rows to show, the weightiest where there are too many, in their own order."""
    # sorted() is stable: among equals the first ones stay.
    return sorted(sorted(range(len(weights)), key=lambda at: -weights[at])[:ROWS])


def _more(rest: int, noun: str = "more row") -> Iterator[Line]:
    if rest:
        yield line((f"({count(rest, noun)}, see --format json)", "dim"))


def _blocks(steps: Sequence[Step]) -> Iterator[Line]:
    """Yield the fields of each step, those of equal steps once."""
    groups: dict[str, list[Step]] = {}
    for step in steps:
        groups.setdefault(_likeness(step), []).append(step)
    shown = list(groups.values())[:BLOCKS]
    for alike in shown:
        yield line()
        yield from _block(alike)
    if rest := len(steps) - sum(len(alike) for alike in shown):
        yield line()
        yield from _more(rest, "more step")


def _likeness(step: Step) -> str:
    return json.dumps([step.address.kind, step.action, step.changes, step.refusal], sort_keys=True, default=str)


def _block(alike: Sequence[Step]) -> Iterator[Line]:
    step = alike[0]
    names = list(dict.fromkeys(one.address.name for one in alike))
    title: list[str | tuple[str, str]] = [SYMBOLS[step.action], f" {step.address.kind} {_listed(names)}"]
    if len(alike) > 1:
        yield line(*title, f"  {count(len(alike), 'object')} alike: {_listed([about(one) for one in alike])}")
        yield from fields(step, alike=len(alike))
        return
    yield line(*title, f"  {told}" if (told := about(step)) else "", (f"  {step.source}", "dim"))
    yield from fields(step)


def _listed(names: Sequence[str], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f", ... (+{len(names) - most:,} more)" if len(names) > most else "")


def _unreached(outcomes: Sequence[Outcome]) -> Iterator[Line]:
    """Yield why the steps at the end were not reached: it is the same for all of them."""
    reasons = Counter(outcome.detail for outcome in outcomes if outcome.verdict is Verdict.NOT_REACHED)
    for detail, number in reasons.items():
        yield line()
        yield line(VERDICTS[Verdict.NOT_REACHED], f"  {count(number, 'step')}: {detail}")


def _detail(outcome: Outcome) -> Iterator[Line]:
    """Yield what there is to say of a step that did not simply succeed."""
    split = len(set(outcome.verdicts)) > 1
    if not split and (not outcome.detail or outcome.verdict is Verdict.APPLIED):
        return
    step = outcome.step
    yield line()
    yield line(VERDICTS[outcome.verdict], f"  {step.address}  {about(step)}".rstrip())
    if outcome.detail:
        yield line(f"    {outcome.detail}")
    if split:
        width = max(len(word) for word, _ in VERDICTS.values())
        for change, verdict in zip(step.changes, outcome.verdicts, strict=True):
            word, style = VERDICTS[verdict]
            yield line("    ", (f"{word:{width}}", style), f"  {change.path}")
