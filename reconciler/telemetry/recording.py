"""A run while it is watched: its phases and steps as plain values. What sends them is imported when it is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """What was watched of a run; requests are counted from any thread, phases and steps come from the run's own."""

    def __init__(self, clock: Callable[[], int] = time_ns) -> None:
        self.mark_time = clock
        self._spans: list[RecordedSpan] = []
        self.left_out = self.requests = 0
        self._open: list[int] = []
        self._lock = threading.Lock()

    @contextmanager
    def observe_phase(self, name: str, facts: dict[str, str | int]) -> Iterator[dict[str, str | int]]:
        """Keep a phase, with the requests that were answered in it; one that is broken off is a failure."""
        parent, index = self._open[-1] if self._open else None, len(self._spans)
        began, requests, is_failure = self.mark_time(), self.requests, True
        self._spans.append(RecordedSpan(name, began, 0, {}, parent, is_failure))
        self._open.append(index)
        try:
            yield facts
            is_failure = False
        finally:
            self._open.remove(index)
            texts = _clean_facts(facts) | {"requests": self.requests - requests}
            self._spans[index] = RecordedSpan(name, began, self.mark_time(), texts, parent, is_failure)

    def note_step(self, began: int, facts: dict[str, str | int]) -> None:
        """Keep a step of the current phase, if there is room or it did not end well."""
        is_failure = facts.get("verdict") not in _GOOD_VERDICTS
        if len(self._spans) >= MOST_STEPS and not is_failure:
            self.left_out += 1
            return
        parent = self._open[-1] if self._open else None
        self._spans.append(RecordedSpan("step", began, self.mark_time(), _clean_facts(facts), parent, is_failure))

    def list_spans(self) -> list[RecordedSpan]:
        """Return what was kept, each behind what it is a part of; what was broken off ends now."""
        return [span if span.ended else span._replace(ended=self.mark_time()) for span in self._spans]

    def count_request(self, *_: Any) -> None:
        """Count an exchange with a server; nothing of it is kept."""
        with self._lock:
            self.requests += 1


def _clean_facts(facts: dict[str, str | int]) -> dict[str, str | int]:
    """Return facts without what can't be seen, or can't be encoded."""
    return {
        name: escape_and_shorten(fact, _LONGEST_TEXT) if isinstance(fact, str) else fact for name, fact in facts.items()
    }
