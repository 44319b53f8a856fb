"""One world of a killed run: a simulator, a store, what is declared, and the runs of the command line in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

from reconciler.simulator import Simulator
from reconciler.state.locations import DatabaseState, GitState, LocalState, StateLocation
from tests.support.postgresql_server import PostgresqlServer
from tests.support.processes import ENDLESS
from tests.support.store_places import StorePlace, make_place

ROOT = Path(__file__).parents[2]
APPLY = ("apply", "--yes", "--format", "json")
MANIFESTS = """\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: log}
spec: {className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, displayName: Log, enabled: true}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Auditors}
spec: {description: Who audits}
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: web}
spec: {owner: PKI Operators, certificates: {ids: [1, 2, 3, 4]}}
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: first}
spec: {match: {commonName: one.test.example.com}, comment: not from production}
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: others}
spec: {match: {commonName: "t*.test.example.com"}, comment: not from production}
---
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry-prod}
spec: {state: ENABLED}
"""


class RunResult(NamedTuple):
    """How a run ended: its exit code, or the signal as a negative number; and what it printed."""

    code: int
    report: Any
    stderr: str


class ForkServer:
    """Runs command lines in forked processes; see `fork_server`."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-m", "tests.kills.fork_server"]
        self._process = subprocess.Popen(argv, cwd=ROOT, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(ENDLESS)

    def start(self, job: Mapping[str, Any]) -> int:
        """Start a run, and return its process."""
        return self._order({"run": job})

    def wait(self, process: int) -> int:
        """Return the exit code of a run, or the signal that ended it as a negative number."""
        return self._order({"wait": process})

    def _order(self, order: Mapping[str, Any]) -> int:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        return int(self._process.stdout.readline())


@dataclass
class Scene:
    """A simulator with a settings file whose store is in a place of its own, and the manifests."""

    server: Simulator
    folder: Path
    place: StorePlace
    forks: ForkServer
    env: Mapping[str, str]
    count: int = 0
    names: dict[int, str] = field(default_factory=dict)

    def start(self, argv: Sequence[str] = APPLY, **job: Any) -> int:
        """Start a run, and return its process."""
        self.count += 1
        name = f"run{self.count}"
        process = self.forks.start(self.describe_job(argv, name) | job)
        self.names[process] = name
        return process

    def end(self, process: int) -> RunResult:
        """Wait for a run, and return what it came to."""
        code, name = self.forks.wait(process), self.names.pop(process)
        files = (self.folder / f"{name}.out", self.folder / f"{name}.err")
        stdout, stderr = (file.read_text() if file.exists() else "" for file in files)
        try:
            report = json.loads(stdout)
        # It was killed before, or while, it wrote.
        except ValueError:
            report = None
        return RunResult(code, report, stderr)

    def run(self, argv: Sequence[str] = APPLY, **job: Any) -> RunResult:
        """Run a command line to its end."""
        return self.end(self.start(argv, **job))

    def describe_job(self, argv: Sequence[str], name: str) -> dict[str, Any]:
        """Return what the fork server needs to know of a run."""
        streams = {"stdout": f"{self.folder}/{name}.out", "stderr": f"{self.folder}/{name}.err"}
        return {"argv": list(argv), "folder": str(self.folder), "env": dict(self.env), **streams}

    def list_writes(self) -> list[dict[str, Any]]:
        """Return what the server really did for the tool, oldest first."""
        return [entry for entry in self.server.ledger if entry["actor"] == "reconciler"]


@contextmanager
def open_scene(
    place: str | StorePlace,
    folder: Path,
    forks: ForkServer,
    database: PostgresqlServer | None,
    manifests: str = MANIFESTS,
    certificates: int = 8,
) -> Iterator[Scene]:
    """Make a world in a folder; `place` is one of `tests.support.store_places.PLACES`, or one that is there."""
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        store = place if isinstance(place, StorePlace) else stack.enter_context(make_place(place, folder, database))
        server = stack.enter_context(Simulator(certificates=certificates))
        (folder / "manifests").mkdir()
        (folder / "manifests" / "all.yaml").write_text(manifests)
        state, variables = _describe_state(store.location)
        lines = [
            f"state: {json.dumps(state)}" if line.startswith("state:") else line
            for line in server.settings.read_text().splitlines()
        ]
        settings = "\n".join("manifests: manifests/" if line.startswith("manifests:") else line for line in lines)
        (folder / "reconciler.yaml").write_text(settings + "\n")
        env = {"HOME": "/nonexistent", "PATH": os.defpath, **variables}
        yield Scene(server, folder, store, forks, env)


def _describe_state(location: StateLocation) -> tuple[Any, dict[str, str]]:
    """Return what `state` says in settings for a store at a place, and the variables that it needs."""
    if isinstance(location, DatabaseState):
        return {"postgresql": {"url": {"env": "RECONCILER_DATABASE_URL"}}}, {"RECONCILER_DATABASE_URL": location.url}
    if isinstance(location, GitState):
        return {"git": {"remote": location.remote}}, {}
    assert isinstance(location, LocalState)
    return f"{location.folder}/", {}
