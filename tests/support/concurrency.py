"""How many requests a client has under way at once, however busy the machine is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from tests.support.raw_server import Asked


class Crowd:
    """Answers as a script does, once so many requests are there together; `most` is how many there ever were.

    Requests that are not `counted` are answered at once.
    """

    def __init__(
        self, script: Callable[[Asked], bytes], expected: int, counted: Callable[[Asked], bool] = lambda _asked: True
    ) -> None:
        self._script, self._expected, self._counted = script, expected, counted
        self._lock, self._complete = threading.Lock(), threading.Event()
        self._here = self.most = 0

    def __call__(self, asked: Asked) -> bytes:
        if not self._counted(asked):
            return self._script(asked)
        with self._lock:
            self._here += 1
            self.most = max(self.most, self._here)
            if self._here >= self._expected:
                self._complete.set()
        self._complete.wait(20)
        time.sleep(0.03)  # in which one too many may come
        with self._lock:
            self._here -= 1
        return self._script(asked)


def order_owner_writes(calls: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Return requests, (method, path, body) each, with those that set owners in one order among themselves.

    They are under way together; every other request keeps its place.
    """

    def sets_owner(call: tuple[str, str, str]) -> bool:
        return call[1].endswith("/Owner")

    owners = iter(sorted(filter(sets_owner, calls)))
    return [next(owners) if sets_owner(call) else call for call in calls]
