"""What a stored request does to a role or to a claim, told from the request alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.kind import Meaning
from reconciler.kinds.stored_requests import check_expectation, check_request
from reconciler.model import Call, Json, Request
from reconciler.payloads.claims import CLAIMS_PATH, ClaimKey, read_sent_key
from reconciler.payloads.roles import ROLES_PATH, build_expected_role

_TEXTS = {"description": "Description", "emailAddress": "EmailAddress"}
_CHANGEABLE = frozenset({"Description", "EmailAddress", "PermissionSetId", "Permissions", "Claims"})
_READ_ONLY = "Immutable"


def explain_description_request(request: Request) -> Meaning:
    """Return what the PUT of a claim does: nothing but its description can change."""
    base, body = request.base, request.call.body
    check_request(request.call, "PUT", CLAIMS_PATH, members=("Id", "Description"))
    check_expectation(request, {**base, "Description": body["Description"]})
    if body["Id"] != base["Id"]:
        raise ValueError("it is about another claim than the one that was read")
    value = ClaimKey(*base["Key"]).value
    path = f"claims.{value}.description"
    label = f"claim {value} (id {base['Id']})"
    return Meaning({path: base["Description"]}, {path: body["Description"]}, label)


def explain_role_request(request: Request) -> Meaning:
    """Return what the POST or PUT of a role does; its permission set is sent as a GUID, whose name it does not hold."""
    sent = build_expected_role(request.call.body)
    check_expectation(request, sent)
    return _explain_creation(request.call, sent) if request.base is None else _explain_update(request, sent)


def _explain_creation(call: Call, sent: Mapping[str, Json]) -> Meaning:
    check_request(call, "POST", ROLES_PATH, members=("Name", *_CHANGEABLE & call.body.keys()), version=2)
    descriptions = _read_descriptions(call.body, {})
    after = _read_fields(sent) | {"permissionSet": sent["PermissionSetId"]} | descriptions
    return Meaning(None, after, "new", call.body["Name"], frozenset(descriptions), frozenset({"permissionSet"}))


def _explain_update(request: Request, sent: Mapping[str, Json]) -> Meaning:
    base, body = request.base, request.call.body
    check_request(request.call, "PUT", ROLES_PATH, members=base.keys() - {_READ_ONLY}, version=2)
    if any(sent[name] != base[name] for name in base.keys() - _CHANGEABLE - {_READ_ONLY}):
        raise ValueError("it changes what no manifest declares")
    role_claims = {ClaimKey(*claim[:3]): claim[3] for claim in base["Claims"]}
    descriptions, live_descriptions = (
        _read_descriptions(body, role_claims),
        _list_changed_descriptions(body, role_claims),
    )
    before = _read_fields(base) | {"permissionSet": base["PermissionSetId"]} | live_descriptions
    after = _read_fields(sent) | {"permissionSet": sent["PermissionSetId"]} | descriptions
    implied = frozenset(descriptions.keys() - live_descriptions.keys())
    label = f"{base['Name']} (id {base['Id']})"
    return Meaning(before, after, label, base["Name"], implied, frozenset({"permissionSet"}))


def _read_fields(role: Mapping[str, Json]) -> dict[str, Any]:
    texts = {name: role.get(wire) for name, wire in _TEXTS.items()}
    claims = frozenset(ClaimKey(*claim[:3]) for claim in role["Claims"])
    return {**texts, "permissions": frozenset(role["Permissions"]), "claims": claims}


def _read_descriptions(body: Mapping[str, Json], role_claims: Mapping[ClaimKey, str]) -> dict[str, str]:
    """Return, by path, the descriptions that a body sends and that are not those which the role's claims have."""
    sent = {read_sent_key(claim): claim["Description"] for claim in body["Claims"]}
    return {f"claims.{key.value}.description": text for key, text in sent.items() if role_claims.get(key) != text}


def _list_changed_descriptions(body: Mapping[str, Json], role_claims: Mapping[ClaimKey, str]) -> dict[str, str]:
    """Return, by path, the descriptions that the role's claims have and that a body would change."""
    sent = {read_sent_key(claim): claim["Description"] for claim in body["Claims"]}
    return {f"claims.{key.value}.description": text for key, text in role_claims.items() if sent.get(key, text) != text}
