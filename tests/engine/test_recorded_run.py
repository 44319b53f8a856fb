"""One run as the store knows it: what is durable before a step is sent, what after it, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.recorded_run import RecordedRun, RunParts, RunTarget
from reconciler.engine.target_lock import LockPolicy
from reconciler.engine.timing import Timing
from reconciler.errors import Exit, StateError
from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Obstacle, Outcome, Plan, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.state.locations import LocalState
from reconciler.state.open_store import open_store
from reconciler.state.records import PlanNonce, SettledAs
from reconciler.state.store import RunEnding, Store
from tests.support.sample_plans import document, event, handler, pending, planned, registered
from tests.support.store_places import OTHER_TARGET, TARGET, make_intent, make_result, make_run
from tests.support.toy_reader import World

WORLD: dict[str, Json] = {
    "/EventHandlerRegistration": registered("a", "b"),
    "/EventHandlerRegistration/1": registered("a", "b")[0],
    "/EventHandlerRegistration/2": registered("a", "b")[1],
    "/Workflow/Certificates/Pending": [pending(23), pending(24)],
    "/Workflow/Certificates/23": pending(23),
    "/Workflow/Certificates/24": pending(24),
    f"{World.root}/events": [event("e", state="DISABLED")],
    f"{World.root}/events/e": {"event": event("e", state="DISABLED")},
}
NONCE = PlanNonce("nonce-1", "2999-01-01T00:00:00.000Z")
SECRET = "correct horse battery"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(LocalState(tmp_path / "state"), env={})) as opened:
        yield opened


def make_plan() -> Plan:
    """Two handlers, and a denial of two requests."""
    denial = document("RequestDenial", "d", {"match": {"template": "Web"}, "comment": "no"}, 9)
    plan = planned([handler("a"), handler("b", line=2), denial], WORLD)
    assert [step.action for step in plan.steps] == ["update", "update", "deny"]
    return plan


def recorded(
    store: Store, run: str = "run-1", nonce: PlanNonce | None = None, now: Sequence[float] = ()
) -> RecordedRun:
    moments = iter(now)
    timing = Timing(sleep=lambda _: None, clock=lambda: next(moments, 0.0))
    targets = {"command": RunTarget(make_run(run), World(WORLD))}
    masker = SecretMasker([lambda text: text.replace(SECRET, "***")])
    return RecordedRun(RunParts(store, targets, KINDS, masker, LockPolicy(timing=timing), nonce))


def ended(plan: Plan, number: int, verdict: Verdict = Verdict.APPLIED, **members: Any) -> Outcome:
    return Outcome(plan.steps[number], verdict, **members)


def list_open(store: Store) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{entry.intent.run}/{entry.intent.number}", entry.unsettled) for entry in store.list_open(TARGET)]


def test_the_repeatable_intents_are_there_before_anything_is_sent(store: Store) -> None:
    """Each denial follows when its turn comes: what is claimed and never sent could be denied by nobody."""
    plan, run = make_plan(), recorded(store)

    assert run.claim(plan) is plan

    lease = store.read_lease(TARGET)
    assert lease is not None
    assert lease.run == "run-1"
    assert list_open(store) == [("run-1/0", ("",)), ("run-1/1", ("",))]
    assert store.list_acts(TARGET, ["deny/23"]) == ()


def test_a_step_is_settled_as_it_ended(store: Store) -> None:
    plan, run = make_plan(), recorded(store)
    run.claim(plan)

    assert run.begin(0, plan.steps[0]) is None
    assert run.finish(0, ended(plan, 0)) == ""
    assert run.begin(1, plan.steps[1]) is None
    assert run.finish(1, ended(plan, 1, Verdict.UNKNOWN, detail="no answer", request_id="7f3a")) == ""

    assert list_open(store) == [("run-1/1", ("",))]
    history = store.read_run(TARGET, "run-1")
    assert history is not None
    assert [(one.number, one.outcome, one.detail, one.request_id) for one in history.results] == [
        (0, SettledAs.APPLIED, "", ""),
        (1, SettledAs.UNKNOWN, "no answer", "7f3a"),
    ]


@pytest.mark.parametrize("last", [Verdict.UNKNOWN, Verdict.NOT_REACHED])
def test_what_ends_together_is_recorded_together_and_at_once(store: Store, last: Verdict) -> None:
    """With the last of them, even if that one has nothing to record itself."""
    plan, run = make_plan(), recorded(store)
    run.claim(plan)

    assert run.finish(0, ended(plan, 0), more=True) == ""
    assert list_open(store) == [("run-1/0", ("",)), ("run-1/1", ("",))]
    assert run.finish(1, ended(plan, 1, last)) == ""

    assert "run-1/0" not in dict(list_open(store))
    assert ("run-1/1" in dict(list_open(store))) is (last is Verdict.UNKNOWN)


def test_a_store_that_nobody_pinned_is_told_once_a_denial_depends_on_it(store: Store) -> None:
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    run.begin(0, plan.steps[0])
    assert list(run.notes) == []
    run.begin(2, plan.steps[2])
    assert [note.rule for note in run.notes] == ["state.unpinned"]
    run.release([ended(plan, number, Verdict.NOT_APPLIED) for number in range(3)], Exit.PARTIAL)
    pinned = RecordedRun(replace(recorded(store, "run-2").parts, pinned=store.identity.id))
    pinned.claim(plan)
    assert pinned.begin(2, plan.steps[2]) is None
    assert "state.unpinned" not in [note.rule for note in pinned.notes]


def test_a_denial_is_settled_act_by_act(store: Store) -> None:
    """One id is denied, of the other nobody knows."""
    plan, run = make_plan(), recorded(store)
    run.claim(plan)

    assert run.begin(2, plan.steps[2]) is None
    assert {act.key for act in store.list_forbidden_acts(TARGET)} == {"deny/23", "deny/24"}
    verdicts = (Verdict.APPLIED, Verdict.UNKNOWN, Verdict.APPLIED)
    run.finish(2, ended(plan, 2, Verdict.UNKNOWN, verdicts=verdicts))

    assert list_open(store)[-1] == ("run-1/2", ("deny/24",))
    acts = {act.key: act.outcome for act in store.list_forbidden_acts(TARGET)}
    assert acts == {"deny/23": SettledAs.APPLIED, "deny/24": SettledAs.UNKNOWN}


def test_what_was_denied_by_another_run_is_not_denied_again(store: Store) -> None:
    lease = store.claim(make_run("run-0"))
    store.intend(lease, [make_intent("run-0", 1, "deny/24")])
    store.release(lease, RunEnding(0), [make_result("run-0", 1)])
    plan, run = make_plan(), recorded(store)
    run.claim(plan)

    refused = run.begin(2, plan.steps[2])

    assert refused is not None
    assert refused.verdict is Verdict.STALE
    assert "deny/24 (run run-0, applied)" in refused.detail
    assert run.finish(2, refused) == ""
    assert store.list_acts(TARGET, ["deny/23"]) == ()


def test_what_was_not_reached_is_not_left_open(store: Store) -> None:
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    outcomes = [ended(plan, 0, Verdict.STALE), *(ended(plan, number, Verdict.NOT_REACHED) for number in (1, 2))]
    for number, outcome in enumerate(outcomes):
        run.finish(number, outcome)

    run.release(outcomes, Exit.STALE)

    assert list_open(store) == []
    assert store.read_lease(TARGET) is None
    (record,) = store.list_runs(TARGET)
    assert (record.exit, record.counts) == (7, {"stale": 1, "not_reached": 2})
    assert run.faults == ()


def test_a_run_that_is_broken_off_leaves_open_what_was_under_way(store: Store) -> None:
    """The step under way was never finished: its result is what the report says of it."""
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    run.begin(0, plan.steps[0])
    outcomes = [ended(plan, 0, Verdict.UNKNOWN), *(ended(plan, number, Verdict.NOT_REACHED) for number in (1, 2))]

    run.release(outcomes, Exit.INTERRUPTED)

    assert list_open(store) == [("run-1/0", ("",))]


def test_a_plan_is_used_once(store: Store) -> None:
    """Whoever was refused holds nothing."""
    plan = make_plan()
    first = recorded(store, "run-1", NONCE)
    first.claim(plan)
    first.release([], Exit.OK)

    with pytest.raises(StateError, match="applied before, by run run-1") as caught:
        recorded(store, "run-2", NONCE).claim(plan)

    assert caught.value.exit is Exit.STALE
    assert store.read_lease(TARGET) is None
    assert {entry.intent.run for entry in store.list_open(TARGET)} == {"run-1"}


def test_who_has_to_wait_for_one_of_two_targets_holds_neither_and_keeps_the_plan(store: Store) -> None:
    """A plan that could not be begun can be applied later."""
    plan = planned([handler("a"), document("SecretEvent", "e", {"state": "ENABLED"}, 2)], WORLD)
    assert {step.address.target for step in plan.steps} == {"command", "csms"}
    last = max(TARGET, OTHER_TARGET)
    rival = store.claim(make_run("run-0", last))

    def make(name: str = "run-1") -> RecordedRun:
        run = recorded(store, name, NONCE)
        world = World(WORLD)
        targets = {
            "command": RunTarget(make_run(name), world),
            "csms": RunTarget(make_run(name, OTHER_TARGET), world),
        }
        return RecordedRun(replace(run.parts, targets=targets))

    with pytest.raises(StateError, match="run-0") as caught:
        make().claim(plan)

    assert caught.value.exit is Exit.LOCKED
    assert store.read_lease(min(TARGET, OTHER_TARGET)) is None
    store.release(rival, RunEnding(0))
    run = make()
    assert run.claim(plan) is plan
    for number in (0, 1):
        assert run.begin(number, plan.steps[number]) is None
        assert run.finish(number, ended(plan, number)) == ""
    run.release([ended(plan, 0), ended(plan, 1)], Exit.OK)
    assert [store.read_lease(target) for target in (TARGET, OTHER_TARGET)] == [None, None]
    with pytest.raises(StateError, match="applied before"):
        make("run-2").claim(plan)
    assert store.list_runs(min(TARGET, OTHER_TARGET))[0].exit == Exit.STALE, "and not locked"


def test_an_overtaken_run_begins_nothing_more(store: Store) -> None:
    """Its result is still true, and can't be recorded: the one that overtook it settles by reading."""
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    run.begin(0, plan.steps[0])
    assert store.unlock(TARGET, "run-1")
    rival = store.claim(make_run("run-2"))

    assert "could not be recorded" in run.finish(0, ended(plan, 0))
    refused = run.begin(2, plan.steps[2])

    assert refused is not None
    assert (refused.verdict, refused.cause) == (Verdict.NOT_APPLIED, Exit.LOCKED)
    run.release([], Exit.PARTIAL)
    assert store.read_lease(TARGET) == rival
    assert [fault.rule for fault in run.faults] == ["state.overtaken"]


