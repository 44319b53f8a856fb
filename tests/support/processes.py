"""The tool as a process of its own, watched by what it prints and not by the clock."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

TOOL = [sys.executable, "-m", "reconciler"]
ENDLESS = 120
"""Seconds after which a test gives up on a process that should have ended long ago."""


@contextmanager
def started(argv: Sequence[str], folder: Path, **streams: Any) -> Iterator[subprocess.Popen[str]]:
    """Start a process, which is killed if it has not ended in the end."""
    with subprocess.Popen(argv, cwd=folder, text=True, bufsize=1, **streams) as job:
        limit = threading.Timer(ENDLESS, job.kill)
        limit.start()
        try:
            yield job
        finally:
            limit.cancel()
            job.kill()


def until(stream: IO[str] | None, start: str) -> list[str]:
    """Return the lines that come up to the one that begins so."""
    assert stream is not None
    lines: list[str] = []
    for line in stream:
        lines.append(line)
        if line.startswith(start):
            return lines
    raise AssertionError(f"no line {start!r} in {lines}")


def told(job: subprocess.Popen[str], number: signal.Signals) -> None:
    """Send a signal, and wait until the system has delivered it."""
    job.send_signal(number)
    state = Path(f"/proc/{job.pid}/status")
    while state.exists() and (job.poll() is None):
        pending = next(line for line in state.read_text().splitlines() if line.startswith("ShdPnd:"))
        if not int(pending.split()[1], 16) >> (number - 1) & 1:
            return
