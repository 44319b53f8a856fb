"""The default engine: a process a target, on this machine, without a server and without a dependency."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from reconciler.fleet.task import FleetTask
from reconciler.fleet.task_process import SERVER_COMMAND, TaskLost, TaskProcess


class ProcessEngine:
    """Runs up to `jobs` tasks at once. `choose_environment` says what the process of a target may know.

    The servers, which fork for each task, know what any target may know: `shared`.
    """

    def __init__(
        self,
        jobs: int,
        shared: Mapping[str, str],
        choose_environment: Callable[[str], Mapping[str, str]],
        command: Sequence[str] = SERVER_COMMAND,
    ) -> None:
        self._jobs, self._shared, self._choose_environment = jobs, shared, choose_environment
        self._command = command
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="fleet")
        self._lock = threading.Lock()
        self._idle: list[TaskProcess] = []
        self._busy: set[TaskProcess] = set()
        self._is_stopped = False

    def count_slots(self, zone: str) -> int:  # noqa: ARG002 - one machine is in one place
        """As `TaskEngine` has it: every zone is here."""
        return self._jobs

    def submit(self, task: FleetTask, zone: str) -> Future[bytes]:  # noqa: ARG002 - as above
        """As `TaskEngine` has it."""
        return self._threads.submit(self._run, task)

    def _run(self, task: FleetTask) -> bytes:
        process = self._take_process()
        try:
            return process.run(task.encode(), self._choose_environment(task.target))
        finally:
            self._give_back(process)

    def _take_process(self) -> TaskProcess:
        with self._lock:
            if self._is_stopped:
                raise TaskLost("it was not begun: somebody stopped the run")
            while self._idle:
                process = self._idle.pop()
                if process.is_usable:  # somebody may have killed it meanwhile
                    break
                process.close()
            else:
                process = TaskProcess(self._shared, self._command)
            self._busy.add(process)
            return process

    def _give_back(self, process: TaskProcess) -> None:
        with self._lock:
            self._busy.discard(process)
            is_kept = process.is_usable and not self._is_stopped
            if is_kept:
                self._idle.append(process)
        if not is_kept:
            process.close()

    def stop(self) -> None:
        """As `TaskEngine` has it."""
        with self._lock:
            self._is_stopped = True
            for process in self._busy:
                process.stop()

    def close(self) -> None:
        """As `TaskEngine` has it."""
        self.stop()
        self._threads.shutdown()
        for process in self._idle:
            process.close()
