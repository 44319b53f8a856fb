"""Rights gained and lost, as people read them: the greatest changes first, the rest counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from reconciler.model import Json
from reconciler.plans.rights_analysis import explain_escalations, join_permissions
from reconciler.reports.layout import Line, build_line, format_count
from reconciler.rights import RightsChange

MAX_RIGHTS_LINES = 20
"""Lines of the section, its heading and the count of the rest among them."""
_PRINCIPAL_MEMBERS = ("type", "value", "provider")
_TEXT: dict[str, Json] = {"type": "string"}
_TEXTS: dict[str, Json] = {"type": "array", "items": _TEXT}
RIGHTS_SCHEMA: dict[str, Json] = {
    "type": "array",
    "description": "Who gains and who loses rights, over all roles, the greatest changes first. A note says where this "
    "was not looked at, or not all could be read.",
    "items": {
        "type": "object",
        "required": ["principal", "roles", "gained", "lost", "escalation"],
        "properties": {
            "target": _TEXT,
            "principal": {
                "type": "object",
                "required": list(_PRINCIPAL_MEMBERS),
                "properties": dict.fromkeys(_PRINCIPAL_MEMBERS, _TEXT),
                "additionalProperties": False,
            },
            "roles": _TEXTS | {"description": "What it holds afterwards."},
            "gained": _TEXTS,
            "lost": _TEXTS | {"description": "And not kept through another role."},
            "remaining": _TEXTS | {"description": "What remains of that, in narrower permissions."},
            "escalation": {"type": "boolean", "description": "Whether more can be had with what is gained."},
            "escalates": _TEXTS | {"description": "What of it that is."},
        },
    },
}
"""The schema of `encode_rights_change` in a list."""


class RightsWords(NamedTuple):
    """One principal's change in words."""

    who: str
    changes: str
    warning: str


def summarize_rights(changes: Sequence[RightsChange]) -> str:
    """Return the section's heading."""
    gaining, losing = sum(bool(change.gained) for change in changes), sum(bool(change.lost) for change in changes)
    parts = [
        *([f"{format_count(gaining, 'principal')} gain{'' if gaining > 1 else 's'}"] if gaining else []),
        *([f"{format_count(losing, 'principal')} lose{'' if losing > 1 else 's'}"] if losing else []),
    ]
    escalating = sum(bool(change.escalation) for change in changes)
    return f"Rights: {', '.join(parts)}" + (f"; {format_count(escalating, 'escalation')}" if escalating else "")


def describe_rights(
    change: RightsChange, *, names_target: bool = False, quote: Callable[[str], str] = str
) -> RightsWords:
    """Return what becomes of one principal; `quote` is what a format makes of a permission."""
    target = f" on {change.target}" if names_target and change.target else ""
    parts = [
        *([f"gains {join_permissions(change.gained, quote)}"] if change.gained else []),
        *([f"loses {join_permissions(change.lost, quote)}"] if change.lost else []),
        *([f"keeps {join_permissions(change.remaining, quote)}"] if change.remaining else []),
    ]
    warning = f"escalation: {explain_escalations(change.escalation)}" if change.escalation else ""
    return RightsWords(f"{change.principal}{target}", ", ".join(parts), warning)


def render_rights(
    changes: Sequence[RightsChange], remainder_hint: str, *, names_target: bool = False
) -> Iterator[Line]:
    """Yield the section of a text report, in at most `MAX_RIGHTS_LINES` lines; nothing where nothing changes."""
    if not changes:
        return
    yield build_line((summarize_rights(changes), "bold"), hang=2)
    visible = changes if len(changes) < MAX_RIGHTS_LINES else changes[: MAX_RIGHTS_LINES - 2]
    for change in visible:
        words = describe_rights(change, names_target=names_target)
        symbol = ("!", "red") if words.warning else " "
        warning = [(f"  {words.warning}", "red")] if words.warning else []
        yield build_line("  ", symbol, f" {words.who}  {words.changes}", *warning, hang=6)
    if hidden := len(changes) - len(visible):
        yield build_line((f"  ({format_count(hidden, 'more principal')}, {remainder_hint})", "dim"), hang=4)
