"""Members of API objects, whose names differ in letter case between answers."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model import Json


def pick_member(raw: Mapping[str, Json], name: str) -> Json:
    """Return a member of an API object by name, whatever its letter case; None where absent (contract: JSON casing)."""
    if name in raw:
        return raw[name]
    # Servers answer in PascalCase, the v11 swagger says camelCase: the exact name is tried first.
    folded = name.casefold()
    return next((value for key, value in raw.items() if key.casefold() == folded), None)
