"""How often credentials that are refused may be shown. Directories and IAM lock an account after a few times."""

from __future__ import annotations

import threading
from collections.abc import Callable

from reconciler.errors import AuthError

# Huawei locks an access key for five minutes after more than five failures in a row.
_IN_A_ROW = 3
"""Refusals without a success in between that end the matter, once the credentials have been taken: one path alone may
have a reason of its own. With what is under way meanwhile, no more than the parallel readers and two are met."""
_IN_ALL = 10
"""Refusals that end it whatever else was answered."""


class RefusalCounter:
    """Counts refusals that no renewal could help, and ends it. One for a run and API; safe for many threads.

    Before the credentials were ever taken the first such refusal is the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._row = self._all = 0
        self._ended: AuthError | None = None
        self._waiting: list[Callable[[], None]] = []
        self.proved = False

    def when_proved(self, tell: Callable[[], None]) -> None:
        """Call `tell` once the credentials were taken, in whichever thread hears of it; or at once."""
        with self._lock:
            if not self.proved:
                self._waiting.append(tell)
                return
        tell()

    def check(self) -> int:
        """Raise the refusal that ended the matter, if one has. To be called before each request.

        Returns how many refusals there were by then, for `taken`.
        """
        if self._ended:
            raise self._ended
        return self._all

    def taken(self, refusals_before: int) -> None:
        """Hear that the credentials were taken of a request before which there were so many refusals."""
        with self._lock:
            self.proved = True
            # A slow answer to a request that left before a password was changed says nothing of the new one.
            if refusals_before == self._all:
                self._row = 0
            waiting, self._waiting = self._waiting, []
        for tell in waiting:
            tell()

    def record_refusal(self, refusal: AuthError) -> None:
        """Hear of a refusal that stands."""
        with self._lock:
            self._row += 1
            self._all += 1
            if self._row >= _IN_A_ROW or self._all >= _IN_ALL or not self.proved:
                self._ended = self._ended or refusal
