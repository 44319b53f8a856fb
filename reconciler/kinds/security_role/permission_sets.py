"""Permission sets of Keyfactor Command: GET /PermissionSets. Roles name them by GUID, people by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.kinds.kind import Wanted
from reconciler.kinds.security_role.permissions import is_part_of
from reconciler.model import Json, Path
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

PermissionSetNames = Mapping[str, str]
"""Names by lower-case GUID."""


class PermissionSets(NamedTuple):
    """The names of permission sets, and what each bounds its roles to, by lower-case GUID."""

    names: Mapping[str, str] = {}
    permissions: Mapping[str, frozenset[str]] = {}


def read_permission_sets(read: Read) -> PermissionSets:
    """Return all of them: the list can't be filtered by name. What a set holds is left out where it isn't told."""
    # GUIDs are written in lower case and read in either (RFC 4122, section 3). The documents say that
    # this list has no query fields, and the vendor's Terraform provider matches names itself.
    rows = {str(pick_member(row, "Id")).lower(): row for row in read.rows("/PermissionSets")}
    permissions = {guid: pick_member(row, "Permissions") for guid, row in rows.items()}
    return PermissionSets(
        {guid: str(pick_member(row, "Name")) for guid, row in rows.items()},
        {guid: frozenset(held) for guid, held in permissions.items() if _is_list_of_permissions(held)},
    )


def _is_list_of_permissions(value: Json) -> bool:
    # Those of version one look otherwise (contract: 1.7), and would hold none of what a role may have.
    is_list = isinstance(value, list) and bool(value)
    return is_list and all(isinstance(item, str) and item[:1] == "/" == item[-1:] for item in value)


def find_permissions_outside_set(
    document: Wanted, raw: Mapping[str, Json] | None, sets: PermissionSets
) -> Iterator[Diagnostic]:
    """Yield a problem for each permission that the role would have outside the permission set that is declared.

    A role may hold a subset of its set. One that is neither gained nor in another set than before is not looked at:
    the server took it.
    """
    declared_set = document.spec.declared().get("permissionSet")
    guid = find_set_guid(declared_set, sets.names)
    bound = sets.permissions.get(guid or "")
    held = frozenset(pick_member(raw, "Permissions")) if raw else frozenset()
    is_kept = raw is not None and str(pick_member(raw, "PermissionSetId")).lower() == guid
    for permission, place in _list_future_permissions(document, held):
        is_old = is_kept and permission in held
        if bound and not is_old and not is_part_of(permission, bound):
            yield Diagnostic(
                "live.unknown-reference",
                document.at(("spec", *place)),
                f"permission set {declared_set!r} does not hold {permission}",
                "a role's permissions are a part of its set's, so that Command would refuse the role",
                "declare another permission set, or leave the permission out",
                address=document.address,
            )


def _list_future_permissions(document: Wanted, held: frozenset[str]) -> Iterator[tuple[str, Path]]:
    """Yield what a role will hold with the place that says so: for what it keeps, that of the set."""
    fields = document.spec.declared()
    declared: Sequence[str] = fields.get("permissions", ())
    yield from ((permission, ("permissions", index)) for index, permission in enumerate(declared))
    is_whole = "permissions" in fields and "permissions" not in fields.get("additive", ())
    if not is_whole and "permissions" not in fields.get("clear", ()):
        yield from ((permission, ("permissionSet",)) for permission in sorted(held - {*declared}))


def is_guid(declared: str) -> bool:
    """True if a permission set is declared by its GUID, so that no list is needed to find it."""
    return _GUID.fullmatch(declared) is not None


def find_set_guid(declared: str | None, sets: PermissionSetNames) -> str | None:
    """Return the GUID of a permission set that is declared by name or GUID; None if it names none, or several."""
    if declared is None or is_guid(declared):
        return declared and declared.lower()
    exact = [guid for guid, name in sets.items() if name == declared]
    matches = exact or [guid for guid, name in sets.items() if name.casefold() == declared.casefold()]
    return matches[0] if len(matches) == 1 else None


def find_set_name(guid: str, sets: PermissionSetNames) -> str:
    """Return a permission set's name; its GUID where the name is not read, or not its own alone."""
    name = sets.get(guid, guid)
    return name if list(sets.values()).count(name) == 1 else guid
