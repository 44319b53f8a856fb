"""Security roles, version 2: /Security/Roles (KF 1, seed 004). PUT clears what is not sent."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import build_array_fields
from reconciler.simulator.keyfactor.claims import (
    check_claim_description,
    find_or_create_claim,
    parse_claim_type,
    render_claim,
)
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.role_checks import check_immutable_role, check_role_permissions, check_role_texts
from reconciler.simulator.keyfactor.role_shape import ROLE_FIELDS, ROLE_ID, ROLE_REPLY, ROLE_ROW
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.world import Record, World, find_next_id


def render_role(world: World, role: Record) -> Record:
    """Return a role as GET by id shows it in version 2."""
    # The order is not stable; Keyfactor's Terraform provider turned its list into a set (KF 9, row 13).
    order = world.switches["role_permission_order"]
    permissions = list(role["Permissions"])
    if order != "as_sent":
        permissions.sort(reverse=order == "reversed")
    return {
        "Id": role["Id"],
        "Name": role["Name"],
        "Description": role["Description"],
        "EmailAddress": role["EmailAddress"],
        "Immutable": role["Immutable"],
        "PermissionSetId": role["PermissionSetId"],
        "Permissions": permissions,
        "Claims": [render_claim(world, world.claims[i]) for i in role["Claims"] if i in world.claims],
        **_list_extra_members(world, role.get("Extra", {})),
    }


def _list_extra_members(world: World, extra: Record) -> Record:
    """Return the members beyond the documented ones that a role shows, by two switches."""
    extra_member = world.switches["role_extra_member"]
    members = {extra_member: extra.get(extra_member)} if extra_member else {}
    if world.switches["unknown_body_members"] == "stored":
        members |= {name: value for name, value in extra.items() if name not in ("Notes", extra_member)}
    return members


def find_role(world: World, role_id: int) -> Record:
    """Return the role; raises ApiError 404 in the words of KF 0.7."""
    role = world.roles.get(role_id)
    if role is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Security Role' with Id '{role_id}'")
    return role


def _list_roles(world: World, call: RouteCall) -> HttpReply:
    def render(role: Record) -> Record:
        current = render_role(world, role)
        visible = world.find_visible_state(("role", role["Id"]), current) or current
        row = {**visible, "ClaimsCount": len(visible["Claims"])}
        return {field.name: row[field.name] for field in ROLE_ROW}

    return build_list_reply(
        world, call, list(world.roles.values()), fields={"Name": "string"}, sort="Name", render=render
    )


def _get_role(world: World, call: RouteCall) -> HttpReply:
    role = find_role(world, call.params["id"])
    visible = world.find_visible_state(("role", role["Id"]), render_role(world, role))
    if visible is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Security Role' with Id '{role['Id']}'")
    return build_json_reply(visible)


def _create_role(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    if "PermissionSetId" not in data and world.switches["role_post_without_permission_set"] == "400":
        raise ApiError(400, "0xA0F00003", "The PermissionSetId field is required.")
    base = {"Id": find_next_id(world.roles), "Immutable": False, "PermissionSetId": world.global_set_id}
    role = _build_role(world, call, base)
    check_role_texts(world, role)
    check_role_permissions(world, role)
    role["Claims"] = _store_claims(world, data)
    world.roles[role["Id"]] = role
    answer = render_role(world, role)
    world.note_change(("role", role["Id"]), None)
    world.ledger.record(call, build_role_subject(role), None, answer)
    return build_json_reply(answer)


def _replace_role(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    old_role = find_role(world, data["Id"])
    if "PermissionSetId" not in data and world.switches["role_put_without_permission_set"] == "400":
        raise ApiError(400, "0xA0F00003", "The PermissionSetId field is required.")
    keeps_set = world.switches["role_put_without_permission_set"] == "keep"
    set_id = old_role["PermissionSetId"] if keeps_set else world.global_set_id
    base = {"Id": old_role["Id"], "Immutable": old_role["Immutable"], "PermissionSetId": set_id}
    role = _build_role(world, call, base)
    check_role_texts(world, role)
    if old_role["Immutable"]:
        check_immutable_role(world, old_role, role)
    check_role_permissions(world, role)
    before = render_role(world, old_role)
    role["Claims"] = _store_claims(world, data)
    world.roles[role["Id"]] = role
    # Once the new role is in place, or the claims that it keeps would count as unused.
    drop_unused_claims(world, old_role["Claims"])
    world.note_change(("role", role["Id"]), before)
    answer = render_role(world, role)
    world.ledger.record(call, build_role_subject(role), before, answer)
    return build_json_reply(answer)


def _build_role(world: World, call: RouteCall, base: Record) -> Record:
    """Return the role that the body describes: what it leaves out is cleared."""
    data = call.data
    extra_member = world.switches["role_extra_member"]
    extra = {name: value for name, value in call.unknown.items() if name != "Immutable"}
    return {
        **base,
        "Name": world.convert_stored_text(data["Name"]),
        "Description": world.convert_stored_text(data["Description"]),
        "EmailAddress": world.convert_stored_text(data.get("EmailAddress")),
        "PermissionSetId": data.get("PermissionSetId") or base["PermissionSetId"],
        "Permissions": list(data.get("Permissions") or []),
        "Extra": extra if extra_member or world.switches["unknown_body_members"] == "stored" else {},
    }


def _store_claims(world: World, data: Record) -> list[int]:
    """Return the ids of the body's claims. The types are checked before the first claim is made."""
    names = world.switches["claim_type_names"] == "accepted"
    for claim in data.get("Claims") or []:
        check_claim_description(world, claim["Description"])
    typed_claims = [(parse_claim_type(claim["ClaimType"], names=names), claim) for claim in data.get("Claims") or []]
    old_ids = set(world.claims)
    try:
        return list(
            dict.fromkeys(find_or_create_claim(world, claim, type_number)["Id"] for type_number, claim in typed_claims)
        )
    except ApiError:
        # What one database transaction would do: a refused role leaves no claims behind.
        for claim_id in set(world.claims) - old_ids:
            del world.claims[claim_id]
        raise


