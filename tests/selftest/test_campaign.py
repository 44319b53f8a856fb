"""A short campaign holds, is the same each time, meets what it is there to meet, and finds what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import pytest

from reconciler.engine.recorded_run import RecordedRun
from reconciler.selftest.campaign import LayerResult, play_chunk, run_campaign
from reconciler.selftest.double_kills import list_double_kills
from reconciler.selftest.faults import ALL_FAULTS, FAULTS, Channel, IoEvent, SingleFault
from reconciler.selftest.gates import list_gates
from reconciler.selftest.interleavings import SCENARIOS, list_interleavings
from reconciler.selftest.layers import LAYERS, list_names, play_again
from reconciler.selftest.single_faults import PLANS, list_single_faults
from reconciler.selftest.tally import ScheduleTally
from reconciler.selftest.trust import build_trust_document

SEED = "1"
OVERTAKEN = "single-faults:1.19.second_run"


@cache
def play_short_campaign() -> list[LayerResult]:
    """Play one short campaign, which the tests below look at."""
    return run_campaign("short", SEED)


@pytest.mark.no_cover
def test_a_short_campaign_holds() -> None:
    """Nothing lost, nothing twice, nothing unasked, nothing untrue; and every kind of fault took place."""
    layers = play_short_campaign()
    examples = [f"{layer.name}:{one.seed} {one.rule} {one.detail}" for layer in layers for one in layer.tally.examples]
    missed = [f"{gate.name}: {gate.value} of {gate.required}" for gate in list_gates(layers) if not gate.holds]
    assert (examples, missed) == ([], [])


@pytest.mark.no_cover
def test_the_document_says_what_was_played() -> None:
    """Counts by layer, the bound that they give, and the command to repeat it."""
    layers = play_short_campaign()
    document = build_trust_document(layers, list_gates(layers), "short", SEED)
    assert (document["holds"], document["repeat"]) == (True, "reconciler selftest --tier short --seed 1")
    assert list(document["layers"]) == list(LAYERS)
    random = document["layers"]["random"]
    assert random["violation_probability_at_most"] == round(3 / random["schedules"], 8)
    assert all(layer["schedules"] >= layer["distinct"] > 0 for layer in document["layers"].values())


def test_a_schedule_is_the_same_in_another_process() -> None:
    """Byte for byte, whatever Python's hashes are: a seed and the code are all that it takes to see it again."""
    names = list_names(LAYERS["random"], "short", SEED)[:12]
    here = [play_again(f"random:{name}").digest for name in names]
    code = (
        "from reconciler.selftest.layers import play_again\n"
        f"print(*(play_again('random:' + name).digest for name in {names!r}))"
    )
    environment = {"PATH": os.defpath, "PYTHONHASHSEED": "77"}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.split() == here
    assert [play_again(f"random:{name}").digest for name in reversed(names)] == here[::-1]


def test_another_seed_is_another_campaign() -> None:
    """What is played follows from the seed."""
    assert play_again("random:1/0").digest != play_again("random:2/0").digest


@pytest.mark.parametrize("reference", ["random", "random:", "nothing:1", "single-faults:99.1.drop_before",
                                       "single-faults:1.1.earthquake", "interleavings:takeover.1"])  # fmt: skip
def test_a_schedule_that_does_not_exist_is_told(reference: str) -> None:
    """A name that no layer has is no schedule without faults."""
    with pytest.raises(ValueError, match="schedule"):
        play_again(reference)


def test_single_faults_are_all_of_them() -> None:
    """Each kind of fault at each event of each plan, once, and for good where that is what happens in practice."""
    names = list(list_single_faults())
    assert len(set(names)) == len(names) > 5_000
    assert {name.split(".")[0] for name in names} == {str(number + 1) for number in range(len(PLANS))}
    assert len(PLANS) == 12
    assert {name.split(".")[2].rstrip("+") for name in names} == set(ALL_FAULTS)


def test_interleavings_are_all_of_them() -> None:
    """Every pair of turns of every scenario; most of them are different orders."""
    names = list(list_interleavings())
    assert len(set(names)) == len(names) >= 4_000
    assert {name.split(".")[0] for name in names} == set(SCENARIOS)


def test_double_kills_are_all_of_them() -> None:
    """At each event of the first run, each event of the second, which has fewer where less was left to do."""
    names = list(list_double_kills())
    assert len(set(names)) == len(names) > 800
    result = play_again(f"double-kills:{names[-1]}")
    assert (result.crashes, result.liveness, result.violations) == (2, "in sync", ())


def test_a_lasting_fault_lasts_at_its_place() -> None:
    """And a single one does not."""
    channels: tuple[Channel, ...] = ("read", "write", "store", "write")
    events = [IoEvent(number, "run", place, "") for number, place in enumerate(channels)]
    once, lasting = SingleFault(1, "drop_after"), SingleFault(1, "drop_after", is_sticky=True)
    assert [once.choose(event) for event in events] == ["", "drop_after", "", ""]
    assert [lasting.choose(event) for event in events] == ["", "drop_after", "", "drop_after"]
    assert (once.is_spent, lasting.is_spent) == (True, False)


def test_each_fault_has_a_place() -> None:
    """None is in the alphabet that can't happen."""
    assert {kind for kinds in FAULTS.values() for kind in kinds} == set(ALL_FAULTS)


def test_two_processes_come_to_the_same() -> None:
    """Sums don't depend on who added what."""
    names = list_names(LAYERS["single-faults"], "short", SEED)[:20]
    whole, halves = play_chunk("single-faults", names), ScheduleTally()
    for part in (names[:10], names[10:]):
        halves.merge(play_chunk("single-faults", part))
    assert (whole.fired, whole.exits, whole.edges, whole.liveness) == (
        halves.fired,
        halves.exits,
        halves.edges,
        halves.liveness,
    )
    assert whole.timelines == halves.timelines


def test_a_tool_without_a_guard_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that looks at no clock, and is overtaken while it reads, sends all the same; the oracle says so."""
    assert not play_again(OVERTAKEN).violations
    monkeypatch.setattr(RecordedRun, "may_send", lambda _self: True)
    assert {violation.rule for violation in play_again(OVERTAKEN).violations} == {"overlapping"}


def test_gates_fail_where_nothing_happened() -> None:
    """A campaign in which no fault took place and no run ended has shown nothing."""
    empty = [LayerResult(name, layer.title, ScheduleTally(schedules=20_000), 0.0) for name, layer in LAYERS.items()]
    missed = {gate.name for gate in list_gates(empty) if not gate.holds}
    assert {
        "fault ghost",
        "exit unknown",
        "recovered a person",
        "percent of random schedules that end in sync",
    } <= missed


@pytest.mark.no_cover
def test_gates_fail_for_one_violation() -> None:
    """One is too many."""
    layers = play_short_campaign()
    tally = ScheduleTally(schedules=1, violations=1)
    gates = list_gates([*layers, LayerResult("more", "more", tally, 0.0)])
    assert [gate.name for gate in gates if not gate.holds] == ["violations"]
