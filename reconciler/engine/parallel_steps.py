"""Which steps of a plan may be under way at once, and how they are kept so.

Steps of one kind on one target that touch different objects, where the kind says that its objects know nothing of each
other; all else goes one after the other. Only the work of a step, its looks and its one request, goes into another
thread: what is recorded and told stays in the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.kinds.registry import Registry
from reconciler.model import Outcome, Step

StepWork = Callable[[], Outcome]
"""Carries out one step, in any thread."""


class Writers(NamedTuple):
    """What may write to a target beside the caller: threads, and how many steps at most.

    `limit` 0 is as many as the kind says itself, and `ceiling` at most.
    """

    pool: Executor
    limit: int = 0
    ceiling: int = 32


class StepBatch(NamedTuple):
    """Numbers of steps that follow each other in a plan, and who may have them under way at once; None: the caller."""

    numbers: range
    writers: Writers | None = None


@dataclass(slots=True)
class StepProgress:
    """How far a plan has come, by the numbers of its steps; true at any moment, also where sending is broken off.

    What is `under_way` has begun and may be out.
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    under_way: set[int] = field(default_factory=set)

    def end(self, number: int, outcome: Outcome) -> None:
        """Keep what became of a step."""
        self.outcomes[number] = outcome
        self.under_way.discard(number)


def split_batches(steps: Sequence[Step], kinds: Registry, writers: Mapping[str, Writers]) -> Iterator[StepBatch]:
    """Yield all steps, in their order, as batches within which none waits for another."""
    first = 0
    while first < len(steps):
        step = steps[first]
        # A step that is only reported breaks no row: it touches nothing.
        paths: set[str] = set()
        end = first
        while end < len(steps) and _may_join(steps[end], step, paths):
            end += 1
        yield StepBatch(range(first, end), _limit_writers(step, end - first, kinds, writers))
        first = end


def _may_join(step: Step, first: Step, paths: set[str]) -> bool:
    """Say whether a step may be under way beside those before it, whose `paths` its own joins then."""
    if (step.address.target, step.address.kind) != (first.address.target, first.address.kind):
        return False
    if step.request is not None:
        if step.request.call.path in paths:
            return False
        paths.add(step.request.call.path)
    return True


def _limit_writers(step: Step, count: int, kinds: Registry, writers: Mapping[str, Writers]) -> Writers | None:
    own = kinds[step.address.kind].parallel_writes
    chosen = writers.get(step.address.target)
    if chosen is None or own == 1:
        return None
    limit = min(chosen.limit or min(own, chosen.ceiling), count)
    return chosen._replace(limit=limit) if limit > 1 else None


def run_together(
    numbers: Sequence[int],
    writers: Writers,
    start: Callable[[int], StepWork | None],
    finish: Callable[[int, Outcome | Exception], None],
) -> None:
    """Have at most `writers.limit` steps under way, begun in their order, until all have ended.

    `start` gives the work of a step, or None where no more is to begin; `finish` is told what came of it, or the bug
    that ended it. Both are called in the caller's thread, and of everything that has ended before the next one begins.
    """
    under_way: dict[Future[Outcome], int] = {}
    for number in numbers:
        _finish_ended(under_way, writers.limit - 1, finish)
        work = start(number)
        if work is None:
            break
        under_way[writers.pool.submit(work)] = number
    _finish_ended(under_way, 0, finish)


def _finish_ended(
    under_way: dict[Future[Outcome], int], most: int, finish: Callable[[int, Outcome | Exception], None]
) -> None:
    """Take what has ended, and wait until no more than `most` are under way."""
    while under_way:
        ended = [future for future in under_way if future.done()]
        if not ended and len(under_way) <= most:
            return
        if not ended:
            wait(under_way, return_when=FIRST_COMPLETED)
        for future in ended:
            fault = future.exception()
            if fault is not None and not isinstance(fault, Exception):
                raise fault
            finish(under_way.pop(future), fault or future.result())
