"""Version two permission strings of Keyfactor Command: `/area/action/`, optionally with a trailing id.

A string grants every permission that starts with it, and the server refuses a list that holds both ("Redundant
permissions detected"). Contract: Keyfactor Command, Version Two Permission Model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

# Numbers of collections, containers and PAM providers; identity providers have GUIDs (contract: 4.1).
_TRAILING_ID = re.compile(r"(/.*/)([0-9]+/|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/)")


def find_redundant_pairs(permissions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (permission, the shorter one that already grants it), sorted."""
    granted = set(permissions)
    for permission in sorted(granted):
        parent = next((prefix for prefix in _list_prefixes(permission) if prefix in granted), None)
        if parent is not None:
            yield permission, parent


def is_part_of(permission: str, granted: Collection[str]) -> bool:
    """True for a permission that is among these, or that one of them already grants."""
    return permission in granted or any(prefix in granted for prefix in _list_prefixes(permission))


def _list_prefixes(permission: str) -> Iterator[str]:
    """Yield the permissions that would include this one, the widest first: `/`, `/a/`, ... but not itself."""
    parts = permission.strip("/").split("/") if permission != "/" else []
    # Each string ends with a slash, so a prefix is always one of whole segments.
    for length in range(len(parts)):
        yield "/" + "".join(f"{part}/" for part in parts[:length])


def split_trailing_id(permission: str) -> tuple[str, str]:
    """Return a permission without the id that narrows it, and that id with its slash; "" where there is none."""
    match = _TRAILING_ID.fullmatch(permission)
    return (match[1], match[2]) if match else (permission, "")


def can_be_granted(permission: str, known_permissions: Collection[str]) -> bool:
    """True for a string that a server lists, for a level above one, and for a listed one that an id narrows."""
    if permission in known_permissions or any(known.startswith(permission) for known in known_permissions):
        return True
    parent, resource_id = split_trailing_id(permission)
    return bool(resource_id) and parent in known_permissions
