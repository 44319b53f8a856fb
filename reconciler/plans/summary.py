"""How many objects a plan touches, and how: counted once, for every report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.model import Action, Coverage, Risk, Verdict
from reconciler.plans.masking import MaskedOutcome, MaskedStep


@dataclass(frozen=True, slots=True)
class Summary:
    """Objects by action and by risk, apart from those that are not sent (`refused`) or only told (`absent`).

    Actions, these two and `unchanged` add up to the compared.
    `verdicts` is empty where nothing was applied.
    """

    actions: Mapping[Action, int]
    risks: Mapping[Risk, int]
    refused: int
    absent: int
    unchanged: int
    verdicts: Mapping[Verdict, int] = field(default_factory=dict)


def summarize_steps(
    coverage: Coverage, steps: Sequence[MaskedStep], outcomes: Sequence[MaskedOutcome] = (), absences: int = 0
) -> Summary:
    """Count what a plan does, and what became of it where there are outcomes; no absence is unchanged."""
    sendable = [step for step in steps if step.request]
    return Summary(
        actions={action: _sum_weights(step for step in sendable if step.action is action) for action in Action},
        risks={risk: _sum_weights(step for step in sendable if step.risk is risk) for risk in Risk},
        refused=_sum_weights(step for step in steps if not step.request),
        absent=absences,
        unchanged=count_in_sync(coverage, steps, absences),
        verdicts=count_by_verdict(outcomes) if outcomes else {},
    )


def count_in_sync(coverage: Coverage, steps: Sequence[MaskedStep], absences: int = 0) -> int:
    """How many compared objects need nothing; a batch of denials touches several, an absent one is not in sync."""
    return max(0, coverage.objects - absences - _sum_weights(steps))


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
