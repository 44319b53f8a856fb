"""A token that is fetched, kept in memory, and replaced in good time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import NamedTuple

from reconciler.errors import AuthError

_MARGIN = 60.0
"""Seconds before its end at which a token is no longer used: longer than a request may take."""


class Grant(NamedTuple):
    """A token and how many seconds it lives."""

    token: str
    lifetime: float


class Renewing:
    """Holds one token for all threads. Refused logins are not repeated: directories lock those who try too often."""

    def __init__(self, fetch: Callable[[], Grant], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._token = ""
        self._until = self._end = 0.0
        self._proved = False
        self._renewed = False
        self._refused: AuthError | None = None
        self.logins = 0

    def token(self) -> str:
        """Return a token that still lives for a while; raises what `fetch` raises."""
        with self._lock:
            if self._refused:
                raise self._refused
            if not self._token or self._clock() >= self._until:
                self._renew()
            return self._token

    def remaining(self) -> float | None:
        """Return how many seconds the token lives; None where there is none or its end isn't known."""
        with self._lock:
            left = self._end - self._clock()
            return left if self._token and math.isfinite(left) else None

    def drop(self, token: str) -> bool:
        """Hear that a token was refused; say whether another may fare better.

        One that replaced a refused token and was refused in its turn, before any request was taken, ends the matter.
        """
        with self._lock:
            if token != self._token:
                return True
            if self._renewed and not self._proved:
                return False
            self._token, self._renewed, self._proved = "", True, False
            return True

    def prove(self, token: str) -> None:
        """Hear that a token was taken."""
        if token == self._token:
            self._proved = True

    def _renew(self) -> None:
        self.logins += 1
        try:
            grant = self._fetch()
        except AuthError as error:
            self._refused = error
            raise
        margin = min(_MARGIN, grant.lifetime / 4)
        self._token, self._end = grant.token, self._clock() + grant.lifetime
        self._until = self._end - margin
