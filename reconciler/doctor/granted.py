"""What a server tells of an account's permissions: Command from 12.4 on, GET /PermissionSets/My."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.doctor.listings import ApiKinds, collect_list_uses
from reconciler.doctor.probe_session import DoctorSession
from reconciler.kinds.requirements import PermissionGrant
from reconciler.model import Json
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

_MY_SETS_PATH = "/PermissionSets/My"
"""The account's permission sets that contain a permission; any account may ask."""

GrantedPermissions = Mapping[str, frozenset[str]]
"""By permission: the names of the account's permission sets that hold it, as the server spells them."""


def read_granted_permissions(session: DoctorSession, kinds: ApiKinds) -> GrantedPermissions | None:
    """Ask the server which permissions the account holds; None where it doesn't tell."""
    permissions = {use.listing.permission for use in collect_list_uses(kinds)}
    permissions |= {member for kind in kinds.values() for grant in kind.requires.write for member in grant.any_of}
    granted: dict[str, frozenset[str]] = {}
    for permission in sorted(permissions):
        rows = session.ask(_ask_sets_with(permission)).found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return None
        granted[permission] = frozenset(str(pick_member(row, "Name") or pick_member(row, "Id")) for row in rows)
    return granted


def _ask_sets_with(permission: str) -> Callable[[Read], Json]:
    return lambda read: read.get(_MY_SETS_PATH, query=(("accessControlString", permission),))


def find_held_part(grant: PermissionGrant, granted: GrantedPermissions) -> PermissionGrant | None:
    """Return the part of a grant that is held, in the permission set that it names; None where nothing of it is."""
    sets = {permission: granted.get(permission, frozenset()) for permission in grant.any_of}
    # /security/modify/ permits writing roles only where it is held in the permission set Global.
    held_permissions = tuple(
        member for member, names in sets.items() if names and (not grant.within or grant.within in names)
    )
    return grant._replace(any_of=held_permissions) if held_permissions else None
