"""Many steps: in which order they are sent, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.engine.apply import apply
from reconciler.errors import NoReply
from reconciler.model import Json, Outcome, Reply, Verdict
from tests.support.sample_plans import document, handler, planned, registered, role
from tests.support.scripted_servers import HANDLER, LOST, UNSENT, Scripted, Server, answer

A, N, U = Verdict.APPLIED, Verdict.NOT_APPLIED, Verdict.UNKNOWN

THREE = [handler("a"), handler("b"), handler("c")]
LIVE = registered("A", "B", "C")
WORLD: dict[str, Json] = {f"/EventHandlerRegistration/{raw['Id']}": raw for raw in LIVE}


def three(
    world: dict[str, Json], scripts: Mapping[str, Reply | NoReply], stop: Callable[[], bool] = lambda: False
) -> tuple[list[Verdict], list[int], list[Outcome]]:
    """Apply three steps; return the verdicts, which steps were sent, and what was told."""
    server, told = Scripted(world, scripts), list[Outcome]()
    outcomes = apply(planned(THREE, {"/EventHandlerRegistration": LIVE}), server.seams(stop), told.append)
    assert tuple(told) == outcomes, "each outcome is told as it comes"
    sent = [int(call.path.rpartition("/")[2]) for call in server.sent]
    return [outcome.verdict for outcome in outcomes], sent, list(outcomes)


NEVER = Verdict.NOT_REACHED
B = "/EventHandlerRegistration/2"
STOPS: dict[str, tuple[dict[str, Json], dict[str, Reply | NoReply], list[Verdict], list[int]]] = {
    "all applied": (WORLD, {}, [A, A, A], [1, 2, 3]),
    "a refusal": (WORLD, {B: answer(403)}, [A, N, NEVER], [1, 2]),
    "a failure": (WORLD, {B: answer(500)}, [A, U, NEVER], [1, 2]),
    "silence": (WORLD, {B: LOST}, [A, U, NEVER], [1, 2]),
    "not sent": (WORLD, {B: UNSENT}, [A, N, NEVER], [1, 2]),
    "a base that moved": (WORLD | {B: {**WORLD[B], "DisplayName": "x"}}, {}, [A, Verdict.STALE, NEVER], [1]),
    "an object that is gone": (WORLD | {B: None}, {}, [A, Verdict.STALE, NEVER], [1]),
    "a step that is already so": (WORLD | {B: {**WORLD[B], "Enabled": True}}, {}, [A, Verdict.UNCHANGED, A], [1, 3]),
    "an answer of another shape": (WORLD | {B: []}, {}, [A, N, NEVER], [1]),
}


@pytest.mark.parametrize("row", STOPS.values(), ids=STOPS)
def test_the_first_step_that_does_not_succeed_is_the_last(row: tuple[Any, Any, list[Verdict], list[int]]) -> None:
    """After it nothing is sent, and the rest is named as not reached with the reason."""
    world, scripts, verdicts, sent = row

    found, really, outcomes = three(world, scripts)

    assert (found, really) == (verdicts, sent)
    if found[2] is NEVER:
        assert outcomes[2].detail == f"EventHandler/b ended as {found[1].replace('_', ' ')}"


@pytest.mark.parametrize("after", range(4))
def test_an_interruption_ends_between_two_steps(after: int) -> None:
    """The step under way is finished and verified; the others are not reached."""
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > after

    found, sent, outcomes = three(WORLD, {}, stop)

    assert found == [A] * after + [NEVER] * (3 - after)
    assert sent == [1, 2, 3][:after]
    assert all(one.detail == "the run was interrupted before it" for one in outcomes[after:])


def test_a_refused_step_is_reported_and_never_sent() -> None:
    """A plan with a refusal should not come this far; if it does, the step has no request to send."""
    wanted = [document("SecurityRole", "R", {"description": "new"}), handler("a")]
    (raw,) = registered("A")
    world = {
        "/Security/Roles": [{"Id": 1, "Name": "R"}],
        "/Security/Roles/1": role(1, "R", Immutable=True),
        "/EventHandlerRegistration": [raw],
    }
    server = Server({HANDLER: raw}, effect={HANDLER: {**raw, "Enabled": True}})

    outcomes = apply(planned(wanted, world), server.seams())

    assert [(one.step.address.kind, one.verdict) for one in outcomes] == [("EventHandler", A), ("SecurityRole", N)]
    assert "nothing was sent: the role is built in and immutable" in outcomes[1].detail
    assert len(server.sent) == 1


def test_an_empty_plan_touches_nothing() -> None:
    """Neither a read nor a write."""
    server = Server({})

    assert apply(planned([], {}), server.seams()) == ()
    assert (server.asked, server.sent) == ([], [])
