"""The first line of a report: what it comes to, in numbers that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.model import Action, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep
from reconciler.plans.summary import count_by_verdict, count_in_sync
from reconciler.reports.layout import format_count

_VERDICT_WORDS = {
    Verdict.APPLIED: "applied",
    Verdict.UNCHANGED: "needed nothing any more",
    Verdict.NOT_APPLIED: "NOT APPLIED",
    Verdict.STALE: "STALE",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.NOT_REACHED: "not reached",
}


_GOOD_VERDICTS = {Verdict.APPLIED, Verdict.UNCHANGED}


def summarize_plan(plan: MaskedPlan, refusals: int = 0) -> str:
    """Say what a plan comes to. Only a whole, complete comparison without a difference is called in sync."""
    if not plan.steps and plan.complete and not refusals:
        return _describe_no_change(plan, "nothing to do")
    return f"{_describe_caveats(plan, refusals)}{_describe_counts(plan, _describe_planned)}"


def summarize_drift(plan: MaskedPlan) -> str:
    """Say how far the live state is from what is declared."""
    if not plan.steps and plan.complete:
        return _describe_no_change(plan, "no drift")
    differing = sum(step.weight for step in plan.steps)
    drift = (
        f"Drift: {differing:,} of {format_count(plan.compared.objects, 'object')} not as declared: "
        if differing
        else ""
    )
    return f"{_describe_caveats(plan, 0)}{drift}{_describe_counts(plan, _describe_drifted)}"


def summarize_outcomes(outcomes: Sequence[MaskedOutcome], *, interrupted: bool = False) -> str:
    """Say what became of every object in the plan; the numbers add up to it."""
    total = sum(outcome.step.weight for outcome in outcomes)
    counts = {verdict: number for verdict, number in count_by_verdict(outcomes).items() if number}
    if not interrupted and set(counts) == {Verdict.APPLIED}:
        return f"Applied: {format_count(total, 'change')}, each confirmed by reading back."
    summary = ", ".join(f"{number:,} {_VERDICT_WORDS[verdict]}" for verdict, number in counts.items())
    headline = "NOT ALL APPLIED" if set(counts) - _GOOD_VERDICTS else "Applied"
    headline = "INTERRUPTED" if interrupted else headline
    return f"{headline}: {summary or 'nothing was sent'}  (of {format_count(total, 'change')})"


def _describe_no_change(plan: MaskedPlan, message: str) -> str:
    comparison = f"compared {plan.compared.objects:,} of {plan.compared.of:,}"
    if plan.selection:
        return f"Partial run ({plan.selection}): {comparison}, {message} among them."
    return f"In sync: {comparison}, {message}."


def _describe_caveats(plan: MaskedPlan, refusals: int) -> str:
    """What keeps the counts from being the whole story comes before them."""
    caveats = []
    if plan.gaps:
        caveats.append(f"INCOMPLETE, {format_count(len(plan.gaps), 'thing')} could not be read")
    if plan.problems:
        caveats.append(f"INVALID, {format_count(len(plan.problems), 'problem')}")
    if refusals:
        caveats.append(f"REFUSED, {format_count(refusals, 'reason')}")
    if plan.selection:
        caveats.append(f"partial run ({plan.selection})")
    joined = "; ".join(caveats)
    return f"{joined[:1].upper()}{joined[1:]}: " if joined else ""


def _describe_counts(plan: MaskedPlan, describe: Callable[[int, Action], str]) -> str:
    sendable = [step for step in plan.steps if step.request]
    amounts = [
        describe(number, action)
        for action in Action
        if (number := _sum_weights(s for s in sendable if s.action is action))
    ]
    parts = [", ".join(amounts)] if amounts else []
    if withheld := _sum_weights(step for step in plan.steps if not step.request):
        parts.append(f"{withheld:,} can't be changed")
    if unchanged := count_in_sync(plan.compared, plan.steps):
        parts.append(f"{unchanged:,} {'in sync' if plan.complete and not plan.selection else 'unchanged'}")
    risks = [
        f"{number:,} {label}"
        for risk, label in ((Risk.HIGH, "high risk"), (Risk.IRREVERSIBLE, "irreversible"))
        if (number := _sum_weights(step for step in sendable if step.risk is risk))
    ]
    parts += [", ".join(risks)] if risks else []
    if not plan.steps:
        parts.insert(0, "no difference in what was compared" if plan.compared.objects else "nothing was compared")
    return f"{'; '.join(parts)}  (compared {plan.compared.objects:,} of {plan.compared.of:,})"


def _describe_planned(number: int, action: Action) -> str:
    return f"{number:,} to {action.value}"


def _describe_drifted(number: int, action: Action) -> str:
    words = {Action.CREATE: "missing", Action.UPDATE: "changed", Action.CLEAR: "not empty", Action.DENY: "not denied"}
    return f"{number:,} {words[action]}"


def _sum_weights(steps: Iterable[MaskedStep]) -> int:
    return sum(step.weight for step in steps)
