"""Version two permission strings of Keyfactor Command: `/area/action/`, optionally with a trailing id.

A string grants every permission that starts with it, and the server refuses a list that holds both ("Redundant
permissions detected"). Contract: Keyfactor Command, Version Two Permission Model.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def find_redundant_pairs(permissions: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (permission, the shorter one that already grants it), sorted."""
    granted = set(permissions)
    for permission in sorted(granted):
        parent = next((prefix for prefix in _list_prefixes(permission) if prefix in granted), None)
        if parent is not None:
            yield permission, parent


def _list_prefixes(permission: str) -> Iterator[str]:
    """Yield the permissions that would include this one, the widest first: `/`, `/a/`, ... but not itself."""
    parts = permission.strip("/").split("/") if permission != "/" else []
    # Each string ends with a slash, so a prefix is always one of whole segments.
    for length in range(len(parts)):
        yield "/" + "".join(f"{part}/" for part in parts[:length])
