"""Two applies on one target: one of them writes. Also where one of them was asleep while the other went by."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.errors import Exit
from tests.kills import oracle
from tests.kills.scene import APPLY, Scene
from tests.kills.trial import PLAN, Bench
from tests.support.processes import ENDLESS

COUNT = 120
OWNERS = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {{name: all}}
spec: {{owner: {owner}, certificates: {{ids: {ids}}}}}
"""
PAIR = {"mine": "PKI Operators", "theirs": "Auditors"}
ACCEPTED = ("--yes", "--format", "json")
HANDLERS = "/EventHandlerRegistration"


@pytest.fixture
def owners(bench: Bench, tmp_path: Path) -> Iterator[Scene]:
    """A world with two manifests that want other owners of the same certificates."""
    with bench.open("sqlite", tmp_path / "world", certificates=COUNT) as scene:
        (scene.folder / "manifests/all.yaml").unlink()
        for name, owner in PAIR.items():
            text = OWNERS.format(owner=owner, ids=list(range(1, COUNT + 1)))
            (scene.folder / f"{name}.yaml").write_text(text)
        settings = scene.folder / "reconciler.yaml"
        settings.write_text(settings.read_text() + f"limits: {{CertificateOwner: {{changes: {COUNT}}}}}\n")
        yield scene


def list_owners(scene: Scene) -> set[object]:
    """Return who was made an owner."""
    return {entry["body"].get("NewRoleName") for entry in scene.list_writes()}


def test_of_two_applies_at_once_one_writes(owners: Scene) -> None:
    """The other says who holds the target, and has sent nothing: 8."""
    begun, ended = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        ended.wait(ENDLESS)

    owners.server.fault("PUT", "/Certificates/", "edit", call=hold)
    winner = owners.start(("apply", "mine.yaml", *ACCEPTED))
    assert begun.wait(ENDLESS)
    loser = owners.run(("apply", "theirs.yaml", *ACCEPTED))
    ended.set()
    won = owners.end(winner)

    assert loser.code == Exit.LOCKED, loser.stderr
    assert won.code == Exit.OK, won.stderr
    assert list_owners(owners) == {PAIR["mine"]}
    assert len(owners.list_writes()) == sum(step["verdict"] == "applied" for step in won.report["steps"])
    assert oracle.find_untruths(loser, [], []) == []


# the request during which the process is stopped, and what it has written by then
STOPS = [
    ("GET", HANDLERS, 2, 0),
    ("POST", "/Workflow/Certificates/Deny", 1, 6),
]


@pytest.mark.parametrize(("method", "path", "nth", "written"), STOPS)
def test_a_run_that_slept_while_its_lease_ended_sends_nothing_more(
    bench: Bench, tmp_path: Path, method: str, path: str, nth: int, written: int
) -> None:
    """Stopped like a machine that is suspended, overtaken, and woken."""
    with bench.open("sqlite", tmp_path / "world") as scene:
        settings = scene.folder / "reconciler.yaml"
        # A lease never lasts shorter than what a request may take: here it ends after 3 seconds, and is taken after 4.
        settings.write_text(settings.read_text().replace("    auth:\n", "    timeout: 2\n    auth:\n"))
        asleep, processes = threading.Event(), [0]

        def stop() -> None:
            os.kill(processes[0], signal.SIGSTOP)
            asleep.set()

        gate = scene.folder / "gate"
        os.mkfifo(gate)
        scene.server.fault(method, path, "edit", 1, nth, call=stop)
        processes[0] = scene.start(lease=(3.0, 1.0), gate=str(gate))
        os.close(os.open(gate, os.O_WRONLY))
        assert asleep.wait(ENDLESS)
        successor = scene.run((*APPLY, "--lock-timeout", "60s"), lease=(3.0, 1.0))
        before = scene.list_writes()
        os.kill(processes[0], signal.SIGCONT)
        woken = scene.end(processes[0])

        assert successor.code == Exit.OK, successor.stderr
        assert scene.list_writes() == before
        assert oracle.find_bad_writes(before, bench.planned) == []
        assert len(before) == len(bench.planned)
        assert woken.code != Exit.OK
        assert oracle.find_untruths(woken, before[:written], bench.planned) == []
        assert scene.run(PLAN).code == Exit.OK


def test_a_saved_plan_is_applied_once(bench: Bench, tmp_path: Path) -> None:
    """Whoever applies it again is told by which run it was used, and nothing is sent: 7."""
    with bench.open("sqlite", tmp_path / "world") as scene:
        assert scene.run(("plan", "--out", "plan.json")).code == Exit.OK
        applied = scene.run(("apply", "plan.json", "--format", "json"))
        again = scene.run(("apply", "plan.json", "--format", "json"))

        assert applied.code == Exit.OK, applied.stderr
        assert again.code == Exit.STALE, again.stderr
        assert applied.report["run"]["id"] in again.stderr
        assert sorted(oracle.read_writes(scene.list_writes())) == sorted(bench.planned)


def test_a_saved_plan_that_is_applied_twice_at_once_is_applied_once(bench: Bench, tmp_path: Path) -> None:
    """The second one comes while the first one writes: 8, and 7 after it, although it would have waited."""
    begun, ended = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        ended.wait(ENDLESS)

    with bench.open("sqlite", tmp_path / "world") as scene:
        assert scene.run(("plan", "--out", "plan.json")).code == Exit.OK
        scene.server.fault("PUT", HANDLERS, "edit", call=hold)
        winner = scene.start(("apply", "plan.json"))
        assert begun.wait(ENDLESS)
        loser = scene.run(("apply", "plan.json"))
        waiting = scene.start(("apply", "plan.json", "--lock-timeout", "60s"))
        ended.set()

        assert scene.end(winner).code == Exit.OK
        assert loser.code == Exit.LOCKED, loser.stderr
        waited = scene.end(waiting)
        assert waited.code == Exit.STALE, waited.stderr
        assert sorted(oracle.read_writes(scene.list_writes())) == sorted(bench.planned)
