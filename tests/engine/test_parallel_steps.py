"""Steps that are under way at once: which may be, and that all laws of a write hold with any number of writers."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.apply import apply
from reconciler.engine.execution import _complete_outcomes
from reconciler.engine.parallel_steps import StepProgress, Writers, split_batches
from reconciler.engine.run_context import RunContext
from reconciler.engine.timing import ReadBackPolicy, Timing
from reconciler.errors import NoReply
from reconciler.kinds.registry import KINDS
from reconciler.model import Call, Json, Outcome, Plan, Query, Reply, Step, Verdict
from tests.support.sample_plans import certificate, document, handler, planned, registered, role
from tests.support.scripted_servers import LOST, UNSENT, Server, answer

A, N, U, NEVER = Verdict.APPLIED, Verdict.NOT_APPLIED, Verdict.UNKNOWN, Verdict.NOT_REACHED
COUNT = 12
FAST = ReadBackPolicy((0.0, 0.0), (0.0, 0.0))
WRITERS = pytest.mark.parametrize("writers", [1, 8])


def make_plan(count: int = COUNT) -> tuple[Plan, dict[str, Json]]:
    """Return a plan that gives certificates to a role, one step each, and the certificates by their paths."""
    rows = {f"/Certificates/{number}": certificate(number) for number in range(1, count + 1)}
    wanted = document("CertificateOwner", "w", {"owner": "Web", "certificates": {"ids": list(range(1, count + 1))}})
    world = {"/Security/Roles": [role(4, "Web")], "/Certificates": list(rows.values()), **rows}
    return planned([wanted], world), rows


class Crew(Server):
    """Does what it is sent, but for the certificates that have a script; safe for many threads.

    It lets no write go before `together` of them are there, or nobody else can come.
    """

    def __init__(self, rows: dict[str, Json], scripts: dict[int, Any], together: int = 1) -> None:
        super().__init__(rows)
        self.scripts, self._lock, self._crowd = scripts, threading.Lock(), threading.Barrier(together)
        self.here = self.most = 0

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        with self._lock:
            self.asked.append(path)
            return self.answers.get(path)

    def send(self, call: Call) -> Reply:
        path = call.path.removesuffix("/Owner")
        number = int(path.rpartition("/")[2])
        with self._lock:
            self.sent.append(call)
            self.here += 1
            self.most = max(self.most, self.here)
        self._crowd.wait(20)
        with self._lock:
            self.here -= 1
            script: Reply | Exception
            script, is_done = self.scripts.get(number, (answer(204, b""), True))
            if is_done:
                owner = {"OwnerRoleId": 4, "OwnerRoleName": "Web"}
                self.answers = {**self.answers, path: {**self.answers[path], **owner}}
        if isinstance(script, Exception):
            raise script
        return script

    def list_sent(self) -> list[int]:
        return sorted(int(call.path.split("/")[2]) for call in self.sent)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def make_context(server: Server, pool: ThreadPoolExecutor, writers: int) -> RunContext:
    context = replace(server.seams(), timing=Timing(sleep=lambda _seconds: None, patience=FAST))
    return replace(context, writers={"command": Writers(pool, writers)})


@pytest.mark.parametrize("writers", [1, 3, 8])
def test_so_many_are_under_way_and_no_more(pool: ThreadPoolExecutor, writers: int) -> None:
    """The server holds each write back until so many are there."""
    plan, rows = make_plan(2 * writers)
    server = Crew(rows, {}, writers)

    outcomes = apply(plan, make_context(server, pool, writers))

    assert server.most == writers
    assert [outcome.verdict for outcome in outcomes] == [A] * 2 * writers
    assert tuple(outcome.step for outcome in outcomes) == plan.steps


class Watched(Crew):
    """Holds looks at what was written until so many writes were sent; `sent_by_then` is how many came before it was
    looked at.
    """

    def __init__(self, rows: dict[str, Json], scripts: dict[int, Any], expected: int) -> None:
        super().__init__(rows, scripts)
        self._expected, self._complete, self.sent_by_then = expected, threading.Event(), 0

    def send(self, call: Call) -> Reply:
        try:
            return super().send(call)
        finally:
            if len(self.sent) >= self._expected:
                self._complete.set()

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        if not self.sent_by_then and any(call.path == f"{path}/Owner" for call in list(self.sent)):
            assert self._complete.wait(20)
            time.sleep(0.03)  # in which one too many may come
            self.sent_by_then = self.sent_by_then or len(self.sent)
        return super().get(path, query=query, version=version)


@pytest.mark.parametrize(("script", "sent"), [(answer(204), 4), (answer(500), 2), (answer(202), 2), (LOST, 2)])
def test_who_only_reads_back_keeps_nobody_from_writing(
    pool: ThreadPoolExecutor, script: Reply | NoReply, sent: int
) -> None:
    """Two writers: two more are sent beside two that are read back, and no fifth.

    Without a good answer nobody knows yet whether a step succeeded, and no other takes its place.
    """
    plan, rows = make_plan()
    server = Watched(rows, dict.fromkeys(range(1, COUNT + 1), (script, True)), sent)

    outcomes = apply(plan, make_context(server, pool, 2))

    assert [outcome.verdict for outcome in outcomes] == [A] * COUNT
    assert server.sent_by_then == sent
    assert server.most <= 2


FAULTS: dict[str, tuple[Reply | NoReply, bool, Verdict]] = {
    "refused": (answer(403), False, N),
    "a failure, not done": (answer(500), False, U),
    "a failure, done": (answer(500), True, A),
    "silence, not done": (LOST, False, U),
    "silence, done": (LOST, True, A),
    "never sent": (UNSENT, False, N),
    "a promise, not done": (answer(202), False, U),
    "a good answer, not done": (answer(204), False, U),
}


@WRITERS
@pytest.mark.parametrize("faulty", [1, 5, COUNT])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_truly_and_nothing_begins_after_it(
    pool: ThreadPoolExecutor, fault: tuple[Reply | NoReply, bool, Verdict], faulty: int, writers: int
) -> None:
    """Each is sent once at most; what ended well is applied, what never began was not sent, in the plan's order."""
    script, is_done, verdict = fault
    plan, rows = make_plan()
    server = Crew(rows, {faulty: (script, is_done)})
    told: list[Outcome] = []

    outcomes = apply(plan, make_context(server, pool, writers), told.append)

    verdicts = [outcome.verdict for outcome in outcomes]
    assert tuple(outcome.step for outcome in outcomes) == plan.steps
    assert Counter(server.list_sent()).most_common(1)[0][1] == 1
    assert verdicts[faulty - 1] is verdict
    assert {*verdicts[: faulty - 1]} <= {A}
    assert server.list_sent() == [number for number, found in enumerate(verdicts, 1) if found is not NEVER]
    assert tuple(told) == outcomes, "each is told once, in the plan's order"
    if verdict is A:
        assert verdicts == [A] * COUNT
        return
    begun = len(server.sent)
    assert verdicts[faulty:begun] + verdicts[begun:] == [A] * (begun - faulty) + [NEVER] * (COUNT - begun)
    assert begun == faulty or writers > 1
    words = f"CertificateOwner/w ended as {verdict.replace('_', ' ')}"
    assert {outcome.detail for outcome in outcomes[begun:]} <= {words}