def test_the_lease_is_renewed_in_time_and_too_short_a_rest_of_it_forbids_to_send(store: Store) -> None:
    """90 seconds, renewed from 30 on; a request may take 30 of them."""
    plan = make_plan()
    run = recorded(store, now=[0.0, 0.0, 29.0, 60.0, 61.0])
    run.claim(plan)
    lease = store.read_lease(TARGET)
    assert lease is not None
    assert run.begin(0, plan.steps[0]) is None
    assert store.read_lease(TARGET) == lease, "not due after 29 seconds"
    assert run.may_send(), "after 60 there is time for one request"
    assert not run.may_send(), "after 61 there is not"


def test_a_store_that_vanished_lets_nothing_be_begun(store: Store, tmp_path: Path) -> None:
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    (tmp_path / "state/store.sqlite3").unlink()

    refused = run.begin(2, plan.steps[2])

    assert refused is not None
    assert (refused.verdict, refused.cause) == (Verdict.NOT_APPLIED, Exit.REFUSED)
    assert "is gone" in refused.detail
    assert "could not be recorded" in run.finish(0, ended(plan, 0))


def test_a_remote_store_is_written_once_for_many_results_but_not_for_a_denial_s(store: Store) -> None:
    """A lost result of a repeatable write is read again; what a denial came to is known before the next one."""
    plan, run = make_plan(), recorded(store)
    run.claim(plan)
    lease = store.read_lease(TARGET)
    assert lease is not None
    store.__class__ = type("Remote", (type(store),), {"is_remote": True})
    run.finish(0, ended(plan, 0))
    run.finish(1, ended(plan, 1))
    assert store.read_lease(TARGET) == lease
    assert len(list_open(store)) == 2

    run.begin(2, plan.steps[2])
    assert list_open(store) == [("run-1/2", ("deny/23", "deny/24"))], "nothing else is open when a denial is sent"
    run.finish(2, ended(plan, 2, verdicts=(Verdict.APPLIED,) * 3))
    assert list_open(store) == []


