"""What is measured: a table of worlds, and one of commands over them. Nothing here measures anything.

In a command `{folder}` is where the world's manifests are, `{config}` its settings, `{ready}` the file that says where
the simulator is.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

RECONCILER = str(Path(sys.executable).with_name("reconciler"))
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class World:
    """What the simulator holds, which is also what `manifests` writes files about. Each has a process of its own."""

    name: str
    certificates: int = 10
    roles: int = 0
    pending_requests: int = 0
    events: int = 0
    projects: int = 0
    """How many there are of a fleet, with five events each."""
    latency_ms: int = 0
    rounds: int = 5
    full: bool = False
    """Whether it takes so long that it is only measured with --full."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a command is set beside: a floor of the same libraries, or the limit of what Python can do."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row: the arguments of `reconciler`, what it says if its answer is right, and its goal, a ratio of CPU."""

    name: str
    world: str
    arguments: str
    reference: Reference
    says: str = ""
    exits: tuple[int, ...] = (0,)
    goal: float | None = None
    program: str = RECONCILER

    @property
    def command(self) -> tuple[str, ...]:
        """The whole command line."""
        return (self.program, *self.arguments.split())


WORLDS = (
    World("small", rounds=9),
    World("1,000 roles", roles=1_000),
    World("1,000 roles, 20 ms", roles=1_000, latency_ms=20, rounds=3),
    World("10,000 certificates", certificates=10_000),
    World("100,000 certificates", certificates=100_000, rounds=3),
    World("1,000,000 certificates", certificates=1_000_000, rounds=3, full=True),
    World("1,000 owners to set", certificates=1_000, rounds=3),
    World("1,000 owners to set, 20 ms", certificates=1_000, latency_ms=20, rounds=1),
    World("1,000 owners to set, 100 ms", certificates=1_000, latency_ms=100, rounds=1, full=True),
    World("10,000 pending requests", pending_requests=10_000),
    World("1,000 events", events=1_000),
    World("fleet of 1", projects=1, rounds=1),
    World("fleet of 10", projects=10, rounds=1),
    World("fleet of 100", projects=100, rounds=1),
    World("fleet of 1,000", projects=1_000, rounds=1),
    World("fleet of 100, 50 ms", projects=100, latency_ms=50, rounds=1),
    World("fleet of 1,000, 50 ms", projects=1_000, latency_ms=50, rounds=1),
)


def _refer(name: str, *arguments: str) -> Reference:
    return Reference(name, (sys.executable, *arguments))


YARDSTICK = _refer("yardstick", "-c", "import requests, pydantic, yaml")
"""What any tool of this sort has to import."""
LIMIT = _refer("limit", "bench/limit_owners.py", "{ready}", "{folder}/csv-1/owners.csv")
FLOOR = _refer("floor", "bench/floor_owners.py", "{ready}", "{folder}/csv-1/owners.csv")
_DETAILS = ("bench/limit_details.py", "{ready}")
ROLES = _refer("limit", *_DETAILS, "/Security/Roles", "/Security/Roles", "2", "Role *")
WRITES = _refer("limit", "bench/limit_owner_writes.py", "{ready}", "{folder}/b/owners.csv")
_PENDING = ("/Workflow/Certificates/Pending", "/Workflow/Certificates", "1")
REQUESTS = _refer("limit", *_DETAILS, *_PENDING, "none of them")
SAVED = _refer("json", "-c", "import json; json.dumps(json.load(open('{folder}/saved.plan')))")
WITHOUT_STORE = _refer("no store", "bench/store_calls.py", "--imports-only")

_PLAN = "plan {folder}/%s --config {config}"
_GUIDE = str(ROOT / "examples/09-gitops-repository/manifests")
_SHARES = (("0 %", "0"), ("0.1 %", "1"), ("10 %", "100"))
"""How many owners of a thousand differ, as people say it and as the folders of manifests are called."""


def _list_small() -> Sequence[Scenario]:
    def plan_one(name: str, folder: str) -> Scenario:
        return Scenario(f"plan of {name}", "small", _PLAN % folder, YARDSTICK)

    return (
        Scenario("--help", "small", "--help", YARDSTICK, goal=0.33),
        Scenario("validate 5 documents", "small", "validate {folder}/five", YARDSTICK, goal=1.0),
        Scenario("validate the GitOps example", "small", f"validate {_GUIDE}", YARDSTICK),
        Scenario("plan of 5 roles", "small", _PLAN % "five", YARDSTICK, goal=1.5),
        plan_one("1 event handler", "handler"),
        plan_one("1 secret event", "event"),
        plan_one("1 denial by id", "denial"),
        Scenario(
            "what an apply of 1 change asks of its store",
            "small",
            "bench/store_calls.py",
            WITHOUT_STORE,
            goal=1.15,
            program=sys.executable,
        ),
    )


def _list_owners(world: str, size: int) -> Sequence[Scenario]:
    def expect(thousandths: str) -> str:
        steps, in_sync = size * int(thousandths) // 1000, size * (1000 - int(thousandths)) // 1000
        return f"{steps:,} to update; {in_sync:,} in sync" if steps else f"In sync: compared {size:,} of {size:,}"

    kinds = (("a CSV", "csv", LIMIT, 2.5), ("lists in YAML", "yaml", LIMIT, 3.0), ("queries", "query", LIMIT, None))
    plans = [
        Scenario(
            f"plan from {said}, {share}",
            world,
            _PLAN % f"{folder}-{number}",
            reference,
            expect(number),
            goal=goal,
        )
        for said, folder, reference, goal in kinds
        for share, number in _SHARES
    ]
    drift = "drift {folder}/csv-1 --config {config}"
    return (
        Scenario("validate the CSV", world, "validate {folder}/csv-1", LIMIT),
        Scenario("plan from a CSV, 0.1 %, beside the same libraries", world, _PLAN % "csv-1", FLOOR, expect("1")),
        *plans,
        Scenario("drift from a CSV, 0.1 %", world, drift, LIMIT, "drift", (2,)),
        Scenario("plan --out, every owner", world, _PLAN % "csv-1000" + " --out {folder}/saved.plan", LIMIT),
        Scenario("show of that plan", world, "show {folder}/saved.plan", SAVED),
    )


def _list_writes(world: str) -> Scenario:
    # The script sets them back, so that the next round has the same to do.
    return Scenario(
        "apply of 1,000 owners", world, "apply {folder}/a --yes --config {config}", WRITES, "1,000 to update"
    )


_COUNTS: Mapping[tuple[int, bool], tuple[Sequence[int], Sequence[int]]] = {
    (1, False): ((1,), (1,)),
    (10, False): ((1, 2, 4), (1, 2, 4)),
    (100, False): ((1, 2, 4), (1, 2, 4)),
    (1_000, False): ((1, 4), (1, 3)),
    (100, True): ((1, 2, 4, 8), (1, 4)),
    (1_000, True): ((8,), ()),
}
"""By projects, and whether there is latency: how many processes, and how many workers. All of it takes five minutes."""
_FLEET = "{folder}/fleet --config {config}"
STRAIGHT = Reference("straight", (RECONCILER, *f"drift {_FLEET}".split()))
"""One process, which reads all targets together."""


def _list_fleet(world: World) -> Sequence[Scenario]:
    says = f"compared {5 * world.projects:,} of {5 * world.projects:,}"

    def drift(name: str, arguments: str, program: str = RECONCILER) -> Scenario:
        return Scenario(f"drift, {name}", world.name, arguments, STRAIGHT, says, program=program)

    def run_script(name: str, script: str, count: int) -> Scenario:
        return drift(f"{name} {count}", f"bench/fleet_{script}.py {{folder}} {count}", sys.executable)

    jobs, workers = _COUNTS[world.projects, bool(world.latency_ms)]
    return (
        drift("straight", f"drift {_FLEET}"),
        *(drift(f"--jobs {count}", f"drift {_FLEET} --jobs {count}") for count in jobs),
        run_script("shards:", "shards", 4),
        *(run_script("workers of Dask:", "engine", count) for count in workers),
    )


SCENARIOS: Sequence[Scenario] = (
    *_list_small(),
    *(
        Scenario("plan of all", world.name, _PLAN % "roles", ROLES, "In sync: compared 1,000 of 1,000", goal=1.3)
        for world in WORLDS
        if world.roles
    ),
    *(row for world in WORLDS if world.certificates >= 10_000 for row in _list_owners(world.name, world.certificates)),
    *(_list_writes(world.name) for world in WORLDS if world.certificates == 1_000),
    Scenario("plan of a pattern over all", "10,000 pending requests", _PLAN % "denials", REQUESTS, exits=(0, 6)),
    Scenario("plan of all", "1,000 events", _PLAN % "events", YARDSTICK, "In sync: compared 1,000 of 1,000"),
    *(row for world in WORLDS if world.projects for row in _list_fleet(world)),
)
