"""Leases that seem dead, as drift tells of them: when that can be known, and only once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from reconciler.engine.run_history import list_past_differences
from reconciler.engine.run_store import RunOrigin, begin_run
from reconciler.engine.stale_leases import find_stale_leases
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from reconciler.state.records import Lease, RunHolder
from reconciler.state.store import RunEnding, Store

ELSEWHERE = RunHolder("build-7", "another boot", 7, "1")
HOUR = 3600.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(LocalState(tmp_path / "state"), env={})
    yield store
    store.close()


def claim(store: Store, target: str, holder: RunHolder | None = None) -> Lease:
    record = begin_run(RunOrigin(), target, {}, started=0.0)
    return store.claim(record if holder is None else record.__class__(record.id, target, "apply", "1", holder))


def find(store: Store, lease: Lease | None, after: float) -> list[str]:
    """Return what a drift run finds that starts so long after now; two names stand for the target."""
    run = begin_run(RunOrigin("drift"), "", {}, started=time() + after)
    leases = {"prod": lease, "also": lease} if lease else {}
    return [stale.target for stale in find_stale_leases(store, leases, run)]


def test_a_lease_of_another_machine_is_stale_once_it_stood_still(store: Store) -> None:
    """Between two runs that lie far enough apart for any clock; one that moved is alive; one that went is no news."""
    lease = claim(store, "t", ELSEWHERE)
    assert [find(store, lease, after) for after in (0, 60, HOUR, 2 * HOUR)] == [[], [], ["also"], []]
    lease = store.renew(lease)
    assert [find(store, lease, after) for after in (3 * HOUR, 4 * HOUR)] == [[], []]

    store.release(lease, RunEnding(0))
    other = claim(store, "t", ELSEWHERE)
    assert [find(store, other, after) for after in (0, HOUR, HOUR)] == [[], ["also"], []]


def test_a_process_of_this_machine_is_known_to_live_or_not(store: Store) -> None:
    """At once where it is gone; one that is there is told as stale only where it stands still."""
    alive = claim(store, "t")
    assert find(store, alive, 0) == []
    gone = claim(store, "u", alive.holder._replace(started="1"))
    assert [find(store, gone, 0), find(store, gone, HOUR)] == [["also"], []]


def test_what_is_remembered_of_leases_is_no_difference(store: Store) -> None:
    """A drift run that remembers its own differences neither sees it nor clears it."""
    lease = claim(store, "t", ELSEWHERE)
    find(store, lease, 0)
    news = store.remember_drift("t", "r2", [], {"SecurityRole/a"})
    assert (news.new, news.known, news.cleared) == ((), (), ())
    assert find(store, lease, HOUR) == ["also"]
    assert len(store.list_drift("t")) > 0
    assert list_past_differences(store, {"prod": "t"}) == []
