"""Reads whose answer another moment may mend: sent three times at most, within one budget for the run.

A request whose credentials were refused is sent again elsewhere, with new ones: a read by the client, a write by
`apply`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.errors import NoReply
from reconciler.model import Reply
from reconciler.transport.failures import Unanswered
from reconciler.transport.rate_limit import waited
from reconciler.transport.transport import UnusableReply

# Huawei's documents ask for a retry of 429, 500, 502 and 504; 503 is temporary (RFC 9110, 15.6.4).
RETRIED = frozenset({429, 500, 502, 503, 504})
"""Statuses that another moment may mend."""
ATTEMPTS = 3
_BUDGET = 60
"""Retries that a whole run may make: against a server that is down, hundreds of reads end soon."""
_LONGEST = 60.0
"""Seconds that a server may ask us to wait."""
_FIRST, _CEILING = 0.5, 8.0
"""Seconds: the first back-off and the largest, before jitter."""


class Patience:
    """Repeats reads. One for a run and API; safe for many threads."""

    def __init__(
        self,
        *,
        sleep: Callable[[float], None],
        now: Callable[[], datetime],
        jitter: Callable[[], float] | None = None,
        budget: int = _BUDGET,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._sleep, self._now, self._stopped = sleep, now, stopped
        self._jitter = jitter or random.SystemRandom().random
        self._left = budget
        self._lock = threading.Lock()

    def read(self, attempt: Callable[[], Reply]) -> Reply:
        """Call `attempt` until it brings an answer that time won't change; returns the last one or raises its NoReply.

        Never hand it a write: after silence a write may have happened.
        """
        for turn in range(1, ATTEMPTS + 1):
            last = turn == ATTEMPTS
            try:
                reply = attempt()
            except UnusableReply:
                raise
            except NoReply as silence:
                lasting = isinstance(silence, Unanswered) and silence.why.lasting
                if lasting or last or not self._spend() or not self._waited(self._back_off(turn)):
                    raise
                continue
            if reply.status not in RETRIED or last or not self._spend():
                return reply
            # Neither vendor documents the header; a proxy or gateway in front of the API may send it.
            asked = retry_after(reply.headers.get("retry-after", ""), self._now())
            if not self._waited(self._back_off(turn) if asked is None else asked):
                return reply
        raise AssertionError("unreachable: the last turn returns or raises")

    def _waited(self, seconds: float) -> bool:
        return waited(seconds, self._sleep, self._stopped)

    def _spend(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _back_off(self, turn: int) -> float:
        """Full jitter: from nothing to the doubling ceiling, so that many clients don't come back at once."""
        return float(self._jitter() * min(_CEILING, _FIRST * 2**turn))


def retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 to 60; None where it is absent or means nothing.

    RFC 9110, 10.2.3: a number of seconds or an HTTP date. A server's word is bounded: one header must not hang a job.
    """
    text = text.strip()[:64]
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST)
    try:
        when = parsedate_to_datetime(text)
        # HTTP dates are UTC (RFC 9110, 5.6.7); Python reads the zone -0000 as a time without one.
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(seconds, _LONGEST) if seconds > 0 else None
