"""Strict reading of YAML and JSON, and validation against a pydantic model: for manifests, settings, any document.

for document in read_documents(data, "reconciler.yaml"):
    settings, problems = validate(Settings, document.value, document)
"""

from __future__ import annotations

from reconciler.documents import json_reader, limits, yaml_reader
from reconciler.documents.characters import decode
from reconciler.documents.document import Document, File, Raw, bounded
from reconciler.documents.scalars import REFUSED, Ambiguous
from reconciler.documents.validation import validate
from reconciler.errors import InvalidError, Problem, Source
from reconciler.sanitize import escape_invisible

__all__ = ["REFUSED", "Ambiguous", "Document", "Raw", "examine", "read_documents", "validate"]


def read_documents(data: bytes, file: str) -> list[Document]:
    """Return the documents of one file, empty ones left out; a name that ends in .json is read as JSON, others as YAML.

    `file` is the name that positions show. Raises InvalidError with every problem of encoding, characters and syntax.
    """
    documents, problems = examine(data, file)
    if problems:
        raise InvalidError(*problems)
    return documents


def examine(data: bytes, file: str) -> tuple[list[Document], list[Problem]]:
    """Like `read_documents`, but return the problems beside what could be read in spite of them."""
    shown = escape_invisible(file)
    # Before decoding: Python keeps text at up to four bytes a character (PEP 393).
    if len(data) > limits.FILE_BYTES:
        message = (
            f"the file has more than {limits.FILE_BYTES >> 20} MiB (limit FILE_BYTES); it can't be reviewed; "
            "split it, or put long lists into a CSV table"
        )
        return [], [Problem(Source(shown), message)]
    # Before parsing: a scanner of YAML 1.1 sees a line end where no reviewer does, and every position
    # below it lies.
    text, unfit = decode(data, shown)
    if unfit:
        return [], bounded(unfit)
    source = File(shown, text)
    documents, problems = json_reader.read(source) if source.json else yaml_reader.read(source)
    return documents, bounded(problems)
