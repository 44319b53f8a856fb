"""Looks of several steps in one list call: fewer requests, and the same verdicts as if each had looked alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from reconciler.diagnostics import Source
from reconciler.engine.apply import apply
from reconciler.engine.gathered_reads import GatheredReads
from reconciler.errors import UnreachableError
from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Step, Verdict
from reconciler.reader import Page
from reconciler.simulator import Simulator
from tests.cli.conftest import Run, folder, run  # noqa: F401 - fixtures
from tests.engine.test_parallel_steps import COUNT, Crew, make_context, make_plan, pool  # noqa: F401 - fixture
from tests.support.problems import make_problem
from tests.support.sample_plans import certificate
from tests.support.toy_reader import World

OWNERS = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: web}
spec: {owner: Web Team, certificates: {ids: [%s]}}
"""


class Lists(World):
    """Certificates by id and in a list, which may tell something else; `hold` keeps each list call from ending."""

    def __init__(self, rows: dict[str, Json], listed: Sequence[Json] | None, fault: Exception | None = None) -> None:
        super().__init__({**rows, **({} if listed is None else {"/Certificates": list(listed)})})
        self.fault, self.waiting, self.here = fault, threading.Event(), threading.Event()

    def pages(self, *args: Any, **options: Any) -> Iterator[Page]:
        self.here.set()
        self.waiting.wait(20)
        if self.fault:
            self.asked.append("/Certificates, in vain")
            raise self.fault
        yield from super().pages(*args, **options)


def look_at_once(world: Lists, count: int = 5) -> tuple[list[Json], int]:
    """Let all certificates of a plan be looked at while a first list call is out; return what each got to see."""
    plan, _ = make_plan(count)
    reads = GatheredReads(KINDS["CertificateOwner"], world)
    with ThreadPoolExecutor(count) as threads:
        futures = [threads.submit(reads.reread, plan.steps[0], is_base(plan.steps[0]))]
        world.here.wait(20)
        futures += [threads.submit(reads.reread, step, is_base(step)) for step in plan.steps[1:]]
        while len(reads._waiting) < count - 1:
            threading.Event().wait(0.001)
        world.waiting.set()
        found = [future.result() for future in futures]
    return [live and (live["Id"], live["OwnerRoleName"]) for live in found], len(world.asked)


def is_base(step: Step) -> Callable[[Json], bool]:
    return lambda live: step.request is not None and bool(live == step.request.base)


ROWS = {f"/Certificates/{number}": certificate(number) for number in range(1, 6)}
BARE: list[Any] = [(number, None) for number in range(1, 6)]
MOVED = certificate(3, "Somebody", OwnerRoleId=9)
LOOKS: dict[str, tuple[dict[str, Json], Sequence[Json] | None, list[Any], int]] = {
    "all as hoped": (ROWS, list(ROWS.values()), BARE, 2),
    "one is not in the list": (ROWS, list(ROWS.values())[:4], BARE, 3),
    "none is in the list": (ROWS, [], BARE, 7),
    "the list is behind": (ROWS, [*list(ROWS.values())[:2], MOVED, *list(ROWS.values())[3:]], BARE, 3),
    "one has moved": (
        {**ROWS, "/Certificates/3": MOVED},
        [MOVED if row["Id"] == 3 else row for row in ROWS.values()],
        [(3, "Somebody") if number == 3 else (number, None) for number in range(1, 6)],
        3,
    ),
}


@pytest.mark.parametrize("row", LOOKS.values(), ids=LOOKS)
def test_one_call_tells_all_who_wait_what_they_hoped_for(row: tuple[Any, Any, list[Any], int]) -> None:
    """The first looks alone, the others together; whoever does not get what is hoped asks for the object itself."""
    rows, listed, seen, requests = row

    assert look_at_once(Lists(rows, listed)) == (seen, requests)


def test_a_list_that_fails_is_asked_no_more() -> None:
    """Each asks by itself then, and its own answer is what counts."""
    fault = UnreachableError(make_problem(Source("GET x"), "no answer"))
    world = Lists(ROWS, None, fault)

    found, requests = look_at_once(world)

    assert found == BARE
    assert requests <= 2 + 5


@pytest.mark.parametrize("writers", [3, 8])
def test_a_step_costs_less_than_the_reads_of_one(pool: ThreadPoolExecutor, writers: int) -> None:  # noqa: F811
    """In the worst order of things a step has two lists to itself; never more."""
    plan, rows = make_plan()

    class Listing(Crew):
        def pages(self, *args: Any, **options: Any) -> Iterator[Page]:
            with self._lock:
                world = World({"/Certificates": list(self.answers.values())})
                self.asked.append("list")
            return iter(list(world.pages(*args, **options)))

    server = Listing(rows, {})

    outcomes = apply(plan, make_context(server, pool, writers))

    assert [outcome.verdict for outcome in outcomes] == [Verdict.APPLIED] * COUNT
    assert set(server.asked) == {"list"}
    assert len(server.asked) <= 2 * COUNT


@pytest.mark.parametrize("writers", [1, 8])
def test_what_apply_does_is_the_same_with_any_number_of_writers(run: Run, folder: Path, writers: int) -> None:  # noqa: F811
    """Over HTTP: each certificate is written once, and with eight writers in fewer requests than two beside it."""
    ids = range(1, 41)
    with Simulator(certificates=50, latency_ms=5) as simulator:
        settings = simulator.settings.read_text()
        parallel = f"    api: keyfactor\n    parallelism: {{writes: {writers}}}\n"
        (folder / "reconciler.yaml").write_text(settings.replace("    api: keyfactor\n", parallel))
        (folder / "all.yaml").write_text(OWNERS % ", ".join(map(str, ids)))
        code, stdout, stderr = run(["apply", "all.yaml", "--yes", "--format", "json"])
        steps = json.loads(stdout)["steps"]
        requests = [entry for entry in simulator.requests if "/Certificates" in entry["path"]]
        written = [entry["path"] for entry in simulator.ledger]

        assert code == 0, stderr
        assert {step["verdict"] for step in steps} == {"applied"}
        assert sorted(written) == sorted(step["call"]["path"] for step in steps)
        reads = len(requests) - len(written) - 1
        assert reads == 2 * len(steps) if writers == 1 else reads <= 1.4 * len(steps)
