"""One trial of a fleet: a worker, the scheduler or the client is killed in the middle of an apply, and judged."""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reconciler.errors import Exit
from reconciler.settings.load import read_process_environment
from reconciler.simulator import FleetSeed, Simulator
from tests.support.dask_cluster import DaskCluster, running_cluster
from tests.support.processes import TOOL

Victim = Literal["worker", "scheduler", "client", "process", "patience"]
"""Who is killed; a process is that of one target, where no engine runs it. Patience: the client is asked to stop."""
EVENTS = ("expiry", "rotation", "rotation-failed", "new-version", "deletion")
_MOST_ROUNDS = 4
_ZONES = ("zone-a", "zone-b", "")
_NOT_SENT = frozenset({"not_applied", "not_reached", "stale", "unchanged"})


@dataclass
class FleetTrial:
    """What a trial came to. `faults` are violations; `ends` says how the runs ended, in order."""

    victim: Victim
    seed: int
    at: int = 0
    ends: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unknown: int = 0

    def __str__(self) -> str:
        return f"{self.victim} {self.seed} at {self.at}: {' '.join(self.ends)} {'; '.join(self.faults)}"


class FleetScene:
    """A fleet on the simulator, its checkout, and whoever runs its tasks."""

    def __init__(self, simulator: Simulator, checkout: Path, cluster: DaskCluster | None) -> None:
        self.simulator, self.checkout, self.cluster = simulator, checkout, cluster
        settings = Path(str(simulator.credentials["settings"])).read_text()
        engine = cluster.write_settings() if cluster else ""
        limits = "limits: {SecretEvent: {changes: 1000}}\n"
        (checkout / "reconciler.yaml").write_text(settings + engine + limits)

    def start(self) -> subprocess.Popen[str]:
        """Start an apply of the whole fleet."""
        words = ["apply", "manifests", "--yes", "--format", "json", "--lock-timeout", "1s"]
        return subprocess.Popen(
            [*TOOL, *words, *([] if self.cluster else ["--jobs", "3"])],
            cwd=self.checkout,
            env=dict(read_process_environment()),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def count_writes(self) -> Counter[tuple[str, str]]:
        """Return how often each event of each project was written."""
        return Counter((entry["place"], str(entry["path"]).rsplit("/", 1)[-1]) for entry in self.simulator.ledger)


def run_fleet_trial(victim: Victim, seed: int, projects: int) -> FleetTrial:
    """Kill once in the middle of an apply of five writes a project, and let others come after it."""
    draw = random.Random(seed)
    trial = FleetTrial(victim, seed, draw.randrange(1, 4 * projects))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkout = folder / "checkout"
        (checkout / "manifests").mkdir(parents=True)
        simulator = stack.enter_context(Simulator(certificates=0, latency_ms=2, fleet=FleetSeed(projects)))
        write_manifests(checkout / "manifests")
        cluster = (
            None
            if victim in {"process", "patience"}
            else stack.enter_context(running_cluster(folder, checkout, _ZONES))
        )
        scene = FleetScene(simulator, checkout, cluster)
        _run_and_kill(scene, trial, draw)
        _reach_sync(scene, trial, projects)
    return trial


def write_manifests(folder: Path) -> None:
    """Declare five events for every target, each of them other than it is."""
    documents = [
        "apiVersion: reconciler/v1\nkind: SecretEvent\n"
        f"metadata: {{name: {name}, targets: {{env: [prod, test, dev]}}}}\n"
        "spec: {eventTypes: [SECRET_VERSION_CREATED, SECRET_DELETED]}\n"
        for name in EVENTS
    ]
    (folder / "events.yaml").write_text("---\n".join(documents))


def _run_and_kill(scene: FleetScene, trial: FleetTrial, draw: random.Random) -> None:
    client = scene.start()
    while client.poll() is None and len(scene.simulator.ledger) < trial.at:
        time.sleep(0.001)
    _kill(scene, trial.victim, client, draw)
    out, err = client.communicate(timeout=100)
    trial.ends.append(f"{client.returncode}@{len(scene.simulator.ledger)}")
    if trial.victim == "client":
        _await_silence(scene)
    else:
        _judge_report(scene, trial, out, err)


def _kill(scene: FleetScene, victim: Victim, client: subprocess.Popen[str], draw: random.Random) -> None:
    cluster = scene.cluster
    if victim == "patience":
        client.terminate()
    elif victim == "client" or cluster is None:
        victims = [client.pid] if victim == "client" else _list_task_processes(client.pid)
        for process in victims[:1]:
            subprocess.run(["kill", "-9", str(process)], check=False)
    elif victim == "scheduler":
        assert cluster.scheduler
        cluster.scheduler.kill()
        cluster.scheduler.wait()
    else:
        zone = draw.randrange(len(_ZONES))
        cluster.workers[zone].kill()
        cluster.workers[zone].wait()
        # As whatever looks after workers does.
        cluster.start_worker(_ZONES[zone])


def _list_task_processes(client: int) -> list[int]:
    """Return the processes that run a target now: children of the servers that the client started."""
    servers = _list_children(client)
    return [child for server in servers for child in _list_children(server)]


def _list_children(process: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{process}/task").iterdir()
        return [int(number) for task in tasks for number in (task / "children").read_text().split()]
    except OSError:
        return []


def _await_silence(scene: FleetScene) -> None:
    """Wait until nothing is written any more: tasks that were under way end by themselves."""
    last, still = -1, 0
    while still < 15:
        time.sleep(0.1)
        count = len(scene.simulator.ledger)
        last, still = count, still + 1 if count == last else 0


def _judge_report(scene: FleetScene, trial: FleetTrial, out: str, err: str) -> None:
    """Hold a report to the ledger: what it calls applied was written once, and what it calls anything else was not."""
    try:
        report = json.loads(out)
    except ValueError:
        trial.faults.append(f"no report: {err[-400:]}")
        return
    written = scene.count_writes()
    places = {name: bound["project"] for name, bound in report.get("targets", {}).items()}
    for step in report["steps"]:
        address, verdict = step["address"], step["verdict"]
        key = (places.get(address["target"], ""), address["name"])
        trial.unknown += verdict == "unknown"
        if (verdict == "applied" and written[key] != 1) or (verdict in _NOT_SENT and written[key]):
            trial.faults.append(f"{address['target']} {address['name']}: {verdict}, written {written[key]} times")
    if trial.victim == "patience" and report["outcome"]["code"] not in {Exit.OK, Exit.INTERRUPTED}:
        trial.faults.append(f"it was asked to stop, and ended with {report['outcome']['name']}")
    if report["outcome"]["code"] == Exit.OK and any(step["verdict"] != "applied" for step in report["steps"]):
        trial.faults.append("a success that is none")


def _reach_sync(scene: FleetScene, trial: FleetTrial, projects: int) -> None:
    """Let others come after it until everything is in sync; each write was then done once."""
    cluster = scene.cluster
    if cluster and trial.victim == "scheduler":
        cluster.stop()
        cluster.workers.clear()
        cluster.start_scheduler()
        for zone in _ZONES:
            cluster.start_worker(zone)
        cluster.await_workers()
        scene.__init__(scene.simulator, scene.checkout, cluster)  # type: ignore[misc]
    report: dict[str, Any] = {}
    for _ in range(_MOST_ROUNDS):
        out, err = scene.start().communicate(timeout=100)
        report = json.loads(out) if out else {}
        trial.ends.append(str(report.get("outcome", {}).get("code", err[-300:])))
        if report.get("outcome", {}).get("code") == Exit.OK and not report["steps"]:
            break
        _judge_rerun(trial, report)
    else:
        trial.faults.append(f"not in sync after {_MOST_ROUNDS} rounds: {report.get('problems', '')}"[:600])
    written = scene.count_writes()
    if doubled := {key: number for key, number in written.items() if number > 1}:
        trial.faults.append(f"written more than once: {doubled}")
    if len(written) != projects * len(EVENTS):
        trial.faults.append(f"{len(written)} of {projects * len(EVENTS)} were written")


def _judge_rerun(trial: FleetTrial, report: dict[str, Any]) -> None:
    steps = report.get("steps", [])
    if steps and report["outcome"]["code"] == Exit.OK and any(step["verdict"] != "applied" for step in steps):
        trial.faults.append("a success that is none")
