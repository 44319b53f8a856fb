"""Who may do what with one certificate: GET /Certificates/{id}/Security (KF 6.4; the members are those of the SDK)."""

from __future__ import annotations

from reconciler.simulator.http.messages import HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field
from reconciler.simulator.keyfactor.certificates import (
    COLLECTION_ID,
    SCOPED_READ,
    check_visible,
    find_certificate,
    is_in_collection,
)
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.permissions import is_granted
from reconciler.simulator.world.world import Record, World

_ROOT = "/certificates/collections/"


def _list_certificate_roles(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    check_visible(world, call, row)
    collection_ids = [number for number in world.collections if is_in_collection(world, number, row)]
    permissions = [leaf for leaf in world.permissions.leaves if leaf.startswith(_ROOT)]
    roles = [
        {"Name": role["Name"], "Permissions": _list_granted(role, permissions, collection_ids)}
        for role in sorted(world.roles.values(), key=lambda role: str(role["Name"]).lower())
    ]
    return build_json_reply({"Roles": [role for role in roles if role["Permissions"]]})


def _list_granted(role: Record, permissions: list[str], collection_ids: list[int]) -> list[str]:
    """Return the permissions that the role has over a certificate of these collections."""
    return [
        permission
        for permission in permissions
        if any(
            is_granted(role["Permissions"], scope)
            for scope in (permission, *(f"{permission}{number}/" for number in collection_ids))
        )
    ]


_ROLE = (Field("Name", "string"), Field("Permissions", "array", items=Field("", "string", nullable=False)))

ROUTES = (
    GET(
        "/Certificates/{id:int}/Security",
        _list_certificate_roles,
        "Roles that may do something with a certificate",
        permission=SCOPED_READ,
        decides=True,
        query=(COLLECTION_ID,),
        reply=(Field("Roles", "array", items=Field("", "object", nullable=False, fields=_ROLE)),),
    ),
)
