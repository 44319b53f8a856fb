"""Laws that hold for every kind, whatever the world and the documents: proved on worlds that are values.

Nothing that a document does not mention changes; what it declares comes true; applying a plan leaves nothing to plan;
order means nothing; nothing is cleared by accident.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Json, Plan, Step
from reconciler.payloads.members import pick_member
from tests.support.sample_plans import GUID, document, planned
from tests.support.strategies import OTHER_GUID, World, live_roles, role_specs, worlds
from tests.support.toy_reader import World as Reader
from tests.support.toy_reader import shuffled
from tests.support.toy_server import performed

pytestmark = pytest.mark.no_cover


def sent(plan: Plan) -> list[Step]:
    """Return the steps that would be sent."""
    return [step for step in plan.steps if step.request]


@given(worlds())
@settings(max_examples=150)
def test_applying_a_plan_leaves_nothing_to_plan(drawn: tuple[list[Wanted], World]) -> None:
    """Performed by a server, every request makes its document true; only what was refused is still to do."""
    wanted, world = drawn
    plan = planned(wanted, world)
    seen("complete" if plan.complete else "has problems")
    if not plan.complete:
        return  # such a plan is never applied
    for step in sent(plan):
        seen(f"{step.address.kind} {step.action}")
        assert step.request
        world = dict(performed(world, step.request.call))

    again = planned(wanted, world)

    assert [str(step.address) for step in sent(again)] == []
    assert {step.refusal for step in again.steps} == {step.refusal for step in plan.steps if not step.request}
    assert again.complete


@given(worlds(), st.integers(0, 9))
def test_order_means_nothing(drawn: tuple[list[Wanted], World], seed: int) -> None:
    """Rows, members, sets and documents in another order give an equal plan."""
    wanted, world = drawn
    chance = random.Random(seed)

    assert planned(chance.sample(wanted, len(wanted)), shuffled(world, chance)) == planned(wanted, world)


@given(worlds())
def test_removing_a_document_adds_nothing(drawn: tuple[list[Wanted], World]) -> None:
    """Absence is inert: each step of fewer documents is a step of all of them."""
    wanted, world = drawn
    whole = planned(wanted, world).steps

    for left_out in wanted:
        if left_out.address.kind != "SecurityRole":  # an owner may name a role of the same run
            rest = [one for one in wanted if one is not left_out]
            assert set(map(str, planned(rest, world).steps)) <= set(map(str, whole))


@given(worlds())
def test_no_step_without_a_difference(drawn: tuple[list[Wanted], World]) -> None:
    """Each step has a change, and each change two sides that differ."""
    for step in planned(*drawn).steps:
        assert step.changes
        assert all(change.before != change.after or step.action is Action.CREATE for change in step.changes)


WIRE = {
    "description": "Description", "emailAddress": "EmailAddress", "permissionSet": "PermissionSetId",
    "permissions": "Permissions", "claims": "Claims",
}  # fmt: skip


def decoded(claims: list[Json]) -> set[tuple[Json, ...]]:
    """Return claims, as read or as sent, in one form."""
    types = ["User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId"]
    return {
        (claim["ClaimType"], claim["ClaimValue"], claim["Provider"]["AuthenticationScheme"], claim["Description"] or "")
        if "Provider" in claim
        else (
            types[claim["ClaimType"]],
            claim["ClaimValue"],
            claim["ProviderAuthenticationScheme"],
            claim["Description"],
        )
        for claim in claims
    }


@given(live_roles(1), role_specs())
@settings(max_examples=300)
def test_a_role_keeps_what_its_document_does_not_mention(live: dict[str, Json], spec: dict[str, Any]) -> None:
    """Every member of the live role is in the body as it was, unless it is declared or cleared; no other joins."""
    world = {
        "/Security/Roles": [{"Id": 1, "Name": "Role 1"}],
        "/Security/Roles/1": live,
        "/PermissionSets": [{"Id": GUID, "Name": "Global"}, {"Id": OTHER_GUID, "Name": "Other"}],
    }
    steps = sent(planned([document("SecurityRole", "Role 1", spec)], world))
    seen("a request" if steps else "none")
    for step in steps:
        assert step.request
        body = step.request.call.body
        managed = {WIRE[name] for name in [*spec, *spec.get("clear", [])] if name in WIRE}
        assert set(body) == set(live) - {"Immutable"}
        for name in set(body) - managed - {"Claims", "Permissions"}:
            assert body[name] == live[name]
        if "Permissions" not in managed:
            assert sorted(body["Permissions"]) == sorted(live["Permissions"])
        if "Claims" not in managed:
            assert decoded(body["Claims"]) == decoded(live["Claims"])
        _declared_is_sent(spec, live, body)


def _declared_is_sent(spec: Mapping[str, Any], live: Mapping[str, Json], body: Mapping[str, Json]) -> None:
    for name in ("description", "emailAddress"):
        if name in spec:
            assert body[WIRE[name]] == spec[name]
    if "permissionSet" in spec:
        assert body["PermissionSetId"] == {"Global": GUID, "other": OTHER_GUID}.get(
            spec["permissionSet"], spec["permissionSet"]
        )
    kept = {name for name in ("permissions", "claims") if name in spec.get("additive", ())}
    if "permissions" in spec:
        assert set(body["Permissions"]) == {
            *spec["permissions"],
            *(live["Permissions"] if "permissions" in kept else ()),
        }
    if "claims" in spec:
        assert len(body["Claims"]) >= len(spec["claims"])
        if "claims" in kept:
            assert decoded(live["Claims"]) <= decoded(body["Claims"])
        else:
            assert len(body["Claims"]) == len(spec["claims"])
    for name in spec.get("clear", ()):
        assert not body[WIRE[name]]


@given(worlds())
@settings(max_examples=150)
def test_nothing_is_cleared_that_is_not_said(drawn: tuple[list[Wanted], World]) -> None:
    """A value that empties something live is sent only where a document says `clear`; so is an owner's null id."""
    wanted, world = drawn
    specs = {one.address: one.spec.declared() for one in wanted}
    for step in sent(planned(wanted, world)):
        assert step.request
        said, body, base = specs[step.address], step.request.call.body, step.request.base
        if step.address.kind == "CertificateOwner":
            assert (body == {"NewRoleId": None}) == ("clear" in said)
            assert body == {"NewRoleId": None} or list(body) == ["NewRoleName"]
        elif step.action is not Action.DENY and base is not None:
            cleared = {WIRE[name] for name in said.get("clear", ())}
            emptied = {name for name, value in body.items() if value in (None, "", [], {}) and base.get(name)}
            assert emptied <= cleared
            assert (step.action is Action.CLEAR) <= bool(said.get("clear"))


@given(worlds())
def test_the_base_is_the_object_that_was_read(drawn: tuple[list[Wanted], World]) -> None:
    """A moment after planning nothing has moved: reading again gives each step's base."""
    wanted, world = drawn
    singly = {f"/Certificates/{row['Id']}": row for row in world["/Certificates"]}
    singly |= {f"/EventHandlerRegistration/{row['Id']}": row for row in world["/EventHandlerRegistration"]}
    singly |= {f"/Workflow/Certificates/{row['Id']}": row for row in world["/Workflow/Certificates/Pending"]}
    singly |= {f"/v1/0123/csms/events/{row['name']}": {"event": row} for row in world["/v1/0123/csms/events"]}
    for step in sent(planned(wanted, world)):
        kind = KINDS[step.address.kind]
        live = kind.reread(Reader({**world, **singly}), step)
        assert step.request
        assert live == step.request.base
        assert live is None or kind.unmet(step, live), "what is already so makes no step"
        assert pick_member(step.request.call.body, "Immutable") is None
