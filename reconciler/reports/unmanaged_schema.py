"""JSON Schemas of what reports and saved plans say of live objects that no manifest declares, or no longer does."""

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
_WITHDRAWAL: Final[dict[str, Any]] = {
    "address": {
        "type": "object",
        "required": ["target", "kind", "name"],
        "properties": dict.fromkeys(("target", "kind", "name"), _TEXT),
        "additionalProperties": False,
    },
    "source": {**_TEXT, "description": "revision:file:line:column."},
    "document": {"enum": ["gone", "changed"], "description": "Gone, or still there and no longer about the objects."},
    "objects": {
        "type": "array",
        "items": _TEXT,
        "description": "What no document declares any more, as it was written.",
    },
    "existing": {"type": ["integer", "null"], "description": "How many of them exist; null where nothing read tells."},
}
BASE_MEMBERS: Final[dict[str, Any]] = {
    "base": {
        "type": "object",
        "required": ["revision", "commit"],
        "properties": {
            "revision": _TEXT,
            "commit": _TEXT,
            "whole": {"type": "boolean", "description": "Whether all of it could be read."},
        },
        "description": "What --base named.",
    },
    "no_longer_declared": {
        "type": "array",
        "items": {"type": "object", "required": list(_WITHDRAWAL), "properties": _WITHDRAWAL},
        "description": "What that revision declared and the manifests no longer do; nothing is changed for it.",
    },
}
"""Members of a report where a revision was given."""
