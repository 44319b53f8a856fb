"""What every store holds, whatever keeps it: one suite, run on each back end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from reconciler.state.records import (
    DriftItem,
    IntentResult,
    Lease,
    PlanNonce,
    PreviousObject,
    RunHolder,
    SettledAs,
    SettledBy,
)
from reconciler.state.store import RunEnding, Store
from reconciler.state.store_errors import (
    ActsClaimed,
    NonceUsed,
    Overtaken,
    StoreError,
    StoreForeign,
    StoreLocked,
    StoreVanished,
)
from tests.support.store_places import LATER, OTHER_TARGET, TARGET, StorePlace, make_intent, make_result, make_run

APPLIED, NOT_APPLIED, UNKNOWN = SettledAs.APPLIED, SettledAs.NOT_APPLIED, SettledAs.UNKNOWN


def take(store: Store, run: str, target: str = TARGET) -> Lease:
    return store.claim(make_run(run, target))


def do_act(store: Store, run: str, number: int, key: str, outcome: SettledAs | None) -> None:
    """Let a run claim, intend one act, perhaps settle it, and end."""
    lease = take(store, run)
    store.intend(lease, [make_intent(run, number, key)])
    results = [make_result(run, number, outcome)] if outcome else []
    store.release(lease, RunEnding(0), results)


# Identity.


def test_a_store_is_made_once_and_is_the_same_for_everybody(place: StorePlace) -> None:
    first, second = place.open(), place.open()
    assert first.identity == second.identity
    assert len(first.identity.id) == 32
    assert not first.identity.declared
    assert place.open(pinned=first.identity.id).identity == first.identity


def test_only_a_declared_or_pinned_store_proves_that_nothing_was_done(place: StorePlace) -> None:
    store = place.open()
    assert not store.identity.allows_irreversible("")
    assert store.identity.allows_irreversible(store.identity.id)
    assert not store.identity.allows_irreversible("another")
    store.declare()
    assert store.identity.allows_irreversible("")
    assert place.open().identity.declared


def test_another_store_than_the_pinned_one_is_refused(place: StorePlace) -> None:
    place.open()
    with pytest.raises(StoreForeign, match="the settings pin 0123"):
        place.open(pinned="0123")


def test_where_one_is_pinned_and_nothing_is_there_it_has_vanished(place: StorePlace) -> None:
    with pytest.raises(StoreVanished, match="the store 0123"):
        place.open(pinned="0123")
    # And looking has made nothing.
    with pytest.raises(StoreVanished):
        place.open(pinned="0123")


def test_a_store_that_vanished_is_no_fresh_start(place: StorePlace) -> None:
    store = place.open()
    pinned = store.declare().id
    do_act(store, "run-1", 1, "deny/1", APPLIED)
    place.vanish()
    with pytest.raises(StoreVanished):
        take(store, "run-2")
    with pytest.raises(StoreVanished):
        place.open(pinned=pinned)
    new = place.open()
    assert new.identity.id != pinned
    assert not new.identity.allows_irreversible(pinned)
    assert not new.identity.allows_irreversible("")


# Leases.


def test_a_lease_is_one_run_s_and_names_it(store: Store) -> None:
    lease = take(store, "run-1")
    assert (lease.run, lease.fence, lease.beat, lease.target) == ("run-1", 1, 0, TARGET)
    assert store.read_lease(TARGET) == lease
    with pytest.raises(StoreLocked, match=r"run run-1 \(ada, on host-1\) holds the target since 2") as caught:
        take(store, "run-2")
    assert caught.value.lease == lease
    assert [run.id for run in store.list_runs(TARGET)] == ["run-1"]


def test_another_target_has_another_lease(store: Store) -> None:
    take(store, "run-1")
    assert take(store, "run-2", OTHER_TARGET).fence == 1
    assert store.read_lease(OTHER_TARGET) != store.read_lease(TARGET)
    assert [run.id for run in store.list_runs(OTHER_TARGET)] == ["run-2"]


def test_a_released_lease_is_free_and_the_fence_only_grows(store: Store) -> None:
    for number in (1, 2, 3):
        lease = take(store, f"run-{number}")
        assert lease.fence == number
        store.release(lease, RunEnding(0))
        assert store.read_lease(TARGET) is None


def test_a_lease_is_taken_over_only_as_it_was_seen(place: StorePlace) -> None:
    ours, theirs = place.open(), place.open()
    first = take(theirs, "run-1")
    beaten = theirs.renew(first)
    assert beaten.beat == 1
    with pytest.raises(StoreLocked):
        ours.claim(make_run("run-2"), over=first)
    second = ours.claim(make_run("run-2"), over=beaten)
    assert (second.fence, second.beat) == (2, 0)


def list_writes(store: Store, lease: Lease) -> dict[str, Callable[[], object]]:
    """Return every operation that needs a lease."""
    result = make_result("run-1", 1)
    return {
        "renew": lambda: store.renew(lease),
        "renew with results": lambda: store.renew(lease, [result]),
        "intend": lambda: store.intend(lease, [make_intent("run-1", 2)]),
        "intend an act": lambda: store.intend(lease, [make_intent("run-1", 3, "deny/3")]),
        "settle": lambda: store.settle(lease, [result]),
        "release": lambda: store.release(lease, RunEnding(0), [result]),
    }


def test_whoever_was_overtaken_writes_nothing_more(place: StorePlace) -> None:
    ours, theirs = place.open(), place.open()
    old = ours.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    new = theirs.claim(make_run("run-2"), over=old)
    for name, write in list_writes(ours, old).items():
        with pytest.raises(Overtaken, match="run run-2 on host-1 holds it") as caught:
            write()
        assert caught.value.by == new, name
    history = theirs.read_run(TARGET, "run-1")
    assert history
    assert ([intent.number for intent in history.intents], history.results, history.run.ended) == ([1], (), "")
    assert theirs.list_acts(TARGET, ["deny/3"]) == ()


def test_a_lease_that_was_unlocked_is_gone_for_its_holder(store: Store) -> None:
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    assert not store.unlock(TARGET, "run-")
    assert store.read_lease(TARGET) == lease
    assert store.unlock(TARGET, "run-1")
    assert not store.unlock(TARGET, "run-1")
    for name, write in list_writes(store, lease).items():
        if name != "release":
            with pytest.raises(Overtaken, match="nobody holds it"):
                write()
    assert take(store, "run-2").fence == 2


def test_what_another_has_done_since_is_seen(place: StorePlace) -> None:
    """Whatever a store remembers of what it read before."""
    ours, theirs = place.open(), place.open()
    lease = take(theirs, "run-1")
    assert ours.read_lease(TARGET) == lease
    theirs.release(lease, RunEnding(0))
    assert take(ours, "run-2").fence == 2


def test_what_is_said_again_by_one_who_was_overtaken_is_not_taken_as_done(place: StorePlace) -> None:
    ours, theirs = place.open(), place.open()
    lease = ours.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    result = [make_result("run-1", 1)]
    ours.settle(lease, result)
    theirs.claim(make_run("run-2"), over=lease)
    with pytest.raises(Overtaken):
        ours.settle(lease, result)


# Plans.


def test_a_plan_is_used_once(place: StorePlace) -> None:
    store = place.open()
    lease = store.claim(make_run("run-1"), nonce=LATER)
    store.release(lease, RunEnding(0))
    again = place.open()
    with pytest.raises(NonceUsed, match="by run run-1"):
        again.claim(make_run("run-2"), nonce=LATER, intents=[make_intent("run-2", 1)])
    # The whole claim was not done.
    assert again.read_lease(TARGET) is None
    assert (again.read_run(TARGET, "run-2"), again.list_open(TARGET)) == (None, ())
    assert again.claim(make_run("run-3"), nonce=PlanNonce("nonce-2", LATER.expires)).fence == 2


# Intents and results.


def test_what_was_intended_is_open_until_it_is_known(store: Store) -> None:
    first, second = make_intent("run-1", 1), make_intent("run-1", 2)
    lease = store.claim(make_run("run-1"), intents=[first, second])
    assert [left.intent for left in store.list_open(TARGET)] == [first, second]
    store.settle(lease, [make_result("run-1", 1)])
    store.settle(lease, [make_result("run-1", 2, UNKNOWN)])
    (left,) = store.list_open(TARGET)
    assert (left.intent, left.unsettled, left.last and left.last.outcome) == (second, ("",), UNKNOWN)
    store.settle(lease, [make_result("run-1", 2, NOT_APPLIED)])
    assert store.list_open(TARGET) == ()


def test_what_a_run_left_open_a_later_one_settles(place: StorePlace) -> None:
    first = place.open()
    lease = first.claim(make_run("run-1"), intents=[make_intent("run-1", number) for number in (1, 2)])
    second = place.open()
    taken = second.claim(make_run("run-2"), over=lease)
    assert [left.intent.number for left in second.list_open(TARGET)] == [1, 2]
    found = [IntentResult("run-1", number, APPLIED, SettledBy.LATER_RUN, "run-2", "as declared") for number in (1, 2)]
    second.settle(taken, found)
    second.release(taken, RunEnding(0))
    assert place.open().list_open(TARGET) == ()
    history = second.read_run(TARGET, "run-1")
    assert history
    assert [(result.via, result.by_run) for result in history.results] == [(SettledBy.LATER_RUN, "run-2")] * 2


def test_a_result_is_about_an_intent(store: Store) -> None:
    lease = take(store, "run-1")
    with pytest.raises(KeyError):
        store.settle(lease, [make_result("run-1", 1)])


def test_results_come_with_the_other_operations_too(store: Store) -> None:
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", number) for number in (1, 2, 3)])
    lease = store.renew(lease, [make_result("run-1", 1)])
    store.settle(lease, [make_result("run-1", 2)])
    store.release(lease, RunEnding(9, {"applied": 2}), [make_result("run-1", 3, NOT_APPLIED)])
    history = store.read_run(TARGET, "run-1")
    assert history
    assert [result.outcome for result in history.results] == [APPLIED, APPLIED, NOT_APPLIED]
    assert (history.run.exit, history.run.counts, bool(history.run.ended)) == (9, {"applied": 2}, True)


# Acts.


@pytest.mark.parametrize("outcome", [None, APPLIED, UNKNOWN])
def test_an_act_that_may_have_been_done_is_never_done_again(place: StorePlace, outcome: SettledAs | None) -> None:
    do_act(place.open(), "run-1", 1, "deny/1", outcome)
    store = place.open()
    lease = take(store, "run-2")
    with pytest.raises(ActsClaimed, match="deny/1") as caught:
        store.intend(lease, [make_intent("run-2", 1, "deny/2", "deny/1", "deny/3")])
    assert [(act.key, act.run, act.outcome) for act in caught.value.acts] == [("deny/1", "run-1", outcome)]
    # All or none.
    assert store.list_acts(TARGET, ["deny/2", "deny/3"]) == ()
    with pytest.raises(ActsClaimed):
        store.intend(lease, [make_intent("run-2", 2, "deny/4"), make_intent("run-2", 3, "deny/1")])
    assert store.list_acts(TARGET, ["deny/4"]) == ()


def test_an_act_that_was_certainly_not_done_is_offered_again(place: StorePlace) -> None:
    store = place.open()
    do_act(store, "run-1", 1, "deny/1", NOT_APPLIED)
    do_act(place.open(), "run-2", 1, "deny/1", APPLIED)
    acts = store.list_acts(TARGET, ["deny/1"])
    assert [(act.run, act.outcome) for act in acts] == [("run-1", NOT_APPLIED), ("run-2", APPLIED)]
    lease = take(store, "run-3")
    with pytest.raises(ActsClaimed):
        store.intend(lease, [make_intent("run-3", 1, "deny/1")])


def test_one_intent_does_not_claim_an_act_twice(store: Store) -> None:
    lease = take(store, "run-1")
    store.intend(lease, [make_intent("run-1", 1, "deny/1")])
    with pytest.raises(ActsClaimed):
        store.intend(lease, [make_intent("run-1", 2, "deny/1")])
    with pytest.raises(ActsClaimed):
        store.intend(lease, [make_intent("run-1", 3, "deny/9"), make_intent("run-1", 4, "deny/9")])


def test_each_act_of_a_batch_has_its_own_result(store: Store) -> None:
    lease = take(store, "run-1")
    store.intend(lease, [make_intent("run-1", 1, "deny/1", "deny/2", "deny/3")])
    store.settle(lease, [make_result("run-1", 1, APPLIED, "deny/1"), make_result("run-1", 1, NOT_APPLIED, "deny/2")])
    (left,) = store.list_open(TARGET)
    assert left.unsettled == ("deny/3",)
    outcomes = [act.outcome for act in store.list_acts(TARGET, ["deny/1", "deny/2", "deny/3"])]
    assert outcomes == [APPLIED, NOT_APPLIED, None]
    store.settle(lease, [make_result("run-1", 1, UNKNOWN, "deny/3")])
    assert store.list_open(TARGET)[0].unsettled == ("deny/3",)
    person = IntentResult("run-1", 1, APPLIED, SettledBy.PERSON, "run-1", "seen in the console", "deny/3")
    store.settle(lease, [person])
    assert store.list_open(TARGET) == ()


def test_acts_of_another_target_are_others(store: Store) -> None:
    do_act(store, "run-1", 1, "deny/1", APPLIED)
    lease = take(store, "run-2", OTHER_TARGET)
    store.intend(lease, [make_intent("run-2", 1, "deny/1")])
    assert [act.run for act in store.list_acts(OTHER_TARGET, ["deny/1"])] == ["run-2"]


# Asking again.


def test_every_operation_said_twice_is_done_once(store: Store) -> None:
    """After an answer that got lost, whoever asked asks again."""
    intents = [make_intent("run-1", 1)]
    claims = [store.claim(make_run("run-1"), nonce=LATER, intents=intents) for _ in range(2)]
    assert claims[0] == claims[1]
    act, result = [make_intent("run-1", 2, "deny/1")], [make_result("run-1", 1)]
    lease = claims[0]
    for _ in range(2):
        store.intend(lease, act)
    renewed = [store.renew(lease, result) for _ in range(2)]
    assert renewed[0] == renewed[1]
    for _ in range(2):
        store.settle(renewed[0], result)
    last = [make_result("run-1", 2)]
    for _ in range(2):
        store.release(renewed[0], RunEnding(0, {"applied": 2}), last)
    history = store.read_run(TARGET, "run-1")
    assert history
    assert (len(history.intents), len(history.results)) == (2, 2)
    assert len(store.list_acts(TARGET, ["deny/1"])) == 1
    assert store.read_lease(TARGET) is None


# History.


def test_history_tells_everything_of_a_run(place: StorePlace) -> None:
    run = make_run("run-1", commit="c0ffee", plan="sha-p")
    store = place.open()
    intent = make_intent("run-1", 1, previous=PreviousObject("sha-o", '{"Name":"x"}'))
    lease = store.claim(run, intents=[intent])
    result = IntentResult("run-1", 1, APPLIED, SettledBy.READ, "run-1", "read back", "", "request-7")
    store.release(lease, RunEnding(0, {"applied": 1}), [result])
    history = place.open().read_run(TARGET, "run-1")
    assert history
    assert (history.run.commit, history.run.plan, history.run.command, history.run.tool) == (
        "c0ffee", "sha-p", "apply", "1.0",
    )  # fmt: skip
    assert history.run.started <= history.results[0].at <= history.run.ended
    assert history.run.holder == run.holder
    (told,) = history.results
    assert (told.outcome, told.via, told.detail, told.request_id) == (APPLIED, SettledBy.READ, "read back", "request-7")
    assert store.read_run(TARGET, "run-9") is None
    assert store.read_run(OTHER_TARGET, "run-1") is None


def test_the_object_before_a_step_is_kept_where_bodies_may_be(store: Store) -> None:
    previous = PreviousObject("sha-o", '{"Name":"x"}')
    lease = store.claim(
        make_run("run-1"), intents=[make_intent("run-1", 1, previous=previous), make_intent("run-1", 2)]
    )
    expected = previous if store.keeps_bodies else PreviousObject("sha-o")
    assert store.read_previous(TARGET, "run-1", 1) == expected
    assert store.read_previous(TARGET, "run-1", 2) is None
    store.release(lease, RunEnding(0), [make_result("run-1", number) for number in (1, 2)])
    assert store.read_previous(TARGET, "run-1", 1) == expected


def test_the_latest_runs_come_first(store: Store) -> None:
    for number in range(4):
        store.release(take(store, f"run-{number}"), RunEnding(0))
    assert [run.id for run in store.list_runs(TARGET, 3)] == ["run-3", "run-2", "run-1"]


def test_what_is_forgotten_is_old_and_ended_and_not_open(store: Store) -> None:
    do_act(store, "run-0", 1, "deny/0", APPLIED)
    do_act(store, "run-1", 1, "deny/1", UNKNOWN)
    store.release(store.claim(make_run("run-2"), nonce=PlanNonce("old", "2000-01-01T00:00:00.000Z")), RunEnding(0))
    store.release(store.claim(make_run("run-3"), nonce=LATER), RunEnding(0))
    take(store, "run-4")
    assert store.prune(TARGET, before="2000-01-01T00:00:00.000Z") == 0
    assert store.prune(TARGET, before="2998-01-01T00:00:00.000Z", keep=2) == 2
    assert [run.id for run in store.list_runs(TARGET)] == ["run-4", "run-3", "run-1"]
    assert store.prune(TARGET, before="2998-01-01T00:00:00.000Z") == 1
    assert [run.id for run in store.list_runs(TARGET)] == ["run-4", "run-1"]
    # Acts for ever, and what is open.
    assert [act.run for act in store.list_acts(TARGET, ["deny/0", "deny/1"])] == ["run-0", "run-1"]
    assert [left.intent.run for left in store.list_open(TARGET)] == ["run-1"]
    assert store.unlock(TARGET, "run-4")
    with pytest.raises(NonceUsed):
        store.claim(make_run("run-5"), nonce=LATER)


# Drift.

A, B, C = DriftItem("Kind/a", "x", "1"), DriftItem("Kind/b", "x", "1"), DriftItem("Kind/b", "x", "2")
ALL = ("Kind/a", "Kind/b")
News = tuple[list[DriftItem], list[DriftItem], list[DriftItem], list[DriftItem]]
STORIES: dict[str, tuple[list[tuple[Sequence[DriftItem], Sequence[str]]], News]] = {
    "the first time": ([([A, B], ALL)], ([A, B], [], [], [])),
    "again": ([([A, B], ALL), ([A, B], ALL)], ([], [A, B], [], [])),
    "another value": ([([A, B], ALL), ([A, C], ALL)], ([], [A], [C], [])),
    "gone": ([([A, B], ALL), ([A], ALL)], ([], [A], [], [B])),
    "gone is told once": ([([A, B], ALL), ([A], ALL), ([A], ALL)], ([], [A], [], [])),
    "not looked at": ([([A, B], ALL), ([A], ["Kind/a"])], ([], [A], [], [])),
    "back again": ([([A], ALL), ([], ALL), ([A], ALL)], ([A], [], [], [])),
    "back to an earlier value": ([([B], ALL), ([C], ALL), ([B], ALL)], ([], [], [B], [])),
    "nothing": ([([], ALL)], ([], [], [], [])),
}


@pytest.mark.parametrize("story", STORIES)
def test_drift_has_news(place: StorePlace, story: str) -> None:
    runs, expected = STORIES[story]
    for number, (items, compared) in enumerate(runs):
        news = place.open().remember_drift(TARGET, f"run-{number}", items, compared)
    told = tuple([record.item for record in records] for records in (news.new, news.known, news.changed, news.cleared))
    assert told == expected
    # Said again, it is the same news.
    assert place.open().remember_drift(TARGET, f"run-{number}", *runs[-1]) == news


def test_drift_keeps_when_it_was_first_seen(store: Store) -> None:
    (first,) = store.remember_drift(TARGET, "run-1", [A], ALL).new
    (again,) = store.remember_drift(TARGET, "run-2", [A], ALL).known
    assert (again.first_run, again.first_seen, again.last_run) == ("run-1", first.first_seen, "run-2")
    assert (first.runs, again.runs) == (1, 2)
    (gone,) = store.remember_drift(TARGET, "run-3", [], ALL).cleared
    assert gone.cleared
    assert (gone.cleared_run, gone.runs) == ("run-3", 2)
    assert store.list_drift(TARGET) == (gone,)
    assert store.list_drift(OTHER_TARGET) == ()


def test_the_objects_of_one_document_have_differences_of_their_own(store: Store) -> None:
    first, second = A._replace(object="1"), A._replace(object="2")
    store.remember_drift(TARGET, "run-1", [first, second], ALL)
    news = store.remember_drift(TARGET, "run-2", [second], ALL)
    assert ([record.item for record in news.cleared], [record.item for record in news.known]) == ([first], [second])


def test_a_run_does_not_clear_what_another_recorded_while_it_looked(store: Store) -> None:
    store.remember_drift(TARGET, "run-2", [A], ALL)
    assert store.remember_drift(TARGET, "run-1", [], ALL, started="2000-01-01T00:00:00.000Z").cleared == ()
    assert len(store.remember_drift(TARGET, "run-3", [], ALL, started="2998-01-01T00:00:00.000Z").cleared) == 1


def test_differences_are_forgotten_once_nobody_has_seen_them_for_long(store: Store) -> None:
    """Those that stand, too: their document may be declared no longer."""
    store.remember_drift(TARGET, "run-1", [A, B], ALL)
    store.remember_drift(TARGET, "run-2", [A], ALL)
    store.prune(TARGET, before="2000-01-01T00:00:00.000Z")
    assert [record.item for record in store.list_drift(TARGET)] == [A, B]
    store.prune(TARGET, before="2998-01-01T00:00:00.000Z")
    assert store.list_drift(TARGET) == ()


def test_drift_needs_no_lease_and_takes_none(store: Store) -> None:
    lease = take(store, "run-1")
    store.remember_drift(TARGET, "drift-1", [A], ALL)
    assert store.read_lease(TARGET) == lease
    store.intend(lease, [make_intent("run-1", 1)])


def test_texts_are_kept_as_they_are(store: Store) -> None:
    odd = "a'b\";--\n\t%s :x {} ü \U0001f600 \\"
    store.remember_drift(TARGET, "run-1", [DriftItem(odd, odd, odd, odd)], [odd])
    assert store.list_drift(TARGET)[0].item == DriftItem(odd, odd, odd, odd)
    lease = store.claim(make_run("run-1"), nonce=PlanNonce(odd, odd))
    store.intend(lease, [make_intent("run-1", 1, odd)])
    assert [act.key for act in store.list_acts(TARGET, [odd])] == [odd]


def test_every_error_says_what_why_and_what_to_do(place: StorePlace) -> None:
    store = place.open()
    lease = take(store, "run-1")
    store.intend(lease, [make_intent("run-1", 1, "deny/1")])
    failures: list[Callable[[], object]] = [
        lambda: place.open(pinned="0"),
        lambda: take(store, "run-2"),
        lambda: store.intend(lease, [make_intent("run-1", 2, "deny/1")]),
        lambda: (store.unlock(TARGET, "run-1"), store.renew(lease)),
    ]
    for fail in failures:
        with pytest.raises(StoreError) as caught:
            fail()
        explanation = caught.value.explanation
        assert all((explanation.rule.startswith("state."), explanation.reason, explanation.remedy))


def test_no_message_carries_what_a_terminal_obeys(store: Store) -> None:
    """Whoever can write to the store could else write to the terminal of whoever is held back."""
    run = "run-\x1b[2J\u202e"
    lease = store.claim(replace(make_run(run), holder=RunHolder("host\x1b]0;x\x07", actor="a\nb", job="\x9b1m")))
    store.intend(lease, [make_intent(run, 1, "deny/\x1b")])
    with pytest.raises(StoreLocked) as locked:
        take(store, "run-2")
    with pytest.raises(ActsClaimed) as claimed:
        store.intend(lease, [make_intent(run, 2, "deny/\x1b")])
    texts = [locked.value.explanation.message, claimed.value.explanation.message]
    assert all(text.isprintable() for text in texts), texts
