"""Faults at the system calls of one process, by `strace -e inject`: https://man7.org/linux/man-pages/man1/strace.1.html."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.processes import ENDLESS

MISSING = "STRACE IS NOT HERE, OR MAY NOT TRACE: kills fall on calls of the interpreter, and no call is broken."
KILL = "signal=KILL"
STORED = ("pwrite64", "fdatasync", "fsync", "unlink", "ftruncate", "openat", "write", "fcntl", "mkdir", "rename")
SENT = ("connect", "sendto", "recvfrom", "poll", "sendmsg", "recvmsg")
STARTED = ("vfork", "clone", "clone3", "wait4", "pipe2", "read", "unlinkat", "exit_group")
EVENTS = frozenset({*STORED, *SENT, *STARTED})
"""System calls that others see something of, the store, the server or git among them."""


class Point(NamedTuple):
    """What happens at the Nth system call of a name: `signal=KILL`, or `error=ENOSPC`; from there on if it `stays`.

    Where `call` is "" it is the Nth event of `call_seam`.
    """

    call: str
    number: int
    fault: str = KILL
    stays: bool = False

    def __str__(self) -> str:
        return f"{self.call or 'event'}:{self.number}{'+' if self.stays else ''}:{self.fault.partition('=')[2]}"


def read_point(text: str) -> Point:
    """Return the point that `str` has written."""
    call, number, fault = text.split(":")
    name = "signal" if fault == "KILL" else "error"
    return Point("" if call == "event" else call, int(number.rstrip("+")), f"{name}={fault}", number.endswith("+"))


@cache
def can_trace() -> bool:
    """Say whether strace is there and may do it."""
    if not shutil.which("strace"):
        return False
    argv = ["strace", "-qqq", "-e", "trace=getpid", "-e", "inject=getpid:error=EIO", "true"]
    sleeper = subprocess.Popen(["sleep", str(ENDLESS)])
    try:
        attached = subprocess.Popen(["strace", "-p", str(sleeper.pid)], stderr=subprocess.DEVNULL)
        is_traced = wait_for_tracer(sleeper.pid, attached)
        attached.terminate()
        attached.wait()
    finally:
        sleeper.kill()
        sleeper.wait()
    return is_traced and subprocess.run(argv, capture_output=True, check=False).returncode == 0


def wait_for_tracer(process: int, tracer: subprocess.Popen[Any]) -> bool:
    """Wait until a process is traced; False if the tracer ended first."""
    status = Path(f"/proc/{process}/status")
    while "TracerPid:\t0\n" in status.read_text():
        if tracer.poll() is not None:
            return False
        # The system tells nobody; to ask without a pause would take the time from the tracer.
        threading.Event().wait(0.0005)
    return True


def attach(process: int, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Trace a process from now on; the tracer ends with it."""
    tracer = subprocess.Popen(
        ["strace", "-qqq", *options, "-p", str(process)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert wait_for_tracer(process, tracer)
    return tracer


def describe_injection(point: Point, log: Path) -> list[str]:
    """Return the options that let it happen, and log the calls that were met."""
    when = f"{point.number}{'+' if point.stays else ''}"
    inject = f"inject={point.call}:{point.fault}:when={when}"
    return ["-o", str(log), "-e", f"trace={point.call}", "-e", "signal=none", "-e", inject]


def list_points(log: Path, after: str = "") -> list[Point]:
    """Return a kill at each event of a trace, in order; with `after`, from the first line with that text on."""
    points: list[Point] = []
    counts: Counter[str] = Counter()
    started = not after
    for line in log.read_text(errors="replace").splitlines():
        started = started or after in line
        if found := re.match(r"(\w+)\(", line):
            counts[found[1]] += 1
            # What the interpreter loads late is its own: a broken installation is no fault of a run.
            if started and found[1] in EVENTS and "/lib/python" not in line:
                points.append(Point(found[1], counts[found[1]]))
    return points
