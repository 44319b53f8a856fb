"""How much thought a change of a role deserves: rights and those who hold them are high, words about them low."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import Json, ObjectSides, Risk, RiskAssessment

_TEXTS = frozenset({"description", "emailAddress"})
_ALL_RIGHTS = "/"

ROLE_RISKS: Mapping[str, RiskAssessment] = {
    "permissionSet": RiskAssessment(Risk.HIGH, "bounds what the role may hold"),
    "permissions": RiskAssessment(Risk.HIGH, "gives or takes rights of everybody who holds the role"),
    "claims": RiskAssessment(Risk.HIGH, "says who holds the role's rights"),
}
"""What a change of these fields may come to."""


def assess_role_change(path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
    """Judge one change of a role; `before` is None where nothing was there.

    The reason of a permission set's change names none of the two: a stored request holds GUIDs alone.
    """
    if path in _TEXTS or path.startswith("claims."):
        return RiskAssessment(Risk.LOW)
    if path == "name":
        return RiskAssessment(Risk.HIGH, "renames a role that others may know by its name")
    if path == "permissionSet":
        reason = "bounds what a new role may hold" if before is None else "changes what the role may hold at most"
        return RiskAssessment(Risk.HIGH, reason)
    describe = _describe_rights if path == "permissions" else _describe_holders
    gained, lost = _subtract(after, before), _subtract(before, after)
    return RiskAssessment(Risk.HIGH, describe(gained, lost, sides, is_empty=not after))


def _describe_rights(gained: list[Json], lost: list[Json], sides: ObjectSides, *, is_empty: bool) -> str:
    """Say what becomes of the rights of those who hold the role and keep it; who joins or leaves is told by itself."""
    holders, pronoun = _describe_keepers(sides)
    if not lost:
        return f"adds {_format_rights(gained)} to {holders}"
    if is_empty:
        return f"takes {_format_all(lost)} from {holders}"
    if not gained:
        return f"takes {_format_rights(lost)} from {holders}"
    return f"adds {_format_rights(gained)} to {holders} and takes {_format_rights(lost)} from {pronoun}"


def _describe_keepers(sides: ObjectSides) -> tuple[str, str]:
    """Return those who hold a role before and after, with their pronoun; of a new role those who will hold it."""
    # What a new role does not mention it does not have; of a live one it may not have been looked at.
    if "claims" not in sides.after and sides.before is not None:
        return "whoever holds the role", "them"
    claims = sides.after.get("claims") or frozenset()
    keepers = claims if sides.before is None else claims & (sides.before.get("claims") or frozenset())
    if keepers:
        return _format_number(len(keepers), "claim"), "it" if len(keepers) == 1 else "them"
    return "a role whose holders are all new" if claims else "a role that no claim holds", "it"


def _describe_holders(gained: list[Json], lost: list[Json], sides: ObjectSides, *, is_empty: bool) -> str:
    """Say who gets the rights that the role will have, and from whom those are taken that it had."""
    if "permissions" not in sides.after and sides.before is not None:
        given = had = "the role's rights"
    else:
        given, had = (_describe_rights_of(side) for side in (sides.after, sides.before or {}))
    taken = _format_number(len(lost), "claim")
    if not lost:
        return f"gives {given} to {_format_number(len(gained), 'claim')}"
    if is_empty:
        return f"takes {had} from {taken}, and nobody holds the role any more"
    if not gained:
        return f"takes {had} from {taken}"
    return f"gives {given} to {_format_number(len(gained), 'claim')} and takes {had} from {taken}"


def _describe_rights_of(role: Mapping[str, Any]) -> str:
    permissions = list(role.get("permissions") or ())
    return _format_rights(permissions) if permissions else "a role without rights"


def _format_rights(permissions: list[Json]) -> str:
    # The root grants everything that there is, now and in later versions.
    if _ALL_RIGHTS in permissions:
        return "every right"
    return "a right" if len(permissions) == 1 else f"{len(permissions):,} rights"


def _format_all(permissions: list[Json]) -> str:
    if _ALL_RIGHTS in permissions:
        return "every right"
    return "the only right" if len(permissions) == 1 else f"all {len(permissions):,} rights"


def _format_number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _subtract(members: Json, others: Json) -> list[Json]:
    known = [*(others or ())]
    return [member for member in members or () if member not in known]