def test_those_that_are_under_way_beside_a_fault_end(pool: ThreadPoolExecutor) -> None:
    """Four are there; one ends well after another was refused: it is done and told as that, and no fifth is begun."""
    plan, rows = make_plan()
    is_told = threading.Event()

    class Late(Crew):
        def send(self, call: Call) -> Reply:
            reply = super().send(call)
            if call.path == "/Certificates/3/Owner":
                is_told.wait(20)
            return reply

    server = Late(rows, {number: (answer(403), False) for number in (1, 2, 4)}, 4)

    outcomes = apply(plan, make_context(server, pool, 4), lambda _outcome: is_told.set())

    assert [outcome.verdict for outcome in outcomes] == [N, N, A, N] + [NEVER] * 8
    assert server.list_sent() == [1, 2, 3, 4]


@WRITERS
def test_what_moved_is_not_written_over(pool: ThreadPoolExecutor, writers: int) -> None:
    """Each row's own base is compared before its own write."""
    plan, rows = make_plan()
    rows["/Certificates/7"] = certificate(7, "Somebody", OwnerRoleId=9)
    server = Crew(rows, {})

    outcomes = apply(plan, make_context(server, pool, writers))

    assert outcomes[6].verdict is Verdict.STALE
    assert 7 not in server.list_sent()


@WRITERS
@pytest.mark.parametrize("after", [0, 1, 5])
def test_a_wish_to_stop_lets_what_is_under_way_end(pool: ThreadPoolExecutor, writers: int, after: int) -> None:
    """Those that have begun are done and read back; the others say why they were not reached."""
    plan, rows = make_plan()
    server = Crew(rows, {})
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > after

    outcomes = apply(plan, replace(make_context(server, pool, writers), stop=stop))

    assert [outcome.verdict for outcome in outcomes] == [A] * after + [NEVER] * (COUNT - after)
    assert {outcome.detail for outcome in outcomes[after:]} == {"the run was interrupted before it"}


@WRITERS
def test_the_journal_is_asked_in_one_thread_and_knows_of_each_before_it_is_sent(
    pool: ThreadPoolExecutor, writers: int
) -> None:
    """Its store may belong to the thread that opened it."""
    plan, rows = make_plan()
    server = Crew(rows, {})
    threads: set[int] = set()

    class Events(list[str]):
        def append(self, event: str) -> None:
            threads.add(threading.get_ident())
            super().append(event)

    server.journal.events = Events()

    apply(plan, make_context(server, pool, writers))

    events = server.journal.events
    assert threads == {threading.get_ident()}
    assert [event for event in events if event.startswith("begin")] == [f"begin {number}" for number in range(COUNT)]
    for number in range(COUNT):
        assert events.index(f"begin {number}") < events.index(f"finish {number} applied")


