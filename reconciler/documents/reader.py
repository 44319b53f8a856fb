"""Strict reading of YAML and JSON, and validation against a pydantic model: for manifests, settings, any document.

for document in read_documents(data, "reconciler.yaml"):
    settings, problems = validate_value(Settings, document.value, document, rules=SETTINGS_RULES)
"""

from __future__ import annotations

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import json_reader, limits, yaml_reader
from reconciler.documents.characters import decode_text
from reconciler.documents.document import Document, RawScalar, SourceFile
from reconciler.documents.limits import limit_problems
from reconciler.documents.merge_markers import find_merge_conflicts
from reconciler.documents.scalars import REFUSED, Ambiguous
from reconciler.documents.validation import validate_value
from reconciler.errors import InvalidError
from reconciler.sanitize import escape_invisible

__all__ = ["REFUSED", "Ambiguous", "Document", "RawScalar", "parse_documents", "read_documents", "validate_value"]


def read_documents(data: bytes, file: str, *, is_foreign: bool = False) -> list[Document]:
    """Return the documents of one file, empty ones left out; a name that ends in .json is read as JSON, others as YAML.

    `file` is the name that positions show; `is_foreign` is true of another tool's. Raises
    InvalidError with every problem of encoding, characters and syntax.
    """
    documents, problems = parse_documents(data, file, is_foreign=is_foreign)
    if problems:
        raise InvalidError(*problems)
    return documents


def parse_documents(data: bytes, file: str, *, is_foreign: bool = False) -> tuple[list[Document], list[Diagnostic]]:
    """Like `read_documents`, but return the problems beside what could be read in spite of them."""
    file_name = escape_invisible(file)
    # Before decoding: Python keeps text at up to four bytes a character (PEP 393).
    if len(data) > limits.FILE_BYTES:
        size, remedy = f"{limits.FILE_BYTES >> 20} MiB", "split it, or put long lists into a CSV table"
        excess = limits.describe_excess("FILE_BYTES", f"the file has more than {size}", "it can't be reviewed", remedy)
        return [], [excess.locate(Source(file_name))]
    # Before parsing: a scanner of YAML 1.1 sees a line end where no reviewer does, and every position
    # below it lies.
    text, text_problems = decode_text(data, file_name)
    if text_problems:
        return [], limit_problems(text_problems)
    # Before parsing, too: to YAML a marker is a stray value, and its complaints are about something else.
    if conflicts := list(find_merge_conflicts(text, file_name)):
        return [], limit_problems(conflicts)
    source = SourceFile(file_name, text, is_foreign=is_foreign)
    documents, problems = json_reader.read_json(source) if source.json else yaml_reader.read_yaml(source)
    return documents, limit_problems(problems)
