"""`make bench`: what it costs. Times as ratios of one run, since machines differ; requests as exact numbers.

The yardstick for start-up is what any tool of this sort must import: `python -c "import requests, pydantic, yaml"`.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reconciler.simulator import Simulator

ROOT = Path(__file__).parent.parent
RECONCILER = [str(Path(sys.executable).with_name("reconciler"))]
YARDSTICK = [sys.executable, "-c", "import requests, pydantic, yaml"]
ROUNDS = 9
BULK_ROUNDS = 5
WITHOUT_STORE = "import reconciler.apis.connect, reconciler.engine.pipeline"
STORE_CALLS = f"""{WITHOUT_STORE}
from pathlib import Path
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from reconciler.state.records import Intent, IntentResult, RunHolder, RunRecord, SettledAs, SettledBy
from reconciler.state.store import RunEnding
store = open_store(LocalState(Path("{{folder}}")), env={{{{}}}})
store.read_lease("t"), store.list_open("t"), store.list_forbidden_acts("t")
run = "run-{{number}}"
intent = Intent(run, 0, "K/n", "PUT", "/1", "r", "b")
lease = store.claim(RunRecord(run, "t", "apply", "1", RunHolder("h")), intents=[intent])
store.list_open("t")
lease = store.renew(lease, [IntentResult(run, 0, SettledAs.APPLIED, SettledBy.ANSWER, run)])
store.release(lease, RunEnding(0))
store.close()
"""
"""What an apply of one change asks of the store."""


def main() -> None:
    """Print the tables."""
    console = Console(width=110)
    console.print(start_up())
    console.print(requests_of_a_plan())
    console.print(many_steps(100_000 if "--full" in sys.argv else 10_000))
    console.print(memory_of_an_apply())
    console.print(many_owners((10_000, 100_000, 1_000_000) if "--full" in sys.argv else (10_000, 100_000)))


def start_up() -> Table:
    """Set the CPU time of whole processes, interleaved, beside the yardstick's."""
    examples = sorted(str(path) for path in (ROOT / "examples").glob("*/manifests"))
    with Simulator(certificates=10) as simulator, tempfile.TemporaryDirectory() as folder:
        roles = [str(role["Name"]) for role in simulator.world.roles.values()][:5]
        for number, role in enumerate(roles):
            document = _document("SecurityRole", json.dumps(role), "{description: Day to day}")
            (Path(folder) / f"{number}.yaml").write_text(document)
        settings = str(simulator.credentials["settings"])
        commands = {
            YARDSTICK[-1]: (YARDSTICK, ""),
            "reconciler --help": ([*RECONCILER, "--help"], "0.33"),
            "reconciler validate (5 documents)": ([*RECONCILER, "validate", folder], "1.50"),
            "reconciler validate (an example)": ([*RECONCILER, "validate", examples[0]], "1.50"),
            "reconciler validate (the GitOps repository)": ([*RECONCILER, "validate", examples[-1]], "2.00"),
            "reconciler plan (5 roles)": ([*RECONCILER, "plan", folder, "--config", settings], "2.25"),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, (command, _bound) in commands.items():
                times[name].append(_measure_cpu(command, ok=(0, 6)))
    medians = {name: statistics.median(values) for name, values in times.items()}
    table = Table(title=f"Start-up, CPU of whole processes, median of {ROUNDS} interleaved runs", title_justify="left")
    for column in ("command", "ms", "ratio", "bound"):
        table.add_column(column, justify="left" if column == "command" else "right")
    for name, median in medians.items():
        table.add_row(name, f"{median * 1000:.0f}", f"{median / medians[YARDSTICK[-1]]:.2f}", commands[name][1])
    return table


def requests_of_a_plan() -> Table:
    """Count the requests of planning one kind at a time."""
    table = Table(title="Requests of a plan", title_justify="left")
    for column in ("documents", "on the server", "requests", "of which"):
        table.add_column(column)
    roles = [_document("SecurityRole", name, "{description: d}") for name in ("Auditors", "Help Desk", "Web Team")]
    handler = "{className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, enabled: true}"
    query = "{owner: Web Team, certificates: {query: 'CertId -gt 0'}}"
    denial = "{requests: [{id: 23, commonName: test.example.com}]}"
    cases = (
        ("3 roles", "8 roles", 10, roles),
        ("1 event handler", "5", 10, [_document("EventHandler", "h", handler)]),
        ("1 event", "3", 10, [_document("SecretEvent", "expiry-prod", "{state: ENABLED}")]),
        ("1 denial by id", "12 pending", 10, [_document("RequestDenial", "d", denial)]),
        ("owners by query", "2,500 certificates", 2_500, [_document("CertificateOwner", "o", query)]),
    )
    for label, there, certificates, documents in cases:
        with Simulator(certificates=certificates) as simulator, tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "all.yaml"
            manifest.write_text("---\n".join(documents))
            _plan(simulator, manifest)
            counts = Counter(_shape(str(entry["path"])) for entry in simulator.requests)
            table.add_row(label, there, str(sum(counts.values())), ", ".join(f"{n} × {p}" for p, n in counts.items()))
    return table


def memory_of_an_apply() -> Table:
    """Set the CPU time of an apply of one change beside that of what it asks of a local store, imports included."""
    with Simulator(certificates=10) as simulator, tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "all.yaml"
        settings = str(simulator.credentials["settings"])
        applies, stores = [], []
        for number in range(ROUNDS):
            spec = f"{{className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, displayName: Name {number}}}"
            manifest.write_text(_document("EventHandler", "h", spec))
            applies.append(_measure_cpu([*RECONCILER, "apply", str(manifest), "--yes", "--config", settings]))
            code = STORE_CALLS.format(folder=f"{folder}/state", number=number)
            stores.append(
                _measure_cpu([sys.executable, "-c", code]) - _measure_cpu([sys.executable, "-c", WITHOUT_STORE])
            )
    apply, store = statistics.median(applies), statistics.median(stores)
    table = Table(title=f"An apply of one change, CPU, median of {ROUNDS} interleaved runs", title_justify="left")
    for column in ("ms", "of which for the store", "with it / without", "bound"):
        table.add_column(column, justify="right")
    table.add_row(f"{apply * 1000:.0f}", f"{store * 1000:.0f}", f"{apply / (apply - store):.2f}", "1.15")
    return table


def _measure_cpu(command: Sequence[str], ok: Sequence[int] = (0,)) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=False, capture_output=True, cwd=ROOT)
    if done.returncode not in ok:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.decode()}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def many_owners(sizes: Sequence[int]) -> Table:
    """Plan a CSV of owners, 1 % of them different, beside straight-line scripts for the same answer: see `bench/`."""
    table = Table(title="A plan of certificate owners in a CSV, 1 % to change", title_justify="left")
    for column in ("owners", "CPU s", "peak MiB", "requests", "steps", "/ validate", "/ floor", "/ limit", "bound"):
        table.add_column(column, justify="right")
    for size in sizes:
        with Simulator(certificates=size) as simulator, tempfile.TemporaryDirectory() as folder:
            manifest = _owners(simulator, size, Path(folder))
            ready = Path(folder) / "ready.json"
            ready.write_text(json.dumps(simulator.credentials))
            scripts = [[sys.executable, f"bench/{name}_owners.py"] for name in ("floor", "limit")]
            validate = [*RECONCILER, "validate", str(manifest)]
            beside = [validate, *([*script, str(ready), str(manifest.with_suffix(".csv"))] for script in scripts)]
            simulator.forget_requests()
            report = _plan(simulator, manifest)
            sent, steps = len(simulator.requests), len(report["steps"])
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            config = ["--config", str(simulator.credentials["settings"])]
            commands = [[*RECONCILER, "plan", str(manifest), *config], *beside]
            rounds = [[_measure_cpu(command, ok=(0, 6)) for command in commands] for _ in range(BULK_ROUNDS)]
            plan, *others = map(statistics.median, zip(*rounds, strict=True))
            ratios = [f"{plan / other:.1f}" for other in others]
            table.add_row(f"{size:,}", f"{plan:.2f}", f"{peak:.0f}", str(sent), str(steps), *ratios, "2.5")
    return table


