"""Handing out tasks and collecting answers: one task a slot under way, and each that is lost judged by itself.

Everything at once would make the death of one worker the loss of whatever waited for it: measured, 65 tasks of 300
instead of one.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit
from reconciler.fleet.engine import TaskEngine
from reconciler.fleet.task import FleetTask

_POLL_SECONDS = 0.2
"""How soon a wish to stop is seen, and a worker that has come back."""
_BREAK_SECONDS = 10.0
"""How long who insists waits for the steps under way: their processes end by themselves, whoever waits."""
_WORKER_GRACE = 30.0
"""Seconds in which a zone that had workers may have none: whatever looks after them starts another one."""


class LostTask(NamedTuple):
    """Why a target has no answer, and the exit code that stands for it."""

    problem: Diagnostic
    cause: Exit


TaskEnd: TypeAlias = bytes | LostTask
"""What a task came to: its answer, or why there is none."""
JudgeLoss: TypeAlias = Callable[[FleetTask, BaseException], FleetTask | TaskEnd]
"""What becomes of a task whose answer didn't come: once more as another attempt, an answer after all, or none."""


@dataclass(frozen=True, slots=True)
class Dispatch:
    """What handing out needs: the engine, the zone of each target, who judges losses, and who asks to stop or listens.

    `on_end` hears of each target that is done. With `has_report` an interrupt ends the waiting, and is not raised: what
    was done has to be told.
    """

    engine: TaskEngine
    zones: Mapping[str, str]
    judge_loss: JudgeLoss
    is_stopped: Callable[[], bool] = lambda: False
    on_end: Callable[[str], None] = lambda _target: None
    has_report: bool = False
    clock: Callable[[], float] = time.monotonic


@dataclass(slots=True)
class _Progress:
    """What waits, by zone, what runs, what came of the rest, and since when a zone has no worker."""

    waiting: dict[str, deque[FleetTask]] = field(default_factory=dict)
    running: dict[Future[bytes], FleetTask] = field(default_factory=dict)
    ends: dict[str, TaskEnd] = field(default_factory=dict)
    deserted: dict[str, float] = field(default_factory=dict)
    served: set[str] = field(default_factory=set)
    is_stopped: bool = False


def run_tasks(tasks: Sequence[FleetTask], dispatch: Dispatch) -> dict[str, TaskEnd]:
    """Run each task, and return by target what came of it.

    An interrupt stops what is under way, and is then raised; unless there is a report to write.
    """
    progress = _Progress()
    for task in tasks:
        progress.waiting.setdefault(dispatch.zones[task.target], deque()).append(task)
    try:
        while progress.running or any(progress.waiting.values()):
            if dispatch.is_stopped() and not progress.is_stopped:
                _stop(progress, dispatch)
            _fill_slots(progress, dispatch)
            _collect_answers(progress, dispatch)
    except KeyboardInterrupt:
        _stop(progress, dispatch)
        wait(progress.running, _BREAK_SECONDS if dispatch.has_report else None)
        if not dispatch.has_report:
            raise
        for future, task in progress.running.items():
            error = future.exception() if future.done() else TimeoutError("somebody broke it off")
            verdict = future.result() if error is None else dispatch.judge_loss(task, error)
            lost = LostTask(explain_not_begun(task.target), Exit.INTERRUPTED)
            _end(progress, dispatch, task.target, lost if isinstance(verdict, FleetTask) else verdict)
    return progress.ends


def _stop(progress: _Progress, dispatch: Dispatch) -> None:
    progress.is_stopped = True
    dispatch.engine.stop()
    for tasks in progress.waiting.values():
        for task in tasks:
            _end(progress, dispatch, task.target, LostTask(explain_not_begun(task.target), Exit.INTERRUPTED))
        tasks.clear()


def _fill_slots(progress: _Progress, dispatch: Dispatch) -> None:
    for zone, tasks in progress.waiting.items():
        if not tasks:
            continue
        slots = dispatch.engine.count_slots(zone)
        if not slots:
            _judge_deserted(progress, dispatch, zone)
            continue
        progress.deserted.pop(zone, None)
        progress.served.add(zone)
        under_way = sum(dispatch.zones[task.target] == zone for task in progress.running.values())
        while tasks and under_way < slots:
            task = tasks.popleft()
            progress.running[dispatch.engine.submit(task, zone)] = task
            under_way += 1


def _judge_deserted(progress: _Progress, dispatch: Dispatch, zone: str) -> None:
    """Give up a zone without workers: at once where it never had any, for that is an error and nothing to wait for."""
    since = progress.deserted.setdefault(zone, dispatch.clock())
    if zone in progress.served and dispatch.clock() - since < _WORKER_GRACE:
        return
    tasks = progress.waiting[zone]
    while tasks:
        target = tasks.popleft().target
        _end(progress, dispatch, target, LostTask(_explain_no_worker(target, zone), Exit.INCOMPLETE))


def _collect_answers(progress: _Progress, dispatch: Dispatch) -> None:
    if not progress.running:
        if any(progress.waiting.values()):
            time.sleep(_POLL_SECONDS)
        return
    done, _ = wait(progress.running, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
    for future in done:
        task = progress.running[future]
        error = future.exception()
        verdict = future.result() if error is None else dispatch.judge_loss(task, error)
        if isinstance(verdict, FleetTask) and progress.is_stopped:
            # An engine that was stopped begins nothing, so this one would be lost as often as it may be repeated.
            _end(progress, dispatch, task.target, LostTask(explain_not_begun(task.target), Exit.INTERRUPTED))
        elif isinstance(verdict, FleetTask):
            # First: whatever else waits has been promised nothing yet.
            progress.waiting[dispatch.zones[task.target]].appendleft(verdict)
        else:
            _end(progress, dispatch, task.target, verdict)
        # Last: an interrupt on the way here must find it, or nobody would.
        del progress.running[future]


def _end(progress: _Progress, dispatch: Dispatch, target: str, end: TaskEnd) -> None:
    progress.ends[target] = end
    dispatch.on_end(target)


def explain_not_begun(target: str) -> Diagnostic:
    """Say that a target's task was not begun."""
    return Diagnostic(
        "fleet.not-begun", Source(f"target {target}"), "its task was not begun", "somebody stopped the run", "run again"
    )


def _explain_no_worker(target: str, zone: str) -> Diagnostic:
    where = f"offers the zone {zone}" if zone else "is there"
    return Diagnostic(
        "fleet.no-worker",
        Source(f"target {target}"),
        f"no worker {where}",
        "nothing was compared or sent",
        "start one that offers it" if zone else "start one",
    )
