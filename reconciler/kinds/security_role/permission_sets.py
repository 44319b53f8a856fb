"""Permission sets of Keyfactor Command: GET /PermissionSets. Roles name them by GUID, people by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.payloads.members import pick_member
from reconciler.reader import Read

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

PermissionSetNames = Mapping[str, str]
"""Names by lower-case GUID."""


def read_permission_sets(read: Read) -> PermissionSetNames:
    """Return all of them: the list can't be filtered by name."""
    # GUIDs are written in lower case and read in either (RFC 4122, section 3). The documents say that
    # this list has no query fields, and the vendor's Terraform provider matches names itself.
    return {str(pick_member(row, "Id")).lower(): str(pick_member(row, "Name")) for row in read.rows("/PermissionSets")}


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
