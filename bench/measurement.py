"""Whole processes, measured: CPU (user and system), wall, the most memory, and the requests that arrived."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.scenarios import ROOT, Reference, Scenario, World

_OWN_FIGURES = re.compile(r"^measured: cpu (\S+) wall (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of a command; seconds, MiB."""

    cpu: float
    wall: float
    peak: float
    requests: int


@dataclass(frozen=True, slots=True)
class Row:
    """A scenario's runs and those of its reference, made in turns."""

    scenario: Scenario
    own: Sequence[Sample]
    beside: Sequence[Sample]

    @property
    def cpu_ratio(self) -> float:
        """CPU beside that of the reference, medians."""
        return median(sample.cpu for sample in self.own) / median(sample.cpu for sample in self.beside)

    @property
    def wall_ratio(self) -> float:
        """The same of the time on the clock, which is what a slow network costs."""
        return median(sample.wall for sample in self.own) / median(sample.wall for sample in self.beside)


def measure_world(world: World, scenarios: Sequence[Scenario]) -> list[Row]:
    """Return a row a scenario: all commands of a world in turns, as often as it says, each reference once a turn."""
    samples: dict[Scenario | Reference, list[Sample]] = {}
    with _serve(world) as folder:
        for _ in range(world.rounds):
            references: set[Reference] = set()
            for scenario in scenarios:
                samples.setdefault(scenario, []).append(_run(scenario.command, folder, scenario))
                if scenario.reference not in references:
                    references.add(scenario.reference)
                    samples.setdefault(scenario.reference, []).append(_run(scenario.reference.command, folder))
    return [Row(scenario, samples[scenario], samples[scenario.reference]) for scenario in scenarios]


@contextmanager
def _serve(world: World) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="reconciler-bench-") as name:
        command = [sys.executable, "-m", "bench.server", name, world.name]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            if not server.stdout or not server.stdin or server.stdout.readline() != "ready\n":
                sys.exit(f"the simulator of {world.name} did not start")
            yield Path(name)
            server.stdin.close()


def _run(command: Sequence[str], folder: Path, scenario: Scenario | None = None) -> Sample:
    """Run a command and measure it; ends the whole bench where its answer is not the right one."""
    places = {"folder": str(folder), "config": str(folder / "reconciler.yaml"), "ready": str(folder / "ready.json")}
    argv = [part.format(**places) if "{" in part else part for part in command]
    _ask_simulator(folder, "DELETE")
    output = folder / "output"
    with output.open("w") as sink:
        begin = time.monotonic()
        with subprocess.Popen(argv, stdout=sink, stderr=subprocess.STDOUT, cwd=ROOT) as child:
            # RUSAGE_CHILDREN has the peak of the largest child so far; this has that of this one.
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - begin
    said = output.read_text()
    exits, expected = (scenario.exits, scenario.says) if scenario else ((0,), "")
    if child.returncode not in exits or expected not in said:
        sys.exit(f"{' '.join(argv)} ended with {child.returncode}, and does not say {expected!r}: {said[:2000]}")
    requests = len(_ask_simulator(folder, "GET"))
    # A script that first starts what it measures says itself what the rest took.
    if own := _OWN_FIGURES.search(said):
        return Sample(float(own[1]), float(own[2]), usage.ru_maxrss / 1024, requests)
    return Sample(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, requests)


def _ask_simulator(folder: Path, method: str) -> Sequence[object]:
    place = str(json.loads((folder / "ready.json").read_text())["url"]).removeprefix("http://")
    connection = http.client.HTTPConnection(place, timeout=60)
    connection.request(method, "/_sim/requests")
    answer: Sequence[object] = json.loads(connection.getresponse().read())
    connection.close()
    return answer
