"""What a run keeps of its requests for a trace: all of them, in memory that is bounded."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from reconciler.transport.exchanges import WireExchange

BODY_CAP = 2**20
"""Bytes of a body that are kept."""
# A secret that the cut would part is found whole by its first part, and the margin is not shown.
BODY_MARGIN = 2**16
"""Bytes beyond them that are looked at for secrets, and not shown."""
_BODIES_CAP = 64 * 2**20
_ENTRIES_CAP = 96 * 2**20
_ENTRY_OVERHEAD = 500
"""Bytes that the objects of an entry take beside their texts, about."""


class KeptExchange(NamedTuple):
    """An exchange of one target. What was left out of its bodies is told by their sizes, -1 for no body."""

    target: str
    exchange: WireExchange
    request_size: int
    answer_size: int


class TrafficLog:
    """Collects exchanges, and what blots out the secrets of their targets. Safe for many threads."""

    def __init__(self, bodies_cap: int = _BODIES_CAP, entries_cap: int = _ENTRIES_CAP) -> None:
        self._bodies_cap, self._entries_cap = bodies_cap, entries_cap
        self._lock = threading.Lock()
        self._size = 0
        self._redactors: dict[int, Callable[[str], str]] = {}
        self.entries: list[KeptExchange] = []
        self.left_out = 0

    def add(self, target: str, redact: Callable[[str], str], exchange: WireExchange) -> None:
        """Keep an exchange, or as much of it as there is room for."""
        request, answer = exchange.request_body, exchange.body
        with self._lock:
            self._redactors[id(redact)] = redact
            has_room = self._size < self._bodies_cap
            short = replace(exchange, request_body=_cut_body(request, has_room), body=_cut_body(answer, has_room))
            size = _measure_exchange(short)
            if self._size + size > self._entries_cap:
                self.left_out += 1
                return
            self._size += size
            self.entries.append(KeptExchange(target, short, _measure_body(request), _measure_body(answer)))

    def redact(self, text: str) -> str:
        """Blot out the secrets of all targets, as far as they are known by now."""
        for redact in list(self._redactors.values()):
            text = redact(text)
        return text


def _cut_body(body: bytes | None, has_room: bool) -> bytes | None:  # noqa: FBT001
    return body if body is None else body[: BODY_CAP + BODY_MARGIN] if has_room else b""


def _measure_body(body: bytes | None) -> int:
    return -1 if body is None else len(body)


def _measure_exchange(exchange: WireExchange) -> int:
    headers = (*exchange.request_headers, *(exchange.head.headers if exchange.head else ()))
    texts = len(exchange.url) + sum(len(name) + len(value) for name, value in headers)
    return _ENTRY_OVERHEAD + texts + len(exchange.request_body or b"") + len(exchange.body or b"")
