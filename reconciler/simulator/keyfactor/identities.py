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

ROUTES = (
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
