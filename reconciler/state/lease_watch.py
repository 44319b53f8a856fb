"""Time, without trust in anybody's clock: both sides of a lease measure by their own monotonic clock alone.

The holder renews each third of the lease's time, and sends nothing more when less than one request's deadline is left
of it, counted from before the renewal was asked for. A taker takes over a lease that it saw stand still for the whole
time and that deadline, counted from after it saw it. So whatever the holder sent was answered or given up before.

What is left is a holder that is suspended between its look at the clock and its send: the comparison with the base
catches most of that, and the final reading tells the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from reconciler.state.records import Lease

MonotonicClock: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """Seconds: how long a lease lasts from its last sign of life, and how long one request may take at most."""

    lasts: float = 90.0
    request: float = 30.0

    @property
    def renew_after(self) -> float:
        """How long after a sign of life the next one is due."""
        return self.lasts / 3

    @property
    def take_after(self) -> float:
        """How long a taker must have seen no sign of life."""
        return self.lasts + self.request

    def fit_deadline(self, deadline: float) -> LeaseTimes:
        """Return times in which a request with this deadline is over before anybody else takes the lease.

        The last one starts `request` before the lease's end, and nobody takes it until `request` after it.
        """
        request = max(self.request, deadline / 2)
        return LeaseTimes(max(self.lasts, 3 * request), request)


DEFAULT_TIMES = LeaseTimes()


class LeaseWatch:
    """Watches a lease that another run holds, for somebody who would like to have it."""

    def __init__(self, times: LeaseTimes = DEFAULT_TIMES, *, clock: MonotonicClock = time.monotonic) -> None:
        self._times, self._clock = times, clock
        self._last: Lease | None = None
        self._since = 0.0

    def observe(self, lease: Lease | None) -> float:
        """Take what the store says now, and return the seconds after which the lease can be taken over; 0 means now.

        For None, nobody holds it, that is 0. After any sign of life the time starts anew. The lease to hand to `claim`
        as `over` is the one that was handed in here.
        """
        now = self._clock()
        if lease is None:
            self._last = None
            return 0.0
        last = self._last
        if last is None or (last.run, last.fence, last.beat) != (lease.run, lease.fence, lease.beat):
            self._last, self._since = lease, now
        return max(0.0, self._since + self._times.take_after - now)


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease of our own with the moment, by our monotonic clock, from which its time counts."""

    lease: Lease
    asked: float
    times: LeaseTimes = DEFAULT_TIMES

    def renewed(self, lease: Lease, asked: float) -> HeldLease:
        """Return the lease after a renewal that was asked for at that moment."""
        return replace(self, lease=lease, asked=asked)

    def is_due(self, now: float) -> bool:
        """Say whether it is time to renew."""
        return now - self.asked >= self.times.renew_after

    def has_time(self, now: float) -> bool:
        """Say whether a request that starts now ends while the lease is ours, at the latest by its deadline."""
        return now - self.asked <= self.times.lasts - self.times.request