def drop_unused_claims(world: World, candidates: list[int]) -> None:
    """Remove the claims that no role holds any more, if the switch says so."""
    if world.switches["claim_unused"] == "removed":
        used_ids = {claim_id for role in world.roles.values() for claim_id in role["Claims"]}
        for claim_id in set(candidates) - used_ids:
            world.claims.pop(claim_id, None)


def delete_role(world: World, call: RouteCall) -> HttpReply:
    """Serve DELETE /Security/Roles/{id}, which exists in version 1 alone."""
    role = find_role(world, call.params["id"])
    if role["Immutable"]:
        raise ApiError(400, "0xA011000F", f"Role '{role['Name']}' is immutable.")
    owned_rows = [row for row in world.certificates.values() if row.owner == role["Id"]]
    # Not documented: refused, or the certificates are left without an owner (KF 1.6).
    if owned_rows and world.switches["role_delete_owner"] == "400":
        raise ApiError(400, "0xA011000F", f"Role '{role['Name']}' owns certificates.")
    before = render_role(world, role)
    for row in owned_rows:
        world.certificates[row.id] = row._replace(owner=None)
    del world.roles[role["Id"]]
    drop_unused_claims(world, role["Claims"])
    world.ledger.record(call, build_role_subject(role), before, None)
    return HttpReply(204)


def build_role_subject(role: Record) -> dict[str, Any]:
    """Return how the ledger names a role."""
    return {"kind": "role", "id": role["Id"], "name": role["Name"]}


_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Roles",
        _list_roles,
        "List roles",
        versions=(2,),
        permission=_READ,
        query=PAGING,
        reply=build_array_fields(ROLE_ROW),
    ),
    GET("/Security/Roles/{id:int}", _get_role, "One role", versions=(2,), permission=_READ, reply=ROLE_REPLY),
    POST(
        "/Security/Roles",
        _create_role,
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
        _replace_role,
        "Replace a role",
        versions=(2,),
        permission=_MODIFY,
        in_global=True,
        body=(ROLE_ID, *ROLE_FIELDS),
        reply=ROLE_REPLY,
    ),
    DELETE("/Security/Roles/{id:int}", delete_role, "Delete a role", permission=_MODIFY, in_global=True, success=204),
)
