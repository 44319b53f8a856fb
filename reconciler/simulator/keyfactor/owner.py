"""PUT /Certificates/{id}/Owner (KF 6.3, seed 001): who owns a certificate, and who may say so."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field
from reconciler.simulator.keyfactor.certificates import add_history, find_certificate, in_collection
from reconciler.simulator.keyfactor.routes import PUT
from reconciler.simulator.world.store_certificates import Certificate
from reconciler.simulator.world.world import Record, World

_CHANGE = "/certificates/collections/change_owner/"
_EXPANDED = "/certificates/expanded_change_owner/"
_CONTAINER = "/certificate_stores/change_owner/"


def _put(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    role = _new_owner(world, call)
    present = world.roles.get(row.owner) if row.owner is not None else None
    _check_permission(world, call, row, [one for one in (present, role) if one])
    if role is None:
        _check_policy(world, row)
    before = _summary(world, row)
    changed = row._replace(owner=role["Id"] if role else None)
    if changed != row:
        world.changed(("certificate", row.id), row)
        world.certificates[row.id] = changed
    if changed != row or world.switches["owner_same"] == "history":
        add_history(world, row.id, call.caller.name, f"Owner set to {role['Name'] if role else 'nobody'}")
    world.ledger.record(call, {"kind": "certificate", "id": row.id, "name": row.cn}, before, _summary(world, changed))
    return HttpReply(204)


def _summary(world: World, row: Certificate) -> Record:
    name = world.role_name(row.owner) if row.owner is not None else None
    return {
        "Id": row.id,
        "Thumbprint": row.thumbprint,
        "IssuedCN": row.cn,
        "OwnerRoleId": row.owner,
        "OwnerRoleName": name,
    }


def _new_owner(world: World, call: RouteCall) -> Record | None:
    """Return the role that the body names, None where it clears: null, blank and {} clear."""
    role_id, name = call.data.get("NewRoleId"), call.data.get("NewRoleName")
    if role_id is not None and name:
        mode = world.switches["owner_both_fields"]
        if mode == "400":
            raise ApiError(400, "0xA011000F", "Specify either NewRoleId or NewRoleName, not both.")
        role_id, name = (role_id, None) if mode == "id_wins" else (None, name)
    if role_id is not None:
        found = world.roles.get(role_id)
        if found is None:
            status = int(world.switches["owner_unknown_id"])
            raise ApiError(status, "0xA0110002", f"Unable to find 'Security Role' with Id '{role_id}'")
        return found
    if name and name.strip():
        found = world.role_named(name)
        if found is None:
            status = int(world.switches["owner_unknown_name"])
            raise ApiError(status, "0xA011000F", f"Unable to find 'Security Role' with Name '{name}'")
        return found
    # Seen live at 25.5: an empty body, sent by accident, takes the owner away (KF 6.3).
    return None


def _check_policy(world: World, row: Certificate) -> None:
    """Refuse to clear an owner that the pattern's or the system's policy requires."""
    pattern = world.patterns.get(row.pattern, {})
    if "Required" in (world.switches["owner_policy"], pattern.get("OwnerPolicy")):
        raise ApiError(
            world.switches["owner_policy_status"], "0xA011000F", "A certificate owner is required by policy."
        )


def _check_permission(world: World, call: RouteCall, row: Certificate, owners: list[Record]) -> None:
    """Apply the rule of the version: change owner looks at roles, expanded change owner at permission sets."""
    scopes = _scopes(world, call, row)
    # From 12.3 to 24.4 this is the only way: change_owner, and both owner roles (KF 6.3).
    in_roles = all(call.caller.in_role(owner["Id"]) for owner in owners)
    if in_roles and any(call.caller.holds(scope) for scope in scopes):
        return
    if world.switches["owner_permission_rule"] == "25.4" and _expanded(world, call, owners):
        return
    raise ApiError(403, "0xA0110003", "You do not have permission to change the owner of this certificate.")


def _scopes(world: World, call: RouteCall, row: Certificate) -> list[str]:
    collection, container = call.query["CollectionId"], call.query["ContainerId"]
    scopes = [_CHANGE]
    # If both are given the collection wins and the container is treated as 0 (KF 6.3).
    if collection:
        if in_collection(world, collection, row):
            scopes.append(f"{_CHANGE}{collection}/")
        return scopes
    if world.switches["owner_permission_rule"] == "25.4":
        scopes.append(_CONTAINER)
        members: Any = world.containers.get(container, {}).get("_certificates", ())
        if container and row.id in members:
            scopes.append(f"{_CONTAINER}{container}/")
    return scopes


def _expanded(world: World, call: RouteCall, owners: list[Record]) -> bool:
    def reaches(permission: str, owner: Record) -> bool:
        sets = (world.global_set, owner["PermissionSetId"])
        return any(call.caller.holds(permission, permission_set) for permission_set in sets)

    if not call.caller.holds(_EXPANDED):
        return False
    # 25.x looks at the sets that the caller's and the owner's roles are in (KF 6.3); that Global counts for
    # every owner is a choice.
    return all(reaches(_EXPANDED, owner) and reaches("/security/read/", owner) for owner in owners)


_QUERY = (
    Field("CollectionId", "integer", "collection whose permission counts; beats ContainerId", default=0),
    Field("ContainerId", "integer", "container whose permission counts (25.4)", default=0),
)
_BODY = (
    Field("NewRoleId", "integer", "null clears (seed 001)"),
    Field("NewRoleName", "string", "must be an existing role's name; null or blank clears (seed 001)"),
)

ROUTES = (
    PUT(
        "/Certificates/{id:int}/Owner",
        _put,
        "Set or clear a certificate's owner",
        permission=_CHANGE + "[#]/",
        decides=True,
        query=_QUERY,
        body=_BODY,
        success=204,
    ),
)
