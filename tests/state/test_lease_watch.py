"""Leases in time, by clocks that are handed in: the taker's and the holder's have nothing in common."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.state.lease_watch import DEFAULT_TIMES, HeldLease, LeaseTimes, LeaseWatch
from reconciler.state.records import Lease, RunHolder

TIMES = LeaseTimes(lasts=90.0, request=30.0)
LEASE = Lease("t", "run-1", 1, 0, "", RunHolder("h"))


class StepClock:
    """A monotonic clock that goes when it is told to."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_a_lease_that_stands_still_ends_by_the_taker_s_own_clock() -> None:
    clock = StepClock(1_000_000.0)
    watch = LeaseWatch(TIMES, clock=clock)
    assert watch.observe(LEASE) == 120.0
    clock.now += 119.5
    assert watch.observe(LEASE) == 0.5
    clock.now += 0.5
    assert watch.observe(LEASE) == 0.0


def test_each_sign_of_life_starts_the_time_anew() -> None:
    """A beat, another fence, another run; what the record says of time is not looked at."""
    clock = StepClock()
    watch = LeaseWatch(TIMES, clock=clock)
    for seen in (LEASE, LEASE._replace(beat=1), LEASE._replace(fence=2), LEASE._replace(fence=2, run="run-2")):
        assert watch.observe(seen) == 120.0
        clock.now += 119.0
        assert watch.observe(seen._replace(since="1970-01-01T00:00:00Z")) == 1.0
    assert watch.observe(None) == 0.0
    assert watch.observe(seen) == 120.0


def test_the_holder_stops_in_time() -> None:
    held = HeldLease(LEASE, asked=100.0, times=TIMES)
    assert [held.is_due(now) for now in (129.9, 130.0)] == [False, True]
    assert [held.has_time(now) for now in (160.0, 160.1)] == [True, False]
    again = held.renewed(LEASE._replace(beat=1), 130.0)
    assert (again.lease.beat, again.has_time(190.0), again.has_time(190.1)) == (1, True, False)


@given(
    lasts=st.floats(1, 1000), request=st.floats(0.1, 0.9), asked=st.floats(0, 100), lag=st.floats(0, 100),
    start=st.floats(0, 5000),
)  # fmt: skip
def test_no_request_of_the_holder_outlives_what_the_taker_waits(
    lasts: float, request: float, asked: float, lag: float, start: float
) -> None:
    """Whenever the store took the renewal, and whenever the taker looked: what the holder may still send is over."""
    times = LeaseTimes(lasts, lasts * request)
    held = HeldLease(LEASE, asked, times)
    clock = StepClock(asked + lag)
    watch = LeaseWatch(times, clock=clock)
    wait = watch.observe(LEASE)
    if held.has_time(start):
        assert start + times.request <= clock.now + wait + 1e-6


@pytest.mark.parametrize("deadline", [0.5, 30.0, 60.0, 61.0, 600.0])
def test_a_request_is_over_before_anybody_takes_the_lease_however_long_it_may_take(deadline: float) -> None:
    """It starts at the last moment at which it may, and takes all of its time."""
    times = DEFAULT_TIMES.fit_deadline(deadline)
    held = HeldLease(Lease("t", "run-1", 1, 0, "", RunHolder("h")), 0.0, times)
    last_start = times.lasts - times.request
    assert held.has_time(last_start)
    assert not held.has_time(last_start + 0.1)
    assert last_start + deadline <= times.take_after
    assert times.renew_after < last_start, "there is time to send after a renewal is due"
    assert deadline > 60 or times == DEFAULT_TIMES
