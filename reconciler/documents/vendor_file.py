"""What a vendor's own file holds: JSON, YAML, or INI."""

from __future__ import annotations

import configparser
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import InvalidError

if TYPE_CHECKING:
    from reconciler.documents.document import Document
    from reconciler.model import Path as FieldPath

_MAX_DEPTH = 32
"""Lists and mappings inside each other; as in a manifest."""


def parse_vendor_file(data: bytes) -> Any:
    """Return the first document of a file: dict, list, str, int, float, bool and None; from YAML only text and None.

    YAML's numbers, booleans and dates stay the text that was written, as the tools' own readers take them for text:
    a password 0123 is just that. Raises ValueError for what is neither; its message is a place in the file (`line 3`),
    never what stands there.
    """
    try:
        value = json.loads(data)
    # json.loads recurses: a file of nothing but `[` runs out of stack instead of being no JSON.
    except (ValueError, RecursionError):
        return _parse_yaml(data)
    return value if _is_flat(value) else _parse_yaml(data)


def find_member(data: bytes, path: Path, keys: tuple[str, ...]) -> object:
    """Return a member of a credentials file, None where it is absent; raises ValueError if the file can't be parsed."""
    text = data.decode("utf-8")
    if path.suffix != ".json" and _is_ini(text):
        # Raw: ConfigParser takes the `%` of a secret for an interpolation.
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(text)
        except configparser.Error:
            # configparser quotes the line it stumbles on, which may hold the secret.
            raise ValueError("not an INI file") from None
        return parser.get(*keys, fallback=None) if len(keys) == 2 else None
    value: object = parse_vendor_file(data)
    if not isinstance(value, dict):
        raise ValueError("no members")  # noqa: TRY004 - what a file holds, not what a caller gives
    for key in keys:
        if isinstance(value, list) and key.isdecimal():
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _is_ini(text: str) -> bool:
    """Tell INI by its first line that is no comment: a section's name; a file without any says nothing."""
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and line[0] not in "#;"), "[").startswith("[")


def _is_flat(value: object) -> bool:
    """Tell whether a value is so flat that no later step on it can run out of stack."""
    level = [value]
    for _ in range(_MAX_DEPTH + 1):
        containers = [item for item in level if isinstance(item, dict | list)]
        if not containers:
            return True
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
    return False


def _parse_yaml(data: bytes) -> Any:
    from reconciler.documents.reader import read_documents  # noqa: PLC0415 - only who keeps YAML pays for it

    try:
        documents = read_documents(data, "file.yaml", is_foreign=True)
    except InvalidError as error:
        raise ValueError(f"line {error.problems[0].source.line or 1}") from None
    return _restore_texts(documents[0].value, documents[0], ()) if documents else None


def _restore_texts(value: object, document: Document, path: FieldPath) -> Any:
    if isinstance(value, dict):
        return {key: _restore_texts(child, document, (*path, key)) for key, child in value.items()}
    if isinstance(value, list):
        return [_restore_texts(child, document, (*path, index)) for index, child in enumerate(value)]
    raw = None if value is None or isinstance(value, str) else document.raw(path)
    return raw.text if raw else value
