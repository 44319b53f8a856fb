"""Fetching what will be asked for next, a few ahead of whoever asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Any


class FetchAhead:
    """Begins to fetch keys in their order, and has so many ready or under way that nobody has taken yet.

    Where somebody stops taking nothing more is begun: after a failure a thousand requests would be for nothing. Safe
    for many threads.
    """

    def __init__(self, submit: Callable[[Any], Future[Any]], window: int) -> None:
        self._submit, self._window = submit, window
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, None] = {}
        self._begun: dict[Hashable, Future[Any]] = {}

    def begin(self, keys: Sequence[Hashable]) -> None:
        """Fetch these behind those before them."""
        with self._lock:
            self._waiting |= dict.fromkeys(key for key in keys if key not in self._begun)
            self._begin_more()

    def take(self, key: Hashable) -> Future[Any] | None:
        """Return what is fetched of a key, once; None where that has not begun, and is not begun any more then."""
        with self._lock:
            self._waiting.pop(key, None)
            future = self._begun.pop(key, None)
            self._begin_more()
        return future

    def _begin_more(self) -> None:
        while self._waiting and len(self._begun) < self._window:
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._begun[key] = self._submit(key)
