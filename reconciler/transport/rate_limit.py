"""How fast requests may follow each other: a token bucket that holds one token."""

from __future__ import annotations

import threading
from collections.abc import Callable

_SLICE = 0.5
"""Seconds after which a waiting thread looks whether it was stopped."""


class RateLimiter:
    """Lets requests go, reads and writes alike, at most `rate` a second; 0 is without a limit.

    Each takes the next free moment and waits for it outside the lock, so nobody is overtaken and no burst is saved up:
    in no second are there more than `rate` and one. Safe for many threads.
    """

    def __init__(
        self, rate: float, clock: Callable[[], float], sleep: Callable[[float], None], is_stopped: Callable[[], bool]
    ) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._clock, self._sleep, self._stopped = clock, sleep, is_stopped
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next request may leave, or at once when everything stops."""
        if not self._gap:
            return
        with self._lock:
            now = self._clock()
            departure = max(now, self._next)
            self._next = departure + self._gap
        wait_unless_stopped(departure - now, self._sleep, self._stopped)


def wait_unless_stopped(seconds: float, sleep: Callable[[float], None], is_stopped: Callable[[], bool]) -> bool:
    """Wait, looking now and then whether to stop; returns False at once where everybody is to give up."""
    while seconds > 0 and not is_stopped():
        # In slices, since no signal ends a sleep: Python goes on with it after the handler (PEP 475).
        sleep(min(seconds, _SLICE))
        seconds -= _SLICE
    return not is_stopped()