def many_steps(size: int) -> Table:
    """Save and show a plan in which every owner changes, beside what json takes to read that file and write it."""
    table = Table(title=f"A plan in which {size:,} owners change", title_justify="left")
    for column in ("command", "CPU s", "peak MiB", "file MiB", "CPU / json"):
        table.add_column(column, justify="left" if column == "command" else "right")
    with Simulator(certificates=size) as simulator, tempfile.TemporaryDirectory() as folder:
        manifest, file = _owners(simulator, size, Path(folder), 1), Path(folder) / "saved.plan"
        config = Path(folder) / "reconciler.yaml"
        limits = f"limits: {{CertificateOwner: {{changes: {size}}}}}\n"
        config.write_text(Path(str(simulator.credentials["settings"])).read_text() + limits)
        commands = {
            "plan --out": [*RECONCILER, "plan", str(manifest), "--config", str(config), "--out", str(file)],
            "show": [*RECONCILER, "show", str(file)],
            "json": [sys.executable, "-c", f"import json; json.dumps(json.load(open({str(file)!r})))"],
        }
        costs = {name: _measure_child(command) for name, command in commands.items()}
        size_told = f"{file.stat().st_size / 2**20:.1f}"
    for name, (seconds, peak) in costs.items():
        table.add_row(name, f"{seconds:.2f}", f"{peak:.0f}", size_told, f"{seconds / costs['json'][0]:.1f}")
    return table


def _measure_child(command: Sequence[str]) -> tuple[float, float]:
    """Return the CPU seconds of one process, and its peak in MiB: RUSAGE_CHILDREN has that of the largest so far."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _document(kind: str, name: str, spec: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def _owners(simulator: Simulator, size: int, folder: Path, every: int = 100) -> Path:
    """Write a CSV that says what the server has, but for one row in so many; every certificate has an owner."""
    world = simulator.world
    lines = []
    with simulator.lock:
        for number, row in enumerate(list(world.certificates.values())):
            owner = row.owner or 2
            world.certificates[row.id] = row._replace(owner=owner)
            wanted = owner if number % every else 3 + owner % 2
            lines.append(f"{row.thumbprint},{world.roles[wanted]['Name']}")
    (folder / "owners.csv").write_text("thumbprint,owner\n" + "\n".join(lines) + "\n")
    manifest = folder / "owners.yaml"
    manifest.write_text(_document("CertificateOwner", "all", "{assignments: owners.csv}"))
    assert len(lines) == size
    return manifest


def _plan(simulator: Simulator, manifest: Path, ok: Sequence[int] = (0, 6)) -> dict[str, list[object]]:
    settings = str(simulator.credentials["settings"])
    command = [*RECONCILER, "plan", str(manifest), "--config", settings, "--format", "json"]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode not in ok:
        sys.exit(f"plan ended with {done.returncode}: {done.stderr.decode()}")
    report: dict[str, list[object]] = json.loads(done.stdout)
    return report


def _shape(path: str) -> str:
    """Fold ids, so that equal requests add up."""
    return "/".join("{id}" if part.isdigit() else part for part in path.split("/"))


if __name__ == "__main__":
    main()
