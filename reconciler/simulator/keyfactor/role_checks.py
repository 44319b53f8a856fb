"""What a role has to be before it is stored, version 2 (KF 1.6)."""

from __future__ import annotations

from reconciler.simulator.http.messages import ApiError
from reconciler.simulator.world.permissions import find_redundant_permissions, is_granted
from reconciler.simulator.world.world import Record, World


def check_role_texts(world: World, role: Record) -> None:
    """Raise ApiError where the name is blank or another role's, or the description is blank."""
    if not role["Name"].strip():
        raise ApiError(400, "0xA0F00003", "The Name field is required.")
    # What ASP.NET's [Required] does with blanks, unless it is told to allow empty strings.
    if not role["Description"].strip() and world.switches["role_description_empty"] == "400":
        raise ApiError(400, "0xA0F00003", "The Description field is required.")
    # Not documented; SQL Server's usual collations ignore case (KF 1.6).
    holder = world.find_role_by_name(role["Name"])
    if holder is not None and holder["Id"] != role["Id"]:
        raise ApiError(
            world.switches["role_duplicate_status"], "0xA011000A", f"A role named '{role['Name']}' already exists."
        )


def check_immutable_role(world: World, old_role: Record, new_role: Record) -> None:
    """Raise ApiError where an immutable role is changed beyond its claims."""
    # The portal lets this role's claims alone change; what the API does is not documented (KF 1.6).
    members = ("Name", "Description", "EmailAddress", "PermissionSetId")
    is_unchanged = all(old_role[name] == new_role[name] for name in members) and set(old_role["Permissions"]) == set(
        new_role["Permissions"]
    )
    if world.switches["role_immutable_put"] == "refused" or not is_unchanged:
        raise ApiError(400, "0xA011000F", f"Role '{old_role['Name']}' is immutable.")


def check_permissions_known(world: World, permissions: list[str]) -> None:
    """Raise ApiError for a permission that this server does not know, unless it takes any."""
    unknown = [permission for permission in permissions if not world.permissions.knows(permission)]
    if unknown and world.switches["role_permissions_unknown"] == "400":
        raise ApiError(400, "0xA011000F", f"Unknown permission '{unknown[0]}'.")


def check_role_permissions(world: World, role: Record) -> None:
    """Raise ApiError for a permission that is unknown, redundant or outside the role's permission set."""
    switches = world.switches
    permission_set = world.permission_sets.get(role["PermissionSetId"])
    if permission_set is None:
        raise ApiError(400, "0xA0110002", f"Unable to find 'Permission Set' with Id '{role['PermissionSetId']}'")
    permissions = role["Permissions"]
    check_permissions_known(world, permissions)
    # Seen live for a parent beside its child; /x/read/5/ beside /x/read/ follows by the prefix rule alone (KF 4.1).
    if find_redundant_permissions(permissions) and switches["role_permissions_redundant"] == "400":
        raise ApiError(
            400, "0xA011000F", f"Redundant permissions detected: {', '.join(find_redundant_permissions(permissions))}"
        )
    outside = [permission for permission in permissions if not is_granted(permission_set["Permissions"], permission)]
    if outside and switches["role_permissions_outside_set"] != "accepted":
        status = int(switches["role_permissions_outside_set"])
        raise ApiError(
            status, "0xA011000F", f"Permission '{outside[0]}' is not in permission set '{permission_set['Name']}'."
        )
