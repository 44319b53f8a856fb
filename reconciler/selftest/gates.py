"""What a campaign has to show to count: no violation, and that it met what it is there to meet.

A campaign whose faults never came about, or in which every run refused to do anything, finds nothing either. The
numbers are for 20,000 random schedules, and smaller for fewer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from reconciler.selftest.campaign import LayerResult
from reconciler.selftest.faults import ALL_FAULTS
from reconciler.selftest.tally import ScheduleTally

_FULL = 20_000
_FAULTS, _EDGES, _BRANCHES, _EXITS = 1000, 500, 100, 50
_OUTCOMES = ("answer: applied", "answer: not_applied", "answer: unknown")
_RECOVERIES = ("later_run: applied", "later_run: not_applied", "later_run: unknown", "a person")
_EXIT_WORDS = ("ok", "stale", "locked", "partial", "incomplete", "unknown", "unreachable", "auth", "killed")


class Gate(NamedTuple):
    """A number that has to be reached, or with `at_most` must not be exceeded."""

    name: str
    value: float
    required: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is met."""
        return self.value <= self.required if self.at_most else self.value >= self.required


def list_gates(layers: Sequence[LayerResult]) -> list[Gate]:
    """Return every gate of a campaign with its value."""
    total = ScheduleTally()
    for layer in layers:
        total.merge(layer.tally)
    total.edges["a person"] = sum(number for words, number in total.edges.items() if words.startswith("person"))
    share = next(layer.tally.schedules for layer in layers if layer.name == "random") / _FULL
    return [
        Gate("violations", total.violations, 0, at_most=True),
        Gate(
            "schedules that end neither in sync nor with what a person has to do", _count_stuck(total), 0, at_most=True
        ),
        *_list_counts("fault", ALL_FAULTS, total.fired, _FAULTS, share),
        *_list_counts("outcome", _OUTCOMES, total.edges, _EDGES, share),
        *_list_counts("recovered", _RECOVERIES, total.edges, _BRANCHES, share),
        *_list_counts("exit", _EXIT_WORDS, total.exits, _EXITS, share),
        *_list_shares(next(layer.tally for layer in layers if layer.name == "random")),
    ]


def _count_stuck(total: ScheduleTally) -> int:
    return sum(number for words, number in total.liveness.items() if words.startswith("stuck"))


def _list_counts(
    heading: str, names: Sequence[str], counts: Counter[str], required: float, share: float
) -> Iterator[Gate]:
    for name in names:
        # What is rare scatters: of a smaller campaign a quarter is asked for.
        yield Gate(f"{heading} {name}", counts[name], int(required if share >= 1 else required * share / 4))


def _list_shares(tally: ScheduleTally) -> Iterator[Gate]:
    """Yield what of the random schedules has to hold of so many percent."""
    for name, number, required in (
        ("percent of random schedules with two faults or more", tally.several_faults, 20),
        ("percent of random schedules with two kills or more", tally.several_crashes, 5),
        ("percent of random schedules that end in sync", tally.ended_well, 30),
    ):
        yield Gate(name, round(100 * number / max(1, tally.schedules), 1), required)
