"""The JSON Schema of a manifest: what stands around the spec of any kind, and the spec of each as its model has it."""

from __future__ import annotations

from typing import Any

from reconciler.directives.registry import join_kinds
from reconciler.documents.schema_titles import drop_titles
from reconciler.documents.value_meanings import MEANINGS_KEYWORD
from reconciler.kinds.document_kind import DocumentKind
from reconciler.kinds.registry import Registry
from reconciler.manifests.envelope import API_VERSION

Schema = dict[str, Any]

_NAME_SCHEMA = {"type": "string", "minLength": 1}
_FORMER_NAME = {**_NAME_SCHEMA, "description": "The former name of the object, which is renamed and keeps all else."}
VERSION_SCHEMA = {
    "const": API_VERSION,
    "description": "The version of this format.",
    MEANINGS_KEYWORD: ["the only one so far"],
}
_KIND_SCHEMA = {"description": "What the document declares."}
_TARGETS_SCHEMA: Schema = {
    "description": "The targets of the settings that it is for, once for each, in the place of `target`: their names,"
    " or labels of which they have all; of several texts of a label they have one.",
    "anyOf": [
        {"type": "array", "items": _NAME_SCHEMA, "minItems": 1, "uniqueItems": True},
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
            },
        },
    ],
}
_METADATA_SCHEMA: Schema = {
    "description": "What the document is called, which target it is for, and the labels by which it can be selected.",
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    # Editors underline the mapping, which is where one of the two has to go.
    "not": {"required": ["target", "targets"]},
    "properties": {
        "name": {**_NAME_SCHEMA, "description": "Names the document, and the object too where the kind says so."},
        "target": {
            **_NAME_SCHEMA,
            "description": "A target of the settings; optional where only one speaks the kind's API.",
        },
        "targets": _TARGETS_SCHEMA,
        "labels": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "For selection with --label.",
        },
    },
}


def build_spec_schema(kind: DocumentKind) -> Schema:
    """Return the schema of a kind's spec, `$defs` included, without the titles that pydantic makes up."""
    schema: Schema = drop_titles(kind.spec.model_json_schema(by_alias=True))
    return schema


def describe_envelope(kinds: Registry) -> Schema:
    """Return what stands around the spec of a manifest of any kind, for `explain`."""
    former_name: Schema = {"renamedFrom": _FORMER_NAME}
    metadata = {**_METADATA_SCHEMA, "properties": _METADATA_SCHEMA["properties"] | former_name}
    declarable = join_kinds(kinds)
    meanings = [build_spec_schema(kind).get("description", "").splitlines()[0] for kind in declarable.values()]
    kind = {**_KIND_SCHEMA, "enum": list(declarable), MEANINGS_KEYWORD: meanings}
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {"apiVersion": VERSION_SCHEMA, "kind": kind, "metadata": metadata},
    }


def build_document_schema(kind: DocumentKind) -> Schema:
    """Return the schema of a whole manifest of a kind, without its header."""
    spec = build_spec_schema(kind)
    definitions = spec.pop("$defs", {})
    schema = {
        "title": kind.name,
        "description": spec.pop("description", ""),
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": VERSION_SCHEMA,
            "kind": {**_KIND_SCHEMA, "const": kind.name},
            "metadata": _build_metadata_schema(kind),
            "spec": spec,
        },
    }
    return schema | ({"$defs": definitions} if definitions else {})


def _build_metadata_schema(kind: DocumentKind) -> Schema:
    members = _METADATA_SCHEMA["properties"] | ({"renamedFrom": _FORMER_NAME} if kind.renamable else {})
    return {**_METADATA_SCHEMA, "properties": members}
