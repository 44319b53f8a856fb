"""Owners that the account could not change back: who may take a certificate depends on whose it is. Pure.

Contract: Keyfactor Command, PUT Certificates {id} Owner (Change Owner, Expanded Change Owner).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.kinds.rights_source import OwnerTransfer
from reconciler.model import Step
from reconciler.plans.lockout import Danger, Lockout, build_lockout
from reconciler.rights import EXPANDED_CHANGE_OWNER, OwnerReach


def find_owner_lockouts(transfers: Mapping[OwnerTransfer, Sequence[Step]], reach: OwnerReach) -> Iterator[Lockout]:
    """Yield a lock-out for each role that objects are given to, and that the account could not take them back from.

    Whoever holds the owner's role may change the owner; so may who holds the expanded permission in the owner's
    permission set, or in Global.
    """
    if not reach.can_change:
        return
    for transfer, steps in sorted(transfers.items(), key=lambda item: item[0].role_name):
        if _can_take_back(transfer, reach):
            continue
        name = transfer.role_name
        count = f"{len(steps):,} certificates" if len(steps) > 1 else "a certificate"
        yield build_lockout(
            Danger.OWNER,
            steps[0],
            f"{count} would go to {name}, and the account that applies could not take them back",
            f"it holds neither that role nor {EXPANDED_CHANGE_OWNER} over it, and Command lets nobody else change its "
            "certificates' owner",
            f"give the account the role {name}, or {EXPANDED_CHANGE_OWNER}",
        )


def _can_take_back(transfer: OwnerTransfer, reach: OwnerReach) -> bool:
    # A role that the same run creates is in no list, and one that it renames is there by its former name.
    role = reach.roles.get(transfer.role_id) if transfer.role_id is not None else None
    name = (role.name if role else transfer.role_name).casefold()
    if name in {role_name.casefold() for role_name in reach.own_roles}:
        return True
    sets = {reach.global_set, role.set_id if role else ""} - {""}
    return bool(reach.expanded_sets & sets)
