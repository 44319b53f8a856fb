"""The first line of a report: what it comes to, in numbers that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reconciler.model import Action, Outcome, Plan, Risk, Step, Verdict
from reconciler.reports.json_document import by_verdict, in_sync
from reconciler.reports.layout import count

_VERDICT_WORDS = {
    Verdict.APPLIED: "applied",
    Verdict.UNCHANGED: "needed nothing any more",
    Verdict.NOT_APPLIED: "NOT APPLIED",
    Verdict.STALE: "STALE",
    Verdict.UNKNOWN: "UNKNOWN",
    Verdict.NOT_REACHED: "not reached",
}


_FINE = {Verdict.APPLIED, Verdict.UNCHANGED}


def plan_verdict(plan: Plan, refusals: int = 0) -> str:
    """Say what a plan comes to. Only a whole, complete comparison without a difference is called in sync."""
    if not plan.steps and plan.complete and not refusals:
        return _nothing(plan, "nothing to do")
    return f"{_caveat(plan, refusals)}{_counts(plan, _planned)}"


def drift_verdict(plan: Plan) -> str:
    """Say how far the live state is from what is declared."""
    if not plan.steps and plan.complete:
        return _nothing(plan, "no drift")
    differing = sum(step.weight for step in plan.steps)
    drift = f"Drift: {differing:,} of {count(plan.compared.objects, 'object')} not as declared: " if differing else ""
    return f"{_caveat(plan, 0)}{drift}{_counts(plan, _drifted)}"


def apply_verdict(outcomes: Sequence[Outcome], *, interrupted: bool = False) -> str:
    """Say what became of every object in the plan; the numbers add up to it."""
    total = sum(outcome.step.weight for outcome in outcomes)
    held = {verdict: number for verdict, number in by_verdict(outcomes).items() if number}
    if not interrupted and set(held) == {Verdict.APPLIED}:
        return f"Applied: {count(total, 'change')}, each confirmed by reading back."
    said = ", ".join(f"{number:,} {_VERDICT_WORDS[verdict]}" for verdict, number in held.items())
    short = "NOT ALL APPLIED" if set(held) - _FINE else "Applied"
    return f"{'INTERRUPTED' if interrupted else short}: {said or 'nothing was sent'}  (of {count(total, 'change')})"


def _nothing(plan: Plan, said: str) -> str:
    seen = f"compared {plan.compared.objects:,} of {plan.compared.of:,}"
    if plan.selection:
        return f"Partial run ({plan.selection}): {seen}, {said} among them."
    return f"In sync: {seen}, {said}."


def _caveat(plan: Plan, refusals: int) -> str:
    """What keeps the counts from being the whole story comes before them."""
    said = []
    if plan.gaps:
        said.append(f"INCOMPLETE, {count(len(plan.gaps), 'thing')} could not be read")
    if plan.problems:
        said.append(f"INVALID, {count(len(plan.problems), 'problem')}")
    if refusals:
        said.append(f"REFUSED, {count(refusals, 'reason')}")
    if plan.selection:
        said.append(f"partial run ({plan.selection})")
    told = "; ".join(said)
    return f"{told[:1].upper()}{told[1:]}: " if told else ""


def _counts(plan: Plan, word: Callable[[int, Action], str]) -> str:
    sendable = [step for step in plan.steps if step.request]
    said = [word(number, action) for action in Action if (number := _weight(s for s in sendable if s.action is action))]
    parts = [", ".join(said)] if said else []
    if withheld := _weight(step for step in plan.steps if not step.request):
        parts.append(f"{withheld:,} can't be changed")
    if same := in_sync(plan.compared, plan.steps):
        parts.append(f"{same:,} {'in sync' if plan.complete and not plan.selection else 'unchanged'}")
    risks = [
        f"{number:,} {label}"
        for risk, label in ((Risk.HIGH, "high risk"), (Risk.IRREVERSIBLE, "irreversible"))
        if (number := _weight(step for step in sendable if step.risk is risk))
    ]
    parts += [", ".join(risks)] if risks else []
    if not plan.steps:
        parts.insert(0, "no difference in what was compared" if plan.compared.objects else "nothing was compared")
    return f"{'; '.join(parts)}  (compared {plan.compared.objects:,} of {plan.compared.of:,})"


def _planned(number: int, action: Action) -> str:
    return f"{number:,} to {action.value}"


def _drifted(number: int, action: Action) -> str:
    words = {Action.CREATE: "missing", Action.UPDATE: "changed", Action.CLEAR: "not empty", Action.DENY: "not denied"}
    return f"{number:,} {words[action]}"


def _weight(steps: Iterable[Step]) -> int:
    return sum(step.weight for step in steps)
