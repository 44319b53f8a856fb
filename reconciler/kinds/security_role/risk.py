"""How much thought a change of a role deserves: rights and those who hold them are high, words about them low."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import Json, Risk, RiskAssessment

_TEXTS = frozenset({"description", "emailAddress"})
_ALL_RIGHTS = "/"

ROLE_RISKS: Mapping[str, RiskAssessment] = {
    "permissionSet": RiskAssessment(Risk.HIGH, "bounds what the role may hold"),
    "permissions": RiskAssessment(Risk.HIGH, "gives or takes rights of everybody who holds the role"),
    "claims": RiskAssessment(Risk.HIGH, "says who holds the role's rights"),
}
"""What a change of these fields may come to."""


def assess_role_change(path: str, before: Json, after: Json, fields: Mapping[str, Any]) -> RiskAssessment:
    """Judge one change of a role that will have these fields; `before` is None where nothing was there.

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
    return RiskAssessment(Risk.HIGH, describe(gained, lost, is_empty=not after, fields=fields))


def _describe_rights(gained: list[Json], lost: list[Json], *, is_empty: bool, fields: Mapping[str, Any]) -> str:
    """Say what becomes of the rights of those who will hold the role."""
    count = len(fields.get("claims") or ())
    holders = _format_number(count, "claim") if count else "a role that no claim holds"
    pronoun = "it" if count < 2 else "them"
    if not lost:
        return f"adds {_format_rights(gained)} to {holders}"
    if is_empty:
        return f"takes {_format_all(lost)} from {holders}"
    if not gained:
        return f"takes {_format_rights(lost)} from {holders}"
    return f"adds {_format_rights(gained)} to {holders} and takes {_format_rights(lost)} from {pronoun}"


def _describe_holders(gained: list[Json], lost: list[Json], *, is_empty: bool, fields: Mapping[str, Any]) -> str:
    """Say who gets the rights that the role will have, and from whom they are taken."""
    permissions = list(fields.get("permissions") or ())
    rights = _format_rights(permissions) if permissions else "a role without rights"
    taken = _format_number(len(lost), "claim")
    if not lost:
        return f"gives {rights} to {_format_number(len(gained), 'claim')}"
    if is_empty:
        return f"takes {rights} from {taken}, and nobody holds the role any more"
    if not gained:
        return f"takes {rights} from {taken}"
    pronoun = "it" if len(permissions) < 2 else "them"
    return f"gives {rights} to {_format_number(len(gained), 'claim')} and takes {pronoun} from {taken}"


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
