"""Live roles that may be what a role that is to be created was called before.

The list of roles has no claims and no permissions, so each candidate costs a GET. Only those are read that could be it:
roles that no document declares, in the permission set that is declared; where these are more than a few, those with as
many claims as are declared; and none where the list doesn't tell that, or where still more are left.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from reconciler.kinds.kind import Wanted
from reconciler.kinds.security_role.identity import LiveRole
from reconciler.kinds.security_role.permission_sets import PermissionSetNames, find_set_guid
from reconciler.model import Json
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import fold_role_name, read_roles_by_id
from reconciler.reader import Read

_MAX_CANDIDATES = 10

Shape = tuple[int, str]
"""How many claims a role has, and the GUID of its permission set."""


def read_rename_candidates(
    read: Read, documents: Iterable[Wanted], rows: Sequence[Json], declared: Collection[str], sets: PermissionSetNames
) -> tuple[LiveRole, ...]:
    """Return roles that may be what these documents, whose roles don't exist, are about.

    `rows` is the list of roles, `declared` are the folded names that any document is about.
    """
    shapes = {shape for document in documents if (shape := _read_declared_shape(document, sets))}
    set_ids = {set_id for _, set_id in shapes}
    live_shapes = {
        int(pick_member(row, "Id")): shape
        for row in rows
        if fold_role_name(row) not in declared and (shape := _read_live_shape(row)) and shape[1] in set_ids
    }
    # Somebody who renames a role may give it one more claim on the way: then its permissions tell it.
    few = len(live_shapes) <= _MAX_CANDIDATES
    ids = [number for number, shape in live_shapes.items() if few or shape in shapes]
    return tuple(read_roles_by_id(read, ids)) if len(ids) <= _MAX_CANDIDATES else ()


def _read_declared_shape(document: Wanted, sets: PermissionSetNames) -> Shape | None:
    declared = document.spec.declared()
    guid = find_set_guid(declared.get("permissionSet"), sets)
    has_contents = "claims" in declared or "permissions" in declared
    return (len(declared.get("claims", ())), guid) if has_contents and guid else None


def _read_live_shape(row: Json) -> Shape | None:
    count = pick_member(row, "ClaimsCount")
    is_told = isinstance(count, int) and not pick_member(row, "Immutable")
    return (count, str(pick_member(row, "PermissionSetId")).lower()) if is_told else None
