"""The JSON Schema of the runs in a history's document, beside the promise that members may join them."""

from __future__ import annotations

from typing import Any

from reconciler.errors import Exit
from reconciler.model import Action, Risk
from reconciler.state.records import SettledAs, SettledBy

_TEXT = {"type": "string"}
_TEXTS = {"type": "array", "items": _TEXT}
_TIME = {"type": "string", "description": "UTC, by the clock of whoever wrote it; empty where it is not known."}


def build_run_schema() -> dict[str, Any]:
    """Return the schema of one run."""
    outcome = {
        "code": {"enum": [*(int(code) for code in Exit), None], "description": "null until it ended."},
        "name": {"enum": [*(code.word for code in Exit), "running", "unfinished"]},
    }
    texts = dict.fromkeys(("id", "command", "user", "host", "job", "tool", "commit", "plan"), _TEXT)
    return _build_object(
        {
            **texts,
            **dict.fromkeys(("started", "ended"), _TIME),
            "outcome": _build_object(outcome),
            "targets": _TEXTS,
            "counts": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By verdict."},
            "steps": {"type": "array", "items": _build_step()},
        }
    )


def _build_step() -> dict[str, Any]:
    return _build_object(
        {
            "step": {**_TEXT, "description": "RUN/NUMBER, counted from 1."},
            "address": _build_object(dict.fromkeys(("target", "kind", "name"), _TEXT)),
            "object": _TEXT,
            "names": _TEXTS,
            "subjects": {"type": "array", "items": {"type": "object"}},
            "action": {"enum": [action.value for action in Action]},
            "risk": {"enum": [*(risk.value for risk in Risk), None]},
            "risk_reason": _TEXT,
            "source": _TEXT,
            "call": _build_object({"method": {"enum": ["PUT", "POST"]}, "path": _TEXT}),
            "changes": {"type": "array", "items": _build_object({"path": _TEXT, "before": {}, "after": {}})},
            "kept": {"type": "boolean", "description": "Whether the store kept what it changed."},
            "masked": {"type": "boolean", "description": "Whether a secret in it was taken out."},
            "verdict": {"enum": [outcome.value for outcome in SettledAs]},
            "intended": _TIME,
            "request_id": _TEXT,
            "results": {"type": "array", "items": _build_result()},
        }
    )


def _build_result() -> dict[str, Any]:
    return _build_object(
        {
            "act": {**_TEXT, "description": "Of several acts in one request the one that it is about; empty for all."},
            "outcome": {"enum": [outcome.value for outcome in SettledAs]},
            "by": {"enum": [way.value for way in SettledBy]},
            "run": {**_TEXT, "description": "The run that recorded it."},
            "user": _TEXT,
            "at": _TIME,
            "request_id": _TEXT,
            "detail": _TEXT,
        }
    )


def _build_object(members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}
