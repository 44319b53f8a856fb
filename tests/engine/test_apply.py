"""The only writer: one send at most, and every verdict for its reason. Servers are values written by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Source
from reconciler.engine.apply import apply
from reconciler.errors import IncompleteError, NoReply
from reconciler.model import Json, Query, Reply, Verdict
from tests.support.problems import make_problem
from tests.support.scripted_servers import HANDLER, LOST, PATIENCE, UNSENT, Server, answer, one_handler

A, N, U = Verdict.APPLIED, Verdict.NOT_APPLIED, Verdict.UNKNOWN
SILENT = list(PATIENCE.after_silence[1:])
ANSWERED = list(PATIENCE.after_answer[1:])
APIGW = b'{"error_code": "APIGW.0308", "error_msg": "throttled"}'

# name: answer, whether it was done all the same, verdict, sleeps, part of the detail
ANSWERS: dict[str, tuple[Reply | NoReply, bool, Verdict, list[float], str]] = {
    "200 and done": (answer(200), True, A, [], ""),
    "204 and done": (answer(204, b""), True, A, [], ""),
    "200 with a page of a proxy, and done": (answer(200, b"<html>"), True, A, [], ""),
    "200 and not done": (answer(200), False, U, ANSWERED, "answered 200; reading back does not show it: Enabled"),
    "202 and done": (answer(202), True, A, [], "answered 202"),
    "202 and not done": (answer(202), False, U, SILENT, "answered 202"),
    "302 and done": (answer(302, b""), True, A, [], "answered 302; reading shows that it was done"),
    "302 and not done": (answer(302, b""), False, U, SILENT, "answered 302"),
    "304 and not done": (answer(304, b""), False, U, SILENT, "answered 304"),
    "408 and not done": (answer(408), False, U, SILENT, "answered 408"),
    "429 of a stranger and not done": (answer(429, b"slow down"), False, U, SILENT, "answered 429 slow down"),
    "429 of a stranger and done": (answer(429, b""), True, A, [], "answered 429; reading shows"),
    "429 of the gateway": (answer(429, APIGW), False, N, [], "the server refused it: 429"),
    "499 and not done": (answer(499), False, U, SILENT, "answered 499"),
    "silence and done": (LOST, True, A, [], "no answer (connection reset); reading shows that it was done"),
    "silence and not done": (LOST, False, U, SILENT, "no answer (connection reset); reading back does not"),
    "never sent": (UNSENT, False, N, [], "it was not sent: connection refused"),
    **{
        f"{status} and done": (answer(status, b"oops"), True, A, [], f"answered {status} oops; reading shows")
        for status in (500, 502, 503, 504, 520)
    },
    **{
        f"{status} and not done": (answer(status, b"oops"), False, U, SILENT, f"answered {status} oops")
        for status in (500, 502, 503, 504, 520)
    },
    **{
        f"{status} refuses": (answer(status, b'{"Message":\n "no"}'), False, N, [], f'{status} {{"Message": "no"}}')
        for status in (400, 403, 404, 405, 409, 411, 412, 413, 415, 422, 428)
    },
}


@pytest.mark.parametrize("row", ANSWERS.values(), ids=ANSWERS)
def test_the_answer_and_the_world_decide(row: tuple[Reply | NoReply, bool, Verdict, list[float], str]) -> None:
    """A refusal is believed, success is verified, silence is never success and never failure; sent once whatever."""
    reply, done, verdict, slept, detail = row
    plan, world, effect = one_handler()
    server = Server(world, reply, effect if done else None)

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is verdict
    assert detail in outcome.detail
    request = plan.steps[0].request
    assert request is not None
    assert server.sent == [request.call]
    assert server.slept == slept
    if verdict is N:
        assert server.asked == [HANDLER], "a refusal needs no reading back"


def test_what_is_sent_is_what_was_planned() -> None:
    """Byte for byte the body of the plan, to the step's own target."""
    plan, world, effect = one_handler()
    server, other = Server(world, effect=effect), Server({})
    seams = replace(
        server.seams(), readers={"command": server, "csms": other}, senders={"command": server.send, "csms": other.send}
    )

    apply(plan, seams)

    assert json.dumps(server.sent[0].body) == '{"DisplayName": "A", "Enabled": true}'
    assert (server.sent[0].method, server.sent[0].path) == ("PUT", HANDLER)
    assert other.sent == []


