"""The JSON Schema of what stands in the later layers of an environment: patches, and whole documents as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from reconciler.manifests.envelope import API_VERSION
from reconciler.manifests.patch_words import ADDITIVE, REMOVE, UNSET

Schema = dict[str, Any]

_NAMES: Final = {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}}
PATCH_WORDS: Final[Mapping[str, Schema]] = {
    ADDITIVE: {
        **_NAMES,
        "description": "Lists that gain the members given here and keep those of earlier layers, such as claims.",
    },
    UNSET: {
        **_NAMES,
        "description": "Fields of earlier layers that nobody manages then, such as notification.targetName.",
    },
    REMOVE: {
        "const": True,
        "description": "Drops the document of earlier layers, and nothing else is said then. A server loses nothing.",
    },
}
"""What each word of a patch means; each stands in the spec, or beside it."""


def build_patch_schema(documents: Mapping[str, Schema]) -> Schema:
    """Return the schema, without its header; `documents` are those of all kinds, whose files it refers to."""
    return {
        "title": "Patch",
        "description": "A document of a later layer: a patch of what earlier ones declare, or a whole document.",
        "type": "object",
        # No spec: words may stand for it.
        "required": ["apiVersion", "kind", "metadata"],
        "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(documents)}},
        "allOf": [
            {
                "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                "then": _build_kind_schema(name, document),
            }
            for name, document in documents.items()
        ],
    }


def _build_kind_schema(name: str, document: Schema) -> Schema:
    """Return what a patch of a kind may say: each field as the kind has it, and none of them required."""
    properties = f"{name}.json#/properties"
    fields = {
        field: {"$ref": f"{properties}/spec/properties/{field}"}
        for field in document["properties"]["spec"]["properties"]
    }
    spec = {"type": "object", "additionalProperties": False, "properties": {**fields, **PATCH_WORDS}}
    outer = {"apiVersion": True, "kind": True, "metadata": {"$ref": f"{properties}/metadata"}, "spec": spec}
    return {"additionalProperties": False, "properties": {**outer, **PATCH_WORDS}}
