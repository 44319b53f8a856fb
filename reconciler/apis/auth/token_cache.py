"""A token that is fetched, kept in memory, and replaced in good time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import NamedTuple

from reconciler.errors import AuthError, UnreachableError

_MAX_VAIN_TOKENS = 2
"""New tokens that were refused at once, after which refusals bring no more logins: it is not the token's age."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
"""Seconds for which a provider that failed is not asked again, doubling with each failure in a row."""
_MARGIN = 60.0
"""Seconds before its end at which a token is no longer used: longer than a request may take."""


class TokenGrant(NamedTuple):
    """A token and how many seconds it lives."""

    token: str
    lifetime: float


class TokenCache:
    """Holds one token for all threads.

    Refused logins are not repeated: directories lock those who try too often. A provider that fails is left alone for a
    while, so that hundreds of reads don't each wait for it, and a later step of a long run still finds it recovered.
    """

    def __init__(self, fetch: Callable[[], TokenGrant], clock: Callable[[], float]) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._token = ""
        self._renew_at = self._end = 0.0
        self._proved = False
        self._renewed = False
        self._vain_tokens: set[str] = set()
        self._refused: AuthError | None = None
        self._failed: UnreachableError | None = None
        self._pause = self._retry_at = 0.0

    def token(self) -> str:
        """Return a token that still lives for a while; raises what `fetch` raises, or raised a moment ago.

        While the provider fails a token serves to its very end.
        """
        with self._lock:
            if self._refused:
                raise self._refused
            if self._token and self._clock() < self._renew_at:
                return self._token
            try:
                self._renew()
            except UnreachableError:
                if not self._token or self._clock() >= self._end:
                    raise
            return self._token

    def remaining(self) -> float | None:
        """Return how many seconds the token lives; None where there is none or its end isn't known."""
        with self._lock:
            seconds = self._end - self._clock()
            return seconds if self._token and math.isfinite(seconds) else None

    def drop_token(self, token: str, *, again: bool = False) -> bool:
        """Hear that a token was refused; say whether another may fare better.

        One that replaced a refused token and was refused in its turn, before any request was taken, ends the matter.
        So do two that were refused with the same request as their predecessors (`again`), though others were taken.
        """
        with self._lock:
            if again:
                self._vain_tokens.add(token)
                return False
            if token != self._token:
                return True
            if (self._renewed and not self._proved) or len(self._vain_tokens) >= _MAX_VAIN_TOKENS:
                return False
            self._token, self._renewed, self._proved = "", True, False
            return True

    def confirm_token(self, token: str) -> None:
        """Hear that a token was taken."""
        if token == self._token:
            self._proved = True

    def _renew(self) -> None:
        if self._failed and self._clock() < self._retry_at:
            raise self._failed
        try:
            grant = self._fetch()
        except AuthError as error:
            self._refused = error
            raise
        except UnreachableError as error:
            self._failed, self._pause = error, min(self._pause * 2 or _FIRST_PAUSE, _LONGEST_PAUSE)
            self._retry_at = self._clock() + self._pause
            raise
        self._failed, self._pause = None, 0.0
        margin = min(_MARGIN, grant.lifetime / 4)
        self._token, self._end = grant.token, self._clock() + grant.lifetime
        self._renew_at = self._end - margin
