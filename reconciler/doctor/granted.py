"""What a server tells of an account's permissions: Command from 12.4 on, GET /PermissionSets/My."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.doctor.listings import Kinds, uses
from reconciler.doctor.probe_session import Visit
from reconciler.kinds.fields import pick
from reconciler.kinds.kind import Read
from reconciler.kinds.requirements import Grant
from reconciler.model import Json

_MINE = "/PermissionSets/My"
"""The account's permission sets that contain a permission; any account may ask."""

Told = Mapping[str, frozenset[str]]
"""By permission: the names of the account's permission sets that hold it, as the server spells them."""


def told(visit: Visit, kinds: Kinds) -> Told | None:
    """Ask the server which permissions the account holds; None where it doesn't tell."""
    wanted = {use.listing.permission for use in uses(kinds)}
    wanted |= {one for kind in kinds.values() for grant in kind.requires.write for one in grant.any_of}
    held: dict[str, frozenset[str]] = {}
    for permission in sorted(wanted):
        rows = visit.ask(_sets_with(permission)).found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            return None
        held[permission] = frozenset(str(pick(row, "Name") or pick(row, "Id")) for row in rows)
    return held


def _sets_with(permission: str) -> Callable[[Read], Json]:
    return lambda read: read.get(_MINE, query=(("accessControlString", permission),))


def held_of(grant: Grant, told: Told) -> Grant | None:
    """Return the part of a grant that is held, in the permission set that it names; None where nothing of it is."""
    sets = {permission: told.get(permission, frozenset()) for permission in grant.any_of}
    # /security/modify/ permits writing roles only where it is held in the permission set Global.
    held = tuple(one for one, names in sets.items() if names and (not grant.within or grant.within in names))
    return grant._replace(any_of=held) if held else None
