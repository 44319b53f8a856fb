"""One trial: a run is broken at a point, others come after it, and everything is judged."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.engine.declaration import read_settings
from reconciler.engine.run_store import identify_targets
from reconciler.errors import Exit
from tests.kills import oracle
from tests.kills.oracle import Write
from tests.kills.scene import APPLY, ForkServer, RunResult, Scene, open_scene
from tests.kills.tracing import KILL, Point, attach, describe_injection
from tests.support.postgresql_server import PostgresqlServer
from tests.support.rival_runs import read_inputs
from tests.support.store_places import StorePlace

RECOVER = ("recover", "--format", "json")
PLAN = ("plan", "--detailed-exitcode", "--format", "json")
DRIFT = ("drift", "--format", "json")
WAYS = ("apply", "recover", "recover killed")
"""What comes next after the broken run; after that a recover, a person, an apply and a plan each round."""
MOST_ROUNDS = 3
FINISHED = frozenset({Exit.OK, Exit.UNKNOWN})


@dataclass
class Trial:
    """What a trial came to. `faults` are violations; `ends` says how the runs ended, in order."""

    place: str
    point: Point
    way: str
    ends: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    killed: bool = False
    written: int = 0
    asked: int = 0

    def __str__(self) -> str:
        return f"{self.place} {self.point} {self.way}: {' '.join(self.ends)} {'; '.join(self.faults)}"


class Breaker:
    """Lets runs of a scene meet a point."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def run(self, point: Point, argv: Sequence[str] = APPLY) -> RunResult:
        """Run a command line that meets a point, or ends before it."""
        if not point.call:
            return self._scene.run(argv, kill_at=point.number)
        return self.trace(describe_injection(point, self._scene.folder / "injected"), argv)

    def trace(self, options: Sequence[str], argv: Sequence[str] = APPLY) -> RunResult:
        """Run a command line with strace and these options."""
        gate = self._scene.folder / f"gate{self._scene.count}"
        os.mkfifo(gate)
        process = self._scene.start(argv, gate=str(gate))
        tracer = attach(process, options)
        os.close(os.open(gate, os.O_WRONLY))
        try:
            return self._scene.end(process)
        finally:
            tracer.wait()


@dataclass
class Bench:
    """What trials share: who runs the tool, the database server, and what an undisturbed run writes."""

    forks: ForkServer
    database: PostgresqlServer | None
    planned: Sequence[Write] = ()

    def open(self, place: str | StorePlace, folder: Path, **values: Any) -> AbstractContextManager[Scene]:
        """Open a scene."""
        return open_scene(place, folder, self.forks, self.database, **values)


def read_planned(bench: Bench) -> list[Write]:
    """Return what a run writes that nothing disturbs: what everything else is compared with."""
    with tempfile.TemporaryDirectory() as folder, bench.open("sqlite", Path(folder) / "world") as scene:
        result = scene.run()
        assert result.code == 0, result.stderr
        return oracle.read_writes(scene.list_writes())


def run_trial(bench: Bench, place: str, point: Point, way: str) -> Trial:
    """Break one apply at a point, and let others come after it; nothing is raised for a violation."""
    trial = Trial(place, point, way)
    with tempfile.TemporaryDirectory() as folder, bench.open(place, Path(folder) / "world") as scene:
        result = Breaker(scene).run(point)
        ledger = scene.list_writes()
        trial.killed = result.code < 0
        trial.written = len(ledger)
        trial.ends.append(f"{result.code}@{len(ledger)}")
        trial.faults += oracle.find_bad_writes(ledger, bench.planned)
        if not trial.killed:
            trial.faults += oracle.find_untruths(result, ledger, bench.planned)
        trial.faults += _find_unintended(scene, ledger)
        _SUCCESSORS[way](scene, trial, bench.planned)
        _reach_end(scene, trial, bench.planned)
    return trial


