"""Faults on the server's side: what to break, on which request, how often.

A fault fires on the `nth` request that its method and path (a regular expression, searched in the path below the API's
prefix) match, and then `times` times in a row; 0 is always. Several faults may fire on one request, in the order of
their injection: the first that answers early wins, those that spoil an answer add up.
"""

# ruff: noqa: E501 - a kind of fault is a line
from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple


class FaultKind(NamedTuple):
    """One sort of fault. `phase` is before, during or after the processing; `params` are its parameters' defaults."""

    name: str
    phase: str
    text: str
    params: Mapping[str, Any]


KINDS: Mapping[str, FaultKind] = {
    kind.name: kind
    for kind in (
        FaultKind("status", "before", "answers this status and does nothing", {"status": 503, "body": None, "headers": None}),
        FaultKind("throttle", "before", "answers 429 in the API's shape, with Retry-After if given", {"retry_after": None}),
        FaultKind("drop", "before", "closes the connection and does nothing", {}),
        FaultKind("delay", "before", "waits this many seconds before anything else", {"seconds": 1.0}),
        # Port 9 is discard (RFC 863), which hardly a host offers today: who follows meets a refused connection.
        FaultKind("redirect", "before", "answers a redirect and does nothing", {"location": "http://127.0.0.1:9/", "status": 302}),
        FaultKind("html", "before", "answers 200 with a login page and does nothing", {}),
        FaultKind("ghost", "before", "closes the connection; the request is carried out after so many more requests, or seconds", {"requests": 1, "seconds": None}),
        FaultKind("edit", "before", "somebody edits by hand just before: `call` (in-process), or method, path, body, query", {"call": None, "edit": None}),
        FaultKind("expire_tokens", "before", "all tokens expire just before", {}),
        FaultKind("partial_deny", "during", "only the first n ids are settled, then the connection is closed", {"n": 1}),
        FaultKind("twice", "during", "the request is delivered twice; the second answer is sent", {}),
        FaultKind("status_after", "after", "carries the request out and answers this status", {"status": 500, "body": None, "headers": None}),
        FaultKind("drop_after", "after", "carries the request out and closes the connection", {}),
        FaultKind("delay_after", "after", "carries the request out and waits before it answers", {"seconds": 1.0}),
        FaultKind("edit_after", "after", "somebody edits by hand just after, before the answer is sent", {"call": None, "edit": None}),
        FaultKind("html_after", "after", "carries the request out and answers 200 with a login page", {}),
        FaultKind("slow_drip", "after", "sends the body so many bytes at a time, with pauses of so many seconds", {"chunk": 1, "interval": 0.05}),
        FaultKind("truncated", "after", "sends the body without its last bytes and closes the connection", {"cut": 1}),
        FaultKind("wrong_shape", "after", "sends JSON of another shape", {"body": {"Unexpected": True}}),
        FaultKind("duplicate_key", "after", "repeats the first member of each object in the body's JSON", {}),
        # deflate packs equal bytes about 1,000 to 1 (1,032 at most), so this is some 50 KB on the wire.
        FaultKind("bomb", "after", "sends a gzip body that unpacks to so many bytes", {"size": 50_000_000}),
        # RFC 9112, 9.5, allows it at any time, and a client's next request may be on its way by then.
        FaultKind("close", "after", "answers, then closes the connection without having said so", {}),
    )
}  # fmt: skip


class InjectedFault:
    """One fault that was injected, and how often it was met."""

    def __init__(
        self, kind: str, method: str, path: str, *, nth: int = 1, times: int = 1, params: Mapping[str, Any]
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind}; known are {', '.join(KINDS)}")
        unknown = sorted(set(params) - set(KINDS[kind].params))
        if unknown:
            raise ValueError(
                f"fault {kind} has no parameter {unknown[0]}; it has {', '.join(KINDS[kind].params) or 'none'}"
            )
        self.kind = KINDS[kind]
        self.params: dict[str, Any] = {**KINDS[kind].params, **params}
        try:
            self._method = re.compile(method or ".*", re.IGNORECASE)
            self._path = re.compile(path, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"method and path are regular expressions: {error}") from error
        self._nth, self._times, self._match_count = nth, times, 0

    def fires_on(self, method: str, path: str) -> bool:
        """Count a request that matches; tell whether the fault fires on it."""
        if not (self._method.fullmatch(method) and self._path.search(path)):
            return False
        self._match_count += 1
        return self._match_count >= self._nth and (self._times == 0 or self._match_count < self._nth + self._times)


class FaultRegistry:
    """The faults in force. Safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[int, InjectedFault] = {}
        self._ids = itertools.count(1)

    def inject(self, fault: InjectedFault) -> int:
        """Put a fault in force; returns its number."""
        with self._lock:
            number = next(self._ids)
            self._faults[number] = fault
        return number

    def clear(self) -> None:
        """Put all faults out of force."""
        with self._lock:
            self._faults.clear()

    def find_firing(self, method: str, path: str) -> list[InjectedFault]:
        """Return the faults that fire on this request, and count it."""
        if not self._faults:
            return []
        with self._lock:
            return [fault for fault in self._faults.values() if fault.fires_on(method, path)]
