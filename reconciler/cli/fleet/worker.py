"""What a worker does with a task: the same command line that a person would type, about the one target."""

from __future__ import annotations

import gc
import shlex
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from io import StringIO
from pathlib import Path

from reconciler.cli.dispatch import run_command_line
from reconciler.engine.declaration import HeldDeclaration, RunInputs, RunOptions, read_declaration
from reconciler.engine.settings_digest import digest_settings
from reconciler.errors import ReconcilerError
from reconciler.fleet.task import FleetTask, TaskAnswer, decode_task
from reconciler.fleet.task_check import TaskCheck
from reconciler.kinds.registry import KINDS
from reconciler.manifests.selection import parse_filters
from reconciler.state.scratch import hold_scratch_files

PLAN_PLACE = "{plan}"
"""The word of a task that stands for the file of its plan, wherever a worker puts that."""
_PLAN_FILE = "plan.json"
_COMPARING = (
    "reconciler.apis.connect",
    "reconciler.engine.observe",
    "reconciler.plans.planner",
    "reconciler.reports.json_document",
)
_NEEDED: dict[str, tuple[str, ...]] = {
    "plan": ("reconciler.cli.commands.plan", "reconciler.engine.preview", "reconciler.engine.saved_plans", *_COMPARING),
    "drift": ("reconciler.cli.commands.drift", "reconciler.engine.drift", "reconciler.state.sqlite", *_COMPARING),
    "apply": ("reconciler.cli.commands.apply", "reconciler.engine.execution", "reconciler.state.sqlite", *_COMPARING),
}
"""What each process of a command would load by itself: a third of a second, once instead of for each target."""


class TaskRunner:
    """Runs tasks, each in a process of its own; the files of a fleet are read once, before the first of these."""

    def __init__(self) -> None:
        self._fleet = ""
        self._held: HeldDeclaration | None = None
        self._digest = ""

    def prepare(self, data: bytes, env: Mapping[str, str]) -> None:
        """Read what the settings and the manifests say, if the task is the first of its fleet.

        What is wrong with them the task's own process tells, which then reads them itself.
        """
        task = decode_task(data)
        if task.fleet == self._fleet:
            return
        self._fleet, self._held = task.fleet, None
        for module in _NEEDED[task.command]:
            import_module(module)
        options = _build_options(task)
        with suppress(ReconcilerError, OSError):
            inputs = RunInputs(env, Path.cwd(), datetime.now(UTC).date(), KINDS)
            self._held = HeldDeclaration(options, read_declaration(inputs, options), task.commit)
            self._digest = digest_settings(self._held.declared.settings)
        # What is there now is shared by all; a collection in one of them would copy what it looks at.
        gc.collect()
        gc.freeze()

    def run(self, data: bytes, env: Mapping[str, str]) -> bytes:
        """Return the answer to a task; `env` is what its target may know of the environment."""
        task = decode_task(data)
        report, messages = StringIO(), StringIO()
        with hold_scratch_files({_PLAN_FILE: task.plan} if task.plan else {}) as folder:
            plan_file = folder / _PLAN_FILE
            argv = _write_command_line(task, str(plan_file))
            check = TaskCheck(task, self._held, self._digest)
            # Of a fleet one trace is sent, by whoever began it.
            env = {name: value for name, value in env.items() if not name.startswith("OTEL_")}
            code = run_command_line(argv, env, report, messages, StringIO(), task=check)
            plan = plan_file.read_bytes() if task.command == "plan" and plan_file.exists() else b""
            # The folder has another name each time, and nobody can look there.
            text = report.getvalue().replace(f"{folder}/", "")
        return TaskAnswer(code, text.encode(), plan).encode()


def _build_options(task: FleetTask) -> RunOptions:
    return RunOptions(task.paths, task.config, parse_filters(task.selection), task.base, environment=task.environment)


def _write_command_line(task: FleetTask, plan_file: str) -> list[str]:
    place = [("--config", task.config), ("--environment", task.environment)]
    if task.command != "apply":
        place.append(("--base", task.base))
    words = [plan_file if word == PLAN_PLACE else word for word in task.words]
    documents = [] if task.command == "apply" else [*task.paths, *shlex.split(task.selection)]
    options = [word for name, value in place if value is not None for word in (name, value)]
    return [task.command, *words, *documents, *options, "--format", "json"]
