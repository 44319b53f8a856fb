"""How many objects a plan touches, and how: counted once, for every report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model import Action, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, MaskedStep


@dataclass(frozen=True, slots=True)
class Summary:
    """Objects by action and by risk, apart from those that are not sent (`refused`) or only told (`absent`).

    Actions, these two, `acknowledged` and `unchanged` add up to the compared.
    `verdicts` is empty where nothing was applied.
    """

    actions: Mapping[Action, int]
    risks: Mapping[Risk, int]
    refused: int
    absent: int
    unchanged: int
    acknowledged: int = 0
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)


def summarize_steps(plan: MaskedPlan, steps: Sequence[MaskedStep], outcomes: Sequence[MaskedOutcome] = ()) -> Summary:
    """Count what a plan does with these steps, and what became of it where there are outcomes."""
    sendable = [step for step in steps if step.request]
    return Summary(
        actions={action: _sum_weights(step for step in sendable if step.action is action) for action in Action},
        risks={risk: _sum_weights(step for step in sendable if step.risk is risk) for risk in Risk},
        refused=_sum_weights(step for step in steps if not step.request),
        absent=len(plan.absences),
        unchanged=count_in_sync(plan, steps),
        acknowledged=count_acknowledged(plan, steps),
        verdicts=count_by_verdict(outcomes) if outcomes else {},
    )


def count_in_sync(plan: MaskedPlan, steps: Sequence[MaskedStep]) -> int:
    """How many compared objects need nothing; a batch of denials touches several, an absent one is not in sync."""
    differing = _sum_weights(steps) + count_acknowledged(plan, steps) + len(plan.absences)
    return max(0, plan.compared.objects - differing)


def count_acknowledged(plan: MaskedPlan, steps: Sequence[MaskedStep] = ()) -> int:
    """How many objects are left alone; of those that a step is about as well it is a part of each."""
    counted = {(step.address, step.object) for step in steps}
    objects = {(step.address, step.object): step.weight for step in plan.acknowledged}
    return sum(weight for key, weight in objects.items() if key not in counted)


def count_by_verdict(outcomes: Iterable[MaskedOutcome]) -> dict[Verdict, int]:
    """Count objects by verdict; of a batch that the server split, each part by its own."""
    counts = dict.fromkeys(Verdict, 0)
    for outcome in outcomes:
        split = outcome.step.pick_object_verdicts(outcome.verdicts)
        for verdict in split or (outcome.verdict,) * outcome.step.weight:
            counts[verdict] += 1
    return counts


def _sum_weights(steps: Iterable[MaskedStep]) -> int:
    return sum(step.weight for step in steps)
