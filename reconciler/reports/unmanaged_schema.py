"""JSON Schemas of what reports and saved plans say of live objects that no manifest declares."""

from __future__ import annotations

from typing import Any, Final

_COUNT: Final = {"type": "integer", "minimum": 0}
COUNTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": _COUNT,
    "description": "Live objects that no manifest declares, by kind, of those whose lists were read whole.",
}
SAVED_COUNTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": {"type": "object", "additionalProperties": _COUNT},
    "description": "Live objects that no manifest declared, by kind and target; nothing that is approved.",
}
_TEXT: Final = {"type": "string"}
LISTED_OBJECTS_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["target", "kind", "name", "id", "facts"],
        "properties": {
            **dict.fromkeys(("target", "kind", "name", "id"), _TEXT),
            "facts": {"type": "object", "description": "What helps to judge it; which there are depends on the kind."},
        },
    },
    "description": "The live objects that no manifest declares, each.",
}
