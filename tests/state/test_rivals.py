"""Two processes on one store: nothing is won twice, and nothing is lost."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.state.locations import StateLocation
from reconciler.state.records import PlanNonce, RunHolder
from reconciler.state.run_holder import describe_holder, is_holder_gone
from reconciler.state.store import RunEnding
from reconciler.state.store_errors import NonceUsed
from tests.support.processes import started
from tests.support.store_places import ENV, TARGET, StorePlace, make_result, make_run

ROOT = Path(__file__).parents[2]
ROUNDS = {"sqlite": 30, "postgresql": 30, "git file": 4}
PAIR = ("a", "b")


def start_rival(location: StateLocation, name: str, rounds: int, job: str) -> list[str]:
    return [sys.executable, "-m", "tests.state.rival", pickle.dumps(location).hex(), name, str(rounds), job]


def run_rivals(location: StateLocation, rounds: int, job: str) -> list[list[str]]:
    """Run two processes at once, and return the words of every line that they print."""
    with ExitStack() as stack:
        jobs = [
            stack.enter_context(
                started(start_rival(location, name, rounds, job), ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            )
            for name in PAIR
        ]
        told, complaints = zip(*(running.communicate() for running in jobs), strict=True)
        lines = [line for words in told for line in words.splitlines()]
        assert [running.returncode for running in jobs] == [0, 0], complaints
    return [line.split() for line in lines]


@pytest.fixture
def rounds(request: pytest.FixtureRequest, place: StorePlace) -> int:
    return ROUNDS[request.node.callspec.params["place"]]


def test_each_lease_has_one_winner(place: StorePlace, rounds: int) -> None:
    """Also the store itself is made at once by both."""
    lines = run_rivals(place.location, rounds, "leases")
    winners = {number: run for number, verdict, run in lines if verdict == "won"}
    assert Counter(number for number, verdict, _ in lines if verdict == "won") == {str(n): 1 for n in range(rounds)}
    assert {number: run for number, verdict, run in lines if verdict == "lost"} == winners
    store = place.open()
    held = [store.read_lease(f"{number:016x}") for number in range(rounds)]
    assert [lease and lease.run for lease in held] == [winners[str(number)] for number in range(rounds)]


def test_each_plan_is_used_once(place: StorePlace, rounds: int) -> None:
    lines = run_rivals(place.location, rounds, "nonces")
    assert Counter(number for number, *_ in lines) == {str(number): 1 for number in range(rounds)}
    store = place.open()
    for number, _, run in lines:
        with pytest.raises(NonceUsed, match=f"by run {run};"):
            store.claim(make_run("late"), nonce=PlanNonce(f"plan-{number}", "2999"))


def test_each_act_is_claimed_once(place: StorePlace, rounds: int) -> None:
    lines = run_rivals(place.location, rounds, "acts")
    keys = [f"deny/{number}" for number in range(rounds + 1)]
    acts = place.open().list_acts(TARGET, keys)
    assert max(Counter(act.key for act in acts).values()) == 1
    # All or none: whoever won has both.
    assert {act.run for act in acts} == {run for _, _, run in lines}
    assert Counter(act.run for act in acts) == {run: 2 for _, _, run in lines}


def test_no_record_is_lost_between_two_writers(place: StorePlace, rounds: int) -> None:
    run_rivals(place.location, rounds, "drift")
    addresses = {record.item.address for record in place.open().list_drift(TARGET)}
    assert addresses == {f"Kind/{name}-{number}" for name in PAIR for number in range(rounds)}


def test_a_writer_that_is_killed_leaves_all_of_an_operation_or_nothing(place: StorePlace, rounds: int) -> None:
    """Wherever it dies: what it said was done is there, whole, and a successor can go on."""
    for number in range(min(rounds // 2, 4)):
        told = run_and_kill(place.location, f"k{number}", 0.001 * number)
        store = place.open()
        claimed, settled = ({run for word, run in told if word == kind} for kind in ("claimed", "settled"))
        acts = [act for run in claimed for act in store.list_acts(TARGET, [f"{run}/x", f"{run}/y"])]
        assert Counter(act.run for act in acts) == dict.fromkeys(claimed, 2)
        assert {act.run for act in acts if act.outcome} >= settled
        left = store.list_open(TARGET)
        assert not {intent.intent.run for intent in left} & settled
        lease = store.claim(make_run(f"after-{number}"), over=store.read_lease(TARGET))
        store.settle(lease, [make_result(intent.intent.run, 1) for intent in left])
        store.release(lease, RunEnding(0))
        assert store.list_open(TARGET) == ()
        store.close()


def run_and_kill(location: StateLocation, name: str, delay: float) -> list[tuple[str, str]]:
    """Kill a writer a moment after its first word; return its whole words."""
    with started(start_rival(location, name, 10_000, "alone"), ROOT, stdout=subprocess.PIPE) as rival:
        assert rival.stdout
        lines = [rival.stdout.readline()]
        # Not to wait for anything: only to die at another moment each time.
        threading.Event().wait(delay)
        rival.send_signal(signal.SIGKILL)
        lines += rival.stdout.read().splitlines(keepends=True)
    pairs = [line.split() for line in lines if line.endswith("\n")]
    return [(word, run) for word, run in pairs]


def test_a_holder_that_was_killed_is_known_to_be_gone_on_its_own_machine() -> None:
    assert not is_holder_gone(describe_holder(ENV))
    code = (
        "import json, sys; from reconciler.state.run_holder import describe_holder;"
        "print(json.dumps(describe_holder({})._asdict()), flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with started([sys.executable, "-c", code], ROOT, stdout=pipe, stdin=pipe) as other:
        assert other.stdout
        holder = RunHolder(**json.loads(other.stdout.readline()))
        assert not is_holder_gone(holder)
        assert not is_holder_gone(holder._replace(machine="another"))
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        # Nobody has asked for its end yet: its number is still taken.
        assert is_holder_gone(holder)
    assert is_holder_gone(holder)
    assert is_holder_gone(describe_holder(ENV)._replace(started="1"))
    assert not is_holder_gone(holder._replace(machine="another"))
