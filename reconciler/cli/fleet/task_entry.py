"""`python -m reconciler.cli.fleet.task_entry`: a task server, started by whoever hands out tasks."""

from __future__ import annotations

import os
from io import FileIO

from reconciler.cli.fleet.worker import TaskRunner
from reconciler.fleet.task_server import serve_tasks


def run_server() -> None:
    """Serve tasks until there is nobody to serve."""
    # Frames alone go there: what a library prints is for whoever reads the coordinator's messages.
    answers = os.dup(1)
    os.dup2(2, 1)
    runner = TaskRunner()
    # Without buffers: what one of them held would be there twice after a fork.
    serve_tasks(runner.run, FileIO(0), FileIO(answers, "wb"), runner.prepare)


if __name__ == "__main__":
    run_server()
