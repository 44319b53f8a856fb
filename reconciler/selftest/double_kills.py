"""A run is killed at every I/O event, and the one that settles what it left is killed at every I/O event of its own.

Of two small plans: two PUTs and two denials. What recovery does must be right however often it is begun.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from reconciler.selftest.corpus_files import pick_documents
from reconciler.selftest.faults import IoEvent, NoFaults
from reconciler.selftest.schedule import PATIENCE, Schedule, ScheduleResult

_DOCUMENTS = {"puts": ("denied-logger", "Web Team"), "denials": ("test-names", "partners")}


class _Kills:
    """Kills whoever is at one of these events, counted over the whole schedule, once the event has taken place."""

    is_spent = False

    def __init__(self, *numbers: int) -> None:
        self._numbers = numbers

    def choose(self, event: IoEvent) -> str:
        """As `FaultProgram` has it."""
        return "crash_after" if event.number in self._numbers else ""


def list_double_kills() -> Iterator[str]:
    """Yield what each schedule is called: PLAN.FIRST.SECOND, the second counted from the beginning of its run."""
    for plan in _DOCUMENTS:
        for first in range(_count_events(plan)):
            for second in range(_count_events(plan, first)):
                yield f"{plan}.{first}.{second}"


def play_double_kill(name: str) -> ScheduleResult:
    """Play the schedule of that name; raises ValueError or KeyError for a name that no schedule has."""
    plan, first, second = name.split(".")
    schedule = _prepare(plan, name, int(first), int(second))
    for _ in range(2):
        schedule.note(schedule.start("runner-2", PATIENCE).apply(schedule.documents))
    return schedule.conclude(schedule.calm_down())


@cache
def _count_events(plan: str, first: int | None = None) -> int:
    """Return how many I/O events a run has, or the one that follows on a run which was killed at its event `first`."""
    schedule = _prepare(plan, "probe") if first is None else _prepare(plan, "probe", first)
    for _ in range(1 if first is None else 2):
        schedule.start("runner-2", PATIENCE).apply(schedule.documents)
    count = schedule.environment.event_count
    schedule.environment.close()
    return count if first is None else count - first - 1


def _prepare(plan: str, name: str, first: int | None = None, second: int | None = None) -> Schedule:
    kills = [] if first is None else [first] if second is None else [first, first + 1 + second]
    schedule = Schedule(name, _Kills(*kills) if kills else NoFaults(), has_switches=False)
    schedule.documents = pick_documents(_DOCUMENTS[plan])
    return schedule
