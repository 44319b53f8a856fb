"""Which events a finished run has to tell, each once: made of its result alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from typing import NamedTuple

from reconciler.errors import Exit
from reconciler.event_names import RunEventName
from reconciler.model import Verdict
from reconciler.plans.drift_items import DriftComparison, DriftStatus
from reconciler.plans.masking import MaskedOutcome
from reconciler.plans.summary import count_by_verdict

_NOT_DONE = frozenset({Verdict.NOT_APPLIED, Verdict.STALE})
# Who mistypes a flag, or stops a run, knows; everything else that did not end well is news to whoever is on call.
_NO_NEWS = frozenset({Exit.OK, Exit.CHANGES, Exit.USAGE, Exit.INTERRUPTED, Exit.UNKNOWN})


class StaleLease(NamedTuple):
    """A target that a run holds which shows no sign of life: its name, the run, and since when it is held (UTC)."""

    target: str
    run: str
    since: str


class UntoldNews(NamedTuple):
    """News that could not be told: to whom, by a digest, of which event, and since when (UTC)."""

    receiver: str
    event: RunEventName
    since: str = ""


class RunEvent(NamedTuple):
    """One piece of news, with what it comes to in a few words, and a sentence where those are not all."""

    name: RunEventName
    summary: str
    detail: str = ""


def list_drift_events(drift: DriftComparison | None, stale: Sequence[StaleLease] = ()) -> tuple[RunEvent, ...]:
    """Return what drift has to tell: what its memory calls new, changed or cleared, and who seems dead.

    A run without an answer from that memory has no news of differences: it can't tell them from known ones.
    """
    return (*_list_differences(drift), *map(_make_lock_event, stale))


def list_apply_events(exit_: Exit, outcomes: Sequence[MaskedOutcome]) -> tuple[RunEvent, ...]:
    """Return what an apply has to tell, however it ended."""
    counts, summary = count_by_verdict(outcomes), f"exit {int(exit_)} ({exit_.word})"
    events = []
    if counts[Verdict.UNKNOWN] or exit_ is Exit.UNKNOWN:
        events.append(RunEvent(RunEventName.APPLY_UNKNOWN, summary))
    if exit_ not in _NO_NEWS or any(counts[verdict] for verdict in _NOT_DONE):
        events.append(RunEvent(RunEventName.APPLY_FAILED, summary))
    return tuple(events)


def choose_events(
    wanted: Container[RunEventName], events: Sequence[RunEvent], untold: Sequence[UntoldNews]
) -> tuple[RunEvent, ...]:
    """Return what somebody is told who wants these events: the run's own, then what earlier ones could not tell."""
    chosen = [event for event in events if event.name in wanted]
    late = {entry.event: entry.since for entry in untold if entry.event in wanted}
    for name, since in sorted(late.items()):
        if name not in {event.name for event in chosen}:
            chosen.append(
                RunEvent(name, f"told late, of {since[:16]}Z", "a message of an earlier run could not be sent")
            )
    return tuple(chosen)


def _list_differences(drift: DriftComparison | None) -> Iterator[RunEvent]:
    if drift is None:
        return
    counts = Counter(age.status for age in drift.ages)
    parts = [
        f"{counts[status]:,} {status.value}" for status in (DriftStatus.NEW, DriftStatus.CHANGED) if counts[status]
    ]
    if parts:
        yield RunEvent(RunEventName.DRIFT_NEW, ", ".join(parts))
    if drift.cleared:
        yield RunEvent(RunEventName.DRIFT_CLEARED, f"{len(drift.cleared):,} cleared")


def _make_lock_event(lease: StaleLease) -> RunEvent:
    detail = f"target {lease.target} is held since {lease.since} by run {lease.run}, which shows no sign of life"
    return RunEvent(RunEventName.LOCK_STALE, f"target {lease.target}", detail)
