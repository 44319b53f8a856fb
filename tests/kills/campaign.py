"""Kills of the whole process at system calls, and system calls that fail, with each back end: `make kills`.

`--replay "PLACE|POINT|WAY"` runs one trial again, as the report names it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.kills.scene import ForkServer
from tests.kills.tracing import KILL, MISSING, SENT, Point, can_trace, list_points, read_point
from tests.kills.trial import WAYS, Bench, Breaker, Trial, read_planned, run_until_killed
from tests.support.postgresql_server import MISSING as NO_DATABASE
from tests.support.postgresql_server import PostgresqlServer, running_server
from tests.support.store_places import PLACES
from tests.support.trust_document import add_layer, tell

KILLS = 255
"""By default, with each back end: a few points lie behind the end of the run that they are drawn for."""
ERRORS = 50
WORKERS = 2
BROKEN: dict[str, dict[str, tuple[str, ...]]] = {
    "sqlite": {
        "pwrite64": ("ENOSPC", "EIO"),
        "fdatasync": ("ENOSPC", "EIO"),
        "openat": ("ENOSPC", "EIO"),
        "unlink": ("EIO",),
        "fcntl": ("EIO",),
        "sendto": ("ECONNRESET",),
        "recvfrom": ("ECONNRESET",),
    },
    "postgresql": {"sendto": ("ECONNRESET",), "recvfrom": ("ECONNRESET",), "connect": ("ECONNREFUSED",)},
    "git file": {"vfork": ("EAGAIN",), "pipe2": ("EMFILE",), "openat": ("ENOSPC",), "sendto": ("ECONNRESET",)},
}
"""What fails, by back end: in the run itself, not in programs that it starts."""


@contextmanager
def open_bench(forks: ForkServer, database: PostgresqlServer | None) -> Iterator[Bench]:
    """Yield a bench that knows what is planned."""
    bench = Bench(forks, database)
    bench.planned = read_planned(bench)
    yield bench


def find_points(bench: Bench, place: str) -> list[Point]:
    """Return every point of one undisturbed run after it has read its settings."""
    with tempfile.TemporaryDirectory() as name, bench.open(place, Path(name) / "world") as scene:
        log = scene.folder / "log"
        if not can_trace():
            assert scene.run(calls=str(log)).code == 0
            return [Point("", number + 1) for number in range(int(log.read_text()))]
        assert Breaker(scene).trace(["-o", str(log)]).code == 0
        return list_points(log, after="reconciler.yaml")


def choose_kills(points: Sequence[Point], count: int, chance: random.Random) -> list[Point]:
    """Return so many points, as different as can be: of each system call in turn, none twice."""
    groups: dict[str, list[Point]] = {}
    for point in chance.sample(points, len(points)):
        groups.setdefault(point.call, []).append(point)
    turns = zip_longest(*(groups[name] for name in sorted(groups)))
    return [point for turn in turns for point in turn if point][:count]


def choose_errors(points: Sequence[Point], place: str, count: int, chance: random.Random) -> list[Point]:
    """Return so many calls that fail, once or from there on."""
    chosen = []
    for point in choose_kills([point for point in points if point.call in BROKEN[place]], count, chance):
        fault = f"error={chance.choice(BROKEN[place][point.call])}"
        # A connection that is reset while its server goes on and listens is no connection that there is.
        stays = point.call not in SENT and chance.random() < 0.5
        chosen.append(point._replace(fault=fault, stays=stays))
    return chosen


class Crew:
    """Workers with a fork server each, on one database server."""

    def __init__(self, stack: ExitStack, database: PostgresqlServer | None, workers: int) -> None:
        self._stack, self._database = stack, database
        self._own, self._lock = threading.local(), threading.Lock()
        self._pool = stack.enter_context(ThreadPoolExecutor(workers))

    def run(self, orders: Sequence[tuple[str, Point, str]]) -> Iterator[Trial]:
        """Yield the trials in the order in which they are asked for."""
        for trials in self._pool.map(lambda order: list(run_until_killed(self.bench(), *order)), orders):
            yield from trials

    def bench(self) -> Bench:
        """Return the bench of this thread."""
        if not hasattr(self._own, "bench"):
            with self._lock:
                forks = self._stack.enter_context(ForkServer())
                self._own.bench = self._stack.enter_context(open_bench(forks, self._database))
        bench: Bench = self._own.bench
        return bench


def plan_trials(bench: Bench, places: Sequence[str], options: argparse.Namespace) -> list[tuple[str, Point, str]]:
    """Return what is to be tried, by seed."""
    orders = []
    for place in places:
        points, chance = find_points(bench, place), random.Random(f"{options.seed} {place}")
        chosen = choose_kills(points, options.kills, chance)
        if can_trace():
            chosen += choose_errors(points, place, options.errors, chance)
        orders += [(place, point, WAYS[number % len(WAYS)]) for number, point in enumerate(chosen)]
    return orders


def summarize(trials: Sequence[Trial], options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """Return the layer as `TRUST.json` has it."""
    by_place = {
        place: {
            "kills": sum(trial.killed for trial in trials if trial.place == place),
            "errors": sum(trial.point.fault != KILL for trial in trials if trial.place == place),
            "between_first_and_last_write": sum(0 < trial.written < 7 for trial in trials if trial.place == place),
            "left_to_a_person": sum(trial.asked for trial in trials if trial.place == place),
        }
        for place in dict.fromkeys(trial.place for trial in trials)
    }
    return {
        "runs": len(trials),
        "places": by_place,
        "faults": dict(sorted(Counter(f"{one.point.call or 'call'} {one.point.fault}" for one in trials).items())),
        "technique": "strace" if can_trace() else "in-process seam",
        "violations": [str(trial) for trial in trials if trial.faults],
        "seed": options.seed,
        "seconds": round(seconds),
        "repeat": f"python -m tests.kills.campaign --kills {options.kills} --errors {options.errors} "
        f"--seed {options.seed}",
    }


def is_vacuous(layer: dict[str, Any], options: argparse.Namespace) -> bool:
    """Say whether too few kills hit for the result to mean anything."""
    return any(
        counts["kills"] < options.kills * 0.95 or (options.kills >= 50 and not counts["between_first_and_last_write"])
        for counts in layer["places"].values()
    )


def parse_options(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills.campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS, help="per back end")
    parser.add_argument("--errors", type=int, default=ERRORS, help="per back end")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--place", action="append", choices=PLACES)
    parser.add_argument("--trust", metavar="FILE", help="add the result to TRUST.json")
    parser.add_argument("--replay", action="append", help="PLACE|POINT|WAY")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the campaign and print what came of it."""
    options, started = parse_options(argv), time.monotonic()
    if not can_trace():
        tell(MISSING, sys.stderr)
    with ExitStack() as stack:
        database = stack.enter_context(running_server())
        places = [place for place in options.place or PLACES if database or place != "postgresql"]
        if not database:
            tell(NO_DATABASE, sys.stderr)
        crew = Crew(stack, database, WORKERS)
        replayed = [text.split("|") for text in options.replay or []]
        orders = [(place, read_point(point), way) for place, point, way in replayed]
        orders = orders or plan_trials(crew.bench(), places, options)
        trials = []
        for trial in crew.run(orders):
            trials.append(trial)
            if len(trials) % 50 == 0:
                tell(f"{len(trials)} of {len(orders)}, {trial.place}", sys.stderr)
            if trial.faults or replayed:
                tell(str(trial))
    layer = summarize(trials, options, time.monotonic() - started)
    if options.trust:
        add_layer(Path(options.trust), "kills", layer)
    tell(json.dumps(layer, indent=1))
    return 9 if layer["violations"] or (not replayed and is_vacuous(layer, options)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
