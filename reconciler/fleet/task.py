"""What a worker is told to do, and what it answers: bytes, in which there is no secret and no URL.

A task names a target and says which settings, manifests and version of the tool it was made with. Whoever runs it has a
checkout of its own, resolves secrets itself, and refuses where its checkout is another one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

_FORMAT = 1
FleetCommand = Literal["plan", "drift", "apply"]


@dataclass(frozen=True, slots=True)
class FleetTask:
    """A command for one target.

    `fleet` is the id of the run that it is a part of, `attempt` counts from 1; `tool` is a version, `settings` and
    `manifests` are digests, `commit` is that of the manifests, "" if there is none. Where the documents are is said as
    `RunOptions` has it, `selection` as it would be typed; `words` are further options. `plan` is a saved plan, for
    `apply`.
    """

    fleet: str
    command: FleetCommand
    target: str
    tool: str
    settings: str
    manifests: str
    commit: str = ""
    paths: tuple[str, ...] = ()
    config: str | None = None
    environment: str | None = None
    selection: str = ""
    base: str | None = None
    words: tuple[str, ...] = ()
    plan: bytes = b""
    attempt: int = 1

    @property
    def key(self) -> str:
        """What nothing else is called, in any fleet."""
        return f"{self.fleet}/{self.command}/{self.target}/{self.attempt}"

    def retry(self) -> Self:
        """Return the next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def encode(self) -> bytes:
        """Return the task as JSON."""
        members = {**asdict(self), "plan": base64.b64encode(self.plan).decode(), "format": _FORMAT}
        return json.dumps(members, sort_keys=True).encode()


def decode_task(data: bytes) -> FleetTask:
    """Return the task that `FleetTask.encode` made; raises ValueError for anything else."""
    members = _load_members(data, "task")
    lists = {name: tuple(members[name]) for name in ("paths", "words")}
    return FleetTask(**{**members, **lists, "plan": base64.b64decode(members["plan"], validate=True)})


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """How a command ended: its exit code, its JSON report, and the plan that it saved, if any."""

    exit: int
    report: bytes
    plan: bytes = b""

    def encode(self) -> bytes:
        """Return the answer as JSON."""
        members = {"exit": self.exit, "report": self.report.decode(), "plan": base64.b64encode(self.plan).decode()}
        return json.dumps({**members, "format": _FORMAT}, sort_keys=True).encode()


def decode_answer(data: bytes) -> TaskAnswer:
    """Return the answer that `TaskAnswer.encode` made; raises ValueError for anything else."""
    members = _load_members(data, "answer")
    return TaskAnswer(
        int(members["exit"]), str(members["report"]).encode(), base64.b64decode(members["plan"], validate=True)
    )


def _load_members(data: bytes, what: str) -> dict[str, Any]:
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, Mapping) or members.get("format") != _FORMAT:
        # Another version on one of the two sides; both are told which they are by the check of the tool's version.
        raise ValueError(f"this is no {what} of this version")
    return {name: value for name, value in members.items() if name != "format"}
