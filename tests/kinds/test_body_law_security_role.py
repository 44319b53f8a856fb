"""Nothing is sent that is not shown: what was read, with the changes made to it, is the body, member for member.

The body is put together here a second time, from a step's base and its changes alone; only the GUID of a permission
set, which a plan names, is looked up in the case's world.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model import Json, Step
from reconciler.payloads.members import pick_member
from tests.kinds.test_cases import CASES, plan_case

ROLE_CASES = [path for path in CASES if path.parent.name == "SecurityRole"]
CLAIM_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")
MEMBERS = {"name": "Name", "description": "Description", "emailAddress": "EmailAddress", "permissions": "Permissions"}


def read_changes(step: Step) -> dict[str, Json]:
    """Return what each changed field becomes, by path; a path that is there twice would hide a change."""
    paths = [change.path for change in step.changes]
    assert len(set(paths)) == len(paths), paths
    return {change.path: change.after for change in step.changes}


def rebuild_role_body(step: Step, world: Mapping[str, Json]) -> dict[str, Any]:
    """Return the body that the base and the changes of a step lead to, empty text as None and sets in order."""
    assert step.request is not None
    changes = read_changes(step)
    new_role: dict[str, Any] = {
        "Name": step.address.name,
        "Description": None,
        "EmailAddress": None,
        "Permissions": [],
        "Claims": [],
    }
    base: dict[str, Any] = dict(step.request.base or new_role)
    base.pop("Immutable", None)
    body = base | {MEMBERS[path]: value or None for path, value in changes.items() if path in MEMBERS}
    body["Permissions"] = sorted(body["Permissions"] or [])
    for change in step.changes if step.request.base else ():
        assert change.path not in MEMBERS or change.before == base[MEMBERS[change.path]], "it was read otherwise"
    if "permissionSet" in changes:
        body["PermissionSetId"] = find_guid(changes["permissionSet"], world)
    texts = {tuple(claim[:3]): claim[3] for claim in base["Claims"]}
    keys = sorted(map(read_key, changes["claims"]) if "claims" in changes else texts)
    body["Claims"] = [(*key, texts[key] if key in texts else pick_description(key, changes)) for key in keys]
    # Whatever is about a claim was used: a change that nothing in the body answers to would be untrue.
    assert {path for path in changes if path.startswith("claims.")} <= {
        path for key in keys if key not in texts for path in list_paths(key)
    }
    return body


def read_key(claim: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a change calls a claim."""
    return claim["type"], claim["value"], claim["provider"]


def list_paths(key: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths by which a change may name a claim's description, the longest first."""
    kind, value, provider = key
    names = (f"{kind} {value} ({provider})", f"{kind} {value}", value)
    return tuple(f"claims.{name}.description" for name in names)


def pick_description(key: tuple[str, ...], changes: Mapping[str, Json]) -> str:
    """Return what a claim that joins is described by; "" where no change says."""
    return next((str(changes[path]) for path in list_paths(key) if path in changes), "")


def find_guid(name: str, world: Mapping[str, Json]) -> str:
    """Return the GUID of a permission set; a set that the world names nowhere is called by it."""
    sets = {row["Name"]: row["Id"].lower() for row in world.get("/PermissionSets", ())}
    return str(sets.get(name, name))


def read_role_body(body: Mapping[str, Json]) -> dict[str, Any]:
    """Return a body as sent, in the form of a rebuilt one."""
    claims = [
        (
            CLAIM_TYPES[claim["ClaimType"]],
            claim["ClaimValue"],
            claim["ProviderAuthenticationScheme"],
            claim["Description"],
        )
        for claim in body["Claims"]
    ]
    return {
        **body,
        "Description": body["Description"] or None,
        "EmailAddress": body["EmailAddress"] or None,
        "PermissionSetId": body["PermissionSetId"].lower(),
        "Permissions": sorted(body["Permissions"]),
        "Claims": sorted(claims),
    }


@pytest.mark.parametrize("path", ROLE_CASES, ids=lambda path: path.stem)
def test_base_and_changes_make_the_body_of_a_role(path: Path) -> None:
    """Of a role every member of its body; of a claim, which has one text, that text."""
    world = yaml.safe_load(path.read_text("utf-8")).get("world", {})
    plan = plan_case(path)
    for step in plan.sendable_steps if plan else ():
        assert step.request is not None
        body, base = step.request.call.body, step.request.base
        if step.request.call.path == "/Security/Claims":
            (change,) = step.changes
            assert body == {"Id": base["Id"], "Description": change.after}
            assert change.before == base["Description"]
        else:
            assert rebuild_role_body(step, world) == read_role_body(body)


@pytest.mark.parametrize("path", ROLE_CASES, ids=lambda path: path.stem)
def test_the_lists_of_a_role_keep_the_order_of_what_stays(path: Path) -> None:
    """Another tool may hold them as they stand: what was read comes first, in its order, and what is new after it."""
    world = yaml.safe_load(path.read_text("utf-8")).get("world", {})
    plan = plan_case(path)
    for step in plan.sendable_steps if plan else ():
        assert step.request is not None
        body, base = step.request.call.body, step.request.base
        if step.request.call.path == "/Security/Claims" or base is None:
            continue
        row = world[f"/Security/Roles/{base['Id']}"]
        assert_kept_first(body["Permissions"], pick_member(row, "Permissions"))
        live_claims = [
            (pick_member(claim, "ClaimValue"), pick_member(pick_member(claim, "Provider"), "AuthenticationScheme"))
            for claim in pick_member(row, "Claims")
        ]
        claims = [(claim["ClaimValue"], claim["ProviderAuthenticationScheme"]) for claim in body["Claims"]]
        assert_kept_first(claims, live_claims)


def assert_kept_first(sent: list[Any], live: list[Any]) -> None:
    """What is sent begins with those of the live ones that stay, in their order."""
    kept = [value for value in live if value in sent]
    assert sent[: len(kept)] == kept


def test_the_law_is_about_something() -> None:
    """A law over cases of which none sends anything would hold whatever the tool does."""
    plans = [plan for plan in map(plan_case, ROLE_CASES) if plan]
    paths = {change.path.partition(".")[0] for plan in plans for step in plan.sendable_steps for change in step.changes}

    assert paths >= {"description", "emailAddress", "permissionSet", "permissions", "claims"}
    assert {step.request.base is None for plan in plans for step in plan.sendable_steps if step.request} == {
        True,
        False,
    }
