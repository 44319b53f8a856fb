"""Security roles, version 2: /Security/Roles (KF 1, seed 004). PUT clears what is not sent."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import build_array_fields
from reconciler.simulator.keyfactor.claims import claim_of, claim_type, show_claim
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.role_shape import ROLE_FIELDS, ROLE_ID, ROLE_REPLY, ROLE_ROW
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.world.permissions import grants, is_known, redundant
from reconciler.simulator.world.world import Record, World, next_id


def show_role(world: World, role: Record) -> Record:
    """Return a role as GET by id shows it in version 2."""
    # The order is not stable; Keyfactor's Terraform provider turned its list into a set (KF 9, row 13).
    order = world.switches["role_permission_order"]
    permissions = list(role["Permissions"])
    if order != "as_sent":
        permissions.sort(reverse=order == "reversed")
    shown = {
        "Id": role["Id"],
        "Name": role["Name"],
        "Description": role["Description"],
        "EmailAddress": role["EmailAddress"],
        "Immutable": role["Immutable"],
        "PermissionSetId": role["PermissionSetId"],
        "Permissions": permissions,
        "Claims": [show_claim(world, world.claims[i]) for i in role["Claims"] if i in world.claims],
    }
    extra = role.get("Extra", {})
    named = world.switches["role_extra_member"]
    if named:
        shown[named] = extra.get(named)
    if world.switches["unknown_body_members"] == "stored":
        shown |= {name: value for name, value in extra.items() if name not in ("Notes", named)}
    return shown


def find_role(world: World, role_id: int) -> Record:
    """Return the role; raises ApiError 404 in the words of KF 0.7."""
    role = world.roles.get(role_id)
    if role is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Security Role' with Id '{role_id}'")
    return role


def _list(world: World, call: RouteCall) -> HttpReply:
    def render(role: Record) -> Record:
        now = show_role(world, role)
        seen = world.seen(("role", role["Id"]), now) or now
        counted = {**seen, "ClaimsCount": len(seen["Claims"])}
        return {field.name: counted[field.name] for field in ROLE_ROW}

    return listed(world, call, list(world.roles.values()), fields={"Name": "string"}, sort="Name", render=render)


def _get(world: World, call: RouteCall) -> HttpReply:
    role = find_role(world, call.params["id"])
    seen = world.seen(("role", role["Id"]), show_role(world, role))
    if seen is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Security Role' with Id '{role['Id']}'")
    return build_json_reply(seen)


def _create(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    if "PermissionSetId" not in data and world.switches["role_post_without_permission_set"] == "400":
        raise ApiError(400, "0xA0F00003", "The PermissionSetId field is required.")
    role = _written(world, call, {"Id": next_id(world.roles), "Immutable": False, "PermissionSetId": world.global_set})
    check_name(world, role)
    _check_permissions(world, role)
    role["Claims"] = _claims(world, data)
    world.roles[role["Id"]] = role
    shown = show_role(world, role)
    world.changed(("role", role["Id"]), None)
    world.ledger.record(call, subject(role), None, shown)
    return build_json_reply(shown)


def _replace(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    old = find_role(world, data["Id"])
    if "PermissionSetId" not in data and world.switches["role_put_without_permission_set"] == "400":
        raise ApiError(400, "0xA0F00003", "The PermissionSetId field is required.")
    kept = old["PermissionSetId"] if world.switches["role_put_without_permission_set"] == "keep" else world.global_set
    role = _written(world, call, {"Id": old["Id"], "Immutable": old["Immutable"], "PermissionSetId": kept})
    check_name(world, role)
    if old["Immutable"]:
        _check_immutable(world, old, role)
    _check_permissions(world, role)
    before = show_role(world, old)
    role["Claims"] = _claims(world, data)
    world.roles[role["Id"]] = role
    # Once the new role is in place, or the claims that it keeps would count as unused.
    drop_unused(world, old["Claims"])
    world.changed(("role", role["Id"]), before)
    shown = show_role(world, role)
    world.ledger.record(call, subject(role), before, shown)
    return build_json_reply(shown)


def _written(world: World, call: RouteCall, kept: Record) -> Record:
    """Return the role that the body describes: what it leaves out is cleared."""
    data = call.data
    named = world.switches["role_extra_member"]
    extra = {name: value for name, value in call.unknown.items() if name != "Immutable"}
    return {
        **kept,
        "Name": world.stored(data["Name"]),
        "Description": world.stored(data["Description"]),
        "EmailAddress": world.stored(data.get("EmailAddress")),
        "PermissionSetId": data.get("PermissionSetId") or kept["PermissionSetId"],
        "Permissions": list(data.get("Permissions") or []),
        "Extra": extra if named or world.switches["unknown_body_members"] == "stored" else {},
    }


def check_name(world: World, role: Record) -> None:
    """Raise Refused where the name is blank or another role's."""
    if not role["Name"].strip():
        raise ApiError(400, "0xA0F00003", "The Name field is required.")
    # The comparison is the database's: SQL Server's usual collations ignore case (KF 1.6).
    holder = world.role_named(role["Name"])
    if holder is not None and holder["Id"] != role["Id"]:
        raise ApiError(
            world.switches["role_duplicate_status"], "0xA011000A", f"A role named '{role['Name']}' already exists."
        )


