"""The coordinator's end of a task server: a process that is started when it is needed, and runs one task at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Self, cast

from reconciler.fleet.frames import read_frame, write_frame
from reconciler.fleet.task_server import pack_call

# -P: the working directory, a checked-out repository, must not be able to shadow a module.
SERVER_COMMAND = (sys.executable, "-P", "-m", "reconciler.cli.fleet.task_entry")
"""What starts a task server."""
_PATIENCE = 5.0
"""Seconds in which a server without work ends by itself."""


class TaskLost(Exception):
    """A task has no answer, and nobody knows from this how far it came."""


class TaskProcess:
    """A task server. Not for two threads at once, but for `stop`."""

    def __init__(self, env: Mapping[str, str], command: Sequence[str] = SERVER_COMMAND) -> None:
        # A session of its own: a terminal's ^C is for the coordinator, which then asks each to stop.
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=dict(env), start_new_session=True
        )
        self._input, self._output = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)
        self._closing = threading.Lock()

    def run(self, task: bytes, env: Mapping[str, str]) -> bytes:
        """Return what a task's process answers; raises TaskLost where it ends without a word."""
        answer = None
        try:
            write_frame(self._input, pack_call(task, env))
            while frame := read_frame(self._output):
                answer = frame
        except (OSError, ValueError):  # the server has gone, or was stopped before it got the task
            frame = None
        if answer is None:
            raise TaskLost("its process ended without an answer")
        if frame is None:
            self.close()
        return answer

    @property
    def is_usable(self) -> bool:
        """True while it can be given another task."""
        return self._process.poll() is None and not self._input.closed

    def stop(self) -> None:
        """Let the task that is under way finish its step and end; nothing comes after it. From any thread."""
        with self._closing, suppress(OSError):
            self._input.close()

    def close(self) -> None:
        """Let go of the process; one that doesn't end is killed."""
        self.stop()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
