"""Looks at objects that several steps take at the same time, in one list call.

While as many calls are out as may be, whoever else wants to look waits, and the next call is for all of them: so each
look begins after it was asked for, as it would alone, and no time is spent on waiting for company. What a list tells is
only ever taken for what was hoped; of anything else, the object itself is asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import ReconcilerError
from reconciler.kinds.kind import Kind
from reconciler.model import Json, Step
from reconciler.reader import Read


@dataclass(eq=False, slots=True)
class _PendingRead:
    """One step's wish to look; `rows` is what a list call told of its object, nothing or one."""

    step: Step
    rows: Sequence[Json] = ()
    is_over: bool = False


class GatheredReads:
    """Rereads the objects of one kind on one target, with so many list calls out at once. Safe for many threads."""

    def __init__(self, kind: Kind, read: Read, most_calls: int = 1) -> None:
        self._kind, self._read = kind, read
        self._waiting: list[_PendingRead] = []
        self._calls_left = most_calls
        self._changed = threading.Condition()
        self._has_lists = True

    def reread(self, step: Step, is_hoped: Callable[[Json], bool]) -> Json:
        """Return a step's object as `Kind.reread` does; from a list if that tells what is hoped. Raises as that."""
        if self._has_lists:
            pending = _PendingRead(step)
            if reads := self._wait_for_look(pending):
                self._look_together(reads)
            if pending.rows and is_hoped(pending.rows[0]):
                return pending.rows[0]
        return self._kind.reread(self._read, step)

    def _wait_for_look(self, pending: _PendingRead) -> list[_PendingRead]:
        """Wait until another's call has told of it, or return all who wait by now: the next call is for them."""
        with self._changed:
            self._waiting.append(pending)
            while not pending.is_over:
                if self._calls_left and pending in self._waiting:
                    reads, self._waiting = self._waiting, []
                    self._calls_left -= 1
                    return reads
                self._changed.wait()
        return []

    def _look_together(self, reads: Sequence[_PendingRead]) -> None:
        rows: Mapping[int, Json] = {}
        try:
            rows = self._kind.reread_listed(self._read, [pending.step for pending in reads])
        except ReconcilerError:
            # From now on each asks by itself, and has its own reason where that fails as well.
            self._has_lists = False
        finally:
            with self._changed:
                for number, pending in enumerate(reads):
                    pending.rows = (rows[number],) if number in rows else ()
                    pending.is_over = True
                self._calls_left += 1
                self._changed.notify_all()
