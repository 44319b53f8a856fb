"""Adding up what many schedules came to, in one process and over several."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.selftest.schedule import ScheduleResult

_MOST_EXAMPLES = 20


class Example(NamedTuple):
    """A violation that was examples: the schedule that shows it again, the rule, and in words what it broke."""

    seed: str
    rule: str
    detail: str


@dataclass
class ScheduleTally:
    """Sums over schedules. `digest` is of all timelines in order: the same for the same seed and the same code."""

    schedules: int = 0
    events: int = 0
    violations: int = 0
    window_losses: int = 0
    several_faults: int = 0
    several_crashes: int = 0
    ended_well: int = 0
    fired: Counter[str] = field(default_factory=Counter)
    edges: Counter[str] = field(default_factory=Counter)
    exits: Counter[str] = field(default_factory=Counter)
    liveness: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    digest: str = ""
    timelines: set[str] = field(default_factory=set)

    def add(self, result: ScheduleResult) -> None:
        """Add one schedule."""
        self.schedules += 1
        self.events += result.events
        self.window_losses += result.window_losses
        self.several_faults += sum(result.fired.values()) >= 2
        self.several_crashes += result.crashes >= 2
        self.ended_well += result.liveness == "in sync"
        self.fired.update(result.fired)
        self.edges.update(result.edges)
        self.exits.update(result.exits)
        self.liveness[result.liveness] += 1
        examples = [Example(result.seed, violation.rule, violation.detail[:300]) for violation in result.violations]
        if result.liveness.startswith("stuck"):
            examples.append(Example(result.seed, "liveness", result.liveness))
        self._add_examples(examples)
        self.timelines.add(result.digest)
        self._add_digest(result.digest)

    def merge(self, other: ScheduleTally) -> None:
        """Add what another process came to."""
        for name in ("schedules", "events", "window_losses", "several_faults", "several_crashes", "ended_well"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("fired", "edges", "exits", "liveness"):
            getattr(self, name).update(getattr(other, name))
        self.timelines |= other.timelines
        self.violations += other.violations - len(other.examples)
        self._add_examples(other.examples)
        self._add_digest(other.digest)

    def _add_examples(self, examples: list[Example]) -> None:
        self.violations += len(examples)
        self.examples = [*self.examples, *examples][:_MOST_EXAMPLES]

    def _add_digest(self, digest: str) -> None:
        self.digest = hashlib.sha256(f"{self.digest} {digest}".encode()).hexdigest()[:16]
