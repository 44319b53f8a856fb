"""Rights gained and lost as JSON values: one form for saved plans and for reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model import Json
from reconciler.rights import Principal, RightsChange

_LISTS = ("roles", "gained", "lost", "remaining", "escalates")


def encode_rights_change(change: RightsChange) -> dict[str, Json]:
    """Return what becomes of one principal; `escalation` says whether it gains more than the words say."""
    return {
        "target": change.target,
        "principal": change.principal._asdict(),
        "roles": list(change.roles),
        "gained": list(change.gained),
        "lost": list(change.lost),
        "remaining": list(change.remaining),
        "escalation": bool(change.escalation),
        "escalates": list(change.escalation),
    }


def decode_rights_change(members: Mapping[str, Any]) -> RightsChange:
    """Return the change of `encode_rights_change`; raises KeyError or TypeError for anything else."""
    principal, lists = Principal(**members["principal"]), [members[name] for name in _LISTS]
    if not all(isinstance(values, list) for values in lists):
        raise TypeError("roles and permissions are listed")
    if not all(
        isinstance(text, str)
        for text in (members["target"], *principal, *(text for values in lists for text in values))
    ):
        raise TypeError("who holds what is told in texts")
    return RightsChange(members["target"], principal, *map(tuple, lists))
