"""What is left alone in a plan: which part of it, what of it is told all the same, and how a file keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Severity, Source
from reconciler.engine.observe import observe
from reconciler.kinds.claimed_acts import ClaimedAct
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import KINDS
from reconciler.kinds.request_denial.comparison import name_act
from reconciler.model import Json, Obstacle, Plan
from reconciler.plans.acknowledgements import list_ended_deferrals, narrow_document
from reconciler.plans.guards import find_refusals
from reconciler.plans.masking import SecretMasker
from reconciler.plans.planner import PlanScope, plan
from tests.support.plan_files import BOUNDS, NOON, dump, load, refused, seal
from tests.support.sample_plans import TODAY, document, handler, pending, planned, registered, role
from tests.support.toy_reader import World

UNTIL = TODAY + timedelta(30)
WHOLE = Deferral("ack", Source("acks.yaml", 1, 1), UNTIL, "INC-1")
ROLES: dict[str, Json] = {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Security/Roles/1": role(1, "R")}


def leave_alone(kind: str, name: str, *fields: str) -> PlanScope:
    """Return a scope with one deferral."""
    return PlanScope(deferrals={Address("command", kind, name): (WHOLE._replace(fields=fields),)})


def acknowledged() -> Plan:
    """Return a plan of a handler that is changed and another one that is left alone."""
    wanted = [handler("a"), handler("b", line=5)]
    made = planned(wanted, {"/EventHandlerRegistration": registered("A", "B")}, scope=leave_alone("EventHandler", "b"))
    return replace(made, targets={"command": BOUNDS["command"]})


# A spec, the fields that are left alone, and what is still said; None for nothing.
NARROWED: dict[str, tuple[str, dict[str, Any], set[str], dict[str, Any] | None]] = {
    "a field": ("SecurityRole", {"description": "d", "permissions": ["/a/"]}, {"permissions"}, {"description": "d"}),
    "a list that would gain members": (
        "SecurityRole",
        {"description": "d", "permissions": ["/a/"], "additive": ["permissions"]},
        {"permissions"},
        {"description": "d"},
    ),
    "one of two that would be emptied": (
        "SecurityRole",
        {"clear": ["claims", "permissions"]},
        {"claims"},
        {"clear": ("permissions",)},
    ),
    "all that would be emptied": ("SecurityRole", {"clear": ["claims"]}, {"claims"}, None),
    "all there is to manage": ("EventHandler", {"className": "C", "enabled": True}, {"enabled"}, None),
    "by what it is found stays": (
        "EventHandler",
        {"className": "C", "enabled": True, "clear": ["displayName"]},
        {"displayName"},
        {"className": "C", "enabled": True},
    ),
    "a field that is not declared": (
        "EventHandler",
        {"className": "C", "enabled": True},
        {"displayName"},
        {"className": "C", "enabled": True},
    ),
    "who owns": ("CertificateOwner", {"owner": "o", "certificates": {"ids": [1]}}, {"owner"}, None),
}  # fmt: skip


@pytest.mark.parametrize("row", NARROWED)
def test_a_document_says_nothing_of_what_is_left_alone(row: str) -> None:
    kind, spec, fields, expected = NARROWED[row]
    narrowed = narrow_document(document(kind, "n", spec), fields, KINDS[kind])
    assert (narrowed.spec.declared() if narrowed else None) == expected


def test_a_problem_of_what_is_left_alone_is_told() -> None:
    """It would only keep the object from being changed; where the rest is sent, what is wrong with that holds it."""
    wanted = [document("SecurityRole", "R", {"description": "new", "permissions": ["/no/such/right/"]})]
    world = {**ROLES, "/Security/Roles/1": role(1, "R"), "/Permissions": ["/portal/read/"]}
    held = planned(wanted, world)
    assert [problem.rule for problem in held.problems] == ["live.unknown-reference"]
    for fields, sent in (((), 0), (("permissions",), 1), (("description",), 0)):
        made = planned(wanted, world, scope=leave_alone("SecurityRole", "R", *fields))
        assert len(made.sendable_steps) == sent
        told = [note.summary for note in made.notes if note.rule == "live.unknown-reference"]
        if fields != ("description",):
            assert made.problems == ()
            assert told == [problem.summary for problem in held.problems]
            assert {note.severity for note in made.notes if note.rule == "live.unknown-reference"} <= {Severity.NOTE}
        else:
            assert made.problems == held.problems


def test_an_object_that_can_only_be_missed_is_acknowledged_too() -> None:
    """A handler that is not registered, a query without a certificate: problems, unless somebody knows of them."""
    query = {"owner": "R", "certificates": {"query": 'IssuedCN -eq "a"'}}
    world = {**ROLES, "/EventHandlerRegistration": registered("A"), "/Certificates": []}
    for document_, kind in (
        (handler("b"), "EventHandler"),
        (document("CertificateOwner", "o", query), "CertificateOwner"),
    ):
        assert not planned([document_], world).complete
        made = planned([document_], world, scope=leave_alone(kind, document_.address.name))
        assert made.complete
        assert made.steps == ()
        assert made.compared == (1, 1)
        (step,) = made.acknowledged
        assert step.finds_nothing
        assert [note.rule for note in made.notes] == ["live.not-found"]
    # Two of one class are there, and which is meant can't be told.
    both = planned(
        [handler("a")], {"/EventHandlerRegistration": registered("A", "A")}, scope=leave_alone("EventHandler", "a")
    )
    assert [problem.rule for problem in both.problems] == ["live.ambiguous"]
    assert both.compared == (0, 1)


def test_an_act_that_may_have_been_done_is_no_difference() -> None:
    """A denial that an earlier run may have sent stays unsettled, whoever acknowledges the document."""
    wanted = [document("RequestDenial", "d", {"match": {"template": "Web"}})]
    read = World({"/Workflow/Certificates/Pending": [pending(3), pending(4)]})
    claimed = {"command": {name_act(3): ClaimedAct("run-1/1", is_settled=False)}}
    run = Run.of_documents(TODAY, wanted, claimed)
    made = plan(wanted, observe(wanted, {"command": read}, run, KINDS), run, KINDS, leave_alone("RequestDenial", "d"))

    assert [(step.obstacle, step.deferral) for step in made.steps] == [(Obstacle.UNSETTLED, None)]
    assert [[change.path for change in step.changes] for step in made.acknowledged] == [["requests.4"]]
    assert made.compared == (2, 2)


def test_what_is_left_alone_counts_in_no_limit_and_is_protected_from_nobody() -> None:
    """A guard is about what would be done."""
    made, protected = acknowledged(), ["EventHandler/b"]
    assert find_refusals(made, {"EventHandler": 1}, protected, KINDS) == ()
    assert len(find_refusals(planned([handler("a"), handler("b")], {"/EventHandlerRegistration": registered("A", "B")}),
                             {"EventHandler": 1}, protected, KINDS)) == 2  # fmt: skip


def test_an_acknowledgement_without_a_difference_is_told() -> None:
    """Only where all of it was compared: of what was not, nobody knows."""
    world = {"/EventHandlerRegistration": registered("A", enabled=True)}
    made = planned([handler("a")], world, scope=leave_alone("EventHandler", "a", "enabled"))
    assert [(note.rule, str(note.source)) for note in made.notes] == [
        ("acknowledgement.no-difference", "acks.yaml:1:1")
    ]
    assert "enabled of EventHandler/a is acknowledged, and no difference" in made.notes[0].summary
    both = {Address("command", "EventHandler", name): (WHOLE,) for name in "ab"}
    assert planned([handler("a")], world, scope=PlanScope(deferrals=both)).notes == ()


def test_a_file_keeps_what_is_left_alone() -> None:
    """It comes back equal, counts in the digest, and is not sent; after its day that is told."""
    made = acknowledged()
    again = load(dump(made), NOON)
    assert again == made
    assert again.acknowledged[0].deferral == WHOLE
    assert json.loads(dump(made))["digest"] != json.loads(dump(replace(made, acknowledged=())))["digest"]
    assert "acknowledged" not in json.loads(dump(replace(made, acknowledged=())))
    assert [step.address.name for step in again.sendable_steps] == ["a"]
    assert list(list_ended_deferrals(again, UNTIL - timedelta(1))) == []
    (note,) = list_ended_deferrals(again, UNTIL)
    assert f'"ack" acknowledged until {UNTIL}; it was approved so' in note.message


def join_call(members: dict[str, Any]) -> None:
    members["acknowledged"][0] |= {name: members["steps"][0][name] for name in ("call", "base", "expect")}


def move_step(members: dict[str, Any]) -> None:
    members["steps"].append(members["acknowledged"].pop())


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "what is left alone has a request": join_call,
    "what is sent is called acknowledged": lambda members: members["steps"][0].update(
        acknowledgement=members["acknowledged"][0]["acknowledgement"]
    ),
    "it stands among the steps": move_step,
    "nobody acknowledges it": lambda members: members["acknowledged"][0].pop("acknowledgement"),
    "until no day": lambda members: members["acknowledged"][0]["acknowledgement"].update(until="never"),
    "a reason that is none": lambda members: members["acknowledged"][0]["acknowledgement"].update(reason=1),
    "a kind of a later version": lambda members: members["acknowledged"][0]["address"].update(kind="Store"),
    "they are none": lambda members: members.update(acknowledged=["x"]),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_is_left_alone_can_not_be_forged(name: str) -> None:
    """Whoever can compute the digest could show a request as something that is not sent."""
    members = json.loads(dump(acknowledged()))
    FORGERIES[name](members)
    assert "it is not one that this version of the tool writes" in refused(seal(members))


def test_a_reason_that_quotes_a_secret_is_masked() -> None:
    made = acknowledged()
    masked = SecretMasker([lambda text: text.replace("INC", "***")]).mask_plan(made).acknowledged[0]
    assert masked.deferral == WHOLE._replace(reason="***-1")
    assert SecretMasker([]).mask_plan(made).acknowledged[0] is made.acknowledged[0]


def test_a_day_ends_what_is_left_alone() -> None:
    assert [WHOLE._replace(until=TODAY + timedelta(days)).is_in_force(TODAY) for days in (-1, 0, 1)] == [
        False,
        False,
        True,
    ]
    assert WHOLE.is_in_force(date.min)