@WRITERS
def test_a_result_that_cannot_be_recorded_begins_nothing_more(pool: ThreadPoolExecutor, writers: int) -> None:
    """What is out by then is told as it ended."""
    plan, rows = make_plan()
    server = Crew(rows, {}, writers)
    server.journal.fails = "what came of it could not be recorded"

    outcomes = apply(plan, make_context(server, pool, writers))

    assert [outcome.verdict for outcome in outcomes] == [A] * writers + [NEVER] * (COUNT - writers)
    assert {outcome.detail for outcome in outcomes[writers:]} == {server.journal.fails}


def test_nothing_is_sent_by_what_is_still_looking_when_the_run_is_broken_off(pool: ThreadPoolExecutor) -> None:
    """Two are under way, one of them before its request: both count as unknown, and the late one sends nothing."""
    plan, rows = make_plan(3)
    is_looking, may_look = threading.Event(), threading.Event()

    class Slow(Crew):
        def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
            if path.endswith("/1"):
                is_looking.wait(20)
            else:
                is_looking.set()
                may_look.wait(20)
            return super().get(path)

    server, progress = Slow(rows, {}), StepProgress()

    def insist(_outcome: Outcome) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(plan, make_context(server, pool, 2), insist, progress)
    outcomes = _complete_outcomes(plan, progress)
    may_look.set()
    pool.shutdown()

    assert [outcome.verdict for outcome in outcomes] == [A, U, NEVER]
    assert server.list_sent() == [1]


def test_a_bug_in_one_step_takes_no_other_s_outcome_with_it(pool: ThreadPoolExecutor) -> None:
    """Those beside it end and are told; its own is unknown, and nothing more begins."""
    plan, rows = make_plan()
    server, progress = Crew(rows, {2: (RuntimeError("a bug"), True)}), StepProgress()

    with pytest.raises(RuntimeError, match="a bug"):
        apply(plan, make_context(server, pool, 3), progress=progress)

    verdicts = [outcome.verdict for outcome in _complete_outcomes(plan, progress)]
    begun = len(server.sent)
    assert verdicts == [A, U] + [A] * (begun - 2) + [NEVER] * (COUNT - begun)


def test_kinds_whose_objects_know_each_other_go_one_by_one_whatever_the_settings_say(pool: ThreadPoolExecutor) -> None:
    plan = planned([handler("a"), handler("b")], {"/EventHandlerRegistration": registered("A", "B")})

    (batch,) = split_batches(plan.steps, KINDS, {"command": Writers(pool, 8)})

    assert (batch.numbers, batch.writers) == (range(2), None)


@pytest.mark.parametrize(
    ("limit", "ceiling", "count", "chosen"),
    [(0, 8, 12, 4), (0, 2, 12, 2), (0, 1, 12, None), (8, 2, 12, 8), (1, 8, 12, None), (8, 8, 3, 3), (8, 8, 1, None)],
)
def test_how_many_at_once(pool: ThreadPoolExecutor, limit: int, ceiling: int, count: int, chosen: int | None) -> None:
    """What the settings say; else what the kind says, up to the reads at once; never more than there are steps."""
    plan, _ = make_plan(count)

    (batch,) = split_batches(plan.steps, KINDS, {"command": Writers(pool, limit, ceiling)})

    assert (batch.writers and batch.writers.limit) == chosen


KEYS = st.tuples(st.sampled_from(["command", "other"]), st.sampled_from(["CertificateOwner", "EventHandler"]))


@given(st.lists(st.tuples(KEYS, st.integers(1, 4), st.booleans()), max_size=12))
def test_all_steps_are_batched_in_their_order_and_none_meets_its_like(rows: list[tuple[Any, int, bool]]) -> None:
    """No two steps of a batch are about one object, or of two kinds, or of two targets."""
    plan, _ = make_plan(4)
    steps: list[Step] = []
    for (target, kind), number, is_sent in rows:
        step = plan.steps[number - 1]
        address = step.address._replace(target=target, kind=kind)
        steps.append(replace(step, address=address, request=step.request if is_sent else None))

    batches = list(split_batches(steps, KINDS, {}))

    assert [number for batch in batches for number in batch.numbers] == list(range(len(steps)))
    for batch in batches:
        batched = [steps[number] for number in batch.numbers]
        paths = [step.request.call.path for step in batched if step.request]
        assert len(paths) == len(set(paths))
        assert len({(step.address.target, step.address.kind) for step in batched}) == 1
