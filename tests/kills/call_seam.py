"""Where strace is not there, or not allowed: the process kills itself before or after its Nth call that does I/O.

What this can't do: fall between the system calls of one call (SQLite's commit is one), break a call, or kill git.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

CALLS = frozenset(
    {
        "connect", "send", "sendall", "recv", "recv_into", "open", "write", "fsync", "rename", "replace", "unlink",
        "execute", "fetchall", "fork_exec", "waitpid", "poll", "select",
    }
)  # fmt: skip
"""Names of functions of the interpreter that reach the system."""


@contextmanager
def kill_at_call(number: int, log: str) -> Iterator[None]:
    """End this process by SIGKILL at its Nth event, counted from 1; with `log`, write the count there instead."""
    if not number and not log:
        yield
        return
    events = 0

    def look(_frame: FrameType, event: str, function: Any) -> None:
        nonlocal events
        if event in ("c_call", "c_return") and function.__name__ in CALLS:
            events += 1
            if events == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        if log:
            Path(log).write_text(str(events), "ascii")