def test_only_the_object_of_which_nobody_knows_is_held_back(store: Store) -> None:
    """An earlier run intended handler 1, and somebody has made a third thing of it."""
    plan = make_plan()
    earlier = recorded(store, "run-0")
    earlier.claim(plan)
    earlier.release([ended(plan, 0, Verdict.UNKNOWN)], Exit.UNKNOWN)
    changed = {**WORLD, "/EventHandlerRegistration/1": {**registered("a")[0], "DisplayName": "third"}}
    run = recorded(store, "run-1")
    targets = {"command": replace(run.parts.targets["command"], read=World(changed))}
    run = RecordedRun(replace(run.parts, targets=targets))

    steps = run.claim(plan).steps

    assert [step.request is None for step in steps] == [True, False, False]
    assert steps[0].obstacle is Obstacle.UNSETTLED
    assert "recover --settle run-0/1 applied" in steps[0].refusal
    assert [note.rule for note in run.notes] == ["state.unsettled", "state.settled"]


def test_no_secret_is_remembered(store: Store, tmp_path: Path) -> None:
    """Somebody wrote one into a name: what is kept of the step says so, and no trace of it is kept at all."""
    world = {**WORLD, "/EventHandlerRegistration": [{**registered("a")[0], "DisplayName": f"is {SECRET}"}]}
    plan = planned([document("EventHandler", "a", {"className": "a", "displayName": f"no {SECRET}"})], world)
    run = recorded(store)
    run.claim(plan)
    run.finish(0, ended(plan, 0, detail="done"))

    body = store.read_previous(TARGET, "run-1", 0)
    assert body is not None
    assert '"masked":true' in body.body
    assert SECRET.encode() not in (tmp_path / "state/store.sqlite3").read_bytes()


