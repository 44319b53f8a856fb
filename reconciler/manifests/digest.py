"""One number for all that is declared: equal if and only if the documents say the same."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel

from reconciler.diagnostics import Address
from reconciler.kinds.kind import Wanted
from reconciler.model import Json, Table

_ContentId = tuple[int, int, int, str]


def digest_documents(documents: Iterable[Wanted]) -> str:
    """Return the SHA-256, in hexadecimal, of what documents declare.

    It does not depend on files and their order, on format, comments or the order of keys, nor on that of lists, since
    lists are sets; of a table the rows count, not the name of its file.
    """
    checksum = hashlib.sha256()
    for address, line_end, table_lines in _encode_documents(documents):
        checksum.update(_encode_line(address).removesuffix(b"]\n") + line_end)
        checksum.update(table_lines)
    return checksum.hexdigest()


def _encode_documents(documents: Iterable[Wanted]) -> Iterator[tuple[Address, bytes, bytes]]:
    """Yield the address of each document, in order, and its content."""
    ordered = sorted(documents, key=lambda document: document.address)
    # What is for many targets is there once for each, and shares all but the address.
    counts = Counter(map(_identify_content, ordered))
    contents: dict[_ContentId, tuple[bytes, bytes]] = {}
    for document in ordered:
        key = _identify_content(document)
        content = contents.get(key) or _encode_content(document)
        if counts[key] > 1:
            contents[key] = content
        yield document.address, *content


def _identify_content(document: Wanted) -> _ContentId:
    """Return what is equal, as long as the documents are there, for those that share all but the address."""
    # Not the values themselves: to hash a large spec costs as much as to encode it.
    return id(document.spec), id(document.tables), id(document.labels), document.renamed_from


def _encode_content(document: Wanted) -> tuple[bytes, bytes]:
    """Return what follows the address of a document: the rest of its line, and the lines of its tables."""
    spec = {name: value for name, value in _canonicalize(document.spec).items() if name not in document.tables}
    # Appended only where it is given, so that files without it keep the digest that they had.
    former_name = [document.renamed_from] if document.renamed_from else []
    line = _encode_line([dict(document.labels), spec, *former_name])
    tables = (
        _encode_line([name, sorted(table.columns)]) + _encode_rows(table)
        for name, table in sorted(document.tables.items())
    )
    return b"," + line.removeprefix(b"["), b"".join(tables)


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
