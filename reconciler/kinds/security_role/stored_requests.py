"""What a stored request does to a role or to a claim, told from the request alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.kinds.kind import Meaning
from reconciler.kinds.stored_requests import check_expectation, check_request, check_text_list, check_texts
from reconciler.model import Call, Json, Request
from reconciler.payloads.claims import CLAIMS_PATH, ClaimKey, encode_claim, name_description_paths, read_sent_key
from reconciler.payloads.roles import ROLES_PATH, build_expected_role

_TEXTS = {"name": "Name", "description": "Description", "emailAddress": "EmailAddress"}
_CHANGEABLE = frozenset({"Name", "Description", "EmailAddress", "PermissionSetId", "Permissions", "Claims"})
_READ_ONLY = "Immutable"
_OPAQUE = frozenset({"permissionSet"})


def explain_description_request(request: Request) -> Meaning:
    """Return what the PUT of a claim does: nothing but its description can change."""
    base, body = request.base, request.call.body
    check_request(request.call, "PUT", CLAIMS_PATH, members=("Id", "Description"))
    check_expectation(request, {**base, "Description": body["Description"]})
    check_texts([body["Description"]])
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
    check_request(call, "POST", ROLES_PATH, members=_CHANGEABLE & {"Name", *call.body.keys()}, version=2)
    _check_body(call.body)
    after = _read_fields(sent) | _read_new_descriptions(call.body, {})
    # A new role's name is that of its document: no change says it again.
    del after["name"]
    return Meaning(None, after, "new", call.body["Name"], _OPAQUE)


def _explain_update(request: Request, sent: Mapping[str, Json]) -> Meaning:
    base, body = request.base, request.call.body
    check_request(request.call, "PUT", ROLES_PATH, members=base.keys() - {_READ_ONLY}, version=2)
    _check_body(body)
    if any(sent[name] != base[name] for name in base.keys() - _CHANGEABLE - {_READ_ONLY}):
        raise ValueError("it changes what no manifest declares")
    role_claims = {ClaimKey(*claim[:3]): claim[3] for claim in base["Claims"]}
    # What a role's PUT does to the description of a claim that the role holds is not documented: it goes back as read.
    if any(role_claims.get(key, text) != text for key, text in _list_claims(body)):
        raise ValueError("it describes a claim otherwise that the role holds")
    descriptions = _read_new_descriptions(body, role_claims)
    before = _read_fields(base) | dict.fromkeys(descriptions)
    after = _read_fields(sent) | descriptions
    label = f"{base['Name']} (id {base['Id']})"
    return Meaning(before, after, label, body["Name"], _OPAQUE)


def _check_body(body: Mapping[str, Json]) -> None:
    """Raise ValueError unless the lists of a body are as they are encoded, to the type of each member."""
    check_text_list(body["Permissions"])
    claims = body["Claims"]
    keys = [read_sent_key(claim) for claim in claims]
    check_texts(text for key, claim in zip(keys, claims, strict=True) for text in (*key, claim["Description"]))
    encoded = [encode_claim(key, claim["Description"]) for key, claim in zip(keys, claims, strict=True)]
    if json.dumps(claims, sort_keys=True) != json.dumps(encoded, sort_keys=True) or len(set(keys)) != len(keys):
        raise ValueError("its claims are not as this kind sends them")


def _read_fields(role: Mapping[str, Json]) -> dict[str, Any]:
    texts = {name: role.get(wire) for name, wire in _TEXTS.items()}
    claims = frozenset(ClaimKey(*claim[:3]) for claim in role["Claims"])
    rights = {"permissionSet": role["PermissionSetId"], "permissions": frozenset(role["Permissions"])}
    return {**texts, **rights, "claims": claims}


def _list_claims(body: Mapping[str, Json]) -> list[tuple[ClaimKey, str]]:
    return [(read_sent_key(claim), claim["Description"]) for claim in body["Claims"]]


def _read_new_descriptions(body: Mapping[str, Json], role_claims: Mapping[ClaimKey, str]) -> dict[str, str]:
    """Return the descriptions that claims bring along when they join the role, by path; one without has none."""
    new_claims = {key: text for key, text in _list_claims(body) if key not in role_claims}
    paths = name_description_paths(new_claims)
    return {paths[key]: text for key, text in new_claims.items() if text}
