"""Where a JSON Schema lets a text stand below spec, it lets `{targetValue: NAME}` stand, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.manifests.target_values import TARGET_VALUE

Schema = dict[str, Any]

_REFERENCE: Final = {"$ref": f"#/$defs/{TARGET_VALUE}"}
_DEFINITION: Final[Schema] = {
    "description": "The text that a target has by this name below `values` in the settings, in the place of any text"
    " below the spec of an object. Values are no secrets: they stand in plans and reports.",
    "type": "object",
    "additionalProperties": False,
    "required": [TARGET_VALUE],
    "properties": {TARGET_VALUE: {"type": "string", "minLength": 1}},
}
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE: Final = ("items", "additionalProperties")
_ANNOTATIONS: Final = ("description", "title", "default", "examples")
"""What is said of a field, whatever may stand there."""


def describe_target_value() -> str:
    """Return what `{targetValue: NAME}` means."""
    return str(_DEFINITION["description"])


def allow_target_values(document_schema: Mapping[str, Any]) -> Schema:
    """Return the schema of a document whose texts below spec may be looked up at the target."""
    definitions = {name: _widen(node) for name, node in document_schema.get("$defs", {}).items()}
    properties = document_schema["properties"]
    return {
        **document_schema,
        "properties": {**properties, "spec": _widen(properties["spec"])},
        "$defs": {**definitions, TARGET_VALUE: _DEFINITION},
    }


def _widen(node: Any) -> Any:
    """Return a schema in which each text has the alternative; words that describe a field stay in front of both."""
    if not isinstance(node, dict):
        return node
    if node.get("type") == "string":
        # Editors show what stands beside `anyOf`, whichever alternative is written.
        words = {name: node[name] for name in _ANNOTATIONS if name in node}
        text = {name: value for name, value in node.items() if name not in words}
        return {**words, "anyOf": [text, _REFERENCE]}
    return {keyword: _widen_member(keyword, value) for keyword, value in node.items()}


def _widen_member(keyword: str, value: Any) -> Any:
    if keyword == "properties":
        return {name: _widen(member) for name, member in value.items()}
    if keyword in _LISTS:
        return [_widen(member) for member in value]
    return _widen(value) if keyword in _SINGLE else value
