"""Security identities, version 1: users, groups and computers of Active Directory, and what their roles let them do.

An identity is a claim of one of the first three types (KF 1.7). Names and members are those of the SDK for version 11.
"""

from __future__ import annotations

import re

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.claim_shape import CLAIM_REPLY
from reconciler.simulator.keyfactor.claims import render_claim
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.roles import find_role
from reconciler.simulator.keyfactor.roles_v1 import (
    IDENTITY_REPLY,
    IDENTITY_TYPES,
    ROLE_V1_REPLY,
    render_identity,
    render_role_v1,
)
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.permissions import V1_AREAS
from reconciler.simulator.world.world import Record, World

# Where an id ends a permission it narrows it to one object, and that is told apart (KF 4.1).
_NARROWED = {
    "CollectionPermissions": re.compile(r"/certificates/collections/.*/[0-9]+/"),
    "ContainerPermissions": re.compile(r"/certificate_stores/.*/[0-9]+/"),
    "PamProviderPermissions": re.compile(r"/pam/.*/[0-9]+/"),
    "IdentityProviderPermissions": re.compile(r"/identity_providers/.*/[0-9a-f-]{36}/"),
    "PamPermissions": re.compile(r"/pam/.*"),
}
_UNSCOPED = "SecuredAreaPermissions"


def _list_identities(world: World, call: RouteCall) -> HttpReply:
    rows = [
        {**render_identity(claim), "Roles": [render_role_v1(world, role) for role in _list_roles(world, claim["Id"])]}
        for claim in world.claims.values()
        if claim["ClaimType"] < len(IDENTITY_TYPES)
    ]
    return build_list_reply(
        world, call, rows, fields={"AccountName": "string", "IdentityType": "string"}, sort="AccountName"
    )


def _list_roles(world: World, claim_id: int) -> list[Record]:
    return [role for role in world.roles.values() if claim_id in role["Claims"]]


def _get_identity_permissions(world: World, call: RouteCall) -> HttpReply:
    claim = world.claims.get(call.params["id"])
    if claim is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Security Identity' with Id '{call.params['id']}'")
    granting_roles: dict[str, list[str]] = {}
    for role in _list_roles(world, claim["Id"]):
        for permission in role["Permissions"]:
            granting_roles.setdefault(permission, []).append(role["Name"])
    lists: dict[str, list[Record]] = {name: [] for name in (_UNSCOPED, *_NARROWED)}
    for permission, roles in sorted(granting_roles.items()):
        area = next((name for name, pattern in _NARROWED.items() if pattern.fullmatch(permission)), _UNSCOPED)
        lists[area].append({"Permission": permission, "GrantedByRoles": roles})
    return build_json_reply({"Claim": render_claim(world, claim), "Identity": claim["ClaimValue"], **lists})


def _look_up_identity(world: World, call: RouteCall) -> HttpReply:
    """Say whether the directory knows an account: the accounts that sign in, and those that some claim names."""
    name = (call.query["accountName"] or "").lower()
    names = {claim["ClaimValue"].lower() for claim in world.claims.values() if claim["ClaimType"] < len(IDENTITY_TYPES)}
    return build_json_reply({"Valid": name in names | set(world.users)})


def _list_role_identities(world: World, call: RouteCall) -> HttpReply:
    role = find_role(world, call.params["id"])
    claims = [world.claims[i] for i in role["Claims"] if i in world.claims]
    return build_json_reply(
        [
            {"Id": claim["Id"], "Name": claim["ClaimValue"]}
            for claim in claims
            if claim["ClaimType"] < len(IDENTITY_TYPES)
        ]
    )


def _tell_caller(world: World, call: RouteCall) -> HttpReply:
    """Answer which roles the caller holds, and what they grant in words of version 1; any account may ask."""
    if world.switches["security_my"] == "nothing":
        raise ApiError(404, "", "No HTTP resource was found.", bare=True)
    areas = sorted({V1_AREAS[name] for role in call.caller.roles for name in role["Permissions"] if name in V1_AREAS})
    permissions = [dict(zip(("Area", "Permission"), area.split(":"), strict=True)) for area in areas]
    return build_json_reply({"Roles": [role["Name"] for role in call.caller.roles], "GlobalPermissions": permissions})


def _tell_caller_permissions(world: World, call: RouteCall) -> HttpReply:
    """Answer what all of the caller's roles grant: sorted, unique, without what a wider one grants."""
    if world.switches["security_my"] != "roles and permissions":
        raise ApiError(404, "", "No HTTP resource was found.", bare=True)
    permissions = sorted({name for role in call.caller.roles for name in role["Permissions"]})
    narrower = {name for name in permissions for other in permissions if name != other and name.startswith(other)}
    return build_json_reply({"Permissions": [name for name in permissions if name not in narrower]})


_READ = "/security/read/"
_IDENTITY_ROW = (
    *(field for field in IDENTITY_REPLY if field.name != "Roles"),
    Field("Roles", "array", items=Field("", "object", nullable=False, fields=ROLE_V1_REPLY)),
)
_GRANT = (
    Field("Permission", "string"),
    Field("GrantedByRoles", "array", "names of roles", items=Field("", "string", nullable=False)),
)
_PERMISSIONS_REPLY = (
    Field("Claim", "object", fields=CLAIM_REPLY),
    Field("Identity", "string"),
    *(Field(name, "array", items=Field("", "object", fields=_GRANT)) for name in (_UNSCOPED, *_NARROWED)),
)
_LIST_QUERY = (*PAGING, Field("Validate", "boolean", "whether each identity is looked up in the directory"))

_V1_PERMISSION = (Field("Area", "string"), Field("Permission", "string"))
_CALLER_REPLY = (
    Field("Roles", "array", "names", items=Field("", "string", nullable=False)),
    Field("GlobalPermissions", "array", items=Field("", "object", nullable=False, fields=_V1_PERMISSION)),
)

ROUTES = (
    GET("/Security/My", _tell_caller, "The caller's roles and permissions", reply=_CALLER_REPLY),
    GET(
        "/Security/My/Permissions",
        _tell_caller_permissions,
        "What the caller's roles grant",
        reply=(Field("Permissions", "array", items=Field("", "string", nullable=False)),),
    ),
    GET(
        "/Security/Identities",
        _list_identities,
        "List identities with their roles",
        permission=_READ,
        query=_LIST_QUERY,
        reply=build_array_fields(_IDENTITY_ROW),
    ),
    GET(
        "/Security/Identities/Lookup",
        _look_up_identity,
        "Whether the directory knows an account",
        permission=_READ,
        query=(Field("accountName", "string"),),
        reply=(Field("Valid", "boolean"),),
    ),
    GET(
        "/Security/Identities/{id:int}",
        _get_identity_permissions,
        "What an identity may do, and by which roles",
        permission=_READ,
        reply=_PERMISSIONS_REPLY,
    ),
    GET(
        "/Security/Roles/{id:int}/Identities",
        _list_role_identities,
        "A role's identities (deprecated)",
        permission=_READ,
        reply=build_array_fields((Field("Id", "integer"), Field("Name", "string"))),
    ),
)
