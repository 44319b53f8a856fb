"""What a store says of a task that was lost: not begun, ended, or begun and nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import Exit
from reconciler.fleet.recorded_ends import EndWatch, RecordedEnd, await_recorded_end
from reconciler.model import Verdict
from reconciler.state.records import SettledAs
from reconciler.state.store import RunEnding, Store
from tests.support.store_places import TARGET, keep, make_intent, make_place, make_result, make_run

PLAN = "sha256:plan"


@pytest.fixture(name="store")
def open_store(tmp_path: Path) -> Store:
    with make_place("sqlite", tmp_path, None) as place:
        return keep(place.open())


def find(store: Store, watch: EndWatch | None = None) -> RecordedEnd | None:
    return await_recorded_end(store, TARGET, PLAN, watch or EndWatch(is_hurried=lambda: True))


def test_a_plan_that_nobody_claimed_was_not_begun(store: Store) -> None:
    lease = store.claim(make_run("other", plan="sha256:another"))
    store.release(lease, RunEnding(0))
    assert find(store) is None


def test_a_run_that_ended_is_told_as_it_ended(store: Store) -> None:
    lease = store.claim(make_run("one", plan=PLAN), intents=[make_intent("one", 0), make_intent("one", 2)])
    results = [make_result("one", 0), make_result("one", 2, SettledAs.NOT_APPLIED)]
    store.release(lease, RunEnding(int(Exit.PARTIAL)), results)
    assert find(store) == RecordedEnd("one", Exit.PARTIAL, {0: Verdict.APPLIED, 2: Verdict.NOT_APPLIED})


def test_what_a_run_without_an_end_has_not_recorded_is_unknown(store: Store) -> None:
    """Its lease stands, and its holder is on another machine: it is waited for until the lease has stood still."""
    lease = store.claim(make_run("one", plan=PLAN), intents=[make_intent("one", number) for number in range(3)])
    store.renew(lease, [make_result("one", 0)])
    waited: list[float] = []
    end = find(store, EndWatch(clock=lambda: sum(waited), sleep=lambda seconds: waited.append(seconds * 20)))
    assert end == RecordedEnd("one", None, {0: Verdict.APPLIED, 1: Verdict.UNKNOWN, 2: Verdict.UNKNOWN})
    assert 100 <= sum(waited) <= 140


def test_a_run_that_goes_on_is_waited_for(store: Store) -> None:
    lease = store.claim(make_run("one", plan=PLAN), intents=[make_intent("one", 0)])

    def end_meanwhile(_seconds: float) -> None:
        store.release(lease, RunEnding(int(Exit.OK)), [make_result("one", 0)])

    assert find(store, EndWatch(sleep=end_meanwhile)) == RecordedEnd("one", Exit.OK, {0: Verdict.APPLIED})


def test_a_run_whose_lease_is_free_without_an_end_is_not_waited_for(store: Store) -> None:
    store.claim(make_run("one", plan=PLAN), intents=[make_intent("one", 0)])
    store.unlock(TARGET, "one")

    def fail(_seconds: float) -> None:
        raise AssertionError("there is nothing to wait for")

    assert find(store, EndWatch(sleep=fail)) == RecordedEnd("one", None, {0: Verdict.UNKNOWN})
