"""Two at once on one store: every way in which they take turns with at most three changes between them.

Each runs in a thread of its own, and only one at a time: whoever has the turn gives it away before an I/O event. The
first has its first I events, the other J, then the first goes on to its end and the other to its own. Most faults
of two that run at once show with so few changes (Burckhardt et al., A Randomized Scheduler with Probabilistic
Guarantees of Finding Bugs, ASPLOS 2010).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from reconciler.selftest.corpus_files import load_corpus
from reconciler.selftest.environment import Process
from reconciler.selftest.faults import Channel, NoFaults
from reconciler.selftest.schedule import PATIENCE, Schedule, ScheduleResult

_NO_LIMIT = 10**6
_EDITS = ("edit_managed", "edit_unmanaged", "rename", "approve", "edit_managed", "edit_unmanaged")


class Scenario(NamedTuple):
    """What two do at once; both are given the schedule, which `prepare` may do something with before.

    Where the second takes a lease over from a first that does not move, no turn is given away between the first's look
    at the clock and its send: a process that is suspended there for two minutes nobody can protect.
    """

    documents: tuple[str, ...]
    first: Callable[[Schedule], object]
    second: Callable[[Schedule], object]
    prepare: Callable[[Schedule], object] = lambda _schedule: None
    keeps_sends: bool = False


def _apply(schedule: Schedule) -> None:
    schedule.note(schedule.start("runner-1").apply(schedule.documents))


def _apply_patiently(schedule: Schedule) -> None:
    schedule.note(schedule.start("runner-2", PATIENCE).apply(schedule.documents))


def _apply_other_version(schedule: Schedule) -> None:
    documents = [load_corpus().second[document.address] for document in schedule.documents]
    schedule.note(schedule.start("runner-2").apply(documents))


def _recover_patiently(schedule: Schedule) -> None:
    schedule.note(schedule.start("runner-2", PATIENCE).recover())


def _edit(schedule: Schedule) -> None:
    environment, editor = schedule.environment, Process("editor", 0, "portal")
    for sort in _EDITS:
        environment.before_event(editor, "read")
        environment.tell(f"somebody: {environment.editor.edit(sort)}")


def _save_plan(schedule: Schedule) -> None:
    schedule.saved_plan = schedule.start("runner-1").plan(schedule.documents).plan


def _apply_saved(schedule: Schedule) -> None:
    if schedule.saved_plan is not None:
        schedule.note(schedule.start("runner-1").apply_saved(schedule.saved_plan, "nonce-1"))


SCENARIOS: Mapping[str, Scenario] = {
    "two-applies": Scenario(("denied-logger", "PKI Operators", "expiry-prod"), _apply, _apply),
    "two-versions": Scenario(("payments", "PKI Operators", "Help Desk"), _apply, _apply_other_version),
    "takeover": Scenario(("denied-logger", "test-names", "payments"), _apply, _apply_patiently, keeps_sends=True),
    "takeover-of-denials": Scenario(
        ("test-names", "partners", "certificates"), _apply, _apply_patiently, keeps_sends=True
    ),
    "one-plan-twice": Scenario(("denied-logger", "partners"), _apply_saved, _apply_saved, _save_plan),
    "recover-meanwhile": Scenario(("denied-logger", "test-names"), _apply, _recover_patiently, keeps_sends=True),
    "apply-and-editor": Scenario(("denied-logger", "PKI Operators", "payments"), _apply, _edit),
}
"""What is played, by name."""


class _Turns:
    """Lets one of two threads run, for as many events as it has, then the other."""

    def __init__(self, counts: tuple[int, int], *, keeps_sends: bool) -> None:
        self._segments = [(0, counts[0]), (1, counts[1]), (0, _NO_LIMIT), (1, _NO_LIMIT)]
        self._keeps_sends = keeps_sends
        self._may_run = (threading.Semaphore(0), threading.Semaphore(0))
        self._numbers: dict[int, int] = {}
        self._is_done = [False, False]

    def run(self, works: tuple[Callable[[], object], Callable[[], object]]) -> None:
        """Run both to their ends."""
        threads = [threading.Thread(target=self._run_one, args=(i, work), daemon=True) for i, work in enumerate(works)]
        for thread in threads:
            thread.start()
        self._pass_on()
        for thread in threads:
            thread.join()

    def before_event(self, _process: Process, channel: Channel) -> None:
        """Give the turn away where its time is over; called by the one that runs."""
        number = self._numbers[threading.get_ident()]
        if not self._segments or (self._keeps_sends and channel == "write"):
            return
        _, remaining = self._segments[0]
        if remaining > 0:
            self._segments[0] = (number, remaining - 1)
            return
        self._segments.pop(0)
        self._pass_on()
        self._may_run[number].acquire()

    def _run_one(self, number: int, work: Callable[[], object]) -> None:
        self._numbers[threading.get_ident()] = number
        self._may_run[number].acquire()
        try:
            work()
        finally:
            self._is_done[number] = True
            self._segments = [segment for segment in self._segments if segment[0] != number]
            self._pass_on()

    def _pass_on(self) -> None:
        for number, _ in self._segments[:1]:
            self._may_run[number].release()


def list_interleavings() -> Iterator[str]:
    """Yield what each schedule is called: SCENARIO.I.J."""
    for name, scenario in SCENARIOS.items():
        for first in range(_count_turns(name, scenario.first)):
            for second in range(_count_turns(name, scenario.second)):
                yield f"{name}.{first}.{second}"


@cache
def _count_turns(name: str, work: Callable[[Schedule], object]) -> int:
    """Return how many events one of the two has where nobody is beside it."""
    schedule, count = _prepare(name, "probe"), 0

    def count_event(_process: Process, channel: Channel) -> None:
        nonlocal count
        count += not (SCENARIOS[name].keeps_sends and channel == "write")

    schedule.environment.before_event = count_event
    work(schedule)
    schedule.environment.close()
    return count


def _prepare(name: str, seed: str) -> Schedule:
    scenario, schedule = SCENARIOS[name], Schedule(seed, NoFaults(), has_switches=False)
    schedule.documents = [
        document for document in load_corpus().first.values() if document.address.name in scenario.documents
    ]
    scenario.prepare(schedule)
    return schedule


def play_interleaving(key: str) -> ScheduleResult:
    """Play the schedule of that name."""
    name, first, second = key.split(".")
    scenario, schedule = SCENARIOS[name], _prepare(name, key)
    environment = schedule.environment
    turns = _Turns((int(first), int(second)), keeps_sends=scenario.keeps_sends)
    environment.before_event = turns.before_event
    turns.run((lambda: scenario.first(schedule), lambda: scenario.second(schedule)))
    environment.before_event = lambda _process, _channel: None
    return schedule.conclude(schedule.calm_down())
