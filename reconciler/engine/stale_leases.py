"""Leases whose holder seems dead, as news: told by the first run that can tell, and by none after it.

A look from outside proves nothing at once: only a holder on this machine is known to be gone. Of one elsewhere a drift
run remembers how far its lease had come, beside the differences; the run that finds it still there calls it stale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reconciler.plans.run_events import StaleLease
from reconciler.state.records import MARKER_PREFIX, DriftItem, DriftNews, DriftRecord, Lease, RunRecord
from reconciler.state.run_holder import is_holder_gone
from reconciler.state.store import Store

_STALE, _SEEN = f"{MARKER_PREFIX}StaleLease/", f"{MARKER_PREFIX}Lease/"
_STILL_SECONDS = 600.0
"""How long a lease must have stood still between two runs, whose clocks may differ."""


def find_stale_leases(store: Store, leases: Mapping[str, Lease], run: RunRecord) -> Iterator[StaleLease]:
    """Yield the leases that seem dead and were not told yet; raises StoreError.

    `leases` are by the targets' names; two names may stand for one server, which is told once.
    """
    for name, lease in {lease.target: (name, lease) for name, lease in sorted(leases.items(), reverse=True)}.values():
        if _is_stale(store, lease, run) and _remember(store, lease, run, f"{_STALE}{lease.run}", "").new:
            yield StaleLease(name, lease.run, lease.since)


def _is_stale(store: Store, lease: Lease, run: RunRecord) -> bool:
    if is_holder_gone(lease.holder):
        return True
    known = _remember(store, lease, run, f"{_SEEN}{lease.run}", f"{lease.fence}.{lease.beat}").known
    return any(_measure_age(record, run) >= _STILL_SECONDS for record in known)


def _remember(store: Store, lease: Lease, run: RunRecord, address: str, value: str) -> DriftNews:
    """Remember a fact about a lease among the differences of its target, and return what is new about it."""
    return store.remember_drift(lease.target, run.id, [DriftItem(address, "", value)], {address})


def _measure_age(record: DriftRecord, run: RunRecord) -> float:
    return (datetime.fromisoformat(run.started) - datetime.fromisoformat(record.first_seen)).total_seconds()
