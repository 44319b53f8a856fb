"""What all layers say together, as YAML with the origin of each field behind it, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from reconciler.documents.writer import Comments, format_yaml
from reconciler.engine.rendering import RenderedDocument, RenderedManifests
from reconciler.manifests.envelope import API_VERSION
from reconciler.model import Json, Path
from reconciler.plans.serial import encode_origin
from reconciler.reports.origins import ORIGIN_SCHEMA, format_origin

_TEXT: Final = {"type": "string"}
RENDER_SCHEMA: Final[dict[str, Any]] = {
    "environment": {**_TEXT, "description": "The environment; empty for none."},
    "documents": {
        "type": "array",
        "description": "What all layers say together, by kind and name: one for all targets that have it the same.",
        "items": {
            "type": "object",
            "required": ["kind", "name", "targets", "labels", "layers", "spec", "origins"],
            "properties": {
                "kind": _TEXT,
                "name": _TEXT,
                "targets": {"type": "array", "items": _TEXT, "description": "None for a directive about all."},
                "labels": {"type": "object", "additionalProperties": _TEXT},
                "renamed_from": _TEXT,
                "layers": {"type": "array", "items": _TEXT, "description": "Whose documents it is of, lowest first."},
                "spec": {"type": "object"},
                "origins": {
                    "type": "object",
                    "description": "By field, such as notification.targetId: the line that decided it.",
                    "additionalProperties": ORIGIN_SCHEMA,
                },
            },
        },
    },
}
"""Members of the JSON document of `render`."""


def encode_rendered(manifests: RenderedManifests) -> dict[str, Json]:
    """Return the documents as the JSON document has them."""
    return {"environment": manifests.environment, "documents": [_encode_document(item) for item in manifests.documents]}


def _encode_document(document: RenderedDocument) -> dict[str, Json]:
    metadata = document.metadata
    former_name = {"renamed_from": metadata["renamedFrom"]} if "renamedFrom" in metadata else {}
    fields = {path[1:]: origin for path, origin in document.origins.items() if path[0] == "spec"}
    return {
        "kind": document.kind,
        "name": metadata["name"],
        "targets": list(document.targets),
        "labels": metadata.get("labels", {}),
        **former_name,
        "layers": list(document.layers),
        "spec": _encode_value(document.spec),
        "origins": {format_field_path(path): encode_origin(origin) for path, origin in fields.items()},
    }


def _encode_value(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {name: _encode_value(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_encode_value(member) for member in value]
    return value.isoformat() if isinstance(value, date) else value


def format_field_path(path: Path) -> str:
    """Return a path as people write it, such as `claims[0].type`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def render_documents(manifests: RenderedManifests) -> str:
    """Return manifests that say the same as all layers; without the comments, and with them, a run can read them."""
    documents, comments = [], []
    for document in manifests.documents:
        targets = {"targets": list(document.targets)} if document.targets else {}
        metadata = {"name": document.metadata["name"], **targets, **document.metadata}
        documents.append(
            {"apiVersion": API_VERSION, "kind": document.kind, "metadata": metadata, "spec": dict(document.spec)}
        )
        comments.append(_comment_fields(document))
    remarks = [[f"layers: {', '.join(document.layers)}"] if document.layers else [] for document in manifests.documents]
    return format_yaml(documents, remarks, comments)


def _comment_fields(document: RenderedDocument) -> Comments:
    """Return the comments; of a member of a list that is a mapping it stands behind its first field."""
    return {
        _find_first_scalar(document, path): format_origin(origin)
        for path, origin in document.origins.items()
        # Labels have a line each, whoever gives them.
        if path != ("metadata", "labels")
    }


def _find_first_scalar(document: RenderedDocument, path: Path) -> Path:
    value: Any = {"metadata": document.metadata, "spec": document.spec}
    for step in path:
        value = value[step]
    # A mapping in a list has no line of its own.
    while isinstance(path[-1], int) and isinstance(value, Mapping) and value:
        name, value = next(iter(value.items()))
        path = (*path, name)
    return path
