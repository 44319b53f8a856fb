"""What a vendor's own file holds, as JSON or else as YAML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.errors import InvalidError

if TYPE_CHECKING:
    from reconciler.manifests.text import Document
    from reconciler.resource import Path


def content(data: bytes) -> Any:
    """Return the first document of a file: dict, list, str, int, float, bool and None; from YAML only text and None.

    YAML's numbers, booleans and dates stay the text that was written, as the tools' own readers take them for text:
    a password 0123 is just that. Raises ValueError for what is neither; its message is a place in the file (`line 3`),
    never what stands there.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return _yaml(data)


def _yaml(data: bytes) -> Any:
    from reconciler.manifests.document import read_documents  # noqa: PLC0415 - only who keeps YAML pays for it

    try:
        documents = read_documents(data, "file.yaml")
    except InvalidError as error:
        raise ValueError(f"line {error.problems[0].source.line or 1}") from None
    return _texts(documents[0].value, documents[0], ()) if documents else None


def _texts(value: object, document: Document, path: Path) -> Any:
    if isinstance(value, dict):
        return {key: _texts(below, document, (*path, key)) for key, below in value.items()}
    if isinstance(value, list):
        return [_texts(below, document, (*path, index)) for index, below in enumerate(value)]
    raw = None if value is None or isinstance(value, str) else document.raw(path)
    return raw.text if raw else value
