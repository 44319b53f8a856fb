"""A pause that all reads of a target share where its server asks for one: it slows a run down, and fails nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from reconciler.model import Reply
from reconciler.transport.rate_limit import wait_unless_stopped

_FIRST_PAUSE, _MOST_DOUBLINGS = 1.0, 3
"""Seconds of a pause for which the server names no time, of which chance takes up to half; and how often they double
while no read is answered."""


def _tell_nobody(_pause: float) -> None:
    """Tell nobody."""


class ThrottlePolicy(NamedTuple):
    """How long a run is slowed down, and who hears of it.

    `patience` is in seconds of pauses since the last read that was answered: a server that answers ever fewer of them
    is waited for, one that answers none is not. `tell` hears of the first pause, and how long it is, from any thread.
    """

    patience: float = 120.0
    tell: Callable[[float], None] = _tell_nobody


DEFAULT_THROTTLING = ThrottlePolicy()


def is_throttled(reply: Reply) -> bool:
    """Say whether an answer asks for fewer requests, or for none for a while."""
    # RFC 6585, 4, and RFC 9110, 15.6.4. Without the header a 503 may be a failure like any other.
    return reply.status == 429 or (reply.status == 503 and "retry-after" in reply.headers)


class Throttle:
    """The pause of one target. Safe for many threads.

    Writes don't wait here: each is sent right behind its look at the object, and that look has waited.
    """

    def __init__(
        self,
        policy: ThrottlePolicy,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        stopped: Callable[[], bool],
    ) -> None:
        self._policy, self._clock, self._sleep, self._jitter, self._stopped = policy, clock, sleep, jitter, stopped
        self._lock = threading.Lock()
        self._ends = self._waited_until = self._seconds_in_vain = 0.0
        self._number = self._pauses_in_vain = 0

    def wait(self) -> int:
        """Wait until nothing is paused, or everything stops; returns how many pauses there were."""
        now = self._read_clock()
        # A pause may be prolonged while it is waited for.
        while now < (ends := self._ends) and wait_unless_stopped(ends - now, self._sleep, self._stopped):
            # What was waited for is over, whatever the clock says: it may have been put to sleep meanwhile.
            now = self._waited_until = ends
        return self._number

    def begin_pause(self, pauses_before: int, requested: float | None) -> bool:
        """Hear that a read which left after so many pauses is to come later, in so many seconds if that was said.

        Returns whether it may be sent again after the pause: not once the policy's patience is at its end.
        """
        with self._lock:
            if self._seconds_in_vain >= self._policy.patience:
                return False
            # Of those that were under way together the first begins a pause; the others have a part in it.
            is_new = pauses_before == self._number
            self._number += is_new
            self._pauses_in_vain += is_new
            seconds = self._choose_seconds(requested) if is_new or requested else 0.0
            now = self._read_clock()
            ends = max(self._ends, now + seconds)
            self._seconds_in_vain += ends - max(self._ends, now)
            self._ends = ends
            is_news = is_new and self._number == 1
        if is_news:
            self._policy.tell(seconds)
        return True

    def note_answer(self) -> None:
        """Hear of an answer: what was waited for was not in vain."""
        if self._pauses_in_vain:
            with self._lock:
                self._seconds_in_vain, self._pauses_in_vain = 0.0, 0

    def _read_clock(self) -> float:
        return max(self._clock(), self._waited_until)

    def _choose_seconds(self, requested: float | None) -> float:
        # Whoever says 0 and turns the next one away as well has not said how long it takes.
        if requested or (requested is not None and self._pauses_in_vain == 1):
            return requested
        doublings = min(self._pauses_in_vain - 1, _MOST_DOUBLINGS)
        return float(_FIRST_PAUSE * 2**doublings * (1 + self._jitter()) / 2)
