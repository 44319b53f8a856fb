"""Reads and token requests that another moment may mend: sent three times at most, within one budget for the run.

A request whose credentials were refused is sent again elsewhere, with new ones: a read by the client, a write by
`apply`.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from reconciler.errors import NoReply
from reconciler.model import Reply
from reconciler.transport.failures import UnansweredRequest
from reconciler.transport.rate_limit import wait_unless_stopped
from reconciler.transport.throttle import Throttle, is_throttled
from reconciler.transport.transport import UnusableReply

# RFC 9110, 15.6.2 and 15.6.6, and RFC 6585, 6: these say what the server can't do, or that a network wants a login.
_LASTING_FAILURES = frozenset({501, 505, 511})
ATTEMPTS = 3
_BUDGET = 60
"""Retries that a whole run may make: against a server that is down, hundreds of reads end soon."""
_LONGEST_WAIT = 60.0
"""Seconds that a server may ask us to wait."""
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.5, 8.0
"""Seconds: the first back-off and the largest, before jitter."""


def is_worth_repeating(status: int) -> bool:
    """Say whether another moment may mend what an answer of this status says."""
    # Huawei's documents ask for a retry of 429, 500, 502 and 504; 503 is temporary (RFC 9110, 15.6.4). Gateways have
    # statuses of their own above those, such as 520 to 529.
    return status == 429 or (status >= 500 and status not in _LASTING_FAILURES)


def is_proxy_demand(status: int) -> bool:
    """Say whether a proxy or a network wants to know who we are, which is never the server's own word."""
    # RFC 9110, 15.5.8, and RFC 6585, 6.
    return status in {407, 511}


class RetryPolicy:
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
        self._retries_left = budget
        self._lock = threading.Lock()

    def read(self, attempt: Callable[[], Reply], throttle: Throttle | None = None) -> Reply:
        """Call `attempt` until it brings an answer that time won't change; returns the last one or raises its NoReply.

        What `throttle` makes it wait for is no failure, and no part of the budget. Never hand it a write: after silence
        a write may have happened. A token request is none.
        """
        for turn in range(1, ATTEMPTS + 1):
            is_last = turn == ATTEMPTS
            try:
                reply = self._read_at_their_pace(attempt, throttle) if throttle else attempt()
            except UnusableReply:
                raise
            except NoReply as error:
                is_permanent = isinstance(error, UnansweredRequest) and error.why.is_permanent
                if is_permanent or is_last or not self._spend_retry() or not self._wait(self._back_off(turn)):
                    raise
                continue
            was_waited_for = throttle is not None and is_throttled(reply)
            if was_waited_for or not is_worth_repeating(reply.status) or is_last or not self._spend_retry():
                return reply
            # Neither vendor documents the header; a proxy or gateway in front of the API may send it.
            requested_delay = self._read_retry_after(reply)
            if not self._wait(self._back_off(turn) if requested_delay is None else requested_delay):
                return reply
        raise AssertionError("unreachable: the last turn returns or raises")

    def _read_at_their_pace(self, attempt: Callable[[], Reply], throttle: Throttle) -> Reply:
        """Read as soon as the server lets us, or as long as that is waited for."""
        while True:
            pauses_before = throttle.wait()
            reply = attempt()
            if not is_throttled(reply):
                throttle.note_answer()
                return reply
            if not throttle.begin_pause(pauses_before, self._read_retry_after(reply)):
                return reply

    def _read_retry_after(self, reply: Reply) -> float | None:
        return parse_retry_after(reply.headers.get("retry-after", ""), self._now())

    def _wait(self, seconds: float) -> bool:
        return wait_unless_stopped(seconds, self._sleep, self._stopped)

    def _spend_retry(self) -> bool:
        with self._lock:
            self._retries_left -= 1
            return self._retries_left >= 0

    def _back_off(self, turn: int) -> float:
        """Full jitter: from nothing to the doubling ceiling, so that many clients don't come back at once."""
        return float(self._jitter() * min(_LONGEST_BACK_OFF, _FIRST_BACK_OFF * 2**turn))


class ReadPatience(NamedTuple):
    """How an API is read: what is asked again, and what all wait for. Safe for many threads."""

    retries: RetryPolicy
    throttle: Throttle | None = None

    def read(self, attempt: Callable[[], Reply]) -> Reply:
        """As `RetryPolicy.read` has it."""
        return self.retries.read(attempt, self.throttle)


def parse_retry_after(text: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, 0 to 60; None where it is absent or means nothing.

    RFC 9110, 10.2.3: a number of seconds or an HTTP date. A server's word is bounded: one header must not hang a job.
    """
    text = text.strip()[:64]
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT)
    try:
        date = parsedate_to_datetime(text)
        # HTTP dates are UTC (RFC 9110, 5.6.7); Python reads the zone -0000 as a time without one.
        seconds = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(seconds, _LONGEST_WAIT) if seconds > 0 else None
