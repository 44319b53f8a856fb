"""Asking every kind what exists: what is read together, what becomes a gap, what is told meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diagnostics import Source
from reconciler.engine.observe import observe
from reconciler.errors import AuthError, Exit, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import KINDS
from reconciler.model import Gap, Json, Query
from tests.support.problems import make_problem
from tests.support.sample_plans import TODAY, document, event, handler, pending, registered, role
from tests.support.toy_reader import World

RUN = Run(TODAY)
ROLE = document("SecurityRole", "R", {"description": "d"})
ANSWERS: dict[str, Json] = {
    "/EventHandlerRegistration": registered("A"),
    "/Security/Roles": [{"Id": 1, "Name": "R"}],
    "/Security/Roles/1": role(1, "R"),
    "/v1/0123/csms/events": [event("e")],
}


class Down(World):
    """A target that answers nothing but an error."""

    def __init__(self, error: Exception) -> None:
        super().__init__({})
        self.error = error

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        raise self.error


def test_each_kind_of_a_target_is_read_once_for_all_its_documents() -> None:
    """Two documents of one kind share one list; the order of documents is not the order of requests."""
    world = World(ANSWERS)

    seen = observe([handler("b"), ROLE, handler("a")], {"command": world}, RUN, KINDS)

    assert world.asked == ["/EventHandlerRegistration", "/Security/Roles", "/Security/Roles/1"]
    assert set(seen.live) == {("command", "EventHandler"), ("command", "SecurityRole")}
    assert seen.gaps == ()


def test_each_target_is_asked_for_its_own() -> None:
    """The same kind on two targets is two readings, of which neither may stand for the other."""
    here, there = World(ANSWERS), World({"/EventHandlerRegistration": []})
    wanted = [handler("a"), document("EventHandler", "a", {"className": "a", "enabled": True}, target="other")]

    seen = observe(wanted, {"command": here, "other": there}, RUN, KINDS)

    assert here.asked == there.asked == ["/EventHandlerRegistration"]
    assert seen.live["command", "EventHandler"] != seen.live["other", "EventHandler"]


def test_nothing_is_asked_where_nothing_is_declared() -> None:
    """A target without documents is left in peace."""
    world = World(ANSWERS)

    assert observe([], {"command": world}, RUN, KINDS).live == {}
    assert world.asked == []


CAUSES: dict[type[ReconcilerError], Exit] = {
    AuthError: Exit.AUTH, IncompleteError: Exit.INCOMPLETE, UnreachableError: Exit.UNREACHABLE,
}  # fmt: skip


@pytest.mark.parametrize(("error", "cause"), CAUSES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_can_not_be_read_is_a_gap_with_its_cause(error: type[ReconcilerError], cause: Exit) -> None:
    """Every problem of the error is a gap; the kind has no live value, not an empty one."""
    problems = [make_problem(Source("GET a"), "x"), make_problem(Source("GET b"), "y")]

    seen = observe([handler("a")], {"command": Down(error(*problems))}, RUN, KINDS)

    assert seen.live == {}
    assert seen.gaps == tuple(Gap(problem, cause) for problem in problems)


def test_the_others_are_read_although_one_can_not_be() -> None:
    """One target that is down does not hide another."""
    wanted = [handler("a"), document("SecretEvent", "e", {"state": "ENABLED"})]

    seen = observe(
        wanted,
        {"command": Down(UnreachableError(make_problem(Source("GET x"), "no answer"))), "csms": World(ANSWERS)},
        RUN,
        KINDS,
    )

    assert set(seen.live) == {("csms", "SecretEvent")}
    assert [gap.cause for gap in seen.gaps] == [Exit.UNREACHABLE]


def test_a_fault_of_the_tool_is_not_a_gap() -> None:
    """Only what a server did is; the rest must be seen."""
    with pytest.raises(ZeroDivisionError):
        observe([handler("a")], {"command": Down(ZeroDivisionError())}, RUN, KINDS)


SHAPES: dict[str, tuple[Any, dict[str, Json]]] = {
    "a handler without a class": (handler("a"), {"/EventHandlerRegistration": [{"Id": 1, "Enabled": True}]}),
    "a handler without a state": (handler("a"), {"/EventHandlerRegistration": [{"Id": 1, "ClassName": "a"}]}),
    "a handler whose state is a word": (
        handler("a"), {"/EventHandlerRegistration": [{"Id": 1, "ClassName": "a", "Enabled": "true"}]},
    ),
    "a role of version 1": (
        ROLE,
        {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Security/Roles/1": {"Id": 1, "Name": "R", "Identities": []}},
    ),
    "a role that is another one": (
        ROLE,
        {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Security/Roles/1": role(2, "R")},
    ),
    "a request that is another one": (
        document("RequestDenial", "d", {"requests": [{"id": 1, "template": "t"}]}),
        {"/Workflow/Certificates/1": pending(2)},
    ),
    "an event without notification": (
        document("SecretEvent", "e", {"state": "ENABLED"}), {"/v1/0123/csms/events": [event("e", notification=None)]},
    ),
    "an event whose types are one text": (
        document("SecretEvent", "e", {"state": "ENABLED"}), {"/v1/0123/csms/events": [event("e", event_types="ALL")]},
    ),
    "an event that another one of the list spoils": (
        document("SecretEvent", "e", {"state": "ENABLED"}), {"/v1/0123/csms/events": [event("e"), {"name": "f"}]},
    ),
    "a request without id": (
        document("RequestDenial", "d", {"match": {"template": "t"}}),
        {"/Workflow/Certificates/Pending": [{"State": 5}]},
    ),
    "a request that is a list": (
        document("RequestDenial", "d", {"requests": [{"id": 1, "template": "t"}]}), {"/Workflow/Certificates/1": [1]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "answers"), SHAPES.values(), ids=SHAPES)
def test_an_answer_of_another_shape_is_a_gap(wanted: Any, answers: dict[str, Json]) -> None:
    """Nothing is concluded from what can't be understood."""
    world = World(answers)

    seen = observe([wanted], {"command": world, "csms": world}, RUN, KINDS)

    assert seen.live == {}
    assert [gap.cause for gap in seen.gaps] == [Exit.INCOMPLETE]
    assert all("; " in gap.problem.message for gap in seen.gaps)


def test_progress_says_what_is_read_and_how_much() -> None:
    """One line a reading, in the order in which they are made; what is counted is objects."""
    told: list[str] = []
    owners = document("CertificateOwner", "o", {"clear": ["owner"], "certificates": {"ids": [1, 2, 3]}})

    observe([handler("b"), owners, handler("a")], {"command": World(ANSWERS)}, RUN, KINDS, told.append)

    assert told == [
        "[0/5 objects] reading command: CertificateOwner, 3 declared",
        "[3/5 objects] reading command: EventHandler, 2 declared",
    ]
