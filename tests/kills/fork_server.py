"""A process that has imported all of the tool, and forks one run of the command line after another.

A fresh interpreter takes as long to start as a whole run. One JSON line comes in and one goes out for each order:
`{"run": Job}` starts a run and tells its process, `{"wait": process}` waits for its end and tells how it ended.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import reconciler
from reconciler.cli import dispatch
from reconciler.engine.timing import ReadBackPolicy, Timing
from reconciler.state.lease_watch import LeaseTimes
from tests.kills.call_seam import kill_at_call

LEASE = LeaseTimes(20.0, 5.0)


def build_timing(lease: LeaseTimes) -> Timing:
    """Return waits that are over soon: the simulator is never at work on a request that nobody waits for."""
    patience = ReadBackPolicy((0.0, 0.01), (0.0, 0.01, 0.05))
    return Timing(patience=patience, settle_pauses=(0.01, 0.02), look_again=0.02, lease=lease)


def import_everything() -> None:
    """Import each module of the tool, and what some of them import when they are asked for."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("psycopg", "rich.cells", "rich.console"):
        importlib.import_module(name)


def run_job(job: dict[str, Any]) -> int:
    """Run a command line with its streams in files."""
    os.chdir(job["folder"])
    # Somebody who wants to trace this process opens the other end once they do.
    if job.get("gate"):
        os.close(os.open(job["gate"], os.O_RDONLY))
    lease = LeaseTimes(*job["lease"]) if job.get("lease") else LEASE
    with Path(job["stdout"]).open("w", encoding="utf-8") as stdout, Path(job["stderr"]).open("w") as stderr:
        streams = (stdout, stderr, io.StringIO())
        with kill_at_call(job.get("kill_at", 0), job.get("calls", "")):
            return dispatch.run_command_line(job["argv"], job["env"], *streams, build_timing(lease))


def start_child(job: dict[str, Any]) -> int:
    """Fork a run, and return its process."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        signal.set_wakeup_fd(-1)
        code = run_job(job)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        # No `finally` of the parent's, nor anything that runs at exit.
        os._exit(code)


def describe_end(status: int) -> int:
    """Return an exit code, or the number of the signal that ended a process as a negative one."""
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    """Serve until stdin ends."""
    import_everything()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        order = json.loads(line)
        answer = start_child(order["run"]) if "run" in order else describe_end(os.waitpid(order["wait"], 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
