"""One number for all that is declared: equal if and only if the documents say the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from reconciler.kinds.kind import Wanted
from reconciler.model import Json, Table


def digest_documents(documents: Iterable[Wanted]) -> str:
    """Return the SHA-256, in hexadecimal, of what documents declare.

    It does not depend on files and their order, on format, comments or the order of keys, nor on that of lists, since
    lists are sets; of a table the rows count, not the name of its file.
    """
    checksum = hashlib.sha256()
    for document in sorted(documents, key=lambda document: document.address):
        spec = {name: value for name, value in _canonicalize(document.spec).items() if name not in document.tables}
        # Appended only where it is given, so that files without it keep the digest that they had.
        former_name = [document.renamed_from] if document.renamed_from else []
        checksum.update(_encode_line([*document.address, dict(document.labels), spec, *former_name]))
        for name, table in sorted(document.tables.items()):
            checksum.update(_encode_line([name, sorted(table.columns)]))
            checksum.update(_encode_rows(table))
    return checksum.hexdigest()


def _encode_line(value: Json) -> bytes:
    # dumps escapes line feeds and all but ASCII: a line feed ends a record, so two can never read as
    # another one.
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _encode_rows(table: Table) -> bytes:
    """Return a table's rows in order; no cell holds a tab or a line end."""
    columns = [table.columns[name] for name in sorted(table.columns)]
    return "\n".join(sorted(map("\t".join, zip(*columns, strict=True)))).encode() + b"\n"


def _canonicalize(value: Any) -> Any:
    if isinstance(value, BaseModel):
        fields = type(value).model_fields
        # Only what was set: a default of a later version must not change the digest of the same files.
        members = {fields[name].alias or name: getattr(value, name) for name in value.model_fields_set}
        return {name: _canonicalize(member) for name, member in members.items()}
    if isinstance(value, Mapping):
        return {str(key): _canonicalize(member) for key, member in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        # Mappings have no order of their own in Python; their JSON text has.
        return sorted(map(_canonicalize, value), key=lambda member: json.dumps(member, sort_keys=True))
    return value.isoformat() if isinstance(value, date) else value
