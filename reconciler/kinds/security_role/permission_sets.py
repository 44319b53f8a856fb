"""Permission sets of Keyfactor Command: GET /PermissionSets. Roles name them by GUID, people by name."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.kinds.fields import pick
from reconciler.kinds.kind import Read

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Sets = Mapping[str, str]
"""Names by lower-case GUID."""


def permission_sets(read: Read) -> Sets:
    """Return all of them: the list can't be filtered by name."""
    # GUIDs are written in lower case and read in either (RFC 4122, section 3). The documents say that
    # this list has no query fields, and the vendor's Terraform provider matches names itself.
    return {str(pick(row, "Id")).lower(): str(pick(row, "Name")) for row in read.rows("/PermissionSets")}


def is_guid(declared: str) -> bool:
    """True if a permission set is declared by its GUID, so that no list is needed to find it."""
    return _GUID.fullmatch(declared) is not None


def guid_of(declared: str | None, sets: Sets) -> str | None:
    """Return the GUID of a permission set that is declared by name or GUID; None if it names none, or several."""
    if declared is None or is_guid(declared):
        return declared and declared.lower()
    exact = [number for number, name in sets.items() if name == declared]
    alike = exact or [number for number, name in sets.items() if name.casefold() == declared.casefold()]
    return alike[0] if len(alike) == 1 else None


def name_of(number: str, sets: Sets) -> str:
    """Return a permission set's name; its GUID where the name is not read, or not its own alone."""
    name = sets.get(number, number)
    return name if list(sets.values()).count(name) == 1 else number
