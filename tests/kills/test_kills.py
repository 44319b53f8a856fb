"""A process that is killed, or met by an error of the system, anywhere: the short part of `make kills`."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.kills import campaign, oracle
from tests.kills.oracle import DENY, Write
from tests.kills.scene import RunResult
from tests.kills.tracing import Point, can_trace, read_point
from tests.kills.trial import WAYS, Bench, run_trial, run_until_killed

KILLS = {"sqlite": 4, "postgresql": 3, "git file": 1}
each_place = pytest.mark.parametrize("place", KILLS)


@each_place
def test_a_killed_process_is_survived(place: str, request: pytest.FixtureRequest) -> None:
    """Nothing unplanned, nothing twice, an intent before each write, true exits, in sync in the end."""
    bench: Bench = request.getfixturevalue("database_bench" if place == "postgresql" else "bench")
    points = campaign.choose_kills(campaign.find_points(bench, place), KILLS[place], random.Random(5))
    ways = (WAYS[number % len(WAYS)] for number in range(len(points)))
    tried = [list(run_until_killed(bench, place, point, way)) for point, way in zip(points, ways, strict=True)]
    assert all(trials[-1].killed for trials in tried)
    assert [str(trial) for trials in tried for trial in trials if trial.faults] == []


def test_a_point_that_is_not_reached_is_met_earlier(bench: Bench) -> None:
    """Runs that read and write at once differ in how many calls they make."""
    syncs = [point for point in campaign.find_points(bench, "sqlite") if point.call in {"", "fdatasync"}]
    beyond = syncs[-1]._replace(number=3 * max(point.number for point in syncs))
    trials = list(run_until_killed(bench, "sqlite", beyond, WAYS[0]))
    assert [trial.killed for trial in trials] == [False] * (len(trials) - 1) + [True]
    assert len(trials) > 1
    assert [str(trial) for trial in trials if trial.faults] == []


ERRORS = ["fdatasync:30+:ENOSPC", "pwrite64:200:EIO", "openat:60+:ENOSPC"]


@pytest.mark.parametrize("point", ERRORS)
def test_a_disk_that_fails_is_survived(bench: Bench, point: str) -> None:
    if not can_trace():
        pytest.skip("without strace no call can be made to fail")
    trial = run_trial(bench, "sqlite", read_point(point), "apply")
    assert not trial.killed
    assert trial.ends[0].partition("@")[0] != "0"
    assert trial.faults == []


def test_where_nothing_can_be_traced_the_process_kills_itself(bench: Bench) -> None:
    """At a call of the interpreter, somewhere behind the first write."""
    trial = run_trial(bench, "sqlite", Point("", 900), "recover")
    assert trial.killed
    assert trial.faults == []


# The oracle is on trial as well: what it must say of ledgers, intents and reports that are wrong.
PUT: dict[str, Any] = {"method": "PUT", "path": "/x", "body": {"a": 1}}
POST: dict[str, Any] = {"method": "POST", "path": DENY, "body": {"CertificateRequestIds": [7], "Comment": ""}}
OTHER: dict[str, Any] = {"method": "POST", "path": DENY, "body": {"CertificateRequestIds": [7, 8], "Comment": ""}}
PLANNED = oracle.read_writes([PUT, POST])
LEDGERS: list[tuple[list[dict[str, Any]], list[str]]] = [
    ([PUT, POST], []),
    ([POST], []),
    ([PUT, PUT], ["written 2 times"]),
    ([{**PUT, "body": {"a": 2}}], ["unplanned write"]),
    ([{**PUT, "path": "/y"}], ["unplanned write"]),
    ([POST, POST], ["written 2 times", "denied 2 times: 7"]),
    ([POST, OTHER], ["unplanned write", "denied 2 times: 7"]),
]


@pytest.mark.parametrize(("ledger", "faults"), LEDGERS)
def test_the_oracle_sees_bad_writes(ledger: list[dict[str, Any]], faults: list[str]) -> None:
    seen = oracle.find_bad_writes(ledger, PLANNED)
    assert [fault for fault in seen if not fault.startswith(tuple(faults) or ("none",))] == []
    assert len(seen) == len(faults)


def test_the_oracle_misses_an_intent() -> None:
    assert oracle.find_unintended([PUT], []) == ["no intent for PUT /x"]


def report(*verdicts: str) -> dict[str, Any]:
    return {"steps": [{"verdict": verdict} for verdict in verdicts]}


# exit code, report, writes -> what is untrue about it
RESULTS: list[tuple[int, Any, int, str]] = [
    (0, report("applied", "applied"), 2, ""),
    (0, report("applied", "unchanged"), 1, ""),
    (11, report("unknown", "not_reached"), 1, ""),
    (11, report("unknown"), 0, ""),
    (10, None, 0, ""),
    (0, report("applied", "applied"), 1, "report says"),
    (9, report("not_applied"), 1, "report says"),
    (0, report("applied", "not_applied"), 1, "exit 0 with"),
    (9, report("unknown"), 1, "exit 9 with an unknown step"),
    (1, None, 0, "internal error"),
    (139, None, 0, "exit 139"),
]


@pytest.mark.parametrize(("code", "shown", "count", "fault"), RESULTS)
def test_the_oracle_sees_untrue_ends(code: int, shown: Any, count: int, fault: str) -> None:
    ledger = [PUT, POST][:count]
    seen = oracle.find_untruths(RunResult(code, shown, ""), ledger, [Write("", "", "")] * 2)
    assert [one.startswith(fault) for one in seen] == ([True] if fault else [])


def test_only_a_denial_is_left_to_a_person() -> None:
    entries = [{"step": "r/1", "act": act, "outcome": "unknown"} for act in ("", "deny/7")]
    (step, faults), (other, none) = oracle.find_open({"settled": [*entries, {**entries[0], "outcome": "applied"}]})
    assert (step, bool(faults), other, none) == ("r/1", True, "r/1", [])
