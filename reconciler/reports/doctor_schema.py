"""The JSON Schema of a target as `doctor` finds it."""

from __future__ import annotations

from typing import Any

from reconciler.doctor.model import Ability, Health


def build_target_schema() -> dict[str, Any]:
    """Return the schema of one target."""
    text = {"type": "string"}
    verdict = {"enum": [health.value for health in Health]}
    check = _require_members({"target": text, "check": text, "verdict": verdict, "detail": text, "remedy": text})
    ability = {"enum": [ability.value for ability in Ability]}
    able = {"plan": ability, "apply": ability}
    return _require_members(
        {
            "name": text,
            "api": {"enum": ["keyfactor", "csms"]},
            "url": text,
            "checks": {"type": "array", "items": check},
            "commands": _require_members(able),
            "kinds": {"type": "array", "items": _require_members({"kind": text, **able})},
            "verdict": {**text, "description": "What the account can run, in words."},
        }
    )


def _require_members(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}
