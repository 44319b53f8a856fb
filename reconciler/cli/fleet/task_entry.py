"""`python -m reconciler.cli.fleet.task_entry`: a task server, started by whoever hands out tasks."""

from __future__ import annotations

import gc
import os
from importlib import import_module
from io import FileIO

from reconciler.cli.fleet.worker import TaskRunner
from reconciler.fleet.task_server import serve_tasks
from reconciler.kinds.registry import KINDS

# Loaded once, for every process that is forked: each alone would take a third of a second for it.
_NEEDED_BY_ALL = (
    "reconciler.apis.connect",
    "reconciler.cli.commands.apply",
    "reconciler.cli.commands.drift",
    "reconciler.cli.commands.plan",
    "reconciler.engine.drift",
    "reconciler.engine.execution",
    "reconciler.engine.preview",
    "reconciler.reports.json_document",
    "reconciler.settings.build",
    "reconciler.settings.schema",
    "reconciler.state.sqlite",
)


def run_server() -> None:
    """Serve tasks until there is nobody to serve."""
    for module in _NEEDED_BY_ALL:
        import_module(module)
    for name in KINDS:
        KINDS.find(name)
    # What is there now is shared by all; a collection would write to it, and each would have a copy.
    gc.collect()
    gc.freeze()
    # Frames alone go there: what a library prints is for whoever reads the coordinator's messages.
    answers = os.dup(1)
    os.dup2(2, 1)
    # Without buffers: what one of them held would be there twice after a fork.
    runner = TaskRunner()
    serve_tasks(runner.run, FileIO(0), FileIO(answers, "wb"), runner.prepare)


if __name__ == "__main__":
    run_server()
