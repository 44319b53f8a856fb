"""Whom the steps of owners hand certificates over to, and whether the account can take them back."""

from __future__ import annotations

from collections.abc import Collection

from reconciler.kinds.rights_source import OwnerTransfer, RightsSource
from reconciler.model import Step
from reconciler.payloads.caller import find_global_set, read_calling_account
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import read_role_list, read_roles_by_id
from reconciler.reader import Read
from reconciler.rights import EXPANDED_CHANGE_OWNER, ListedRole, OwnerReach, is_granted_by


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
        roles = {
            int(pick_member(row, "Id")): ListedRole(
                str(pick_member(row, "Name") or ""), str(pick_member(row, "PermissionSetId") or "").lower()
            )
            for row in read_role_list(read)
        }
        reach = OwnerReach(account.roles, roles)
        names = {roles[number].name if number in roles else name for number, name in transfers}
        # The server hides what a wider permission grants, so the wider one is looked for too.
        if names <= account.roles or not is_granted_by(EXPANDED_CHANGE_OWNER, account.permissions or ("/",)):
            return reach
        own = {number: role for number, role in roles.items() if role.name in account.roles}
        expanded_sets = {role.set_id for role in own.values()}
        if len(expanded_sets) > 1 or account.permissions is None:
            holders = [
                raw
                for raw in read_roles_by_id(read, own)
                if is_granted_by(EXPANDED_CHANGE_OWNER, map(str, pick_member(raw, "Permissions")))
            ]
            expanded_sets = {str(pick_member(raw, "PermissionSetId") or "").lower() for raw in holders}
        new_sets = {roles[number].set_id if number in roles else "" for number, _ in transfers}
        global_set = "" if new_sets <= expanded_sets else find_global_set(read)
        return OwnerReach(account.roles, roles, frozenset(expanded_sets), global_set)
