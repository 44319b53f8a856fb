"""The documents of files and of layers, before anybody asks what they say, and within the bounds of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import limits
from reconciler.documents.document import Document
from reconciler.documents.files import InputFile, Unreadable
from reconciler.documents.reader import parse_documents
from reconciler.manifests.layer_files import LayerFiles
from reconciler.manifests.layered_document import LayerDocument


@dataclass(slots=True)
class ReadAmount:
    """How much was read so far, of all files."""

    size: int = 0
    documents: int = 0


class ParsedFile(NamedTuple):
    """A file with its documents, and what is wrong with others there."""

    file: InputFile
    documents: Sequence[Document]
    problems: list[Diagnostic]


def parse_files(
    input_files: Iterable[InputFile], amount: ReadAmount, problems: list[Diagnostic]
) -> Iterator[ParsedFile]:
    """Yield the documents of files; ends where a limit is passed. What can't be read at all joins `problems`."""
    for file in input_files:
        try:
            data = file.read(limits.FILE_BYTES)
        except Unreadable as refusal:
            problems.append(refusal.explanation.locate(Source(file.shown)))
            continue
        documents, file_problems = parse_documents(data, file.shown)
        amount.size += len(data)
        amount.documents += len(documents)
        if excess := _explain_excess(amount.size, amount.documents):
            problems.append(excess.locate(Source(file.shown)))
            break
        yield ParsedFile(file, documents, file_problems)


def parse_layers(layers: Iterable[LayerFiles], problems: list[Diagnostic]) -> list[list[LayerDocument]]:
    """Return the documents of each layer; what is wrong with files joins `problems`."""
    # One amount for all: bounds that began anew in each layer would be none.
    amount = ReadAmount()
    return [list(_parse_layer(layer, amount, problems)) for layer in layers]


def _parse_layer(layer: LayerFiles, amount: ReadAmount, problems: list[Diagnostic]) -> Iterator[LayerDocument]:
    for file, documents, file_problems in parse_files(layer.listing.files, amount, problems):
        problems += file_problems
        yield from (LayerDocument(layer.name, document, file) for document in documents)


def _explain_excess(bytes_read: int, document_count: int) -> Explanation | None:
    if bytes_read > limits.TOTAL_BYTES:
        size = f"{limits.TOTAL_BYTES >> 20} MiB"
        summary, remedy = f"the manifests together have more than {size}", "use CSV tables"
        return limits.describe_excess("TOTAL_BYTES", summary, remedy=remedy)
    if document_count > limits.DOCUMENTS:
        summary, reason = f"more than {limits.DOCUMENTS} documents", "the rest was not read"
        return limits.describe_excess("DOCUMENTS", summary, reason, "name a smaller folder")
    return None