def _check_immutable(world: World, old: Record, new: Record) -> None:
    # The portal lets this role's claims alone change; what the API does is not documented (KF 1.6).
    members = ("Name", "Description", "EmailAddress", "PermissionSetId")
    same = all(old[name] == new[name] for name in members) and set(old["Permissions"]) == set(new["Permissions"])
    if world.switches["role_immutable_put"] == "refused" or not same:
        raise ApiError(400, "0xA011000F", f"Role '{old['Name']}' is immutable.")


def _check_permissions(world: World, role: Record) -> None:
    switches = world.switches
    permission_set = world.permission_sets.get(role["PermissionSetId"])
    if permission_set is None:
        raise ApiError(400, "0xA0110002", f"Unable to find 'Permission Set' with Id '{role['PermissionSetId']}'")
    permissions = role["Permissions"]
    unknown = [one for one in permissions if not is_known(one)]
    if unknown and switches["role_permissions_unknown"] == "400":
        raise ApiError(400, "0xA011000F", f"Unknown permission '{unknown[0]}'.")
    # Seen live for a parent beside its child. That /x/read/5/ beside /x/read/ counts is only inferred
    # (KF 4.1).
    if redundant(permissions) and switches["role_permissions_redundant"] == "400":
        raise ApiError(400, "0xA011000F", f"Redundant permissions detected: {', '.join(redundant(permissions))}")
    outside = [one for one in permissions if not grants(permission_set["Permissions"], one)]
    if outside and switches["role_permissions_outside_set"] != "accepted":
        status = int(switches["role_permissions_outside_set"])
        raise ApiError(
            status, "0xA011000F", f"Permission '{outside[0]}' is not in permission set '{permission_set['Name']}'."
        )


def _claims(world: World, data: Record) -> list[int]:
    """Return the ids of the body's claims. The types are checked before the first claim is made."""
    names = world.switches["claim_type_names"] == "accepted"
    sent = [(claim_type(claim["ClaimType"], names=names), claim) for claim in data.get("Claims") or []]
    known = set(world.claims)
    try:
        return list(dict.fromkeys(claim_of(world, claim, kind)["Id"] for kind, claim in sent))
    except ApiError:
        # What one database transaction would do: a refused role leaves no claims behind.
        for claim_id in set(world.claims) - known:
            del world.claims[claim_id]
        raise


def drop_unused(world: World, candidates: list[int]) -> None:
    """Remove the claims that no role holds any more, if the switch says so."""
    if world.switches["claim_unused"] == "removed":
        held = {claim_id for role in world.roles.values() for claim_id in role["Claims"]}
        for claim_id in set(candidates) - held:
            world.claims.pop(claim_id, None)


def delete_role(world: World, call: RouteCall) -> HttpReply:
    """Serve DELETE /Security/Roles/{id}, which exists in version 1 alone."""
    role = find_role(world, call.params["id"])
    if role["Immutable"]:
        raise ApiError(400, "0xA011000F", f"Role '{role['Name']}' is immutable.")
    owned = [row for row in world.certificates.values() if row.owner == role["Id"]]
    # Not documented: refused, or the certificates are left without an owner (KF 1.6).
    if owned and world.switches["role_delete_owner"] == "400":
        raise ApiError(400, "0xA011000F", f"Role '{role['Name']}' owns certificates.")
    before = show_role(world, role)
    for row in owned:
        world.certificates[row.id] = row._replace(owner=None)
    del world.roles[role["Id"]]
    drop_unused(world, role["Claims"])
    world.ledger.record(call, subject(role), before, None)
    return HttpReply(204)


def subject(role: Record) -> dict[str, Any]:
    """Return how the ledger names a role."""
    return {"kind": "role", "id": role["Id"], "name": role["Name"]}


_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Roles",
        _list,
        "List roles",
        versions=(2,),
        permission=_READ,
        query=PAGING,
        reply=build_array_fields(ROLE_ROW),
    ),
    GET("/Security/Roles/{id:int}", _get, "One role", versions=(2,), permission=_READ, reply=ROLE_REPLY),
    POST(
        "/Security/Roles",
        _create,
        "Create a role",
        versions=(2,),
        permission=_MODIFY,
        in_global=True,
        body=ROLE_FIELDS,
        reply=ROLE_REPLY,
    ),
    PUT(
        "/Security/Roles",
        # The id is in the body; there is no PUT /Security/Roles/{id} (KF 1.1).
        _replace,
        "Replace a role",
        versions=(2,),
        permission=_MODIFY,
        in_global=True,
        body=(ROLE_ID, *ROLE_FIELDS),
        reply=ROLE_REPLY,
    ),
    DELETE("/Security/Roles/{id:int}", delete_role, "Delete a role", permission=_MODIFY, in_global=True, success=204),
)
