"""What a server does with a request, as a function from world to world: a third statement of the contract, in brief.

PUT of a role replaces it; a member that is not sent is cleared. A claim that joins is called as its body says, and
that must be what it is called already. Accounts come back with their domain. An event's
notification is replaced as a whole; a handler's member that is not sent is reset.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import Call, Json

World = Mapping[str, Json]

_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")
_ROLES, _HANDLERS, _CERTIFICATES = "/Security/Roles", "/EventHandlerRegistration", "/Certificates"
_CLAIMS = "/Security/Claims"
_PENDING, _EVENTS = "/Workflow/Certificates/Pending", "/v1/0123/csms/events"


def performed(world: World, call: Call) -> World:
    """Return the world after one request; fails on one that the contract doesn't know."""
    if call.path == _ROLES:
        return _role(world, call)
    if call.path == "/Workflow/Certificates/Deny":
        return _denied(world, call)
    head, _, last = call.path.rpartition("/")
    if head == _HANDLERS:
        set_ = {"DisplayName": call.body.get("DisplayName"), "Enabled": call.body.get("Enabled", False)}
        return _changed(world, _HANDLERS, "Id", int(last), set_)
    if last == "Owner":
        name = call.body.get("NewRoleName")
        folded = str(name).casefold()
        number = next((row["Id"] for row in world[_ROLES] if row["Name"].casefold() == folded), None)
        assert (name is None) == (number is None), f"no role is called {name}"
        owner = {"OwnerRoleId": number, "OwnerRoleName": name}
        return _changed(world, _CERTIFICATES, "Id", int(head.rpartition("/")[2]), owner)
    if call.path == _EVENTS:
        assert call.body["name"] not in {row["name"] for row in world[_EVENTS]}
        return {**world, _EVENTS: [*world[_EVENTS], {**call.body, "event_id": "new"}]}
    assert head == _EVENTS, call
    return _changed(world, _EVENTS, "name", last, call.body)


def _changed(world: World, path: str, key: str, value: Any, members: Mapping[str, Json]) -> World:
    rows = world[path]
    assert [row[key] for row in rows].count(value) == 1, f"{path} has no {value}"
    return {**world, path: [{**row, **members} if row[key] == value else row for row in rows]}


def _role(world: World, call: Call) -> World:
    body, rows = dict(call.body), world[_ROLES]
    number = body.pop("Id", None) or 1 + max((row["Id"] for row in rows), default=0)
    known = {row["Id"]: row["Name"] for row in rows}
    assert (call.method == "PUT") == (number in known)
    assert body["Name"].casefold() not in {name.casefold() for id_, name in known.items() if id_ != number}
    assert body["Description"], "Command requires one"
    assert body["PermissionSetId"]
    held = set(body["Permissions"])
    assert not any(one != other and one.startswith(other) for one in held for other in held), "redundant permissions"
    body["Claims"] = [_claim(at, claim) for at, claim in enumerate(body["Claims"])]
    before = [_said(claim) for claim in world.get(f"{_ROLES}/{number}", {}).get("Claims", ())]
    called = {_said(claim): claim["Description"] or "" for claim in world.get(_CLAIMS, ())}
    for claim in body["Claims"]:
        joins = _said(claim) not in before
        assert not joins or called.get(_said(claim), claim["Description"]) == claim["Description"], "described anew"
    whole = {"EmailAddress": None, **body, "Id": number, "Immutable": False}
    row = {"Id": number, "Name": body["Name"]}
    return {**world, _ROLES: [*(one for one in rows if one["Id"] != number), row], f"{_ROLES}/{number}": whole}


def _said(claim: Mapping[str, Json]) -> tuple[str, str, str]:
    """Return what makes a claim the same, as this server folds it."""
    value, scheme = claim["ClaimValue"], claim["Provider"]["AuthenticationScheme"]
    return claim["ClaimType"], value.casefold() if "\\" in value else value, scheme.casefold()


def _claim(number: int, sent: Mapping[str, Json]) -> dict[str, Json]:
    assert sorted(sent) == ["ClaimType", "ClaimValue", "Description", "ProviderAuthenticationScheme"]
    value = sent["ClaimValue"]
    resolved = f"CORP\\{value}" if sent["ClaimType"] < 3 and "\\" not in value else value
    scheme = sent["ProviderAuthenticationScheme"]
    assert scheme
    return {
        "Id": number,
        "ClaimType": _TYPES[sent["ClaimType"]],
        "ClaimValue": resolved,
        "Description": sent["Description"],
        "Provider": {"AuthenticationScheme": scheme},
    }


def _denied(world: World, call: Call) -> World:
    numbers = call.body["CertificateRequestIds"]
    rows = {row["Id"]: row for row in world[_PENDING]}
    assert set(numbers) <= set(rows)
    singly = {f"/Workflow/Certificates/{number}": {**rows[number], "State": 3} for number in numbers}
    return {**world, **singly, _PENDING: [row for number, row in rows.items() if number not in numbers]}
