"""Security roles, version 1: what a client gets that forgets the version header (KF 1.7, deprecated, AD alone)."""

from __future__ import annotations

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.claims import store_claim
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.role_checks import check_role_texts
from reconciler.simulator.keyfactor.roles import build_role_subject, find_role, render_role
from reconciler.simulator.keyfactor.routes import GET, POST, PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.identities import build_claim_identity
from reconciler.simulator.world.permissions import V1_AREAS
from reconciler.simulator.world.world import Record, World, find_next_id

_DIRECTORY_SCHEME = "Active Directory"
IDENTITY_TYPES = ("User", "Group", "Computer")
"""Names of the claim types that version 1 knows, by their number."""


def render_role_v1(world: World, role: Record) -> Record:
    """Return a role in the version 1 shape: identities instead of claims, `Area:Permission` strings."""
    claims = [world.claims[i] for i in role["Claims"] if i in world.claims]
    return {
        "Id": role["Id"],
        "Name": role["Name"],
        "Description": role["Description"],
        "Enabled": role.get("Enabled", True),
        "Immutable": role["Immutable"],
        "Valid": True,
        "Private": role.get("Private", False),
        "PermissionSetId": role["PermissionSetId"],
        "Permissions": sorted({V1_AREAS[permission] for permission in role["Permissions"] if permission in V1_AREAS}),
        # Version 1 is Active Directory alone: OAuth claims can't be seen through it (KF 1.7).
        "Identities": [render_identity(claim) for claim in claims if claim["ClaimType"] < len(IDENTITY_TYPES)],
    }


def render_identity(claim: Record) -> Record:
    """Return an identity as a role shows it, without its roles."""
    return {
        "Id": claim["Id"],
        "AccountName": claim["ClaimValue"],
        "IdentityType": IDENTITY_TYPES[claim["ClaimType"]],
        "Roles": None,
        "Valid": True,
        "SID": f"S-1-5-21-1-{claim['Id']}",
    }


def _list_roles(world: World, call: RouteCall) -> HttpReply:
    rows = list(world.roles.values())
    return build_list_reply(
        world, call, rows, fields={"Name": "string"}, sort="Name", render=lambda r: render_role_v1(world, r)
    )


def _get_role(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(render_role_v1(world, find_role(world, call.params["id"])))


def _create_role(world: World, call: RouteCall) -> HttpReply:
    role = _build_role(world, call, {"Id": find_next_id(world.roles), "Immutable": False})
    check_role_texts(world, role)
    world.roles[role["Id"]] = role
    world.ledger.record(call, build_role_subject(role), None, render_role(world, role))
    return build_json_reply(render_role_v1(world, role))


def _replace_role(world: World, call: RouteCall) -> HttpReply:
    old_role = find_role(world, call.data["Id"])
    if old_role["Immutable"]:
        raise ApiError(400, "0xA011000F", f"Role '{old_role['Name']}' is immutable.")
    role = _build_role(world, call, {"Id": old_role["Id"], "Immutable": False})
    if not call.data.get("PermissionSetId"):
        role["PermissionSetId"] = _choose_permission_set(world, old_role)
    check_role_texts(world, role)
    before = render_role(world, old_role)
    world.roles[role["Id"]] = role
    world.ledger.record(call, build_role_subject(role), before, render_role(world, role))
    return build_json_reply(render_role_v1(world, role))


def _choose_permission_set(world: World, old_role: Record) -> str:
    """Return the permission set of a role that is replaced without one."""
    mode = world.switches["role_v1_put_without_permission_set"]
    if mode == "400":
        raise ApiError(400, "0xA0F00003", "The PermissionSetId field is required.")
    return str(old_role["PermissionSetId"]) if mode == "keep" else world.global_set_id


def _build_role(world: World, call: RouteCall, base: Record) -> Record:
    data = call.data
    permission_by_area = {area: permission for permission, area in V1_AREAS.items()}
    unknown = [area for area in data.get("Permissions") or [] if area not in permission_by_area]
    if unknown:
        raise ApiError(400, "0xA011000F", f"Unknown permission '{unknown[0]}'.")
    return {
        **base,
        "Name": data["Name"],
        "Description": data["Description"],
        # Version 1 has no member for it, and every PUT replaces the whole role (KF 0.8, 1.7).
        "EmailAddress": None,
        "PermissionSetId": data.get("PermissionSetId") or world.global_set_id,
        "Permissions": [permission_by_area[area] for area in data.get("Permissions") or []],
        "Claims": [
            _find_or_create_identity(world, identity["AccountName"]) for identity in data.get("Identities") or []
        ],
        "Enabled": data.get("Enabled", True),
        "Private": data.get("Private", False),
        "Extra": {},
    }


def _find_or_create_identity(world: World, account: str) -> int:
    for claim in world.claims.values():
        if claim["ClaimType"] < len(IDENTITY_TYPES) and build_claim_identity(claim)[1:] == (
            account.lower(),
            _DIRECTORY_SCHEME.lower(),
        ):
            return int(claim["Id"])
    # A request carries account and SID, no type (KF 1.7), so that a new one is a Group is a choice.
    claim_data = {
        "ClaimType": 1,
        "ClaimValue": account,
        "ProviderAuthenticationScheme": _DIRECTORY_SCHEME,
        "Description": account,
    }
    return int(store_claim(world, claim_data)["Id"])


_IDENTITY_FIELDS = (Field("AccountName", "string", required=True), Field("SID", "string"))
_ROLE_V1_FIELDS = (
    Field("Name", "string", required=True),
    Field("Description", "string", required=True),
    Field("Enabled", "boolean"),
    Field("Private", "boolean"),
    Field("PermissionSetId", "uuid"),
    Field("Permissions", "array", "`Area:Permission` strings", items=Field("", "string", nullable=False)),
    Field("Identities", "array", items=Field("", "object", nullable=False, fields=_IDENTITY_FIELDS)),
)
_ROLE_V1_ID = Field("Id", "integer", required=True)
IDENTITY_REPLY = (
    Field("Id", "integer"),
    Field("AccountName", "string"),
    Field("IdentityType", "string", enum=IDENTITY_TYPES),
    Field("Roles", "array", "null here: a role's answer would repeat itself"),
    Field("Valid", "boolean"),
    Field("SID", "string"),
)
"""An identity in the answer about a role."""
ROLE_V1_REPLY = (
    _ROLE_V1_ID,
    *_ROLE_V1_FIELDS[:-1],
    Field("Immutable", "boolean"),
    Field("Valid", "boolean"),
    Field("Identities", "array", items=Field("", "object", nullable=False, fields=IDENTITY_REPLY)),
)
_LIST_QUERY = (*PAGING, Field("Validate", "boolean", "whether each identity is looked up in the directory"))
_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Roles",
        _list_roles,
        "List roles (deprecated)",
        permission=_READ,
        query=_LIST_QUERY,
        reply=build_array_fields(ROLE_V1_REPLY),
    ),
    GET("/Security/Roles/{id:int}", _get_role, "One role (deprecated)", permission=_READ, reply=ROLE_V1_REPLY),
    POST(
        "/Security/Roles",
        _create_role,
        "Create a role (deprecated)",
        permission=_MODIFY,
        in_global=True,
        body=_ROLE_V1_FIELDS,
        reply=ROLE_V1_REPLY,
    ),
    PUT(
        "/Security/Roles",
        _replace_role,
        "Replace a role (deprecated)",
        permission=_MODIFY,
        in_global=True,
        body=(_ROLE_V1_ID, *_ROLE_V1_FIELDS),
        reply=ROLE_V1_REPLY,
    ),
)
