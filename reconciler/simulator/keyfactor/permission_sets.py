"""Permission sets: list, one, the caller's, create, replace, delete (KF 3)."""

from __future__ import annotations

from uuid import uuid4

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.role_checks import check_permissions_known
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.world import Record, World


def _list_sets(world: World, call: RouteCall) -> HttpReply:
    rows = list(world.permission_sets.values())
    # Documented without query fields; vendor scripts filter by Name nevertheless (KF 3).
    return build_list_reply(world, call, rows, fields={"Id": "string", "Name": "string"}, sort="Id")


def _list_caller_sets(world: World, call: RouteCall) -> HttpReply:
    permission = call.query["accessControlString"]
    set_ids = {role["PermissionSetId"] for role in call.caller.roles}
    return build_json_reply(
        [
            permission_set
            for guid, permission_set in world.permission_sets.items()
            if (call.caller.holds(permission, guid) if permission else guid in set_ids)
        ]
    )


def _find_set(world: World, guid: str) -> Record:
    permission_set = world.permission_sets.get(guid.lower())
    if permission_set is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Permission Set' with Id '{guid}'")
    return permission_set


def _get_set(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(_find_set(world, call.params["id"]))


def _create_set(world: World, call: RouteCall) -> HttpReply:
    name = call.data["Name"]
    if any(permission_set["Name"].lower() == name.lower() for permission_set in world.permission_sets.values()):
        # The code was seen for certificate collections; that it holds for sets is a choice (KF 0.7).
        raise ApiError(400, "0xA011000A", f"A permission set named '{name}' already exists.")
    new_set = {"Id": str(uuid4()), "Name": name, "Permissions": _read_permissions(world, call)}
    world.permission_sets[new_set["Id"]] = new_set
    world.ledger.record(call, _build_subject(new_set), None, new_set)
    return build_json_reply(new_set)


def _replace_set(world: World, call: RouteCall) -> HttpReply:
    old_set = _find_set(world, call.data["Id"])
    _check_unused(world, old_set, "changed", allow_roles=True)
    new_set = {**old_set, "Permissions": _read_permissions(world, call)}
    world.permission_sets[old_set["Id"]] = new_set
    world.ledger.record(call, _build_subject(new_set), old_set, new_set)
    return build_json_reply(new_set)


def _delete_set(world: World, call: RouteCall) -> HttpReply:
    old_set = _find_set(world, call.params["id"])
    _check_unused(world, old_set, "deleted")
    del world.permission_sets[old_set["Id"]]
    world.ledger.record(call, _build_subject(old_set), old_set, None)
    return HttpReply(204)


def _read_permissions(world: World, call: RouteCall) -> list[str]:
    permissions: list[str] = call.data["Permissions"]
    check_permissions_known(world, permissions)
    return permissions


def _check_unused(world: World, permission_set: Record, action: str, *, allow_roles: bool = False) -> None:
    """Refuse to touch Global, and a set that roles are in (ND, KF 11: the careful reading)."""
    roles = (
        []
        if allow_roles
        else [role for role in world.roles.values() if role["PermissionSetId"] == permission_set["Id"]]
    )
    if roles or permission_set["Id"] == world.global_set_id:
        raise ApiError(400, "0xA011000F", f"Permission set '{permission_set['Name']}' can't be {action}.")


def _build_subject(permission_set: Record) -> Record:
    return {"kind": "permission set", "id": permission_set["Id"], "name": permission_set["Name"]}


_READ, _MODIFY = "/security/read/", "/security/modify/"
_ACCESS_QUERY = (Field("accessControlString", "string", "a permission string", default=""),)
_PERMISSIONS_FIELD = Field("Permissions", "array", items=Field("", "string", nullable=False))
_SET_REPLY = (Field("Id", "uuid"), Field("Name", "string"), _PERMISSIONS_FIELD)
_SET_CREATE = (Field("Name", "string", required=True), _PERMISSIONS_FIELD._replace(required=True))
_SET_CHANGE = (
    Field("Id", "uuid", required=True),
    _PERMISSIONS_FIELD._replace(required=True, text="the name can't be changed"),
)
# Unlike roles and claims not below /Security (KF 3).
_SETS_PATH = "/PermissionSets"

ROUTES = (
    GET(
        _SETS_PATH,
        _list_sets,
        "List permission sets",
        permission=_READ,
        query=PAGING,
        reply=build_array_fields(_SET_REPLY),
    ),
    GET(
        _SETS_PATH + "/My",
        _list_caller_sets,
        "The caller's permission sets",
        query=_ACCESS_QUERY,
        reply=build_array_fields(_SET_REPLY),
    ),
    GET(_SETS_PATH + "/{id:uuid}", _get_set, "One permission set", permission=_READ, reply=_SET_REPLY),
    POST(
        _SETS_PATH,
        _create_set,
        "Create a permission set",
        permission=_MODIFY,
        in_global=True,
        body=_SET_CREATE,
        reply=_SET_REPLY,
    ),
    PUT(
        _SETS_PATH,
        _replace_set,
        "Replace a set's permissions",
        permission=_MODIFY,
        in_global=True,
        body=_SET_CHANGE,
        reply=_SET_REPLY,
    ),
    DELETE(
        _SETS_PATH + "/{id:uuid}",
        _delete_set,
        "Delete a permission set",
        permission=_MODIFY,
        in_global=True,
        success=204,
    ),
)
