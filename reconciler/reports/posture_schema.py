"""The JSON Schema of what `report posture` finds."""

from __future__ import annotations

from typing import Any, Final

from reconciler.plans.posture import Urgency

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _build_object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


def _build_list(items: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": description}


_FACTS: Final = {"type": "object", "description": "What helps to judge it; which there are depends on the rule."}
_OBJECTS: Final = _build_list(
    _build_object({"name": _TEXT, "id": _TEXT, "facts": _FACTS}), "Of very many the first ones."
)
_FINDING: Final = _build_object(
    {
        "rule": {**_TEXT, "pattern": r"^posture\.[a-z-]+$"},
        "urgency": {"enum": [urgency.value for urgency in Urgency]},
        "target": _TEXT,
        "count": {"type": "integer", "minimum": 1},
        **dict.fromkeys(("summary", "reason", "remedy"), _TEXT),
        "objects": _OBJECTS,
        "hidden": {**_COUNT, "description": "How much of the count the objects don't stand for."},
    }
)
_READING: Final = _build_object(
    {
        "target": _TEXT,
        "counts": {"type": "object", "additionalProperties": _COUNT, "description": "Objects that were read."},
        "unjudged": _build_list(_TEXT, "Rules that could not be asked, since something was not read."),
    }
)
_EXPIRY: Final = _build_object(
    {
        "target": _TEXT,
        "day": {**_COUNT, "description": "Days from the run's own day (UTC)."},
        "owned": {**_COUNT, "description": "Certificates that end then, and whose owner somebody holds."},
        "orphaned": {**_COUNT, "description": "The others that end then."},
    }
)
POSTURE_SCHEMA: Final = _build_object(
    {
        "days": {"type": "integer", "minimum": 1},
        "findings": _build_list(_FINDING, "The most urgent first."),
        "read": _build_list(_READING, "What was looked at."),
        "expiries": _build_list(_EXPIRY, "The days on which a certificate ends, as far as --days."),
    }
)
"""What `report posture` prints as `posture`."""
