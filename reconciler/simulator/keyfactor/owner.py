"""PUT /Certificates/{id}/Owner (KF 6.3, seed 001): who owns a certificate, and who may say so."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply
from reconciler.simulator.http.shapes import Field
from reconciler.simulator.keyfactor.certificates import add_history, find_certificate, is_in_collection
from reconciler.simulator.keyfactor.routes import PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.certificate_rows import Certificate
from reconciler.simulator.world.world import Record, World

_CHANGE_OWNER = "/certificates/collections/change_owner/"
_EXPANDED_CHANGE_OWNER = "/certificates/expanded_change_owner/"
_CONTAINER_CHANGE_OWNER = "/certificate_stores/change_owner/"


def _put_owner(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    if not call.data and world.switches["owner_empty_body"] != "clears":
        if world.switches["owner_empty_body"] == "400":
            raise ApiError(400, "0xA0F00003", "Specify NewRoleId or NewRoleName.")
        return HttpReply(204)
    new_owner = _find_new_owner(world, call)
    present_owner = world.roles.get(row.owner) if row.owner is not None else None
    _check_owner_permission(world, call, row, [owner for owner in (present_owner, new_owner) if owner])
    if new_owner is None:
        _check_owner_policy(world, row)
    before = _summarize_owner(world, row)
    new_row = row._replace(owner=new_owner["Id"] if new_owner else None)
    if new_row != row:
        world.note_change(("certificate", row.id), row)
        world.certificates[row.id] = new_row
    if new_row != row or world.switches["owner_same"] == "history":
        add_history(world, row.id, call.caller.name, f"Owner set to {new_owner['Name'] if new_owner else 'nobody'}")
    subject = {"kind": "certificate", "id": row.id, "name": row.cn}
    world.ledger.record(call, subject, before, _summarize_owner(world, new_row))
    # 204 without a body, where Command's other PUTs answer 200 with the object (KF 0.6).
    return HttpReply(204)


def _summarize_owner(world: World, row: Certificate) -> Record:
    name = world.find_role_name(row.owner) if row.owner is not None else None
    return {
        "Id": row.id,
        "Thumbprint": row.thumbprint,
        "IssuedCN": row.cn,
        "OwnerRoleId": row.owner,
        "OwnerRoleName": name,
    }


def _find_new_owner(world: World, call: RouteCall) -> Record | None:
    """Return the role that the body names, None where it clears: null, blank and {} clear."""
    role_id, name = call.data.get("NewRoleId"), call.data.get("NewRoleName")
    if role_id is not None and name:
        mode = world.switches["owner_both_fields"]
        if mode == "400":
            raise ApiError(400, "0xA011000F", "Specify either NewRoleId or NewRoleName, not both.")
        role_id, name = (role_id, None) if mode == "id_wins" else (None, name)
    if role_id is not None:
        role = world.roles.get(role_id)
        if role is None:
            status = int(world.switches["owner_unknown_id"])
            raise ApiError(status, "0xA0110002", f"Unable to find 'Security Role' with Id '{role_id}'")
        return role
    if name and name.strip():
        role = world.find_role_by_name(name)
        if role is None:
            status = int(world.switches["owner_unknown_name"])
            raise ApiError(status, "0xA011000F", f"Unable to find 'Security Role' with Name '{name}'")
        return role
    # Seen live at 25.5 for `{}`: a body that is empty by accident takes the owner away (KF 6.3).
    return None


def _check_owner_policy(world: World, row: Certificate) -> None:
    """Refuse to clear an owner that the pattern's or the system's policy requires."""
    pattern = world.patterns.get(row.pattern, {})
    if "Required" in (world.switches["owner_policy"], pattern.get("OwnerPolicy")):
        # That it is refused is documented, status and code are not (KF 6.3).
        raise ApiError(
            world.switches["owner_policy_status"], "0xA011000F", "A certificate owner is required by policy."
        )


def _check_owner_permission(world: World, call: RouteCall, row: Certificate, owners: list[Record]) -> None:
    """Apply the rule of the version: change owner looks at roles, expanded change owner at permission sets."""
    scopes = _list_scopes(world, call, row)
    # From 12.3 to 24.4 this is the only way: change_owner, and both owner roles (KF 6.3).
    in_roles = all(call.caller.has_role(owner["Id"]) for owner in owners)
    if in_roles and any(call.caller.holds(scope) for scope in scopes):
        return
    if world.switches["owner_permission_rule"] == "25.4" and _has_expanded_permission(world, call, owners):
        return
    raise ApiError(403, "0xA0110003", "You do not have permission to change the owner of this certificate.")


def _list_scopes(world: World, call: RouteCall, row: Certificate) -> list[str]:
    collection, container = call.query["CollectionId"], call.query["ContainerId"]
    scopes = [_CHANGE_OWNER]
    # If both are given the collection wins and the container is treated as 0 (KF 6.3).
    if collection:
        if is_in_collection(world, collection, row):
            scopes.append(f"{_CHANGE_OWNER}{collection}/")
        return scopes
    if world.switches["owner_permission_rule"] == "25.4":
        scopes.append(_CONTAINER_CHANGE_OWNER)
        members: Any = world.containers.get(container, {}).get("_certificates", ())
        if container and row.id in members:
            scopes.append(f"{_CONTAINER_CHANGE_OWNER}{container}/")
    return scopes


def _has_expanded_permission(world: World, call: RouteCall, owners: list[Record]) -> bool:
    def has_permission_over(permission: str, owner: Record) -> bool:
        sets = (world.global_set_id, owner["PermissionSetId"])
        return any(call.caller.holds(permission, permission_set) for permission_set in sets)

    if not call.caller.holds(_EXPANDED_CHANGE_OWNER):
        return False
    # 25.x looks at the sets of the caller's and the owner's roles (KF 6.3); Global for every owner is a choice.
    return all(
        has_permission_over(_EXPANDED_CHANGE_OWNER, owner) and has_permission_over("/security/read/", owner)
        for owner in owners
    )


_OWNER_QUERY = (
    Field("CollectionId", "integer", "collection whose permission counts; beats ContainerId", default=0),
    Field("ContainerId", "integer", "container whose permission counts (25.4)", default=0),
)
_OWNER_BODY = (
    Field("NewRoleId", "integer", "null clears (seed 001)"),
    Field("NewRoleName", "string", "must be an existing role's name; null or blank clears (seed 001)"),
)

ROUTES = (
    PUT(
        "/Certificates/{id:int}/Owner",
        _put_owner,
        "Set or clear a certificate's owner",
        permission=_CHANGE_OWNER + "[#]/",
        decides=True,
        query=_OWNER_QUERY,
        body=_OWNER_BODY,
        success=204,
    ),
)
