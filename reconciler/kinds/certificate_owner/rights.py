"""Whom the steps of owners hand certificates over to, and whether the account can take them back."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.kinds.rights_source import OwnerTransfer, RightsSource
from reconciler.model import Json, Step
from reconciler.payloads.caller import find_global_set, read_calling_account
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import read_role_list, read_roles_by_id
from reconciler.reader import Read
from reconciler.rights import EXPANDED_CHANGE_OWNER, ListedRole, OwnerReach, is_granted_by

_CHANGE_OWNER = (EXPANDED_CHANGE_OWNER, "/certificates/collections/change_owner/", "/certificate_stores/change_owner/")


class OwnerRightsSource(RightsSource):
    """An owner gives no right; it takes the one to change the owner from whoever does not hold its role."""

    def find_transfer(self, step: Step) -> OwnerTransfer | None:
        if step.request is None or not step.request.call.body.get("NewRoleName"):
            return None
        return OwnerTransfer(step.request.expect.get("OwnerRoleId"), str(step.request.call.body["NewRoleName"]))

    def read_reach(self, read: Read, transfers: Collection[OwnerTransfer]) -> OwnerReach | None:
        """Read as little as tells it: nobody who holds the owners' roles needs the expanded permission."""
        account = read_calling_account(read)
        if account.roles is None:
            return None
        roles = _read_listed_roles(read)
        names = {roles[number].name if number in roles else name for number, name in transfers}
        # From 12.3 to 24.4 the owner's role is the only way (contract: 6.3).
        if names <= account.roles:
            return OwnerReach(account.roles, roles)
        own = {number: role for number, role in roles.items() if role.name in account.roles}
        # All roles of one set need no look at each: mostly that is Global.
        permissions = account.permissions
        expanded_sets = {role.set_id for role in own.values()}
        if permissions is None or len(expanded_sets) > 1:
            granted = {int(pick_member(raw, "Id")): _read_permissions(raw) for raw in read_roles_by_id(read, own)}
            permissions = frozenset().union(*granted.values())
            expanded_sets = {
                own[number].set_id for number in granted if is_granted_by(EXPANDED_CHANGE_OWNER, granted[number])
            }
        can_change = any(_grants_some(permission) for permission in permissions)
        if not is_granted_by(EXPANDED_CHANGE_OWNER, permissions):
            return OwnerReach(account.roles, roles, can_change=can_change)
        # From 25.1 on the sets of both roles are looked at; Global is taken to reach all.
        new_sets = {roles[number].set_id if number in roles else "" for number, _ in transfers}
        global_set = "" if new_sets <= expanded_sets else find_global_set(read)
        return OwnerReach(account.roles, roles, frozenset(expanded_sets), global_set)


def _read_listed_roles(read: Read) -> dict[int, ListedRole]:
    return {
        int(pick_member(row, "Id")): ListedRole(
            str(pick_member(row, "Name") or ""), str(pick_member(row, "PermissionSetId") or "").lower()
        )
        for row in read_role_list(read)
    }


def _read_permissions(raw: Mapping[str, Json]) -> frozenset[str]:
    return frozenset(map(str, pick_member(raw, "Permissions")))


def _grants_some(permission: str) -> bool:
    """Say whether a permission allows to change some owner, were it on one collection or container alone."""
    return any(permission.startswith(change) or change.startswith(permission) for change in _CHANGE_OWNER)
