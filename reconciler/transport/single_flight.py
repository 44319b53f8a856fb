"""Reading the same thing once in a run, whoever asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any


class OnceCache:
    """Remembers results, and failures too: what could not be read for one kind is not asked again for the next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[Hashable, Future[Any]] = {}

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what `make` returns, called once for a key; other threads wait for it. Raises what it raised."""
        with self._lock:
            future = self._known.get(key)
            is_first = future is None
            if future is None:
                future = self._known[key] = Future()
        if is_first:
            try:
                future.set_result(make())
            except BaseException as error:
                # Interrupts included: whoever waits for this future would otherwise wait forever.
                future.set_exception(error)
                raise
        return future.result()
