"""What an engine's worker runs: a task server of its own, so that a target's process ends with its task."""

from __future__ import annotations

import atexit
import threading

from reconciler.fleet.task_process import TaskProcess
from reconciler.settings.load import read_process_environment

_lock = threading.Lock()
_idle: list[TaskProcess] = []


def run_on_worker(task: bytes) -> bytes:
    """Return a task's answer; raises TaskLost where its process ends without one.

    The folder in which the worker was started is the checkout, and its environment what all of its tasks know.
    """
    env = read_process_environment()
    with _lock:
        process = _idle.pop() if _idle else TaskProcess(env)
    try:
        return process.run(task, env)
    finally:
        with _lock:
            if process.is_usable:
                _idle.append(process)


@atexit.register
def _close_idle() -> None:
    for process in _idle:
        process.close()