def test_what_holds_a_secret_leaves_no_trace_to_find_its_object_by(store: Store, tmp_path: Path) -> None:
    """A person settles such a step."""
    plan = planned([document("EventHandler", f"a {SECRET}", {"className": "a", "enabled": True})], WORLD)
    recorded(store).claim(plan)

    assert [entry.intent.trace for entry in store.list_open(TARGET)] == [""]
    assert SECRET.encode() not in (tmp_path / "state/store.sqlite3").read_bytes()


def test_a_write_of_an_earlier_run_that_lands_late_is_waited_for(store: Store) -> None:
    """Its object looks as before, twice; once it doesn't any more, nobody says that it was not applied."""
    plan, world, slept = make_plan(), dict(WORLD), list[float]()
    recorded(store).claim(plan)
    lease, request = store.read_lease(TARGET), plan.steps[0].request
    assert lease
    assert request
    store.release(lease, RunEnding(1))

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            world["/EventHandlerRegistration/1"] = {**registered("a")[0], **request.call.body}

    targets = {"command": RunTarget(make_run("run-2"), World(world))}
    policy = LockPolicy(timing=Timing(sleep=sleep, clock=lambda: 0.0))
    settled = RecordedRun(RunParts(store, targets, KINDS, SecretMasker([]), policy)).settle_earlier()

    assert [step.outcome for step in settled] == [SettledAs.APPLIED, SettledAs.NOT_APPLIED]
    assert slept == list(Timing().settle_pauses)
