"""Reads what several kinds of several targets need, all at once, and hands it out as if one had followed the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple


class Readers(NamedTuple):
    """What may read the kinds of a target at once: threads, and who knows when its credentials were taken.

    `when_proved` calls what it is given once that is so, in any thread, or at once.
    """

    pool: Executor
    when_proved: Callable[[Callable[[], None]], None]


class ReadTask(NamedTuple):
    """What is read for one kind of one target, what that is called, and how many of all it stands for.

    `read` is given what it may tell of itself to, from its own thread.
    """

    target: str
    title: str
    size: int
    read: Callable[[Callable[[str], None]], Any]


@dataclass(slots=True)
class _TargetQueue:
    """The tasks of one target that have not begun, by number, and how many are under way."""

    waiting: deque[int] = field(default_factory=deque)
    under_way: int = 0
    is_proved: bool = False


def read_together(
    tasks: Sequence[ReadTask],
    readers: Mapping[str, Readers],
    on_progress: Callable[[str], None],
    unit: str,
) -> list[Future[Any]]:
    """Carry out all tasks and return what came of each, in their order.

    Until the credentials of a target were taken its tasks follow each other: accounts get locked. So they always do
    where there are no `readers` for it. `on_progress` is called in the caller's thread.
    """
    return _Reading(tasks, readers, on_progress, unit).finish()


class _Reading:
    """Tasks under way. All but the reads themselves happens in the caller's thread, which any signal ends at once."""

    def __init__(
        self,
        tasks: Sequence[ReadTask],
        readers: Mapping[str, Readers],
        on_progress: Callable[[str], None],
        unit: str,
    ) -> None:
        self._tasks, self._readers, self._on_progress, self._unit = tasks, readers, on_progress, unit
        self._queues: dict[str, _TargetQueue] = {}
        for number, task in enumerate(tasks):
            self._queues.setdefault(task.target, _TargetQueue()).waiting.append(number)
        self._futures: dict[int, Future[Any]] = {}
        self._under_way: set[int] = set()
        # What is to be done in the caller's thread about what has happened in others.
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def finish(self) -> list[Future[Any]]:
        for target in self._queues:
            if target in self._readers:
                prove = partial(self._prove, target)
                self._readers[target].when_proved(partial(self._news.put, prove))
        for target in self._queues:
            self._begin_next(target)
        while len(self._futures) < len(self._tasks) or self._under_way:
            self._news.get()()
        return [self._futures[number] for number in range(len(self._tasks))]

    def _prove(self, target: str) -> None:
        self._queues[target].is_proved = True
        self._begin_next(target)

    def _end(self, number: int) -> None:
        self._under_way.discard(number)
        target = self._tasks[number].target
        self._queues[target].under_way -= 1
        self._begin_next(target)

    def _begin_next(self, target: str) -> None:
        queue = self._queues[target]
        while queue.waiting and (queue.is_proved or not queue.under_way):
            queue.under_way += 1
            self._begin(queue.waiting.popleft())

    def _begin(self, number: int) -> None:
        task = self._tasks[number]
        self._tell(task)
        self._under_way.add(number)
        readers = self._readers.get(task.target)
        read = partial(task.read, lambda line: self._news.put(partial(self._tell, task, line)))
        future = readers.pool.submit(read) if readers else _call(read)
        self._futures[number] = future
        future.add_done_callback(lambda _future: self._news.put(partial(self._end, number)))

    def _tell(self, task: ReadTask, line: str = "") -> None:
        done = sum(self._tasks[ended].size for ended in self._futures.keys() - self._under_way)
        total = sum(task.size for task in self._tasks)
        title = f"{task.title}: {line}" if line else task.title
        self._on_progress(f"[{done:,}/{total:,} {self._unit}] reading {title}")


def _call(read: Callable[[], Any]) -> Future[Any]:
    """Read in the caller's thread."""
    future: Future[Any] = Future()
    try:
        future.set_result(read())
    except Exception as error:  # noqa: BLE001 - whoever takes the result gets it, as from a thread
        future.set_exception(error)
    return future
