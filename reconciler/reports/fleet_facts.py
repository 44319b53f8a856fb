"""What a run over a fleet knows beside its plan: which targets there are, and which of them gave no answer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.reports.layout import format_count


class LostTarget(NamedTuple):
    """A target that gave no answer, and why; among the gaps of the plan stands the same, with its cause."""

    name: str
    problem: Diagnostic


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """The names of the whole fleet's targets, sorted, and those of which nothing is known.

    `shard` is "" for a run over all of them, and else the part that the run was about, such as "2/3": the targets of
    the other parts are neither lost nor answered.
    """

    targets: tuple[str, ...]
    lost: tuple[LostTarget, ...] = ()
    shard: str = ""

    def count_answers(self, bound_targets: Collection[str]) -> int:
        """Return how many targets gave an answer; those are among the targets that the plan is bound to."""
        lost = {target.name for target in self.lost}
        return sum(name in bound_targets and name not in lost for name in self.targets)

    def describe_answers(self, bound_targets: Collection[str]) -> str:
        """Say how many targets gave an answer."""
        return f"{self.count_answers(bound_targets):,} of {format_count(len(self.targets), 'target')} answered"
