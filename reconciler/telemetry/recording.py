"""A run while it is watched: its phases and steps as plain values. What sends them is imported when it is over."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import time_ns
from typing import Any, NamedTuple

from reconciler.sanitize import escape_and_shorten

MOST_STEPS = 10_000
"""Steps that are kept, beside those that did not end well: a collector takes no trace of a hundred thousand."""
_GOOD_VERDICTS = frozenset({"applied", "unchanged"})
_LONGEST_TEXT = 200


class RecordedSpan(NamedTuple):
    """Something that took time, in nanoseconds since the epoch. `parent` is the index of what it was a part of.

    `ended` is 0 for what has not ended.
    """

    name: str
    began: int
    ended: int
    facts: dict[str, str | int]
    parent: int | None
    is_failure: bool = False


class RunRecording:
    """What was watched of a run. Phases and requests may come from any thread, in the context that they belong to."""

    def __init__(self, clock: Callable[[], int] = time_ns) -> None:
        self.mark_time = clock
        self.left_out = self.requests = 0
        self._spans: list[RecordedSpan] = []
        self._counts: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._current: ContextVar[int | None] = ContextVar("phase", default=None)

    @contextmanager
    def observe_phase(self, name: str, facts: dict[str, str | int]) -> Iterator[dict[str, str | int]]:
        """Keep a phase, with the requests that were answered in it; one that is broken off is a failure."""
        began, is_failure = self.mark_time(), True
        index = self._add(RecordedSpan(name, began, 0, {}, self._current.get(), is_failure))
        token = self._current.set(index)
        try:
            yield facts
            is_failure = False
        finally:
            self._current.reset(token)
            texts = _clean_facts(facts) | {"requests": self._counts[index]}
            self._spans[index] = self._spans[index]._replace(ended=self.mark_time(), facts=texts, is_failure=is_failure)

    def note_step(self, began: int, facts: dict[str, str | int]) -> None:
        """Keep a step of the current phase, if there is room or it did not end well."""
        is_failure = facts.get("verdict") not in _GOOD_VERDICTS
        if len(self._spans) >= MOST_STEPS and not is_failure:
            self.left_out += 1
            return
        self._add(RecordedSpan("step", began, self.mark_time(), _clean_facts(facts), self._current.get(), is_failure))

    def count_request(self, *_: Any) -> None:
        """Count an exchange with a server, in the current phase and what that is a part of; nothing of it is kept."""
        index = self._current.get()
        with self._lock:
            self.requests += 1
            while index is not None:
                self._counts[index] += 1
                index = self._spans[index].parent

    def _add(self, span: RecordedSpan) -> int:
        """Keep a span behind what it is a part of; returns its index."""
        with self._lock:
            self._spans.append(span)
            return len(self._spans) - 1

    def list_spans(self) -> list[RecordedSpan]:
        """Return what was kept, each behind what it is a part of; what was broken off ends now."""
        return [span if span.ended else span._replace(ended=self.mark_time()) for span in self._spans]


def _clean_facts(facts: dict[str, str | int]) -> dict[str, str | int]:
    """Return facts without what can't be seen, or can't be encoded."""
    return {
        name: escape_and_shorten(fact, _LONGEST_TEXT) if isinstance(fact, str) else fact for name, fact in facts.items()
    }
