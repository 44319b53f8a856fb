"""Which steps of a plan may be under way at once, and how they are kept so.

Steps of one kind on one target that touch different objects, where the kind says that its objects know nothing of each
other; all else goes one after the other. Only the work of a step, its looks and its one request, goes into another
thread: what is recorded and told stays in the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from reconciler.kinds.registry import Registry
from reconciler.model import Outcome, Step
from reconciler.transport.options import STEPS_A_WRITER

StepWork = Callable[[], Outcome]
"""Carries out one step, in any thread."""


class Writers(NamedTuple):
    """What may write to a target beside the caller: threads, and how many steps at most.

    `limit` 0 is as many as the kind says itself, and `ceiling` at most. `pool` has threads for as many again, that read
    back while the next ones write.
    """

    pool: Executor
    limit: int = 0
    ceiling: int = 32


class EndedStep(NamedTuple):
    """What came of a step, by its number, or the bug that ended it."""

    number: int
    result: Outcome | Exception


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
    start: Callable[[int, Callable[[], None]], StepWork | None],
    finish: Callable[[Sequence[EndedStep]], None],
) -> None:
    """Have at most `writers.limit` steps write, begun in their order, until all have ended.

    `start` gives the work of a step, or None where no more is to begin; what it is given says, in any thread, that the
    step only reads back from now on, and another may write. `finish` is told what has ended. Both are called in the
    caller's thread, and of everything that has ended before the next one begins.
    """
    crew = _Crew(writers, finish)
    for number in numbers:
        crew.wait_for_place()
        work = start(number, partial(crew.note_answered, number))
        if work is None:
            break
        crew.begin(number, work)
    crew.wait_for_all()


class _Crew:
    """Steps under way. All but their work happens in the caller's thread."""

    def __init__(self, writers: Writers, finish: Callable[[Sequence[EndedStep]], None]) -> None:
        self._writers, self._finish = writers, finish
        self._writing: set[int] = set()
        self._under_way: set[int] = set()
        # Steps that only read back from now on, and, with what came of them, steps that have ended.
        self._news: SimpleQueue[tuple[int, Future[Outcome] | None]] = SimpleQueue()

    def note_answered(self, number: int) -> None:
        self._news.put((number, None))

    def begin(self, number: int, work: StepWork) -> None:
        self._writing.add(number)
        self._under_way.add(number)
        future = self._writers.pool.submit(work)
        future.add_done_callback(lambda ended: self._news.put((number, ended)))

    def wait_for_place(self) -> None:
        self._hear(is_waiting=False)
        limit = self._writers.limit
        while len(self._writing) >= limit or len(self._under_way) >= limit * STEPS_A_WRITER:
            self._hear(is_waiting=True)

    def wait_for_all(self) -> None:
        while self._under_way:
            self._hear(is_waiting=True)

    def _hear(self, *, is_waiting: bool) -> None:
        """Take all news there are; finish what has ended, together."""
        ended: list[EndedStep] = []
        while is_waiting or not self._news.empty():
            number, future = self._news.get()
            is_waiting = False
            self._writing.discard(number)
            if future is None:
                continue
            self._under_way.discard(number)
            fault = future.exception()
            if fault is not None and not isinstance(fault, Exception):
                raise fault
            ended.append(EndedStep(number, fault or future.result()))
        if ended:
            self._finish(ended)
