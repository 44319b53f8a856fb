"""A server that takes credentials when it feels like it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from reconciler.errors import ReconcilerError
from tests.support.raw_server import Asked, answer


class Moody:
    """Takes credentials while `takes` says so, and counts refusals and logins. Odd answers take their time."""

    def __init__(self, takes: Callable[[Asked], bool], refusal: bytes = answer(401, b"no")) -> None:
        self.takes, self.refusal = takes, refusal
        self.refused = self.logins = 0
        self._lock = threading.Lock()

    def __call__(self, asked: Asked) -> bytes:
        if asked.path == "/oauth/token":
            with self._lock:
                self.logins += 1
                return answer(200, {"access_token": f"token-number-{self.logins}", "expires_in": 3600})
        if asked.path == "/v3/auth/tokens":
            with self._lock:
                self.logins += 1
                return answer(201, {"token": {}}, {"X-Subject-Token": f"token-number-{self.logins}"})
        if self.takes(asked):
            return answer(200, {"Id": 1, "events": []})
        with self._lock:
            self.refused += 1
        time.sleep(0.005)
        return self.refusal


def outcome(read: Callable[[], object]) -> str:
    """Return the name of what was raised, "" for nothing."""
    try:
        read()
    except ReconcilerError as error:
        return type(error).__name__
    return ""
