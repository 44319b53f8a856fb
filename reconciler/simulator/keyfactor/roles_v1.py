"""Security roles, version 1: what a client gets that forgets the version header (KF 1.7, deprecated, AD alone)."""

from __future__ import annotations

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.claims import new_claim
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.roles import check_name, find_role, show_role, subject
from reconciler.simulator.keyfactor.routes import GET, POST, PUT
from reconciler.simulator.world.identities import claim_key
from reconciler.simulator.world.permissions import V1_AREAS
from reconciler.simulator.world.world import Record, World, next_id

_DIRECTORY = "Active Directory"
_KINDS = ("User", "Group", "Computer")


def show_role_v1(world: World, role: Record) -> Record:
    """Return a role in the version 1 shape: identities instead of claims, `Area:Permission` strings."""
    held = [world.claims[i] for i in role["Claims"] if i in world.claims]
    return {
        "Id": role["Id"],
        "Name": role["Name"],
        "Description": role["Description"],
        "Enabled": role.get("Enabled", True),
        "Immutable": role["Immutable"],
        "Valid": True,
        "Private": role.get("Private", False),
        "PermissionSetId": role["PermissionSetId"],
        "Permissions": sorted({V1_AREAS[one] for one in role["Permissions"] if one in V1_AREAS}),
        "Identities": [
            {
                "Id": claim["Id"],
                "AccountName": claim["ClaimValue"],
                "IdentityType": _KINDS[claim["ClaimType"]],
                "Roles": None,
                "Valid": True,
                "SID": f"S-1-5-21-1-{claim['Id']}",
            }
            for claim in held
            # Version 1 is Active Directory alone: OAuth claims can't be seen through it (KF 1.7).
            if claim["ClaimType"] < len(_KINDS)
        ],
    }


def _list(world: World, call: RouteCall) -> HttpReply:
    rows = list(world.roles.values())
    return listed(world, call, rows, fields={"Name": "string"}, sort="Name", render=lambda r: show_role_v1(world, r))


def _get(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(show_role_v1(world, find_role(world, call.params["id"])))


def _create(world: World, call: RouteCall) -> HttpReply:
    role = _written(world, call, {"Id": next_id(world.roles), "Immutable": False})
    check_name(world, role)
    world.roles[role["Id"]] = role
    world.ledger.record(call, subject(role), None, show_role(world, role))
    return build_json_reply(show_role_v1(world, role))


def _replace(world: World, call: RouteCall) -> HttpReply:
    old = find_role(world, call.data["Id"])
    if old["Immutable"]:
        raise ApiError(400, "0xA011000F", f"Role '{old['Name']}' is immutable.")
    role = _written(world, call, {"Id": old["Id"], "Immutable": False})
    check_name(world, role)
    before = show_role(world, old)
    world.roles[role["Id"]] = role
    world.ledger.record(call, subject(role), before, show_role(world, role))
    return build_json_reply(show_role_v1(world, role))


def _written(world: World, call: RouteCall, kept: Record) -> Record:
    data = call.data
    strings = {area: permission for permission, area in V1_AREAS.items()}
    unknown = [area for area in data.get("Permissions") or [] if area not in strings]
    if unknown:
        raise ApiError(400, "0xA011000F", f"Unknown permission '{unknown[0]}'.")
    return {
        **kept,
        "Name": data["Name"],
        "Description": data["Description"],
        # Version 1 has no member for it, and every PUT replaces the whole role (KF 0.8, 1.7).
        "EmailAddress": None,
        "PermissionSetId": data.get("PermissionSetId") or world.global_set,
        "Permissions": [strings[area] for area in data.get("Permissions") or []],
        "Claims": [_identity(world, one["AccountName"]) for one in data.get("Identities") or []],
        "Enabled": data.get("Enabled", True),
        "Private": data.get("Private", False),
        "Extra": {},
    }


def _identity(world: World, account: str) -> int:
    for claim in world.claims.values():
        if claim["ClaimType"] < len(_KINDS) and claim_key(claim)[1:] == (account.lower(), _DIRECTORY.lower()):
            return int(claim["Id"])
    # A request carries account and SID, no type (KF 1.7), so that a new one is a Group is a choice.
    made = {"ClaimType": 1, "ClaimValue": account, "ProviderAuthenticationScheme": _DIRECTORY, "Description": account}
    return int(new_claim(world, made)["Id"])


_IDENTITY = (Field("AccountName", "string", required=True), Field("SID", "string"))
_FIELDS = (
    Field("Name", "string", required=True),
    Field("Description", "string", required=True),
    Field("Enabled", "boolean"),
    Field("Private", "boolean"),
    Field("PermissionSetId", "uuid"),
    Field("Permissions", "array", "`Area:Permission` strings", items=Field("", "string", nullable=False)),
    Field("Identities", "array", items=Field("", "object", nullable=False, fields=_IDENTITY)),
)
_ID = Field("Id", "integer", required=True)
_HELD = (
    Field("Id", "integer"),
    Field("AccountName", "string"),
    Field("IdentityType", "string", enum=_KINDS),
    Field("Roles", "array", "null here: a role's answer would repeat itself"),
    Field("Valid", "boolean"),
    Field("SID", "string"),
)
_REPLY = (
    _ID,
    *_FIELDS[:-1],
    Field("Immutable", "boolean"),
    Field("Valid", "boolean"),
    Field("Identities", "array", items=Field("", "object", nullable=False, fields=_HELD)),
)
_LISTING = (*PAGING, Field("Validate", "boolean", "whether each identity is looked up in the directory"))
_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Roles",
        _list,
        "List roles (deprecated)",
        permission=_READ,
        query=_LISTING,
        reply=build_array_fields(_REPLY),
    ),
    GET("/Security/Roles/{id:int}", _get, "One role (deprecated)", permission=_READ, reply=_REPLY),
    POST(
        "/Security/Roles",
        _create,
        "Create a role (deprecated)",
        permission=_MODIFY,
        in_global=True,
        body=_FIELDS,
        reply=_REPLY,
    ),
    PUT(
        "/Security/Roles",
        _replace,
        "Replace a role (deprecated)",
        permission=_MODIFY,
        in_global=True,
        body=(_ID, *_FIELDS),
        reply=_REPLY,
    ),
)
