"""Permission sets: list, one, the caller's, create, replace, delete (KF 3)."""

from __future__ import annotations

from uuid import uuid4

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.world.permissions import is_known
from reconciler.simulator.world.world import Record, World


def _list(world: World, call: RouteCall) -> HttpReply:
    rows = list(world.permission_sets.values())
    # Documented without query fields; vendor scripts filter by Name nevertheless (KF 3).
    return listed(world, call, rows, fields={"Id": "string", "Name": "string"}, sort="Id")


def _mine(world: World, call: RouteCall) -> HttpReply:
    wanted = call.query["accessControlString"]
    held = {role["PermissionSetId"] for role in call.caller.roles}
    return build_json_reply(
        [
            one
            for guid, one in world.permission_sets.items()
            if (call.caller.holds(wanted, guid) if wanted else guid in held)
        ]
    )


def _find(world: World, guid: str) -> Record:
    found = world.permission_sets.get(guid.lower())
    if found is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Permission Set' with Id '{guid}'")
    return found


def _get(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(_find(world, call.params["id"]))


def _create(world: World, call: RouteCall) -> HttpReply:
    name = call.data["Name"]
    if any(one["Name"].lower() == name.lower() for one in world.permission_sets.values()):
        raise ApiError(400, "0xA011000A", f"A permission set named '{name}' already exists.")
    made = {"Id": str(uuid4()), "Name": name, "Permissions": _permissions(call)}
    world.permission_sets[made["Id"]] = made
    world.ledger.record(call, _subject(made), None, made)
    return build_json_reply(made)


def _replace(world: World, call: RouteCall) -> HttpReply:
    old = _find(world, call.data["Id"])
    _check_use(world, old, "changed", own=True)
    new = {**old, "Permissions": _permissions(call)}
    world.permission_sets[old["Id"]] = new
    world.ledger.record(call, _subject(new), old, new)
    return build_json_reply(new)


def _delete(world: World, call: RouteCall) -> HttpReply:
    old = _find(world, call.params["id"])
    _check_use(world, old, "deleted")
    del world.permission_sets[old["Id"]]
    world.ledger.record(call, _subject(old), old, None)
    return HttpReply(204)


def _permissions(call: RouteCall) -> list[str]:
    permissions: list[str] = call.data["Permissions"]
    unknown = [one for one in permissions if not is_known(one)]
    if unknown:
        raise ApiError(400, "0xA011000F", f"Unknown permission '{unknown[0]}'.")
    return permissions


def _check_use(world: World, one: Record, word: str, *, own: bool = False) -> None:
    """Refuse to touch Global, and a set that roles are in (ND, KF 11: the careful reading)."""
    roles = [] if own else [role for role in world.roles.values() if role["PermissionSetId"] == one["Id"]]
    if roles or one["Id"] == world.global_set:
        raise ApiError(400, "0xA011000F", f"Permission set '{one['Name']}' can't be {word}.")


def _subject(one: Record) -> Record:
    return {"kind": "permission set", "id": one["Id"], "name": one["Name"]}


_READ, _MODIFY = "/security/read/", "/security/modify/"
_ACCESS = (Field("accessControlString", "string", "a permission string", default=""),)
_STRINGS = Field("Permissions", "array", items=Field("", "string", nullable=False))
_SET = (Field("Id", "uuid"), Field("Name", "string"), _STRINGS)
_NEW = (Field("Name", "string", required=True), _STRINGS._replace(required=True))
_CHANGED = (Field("Id", "uuid", required=True), _STRINGS._replace(required=True, text="the name can't be changed"))
# Unlike roles and claims not below /Security (KF 3).
_PATH = "/PermissionSets"

ROUTES = (
    GET(_PATH, _list, "List permission sets", permission=_READ, query=PAGING, reply=build_array_fields(_SET)),
    GET(_PATH + "/My", _mine, "The caller's permission sets", query=_ACCESS, reply=build_array_fields(_SET)),
    GET(_PATH + "/{id:uuid}", _get, "One permission set", permission=_READ, reply=_SET),
    POST(_PATH, _create, "Create a permission set", permission=_MODIFY, in_global=True, body=_NEW, reply=_SET),
    PUT(_PATH, _replace, "Replace a set's permissions", permission=_MODIFY, in_global=True, body=_CHANGED, reply=_SET),
    DELETE(_PATH + "/{id:uuid}", _delete, "Delete a permission set", permission=_MODIFY, in_global=True, success=204),
)