def run_until_killed(bench: Bench, place: str, point: Point, way: str) -> Iterator[Trial]:
    """Run trials until one was killed; each counts.

    What is read or written at once takes another number of calls each time: a run that has fewer is tried again with
    half the number. A call that is to fail may not come at all.
    """
    while True:
        trial = run_trial(bench, place, point, way)
        yield trial
        if trial.killed or point.fault != KILL or point.number <= 1:
            return
        point = point._replace(number=point.number // 2)


def _find_unintended(scene: Scene, ledger: oracle.Writes) -> list[str]:
    """Look into the store as the broken run left it."""
    if not ledger:
        return []
    inputs = read_inputs(scene.folder)
    targets = identify_targets(inputs, read_settings(inputs, None, None), ("command", "csms"))
    store = scene.place.open()
    try:
        return oracle.find_unintended(ledger, oracle.list_intents(store, list(targets.values())))
    finally:
        store.close()


def _apply_next(scene: Scene, trial: Trial, planned: Sequence[Write]) -> RunResult:
    before = len(scene.list_writes())
    result: RunResult = scene.run()
    trial.ends.append(f"apply {result.code}")
    trial.faults += oracle.find_untruths(result, scene.list_writes()[before:], planned)
    if result.code not in FINISHED:
        trial.faults.append(f"apply after it: {result.code}: {result.stderr[-600:]}")
    return result


def _recover_next(scene: Scene, trial: Trial, _: Sequence[Write]) -> RunResult:
    before = scene.list_writes()
    result: RunResult = scene.run(RECOVER)
    trial.ends.append(f"recover {result.code}")
    if scene.list_writes() != before:
        trial.faults.append("recover has written")
    open_steps = oracle.find_open(result.report)
    trial.faults += [fault for _, faults in open_steps for fault in faults]
    if result.code != (Exit.UNKNOWN if open_steps else Exit.OK):
        trial.faults.append(f"recover ended with {result.code}, open are {open_steps}: {result.stderr[-600:]}")
    return result


def _kill_recover(scene: Scene, trial: Trial, _: Sequence[Write]) -> None:
    before = scene.list_writes()
    # Where the first one was met is as good a place as any for the second.
    point = Point(trial.point.call, max(1, trial.point.number // 2)) if trial.point.call else Point("", 40)
    result = Breaker(scene).run(point, RECOVER)
    trial.ends.append(f"recover {result.code}")
    if scene.list_writes() != before:
        trial.faults.append("recover has written")


_SUCCESSORS: dict[str, Callable[[Scene, Trial, Sequence[Write]], object]] = {
    "apply": _apply_next,
    "recover": _recover_next,
    "recover killed": _kill_recover,
}


def _reach_end(scene: Scene, trial: Trial, planned: Sequence[Write]) -> None:
    """Let a person and the tool go on; in a few rounds everything is in sync."""
    for _ in range(MOST_ROUNDS):
        recovered = _recover_next(scene, trial, planned)
        for reference, _ in oracle.find_open(recovered.report):
            _settle_as_seen(scene, trial, reference)
        _apply_next(scene, trial, planned)
        if scene.run(PLAN).code == Exit.OK:
            break
    ledger = scene.list_writes()
    trial.faults += oracle.find_bad_writes(ledger, planned)
    if sorted(oracle.read_writes(ledger)) != sorted(planned):
        trial.faults.append(f"in the end {len(ledger)} of {len(planned)} writes were done")
    if (code := scene.run(PLAN).code) != Exit.OK:
        trial.faults.append(f"plan in the end: {code}")


def _settle_as_seen(scene: Scene, trial: Trial, reference: str) -> None:
    """Do what a person does who looks at the server: the ledger says what they see."""
    trial.asked += 1
    number = reference.rpartition("/")[2]
    seen = "applied" if _was_denied(scene, number) else "not_applied"
    result = scene.run(("recover", "--settle", reference, seen))
    trial.ends.append(f"{seen} {result.code}")
    if seen == "applied":
        trial.faults.append(f"{reference} was done, and reading did not show it")


def _was_denied(scene: Scene, number: str) -> bool:
    return int(number) in oracle.list_denied(scene.list_writes())
