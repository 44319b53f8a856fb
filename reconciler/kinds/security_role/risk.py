"""How much thought a change of a role deserves: rights and those who hold them are high, words about them low."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model import Json, Risk, RiskAssessment

_WORDS = frozenset({"description", "emailAddress"})

ROLE_RISKS: Mapping[str, RiskAssessment] = {
    "permissionSet": RiskAssessment(Risk.HIGH, "says where the role's permissions hold"),
    "permissions": RiskAssessment(Risk.HIGH, "gives or takes rights of everybody who holds the role"),
    "claims": RiskAssessment(Risk.HIGH, "says who holds the role's rights"),
}
"""What a change of these fields may come to."""


def assess_role_change(path: str, before: Json, after: Json, fields: Mapping[str, Any]) -> RiskAssessment:
    """Judge one change of a role that will have these fields."""
    if path in _WORDS or path.startswith("claims."):
        return RiskAssessment(Risk.LOW)
    if path == "permissionSet":
        return RiskAssessment(
            Risk.HIGH,
            "moves the role to another permission set" if before else "says where the new role's permissions hold",
        )
    gained, lost = _count_difference(after, before), _count_difference(before, after)
    describe = _describe_rights if path == "permissions" else _describe_holders
    return RiskAssessment(Risk.HIGH, " and ".join(describe(gained, lost, fields)))


def _describe_rights(gained: int, lost: int, fields: Mapping[str, Any]) -> Sequence[str]:
    holders = _format_number(len(fields.get("claims") or ()), "claim")
    verbs = [(gained, f"adds {_format_rights(gained)} to"), (lost, f"takes {_format_rights(lost)} from")]
    return [f"{verb} {holders}" for number, verb in verbs if number]


def _describe_holders(gained: int, lost: int, fields: Mapping[str, Any]) -> Sequence[str]:
    rights = _format_number(len(fields.get("permissions") or ()), "right")
    verbs = [
        (gained, f"gives {rights} to {_format_number(gained, 'claim')}"),
        (lost, f"takes {rights} from {_format_number(lost, 'claim')}"),
    ]
    return [verb for number, verb in verbs if number]


def _format_rights(number: int) -> str:
    return "a right" if number == 1 else f"{number:,} rights"


def _format_number(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _count_difference(members: Json, others: Json) -> int:
    known = [*(others or ())]
    return sum(member not in known for member in members or ())
