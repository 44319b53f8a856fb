"""What is made durable before a step is sent and after it, and what forbids to send it. Servers are written by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.apply import apply
from reconciler.errors import Exit
from reconciler.model import Call, Json, Outcome, Query, Reply, Verdict
from tests.support.scripted_servers import HANDLER, LOST, Server, one_handler


class Telling(Server):
    """A server that writes each read and each send into the journal's own list."""

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        self.journal.events.append("read")
        return super().get(path, query=query, version=version)

    def send(self, call: Call) -> Reply:
        self.journal.events.append("send")
        return super().send(call)


def test_the_intent_comes_before_the_look_and_the_result_after_the_reading_back() -> None:
    """Nothing lies between the look at the object and the write."""
    plan, world, effect = one_handler()
    server = Telling(world, effect=effect)

    apply(plan, server.seams())

    assert server.journal.events == ["begin 0", "read", "send", "read", "finish 0 applied"]


@pytest.mark.parametrize(
    ("answer", "last"), [(None, "finish 0 unknown"), (LOST, "finish 0 unknown")], ids=["200, not shown", "silence"]
)
def test_what_is_unknown_is_recorded_as_that(answer: Any, last: str) -> None:
    plan, world, _ = one_handler()
    server = Telling(world, answer)

    apply(plan, server.seams())

    assert server.journal.events[-1] == last


def test_a_step_that_the_journal_refuses_is_not_sent_and_the_last_one() -> None:
    """The reason is the journal's own, and so is what it is worth."""
    plan, world, effect = one_handler()
    plan = replace(plan, steps=plan.steps * 2)
    server = Telling(world, effect=effect)
    refused = Outcome(plan.steps[0], Verdict.NOT_APPLIED, "nothing was sent: no room", cause=Exit.INCOMPLETE)
    server.journal.refusals[0] = refused

    outcomes = apply(plan, server.seams())

    assert [outcome.verdict for outcome in outcomes] == [Verdict.NOT_APPLIED, Verdict.NOT_REACHED]
    assert (outcomes[0].detail, outcomes[0].cause) == (refused.detail, Exit.INCOMPLETE)
    assert server.sent == []


def test_what_was_done_before_needs_no_leave_to_be_left_as_it_is() -> None:
    """A plan with a denial that another run carried out is as good as applied."""
    plan, world, effect = one_handler()
    server = Telling({**world, **effect})
    server.journal.refusals[0] = Outcome(plan.steps[0], Verdict.STALE, "done before")

    (outcome,) = apply(plan, server.seams())

    assert outcome.verdict is Verdict.UNCHANGED
    assert server.sent == []


def test_nothing_is_sent_once_the_time_of_the_lease_is_too_short() -> None:
    """Looking took too long: another run may hold the target by now."""
    plan, world, effect = one_handler()
    server = Telling(world, effect=effect)
    server.journal.late = True

    (outcome,) = apply(plan, server.seams())

    assert (outcome.verdict, outcome.cause) == (Verdict.NOT_APPLIED, Exit.LOCKED)
    assert server.sent == []


def test_the_first_result_that_cannot_be_recorded_is_the_last_step() -> None:
    """It was done, and is told as that; the next one is not begun."""
    plan, world, effect = one_handler()
    plan = replace(plan, steps=plan.steps * 2)
    server = Telling(world, effect=effect)
    server.journal.fails = "what came of it could not be recorded"

    outcomes = apply(plan, server.seams())

    assert [outcome.verdict for outcome in outcomes] == [Verdict.APPLIED, Verdict.NOT_REACHED]
    assert outcomes[1].detail == "what came of it could not be recorded"
    assert [event for event in server.journal.events if event.startswith("begin")] == ["begin 0"]


def test_an_answer_s_own_name_of_the_request_is_kept() -> None:
    """Whoever asks the server's operators about it needs it."""
    plan, world, effect = one_handler()
    server = Server(world, Reply(200, {"x-request-id": "7f3a-1"}, b"{}"), effect)

    (outcome,) = apply(plan, server.seams())

    assert outcome.request_id == "7f3a-1"
    assert HANDLER in server.asked
