"""An export of roles holds them to what they are: as manifests it plans nothing, and any edit by hand is drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.model import Json
from tests.support.sample_plans import GUID, document, planned
from tests.support.strategies import OTHER_GUID
from tests.support.toy_reader import World

KIND = KINDS["SecurityRole"]
SETS = [{"Id": GUID, "Name": "Global"}, {"Id": OTHER_GUID.upper(), "Name": " Other"}]
TEXTS = st.sampled_from([None, "", " ", "d", " d", "d ", "two\nlines", "x" * 5000, "NO", "é", "e\u0301"])
CLAIMS = st.fixed_dictionaries(
    {
        "Description": TEXTS,
        "ClaimType": st.sampled_from(["User", "Group", "OAuthRole", "oauthsubject", 4, "OAuthNew"]),
        "ClaimValue": st.sampled_from(["ann", "CORP\\ann", "corp\\ANN", "ops", "OPS", " ops", "", None, "ann@corp"]),
        "Provider": st.sampled_from([None, {"AuthenticationScheme": "Entra"}, {"AuthenticationScheme": "entra"}]),
    }
)
PERMISSIONS = st.sampled_from(["/", "/a/", "/a/read/", "/b/5/", "Portal:Read", "/A/", ""])


@st.composite
def odd_roles(draw: st.DrawFn, number: int) -> dict[str, Json]:
    """Draw a role as it may have come about on a server, by hand, by other tools or in an earlier version."""
    likely: list[dict[str, Json]] = [
        {"ClaimType": "OAuthRole", "ClaimValue": "ops", "Provider": {"AuthenticationScheme": "Entra"}}
    ]
    claims: list[dict[str, Json]] = draw(st.just(likely) | st.lists(CLAIMS, max_size=3))
    return {
        "Id": number,
        "Name": f"Role {number}",
        "Description": draw(st.just("d") | TEXTS),
        "EmailAddress": draw(st.sampled_from([None, "", "a@example.com", "no address", " a@example.com"])),
        "Immutable": draw(st.integers(0, 9)) == 0,
        "PermissionSetId": draw(st.sampled_from([GUID, OTHER_GUID, GUID.upper(), None])),
        "Permissions": sorted(draw(st.sets(PERMISSIONS, max_size=3))),
        "Claims": [{"Id": number * 10 + at, **claim} for at, claim in enumerate(claims)],
    }


def make_world(*roles: Mapping[str, Json]) -> World:
    """Return a server that has these roles and the claims that they hold."""
    by_id = {f"/Security/Roles/{role['Id']}": role for role in roles}
    rows = [{"Id": role["Id"], "Name": role["Name"]} for role in roles]
    claims = [{**claim, "Id": claim["Id"]} for role in roles for claim in role["Claims"]]
    return World({"/Security/Roles": rows, **by_id, "/PermissionSets": SETS, "/Security/Claims": claims})


def export(*roles: Mapping[str, Json]) -> list[ExportedDocument]:
    """Return what is exported of these roles, without those of which no field can be told."""
    exported = list(KIND.export(make_world(*roles)))
    assert [role.name for role in exported] == [role["Name"] for role in roles]
    assert all(role.spec or role.remarks for role in exported)
    return [role for role in exported if role.spec]


def declare(exported: list[ExportedDocument]) -> list[Wanted]:
    """Return the documents of an export, which have no fault that could be found offline."""
    documents = [document("SecurityRole", role.name, role.spec) for role in exported]
    for role in documents:
        assert list(role.spec.check(role.address.name, {})) == []
    return documents


@pytest.mark.no_cover
@given(odd_roles(1), odd_roles(2))
@settings(max_examples=300)
def test_an_export_is_valid_and_plans_nothing(first: dict[str, Json], second: dict[str, Json]) -> None:
    """Whatever the server holds: what no manifest can say is left out, field by field."""
    plan = planned(declare(export(first, second)), make_world(first, second))

    assert (plan.steps, plan.problems, plan.notes) == ((), (), ())


def list_edits(live: Mapping[str, Json]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield (manifest field, role) for each way in which somebody may change one field of a role by hand."""
    joining = {"Id": 99, "ClaimType": "OAuthRole", "ClaimValue": "x", "Provider": {"AuthenticationScheme": "Entra"}}
    edits: list[tuple[str, str, Json]] = [
        ("description", "Description", "by hand"),
        ("emailAddress", "EmailAddress", "hand@example.com"),
        ("permissionSet", "PermissionSetId", GUID[:-1] + "9"),
        ("permissions", "Permissions", [*live["Permissions"], "/hand/"]),
        ("permissions", "Permissions", live["Permissions"][1:]),
        ("claims", "Claims", [*live["Claims"], {**joining, "Description": "x"}]),
        ("claims", "Claims", live["Claims"][1:]),
        ("emailAddress", "EmailAddress", None),
    ]
    edits += [
        (
            "claims",
            "Claims",
            [{**claim, "Description": "by hand"} if claim is changed else claim for claim in live["Claims"]],
        )
        for changed in live["Claims"]
        if changed.get("Description")
    ]
    yield from (
        (field, {**live, member: value}) for field, member, value in edits if (value or "") != (live[member] or "")
    )


@pytest.mark.no_cover
@given(odd_roles(1))
@settings(max_examples=300)
def test_any_edit_by_hand_is_drift(live: dict[str, Json]) -> None:
    """Each field that is not left out with a remark is held to what it was, one that was empty as well."""
    for exported in export(live):
        documents = declare([exported])
        for field, edited in list_edits(live):
            if field in {*exported.spec, *exported.spec.get("clear", ())} and not _is_told(field, exported):
                seen(f"{field} {'set' if field in exported.spec else 'cleared'}")
                plan = planned(documents, make_world(edited))
                assert plan.steps or plan.problems, (field, edited)
            else:
                assert exported.remarks, field


def _is_told(field: str, exported: ExportedDocument) -> bool:
    return field == "claims" and any("description of claim" in remark for remark in exported.remarks)


def test_an_empty_role_is_pinned() -> None:
    """The case that was seen: a claim added to a role without claims."""
    bare: dict[str, Any] = {
        "Id": 1, "Name": "R", "Description": "d", "EmailAddress": None, "Immutable": False,
        "PermissionSetId": GUID, "Permissions": [], "Claims": [],
    }  # fmt: skip

    (exported,) = export(bare)

    assert exported.remarks == ()
    assert exported.spec == {
        "description": "d",
        "permissionSet": "Global",
        "clear": ["emailAddress", "permissions", "claims"],
    }
