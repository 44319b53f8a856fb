"""Waiting for a target that another run holds, in virtual time, and taking it from one that is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.engine.target_lock import LockPolicy, claim_lease
from reconciler.engine.timing import Timing
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from reconciler.state.records import Lease, RunHolder, RunRecord
from reconciler.state.run_holder import describe_holder
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import StoreLocked
from tests.support.store_places import TARGET

ELSEWHERE = RunHolder("runner-7", "another boot", 4711, "1", "ada", "https://ci.example.com/jobs/1")


class Clock:
    """Time that passes by sleeping alone; `then` happens at given moments."""

    def __init__(self) -> None:
        self.now, self.slept = 1000.0, 0.0
        self.then: list[tuple[float, Callable[[], object]]] = []

    def sleep(self, seconds: float) -> None:
        self.now, self.slept = self.now + seconds, self.slept + seconds
        due = [act for moment, act in self.then if moment <= self.slept]
        self.then = [(moment, act) for moment, act in self.then if moment > self.slept]
        for act in due:
            act()

    def policy(self, timeout: float, told: list[Lease] | None = None) -> LockPolicy:
        timing = Timing(sleep=self.sleep, clock=lambda: self.now)
        return LockPolicy(timeout, (told if told is not None else []).append, timing)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(LocalState(tmp_path / "state"), env={})
    yield opened
    opened.close()


def made(run: str, holder: RunHolder = ELSEWHERE) -> RunRecord:
    return RunRecord(run, TARGET, "apply", "1.0", holder)


def test_a_free_target_is_taken_at_once(store: Store) -> None:
    clock = Clock()
    held = claim_lease(store, made("run-1"), clock.policy(0))
    assert (held.lease.run, held.asked, clock.slept) == ("run-1", 1000.0, 0.0)


def test_without_a_timeout_nobody_waits(store: Store) -> None:
    store.claim(made("run-1"))
    clock, told = Clock(), list[Lease]()
    with pytest.raises(StoreLocked, match="run-1"):
        claim_lease(store, made("run-2"), clock.policy(0, told))
    assert (clock.slept, told) == (0.0, [])


def test_with_one_it_is_said_once_for_whom_is_waited_and_the_time_is_kept(store: Store) -> None:
    """A holder that shows life all the while is never taken from."""
    lease = store.claim(made("run-1"))
    clock, told = Clock(), list[Lease]()
    beats = [lease]
    clock.then = [(float(t), lambda: beats.append(store.renew(beats[-1]))) for t in range(20, 300, 20)]
    with pytest.raises(StoreLocked, match="run-1"):
        claim_lease(store, made("run-2"), clock.policy(300, told))
    assert clock.slept == 300
    assert [one.run for one in told] == ["run-1"]


def test_it_is_taken_as_soon_as_it_is_given_back(store: Store) -> None:
    lease = store.claim(made("run-1"))
    clock = Clock()
    clock.then = [(31.0, lambda: store.release(lease, RunEnding(0)))]
    held = claim_lease(store, made("run-2"), clock.policy(300))
    assert held.lease.run == "run-2"
    assert 31 <= clock.slept <= 34


def test_a_lease_that_stood_still_for_its_time_and_one_request_is_taken(store: Store) -> None:
    """90 seconds and 30: what its holder sent last was answered or given up before."""
    store.claim(made("run-1"))
    clock = Clock()
    held = claim_lease(store, made("run-2"), clock.policy(300))
    assert (held.lease.run, held.lease.fence) == ("run-2", 2)
    assert 120 <= clock.slept <= 124


def test_a_sign_of_life_starts_that_time_anew(store: Store) -> None:
    lease = store.claim(made("run-1"))
    clock = Clock()
    clock.then = [(100.0, lambda: store.renew(lease))]
    claim_lease(store, made("run-2"), clock.policy(300))
    assert 220 <= clock.slept <= 226


def test_a_holder_that_died_on_this_machine_is_known_to_be_gone_at_once(store: Store) -> None:
    """Its number may be another process's by now: the start tells them apart."""
    own = describe_holder({})
    store.claim(made("run-1", own._replace(started="1")))
    clock = Clock()
    assert claim_lease(store, made("run-2"), clock.policy(0)).lease.run == "run-2"
    assert clock.slept == 0


def test_a_holder_that_lives_on_this_machine_is_not(store: Store) -> None:
    assert describe_holder({}).process == os.getpid()
    store.claim(made("run-1", describe_holder({})))
    with pytest.raises(StoreLocked):
        claim_lease(store, made("run-2"), Clock().policy(0))
