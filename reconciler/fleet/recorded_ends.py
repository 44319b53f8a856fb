"""What the store says of a task whose answer never came: not begun, ended, or begun and nobody knows.

An engine's error says nothing of that: of three tasks that one had called lost, two had never begun. What a worker
claims is its plan's nonce, which only one run ever gets; so the run that has this plan is the one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.engine.run_history import RecordedStep
from reconciler.errors import Exit
from reconciler.model import Verdict
from reconciler.state.lease_watch import DEFAULT_TIMES, LeaseTimes, LeaseWatch
from reconciler.state.records import RunHistory, RunRecord, SettledAs
from reconciler.state.run_holder import is_holder_gone
from reconciler.state.store import Store

_VERDICTS = {
    SettledAs.APPLIED: Verdict.APPLIED,
    SettledAs.NOT_APPLIED: Verdict.NOT_APPLIED,
    SettledAs.UNKNOWN: Verdict.UNKNOWN,
}
_POLL_SECONDS = 0.5


class RecordedEnd(NamedTuple):
    """A run as the store knows it: what became of the plan's steps by their numbers, from 0.

    `exit` is None where it has no end. A step that isn't there was never to be sent.
    """

    run: str
    exit: Exit | None
    verdicts: dict[int, Verdict]


@dataclass(frozen=True, slots=True)
class EndWatch:
    """How long to wait for a run that may still be under way: until its lease has stood still, or `is_hurried`."""

    times: LeaseTimes = DEFAULT_TIMES
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    is_hurried: Callable[[], bool] = lambda: False


def find_claiming_run(store: Store, target: str, plan: str) -> RunRecord | None:
    """Return the run that claimed a plan on a target, as `await_recorded_end` has them; raises StoreError."""
    return next((run for run in store.list_runs(target) if run.plan == plan and run.command == "apply"), None)


def await_recorded_end(store: Store, target: str, plan: str, watch: EndWatch) -> RecordedEnd | None:
    """Return what came of the run that claimed a plan on a target, or None where nobody has.

    `target` is the target's id and `plan` the plan's digest. Waits while the run goes on. Raises StoreError.
    """
    lease_watch = LeaseWatch(watch.times, clock=watch.clock)
    while True:
        record = find_claiming_run(store, target, plan)
        if record is None:
            return None
        if record.ended or watch.is_hurried() or _is_gone(store, record, lease_watch):
            history = store.read_run(target, record.id)
            return _summarize(history) if history else None
        watch.sleep(_POLL_SECONDS)


def _is_gone(store: Store, record: RunRecord, watch: LeaseWatch) -> bool:
    """Say whether nobody goes on with a run: its lease is free, another's, or has stood still for long enough."""
    lease = store.read_lease(record.target)
    if lease is None or lease.run != record.id:
        return True
    return is_holder_gone(lease.holder) or watch.observe(lease) <= 0


def _summarize(history: RunHistory) -> RecordedEnd:
    verdicts: dict[int, Verdict] = {}
    for intent in history.intents:
        results = tuple(result for result in history.results if result.number == intent.number)
        step = RecordedStep("", intent, "", results, None)
        verdicts[intent.number] = _VERDICTS[step.verdict]
    exit_ = None if history.run.exit is None else Exit(history.run.exit)
    return RecordedEnd(history.run.id, exit_, verdicts)