@pytest.mark.parametrize("lag", range(len(PATIENCE.after_answer)))
def test_a_server_that_shows_a_change_later_is_waited_for(lag: int) -> None:
    """Each read that still shows the old state is followed by the next pause."""
    plan, world, effect = one_handler()
    server = Server(world, effect=effect, lag=lag)

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is Verdict.APPLIED
    assert server.slept == list(PATIENCE.after_answer[1 : lag + 1])


def test_patience_ends() -> None:
    """One read later than that is unknown, and the change is not sent again."""
    plan, world, effect = one_handler()
    server = Server(world, effect=effect, lag=len(PATIENCE.after_answer))

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is Verdict.UNKNOWN
    assert len(server.sent) == 1


@pytest.mark.parametrize(("broken", "verdict"), [(0, Verdict.APPLIED), (2, Verdict.APPLIED), (99, Verdict.UNKNOWN)])
@pytest.mark.parametrize("reply", [answer(200), answer(502), LOST], ids=["200", "502", "silence"])
def test_reads_that_fail_settle_nothing(reply: Reply | NoReply, broken: int, verdict: Verdict) -> None:
    """A good answer alone is no proof either: what could not be read back is unknown."""
    plan, world, effect = one_handler()
    server = Server(world, reply, effect, broken=broken)

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is verdict
    assert len(server.sent) == 1
    if verdict is Verdict.UNKNOWN:
        assert "it could not be read back: GET x: no answer" in outcome.detail


def test_a_read_that_fails_before_sends_nothing() -> None:
    """Without knowing what is there, nothing is written over it."""
    plan, _, _ = one_handler()
    server = Server({HANDLER: ["not a handler"]})

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is Verdict.NOT_APPLIED
    assert "nothing was sent: it could not be read again: GET" in outcome.detail
    assert server.sent == []


class Untrustworthy(Server):
    """Reads that can't be trusted, for whatever reason a read gives."""

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        raise IncompleteError(make_problem(Source("GET a"), "x"), make_problem(Source("GET b"), "y"))


def test_all_reasons_of_a_read_are_told() -> None:
    """Why it could not be read stands in the outcome, every problem of it."""
    plan, _, _ = one_handler()

    (outcome,) = apply(plan, Untrustworthy({}).seams())

    assert outcome.detail == "nothing was sent: it could not be read again: GET a: x; GET b: y"


@given(
    st.sampled_from([200, 202, 204, 302, 400, 404, 429, 500, 502, None]),
    st.booleans(),
    st.integers(0, 7),
    st.integers(0, 7),
)
def test_verdicts_are_true(status: int | None, done: bool, lag: int, broken: int) -> None:
    """Applied only what was done, not applied only what a server refused; sent once; sleeping within patience."""
    plan, world, effect = one_handler()
    server = Server(world, LOST if status is None else answer(status, b""), effect if done else None, lag, broken)

    (outcome,) = apply(plan, server.seams())

    assert len(server.sent) == 1
    assert sum(server.slept) <= max(sum(PATIENCE.after_answer), sum(PATIENCE.after_silence))
    if outcome.verdict is Verdict.APPLIED:
        assert done
    elif outcome.verdict is Verdict.NOT_APPLIED:
        assert status in {400, 404}
    else:
        assert outcome.verdict is Verdict.UNKNOWN
        assert not done or lag + broken >= min(len(PATIENCE.after_answer), len(PATIENCE.after_silence))
