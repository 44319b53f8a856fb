"""One document into what it wants: its envelope, its spec, its tables, and every check that they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Explanation, Severity, Source
from reconciler.directives.directive import DirectiveKind
from reconciler.directives.registry import DIRECTIVES
from reconciler.documents import csv_tables, files
from reconciler.documents.document import Document
from reconciler.documents.files import InputFile
from reconciler.documents.suggestions import quote_text
from reconciler.documents.texts import PADDED, is_padded
from reconciler.documents.validation import salvage_fields, validate_value
from reconciler.kinds.document_kind import DocumentKind
from reconciler.kinds.kind import Kind, Wanted
from reconciler.kinds.spec_model import Spec, find_conflicts
from reconciler.manifests.envelope import MANIFEST_RULES, find_candidates, open_envelope, resolve_target
from reconciler.model import Path, Table

_PADDED_UNQUOTED = Explanation(
    "manifest.invalid-value",
    "starts or ends with a space outside of quotes",
    "nobody would see it there",
    "write it in quotes, or remove the space",
)


class Vocabulary(NamedTuple):
    """What documents are understood by: kinds and directives by their names, and the API of each target."""

    kinds: Mapping[str, Kind]
    targets: Mapping[str, str]
    directives: Mapping[str, DirectiveKind] = DIRECTIVES

    def find_kind(self, document: Document) -> DocumentKind | None:
        """Return what a document says it is, however wrong the rest of it may be."""
        word = document.value.get("kind") if isinstance(document.value, dict) else None
        return (self.directives.get(word) or self.kinds.get(word)) if isinstance(word, str) else None


class Manifest(NamedTuple):
    """A document with what is wrong with it and what is only told of it.

    With errors `wanted` is what is valid of it, None where not even its name is known. `candidates` are the targets
    that it may be for; `has_target` says that there is one, which the settings have, and `is_directive` that it is no
    object of a server.
    """

    wanted: Wanted | None
    problems: list[Diagnostic]
    notes: list[Diagnostic]
    candidates: tuple[str, ...] = ()
    has_target: bool = False
    is_directive: bool = False


class _ReadSpec(NamedTuple):
    """What is valid of a spec; `restore` turns a place in it into that of the document's spec."""

    resource: Spec
    restore: Callable[[Path], Path]


def read_manifest(document: Document, file: InputFile, vocabulary: Vocabulary) -> Manifest:
    """Return what a document wants, with everything that is wrong with it."""
    kind = vocabulary.find_kind(document)
    metadata, problems = open_envelope(document, kind, [*vocabulary.kinds, *vocabulary.directives])
    value = document.value
    spec = value.get("spec") if isinstance(value, dict) else None
    if kind is None or not isinstance(spec, dict):
        return Manifest(None, problems, [])
    # In spite of an envelope with problems: all of a document's mistakes are told in one run.
    read_spec, spec_problems = _read_spec(kind, spec, document)
    tables, table_problems = _read_tables(kind, spec, document, file)
    problems += [*spec_problems, *table_problems]
    name = metadata.name if metadata else ""
    if read_spec:
        # A key that was refused is missing only for now.
        problems += [] if document.damaged else _check_resource(read_spec, name, tables, document)
    if metadata is None:
        return Manifest(None, problems, [])
    problems += [words.locate(document.at(("metadata", "name"))) for words in kind.spec.check_name(name)]
    target = resolve_target(metadata.target, kind, vocabulary.targets, document)
    candidates = tuple(find_candidates(metadata.target, kind, vocabulary.targets))
    problems += [target] if isinstance(target, Diagnostic) else []
    errors, notes = split_notes([*problems, *([] if problems else _find_padded_texts(value, (), document))])
    if read_spec is None:
        return Manifest(None, errors, notes)
    address = Address(target if isinstance(target, str) else candidates[0], kind.name, name)
    at = partial(_locate_path, document, read_spec.restore) if errors else document.at
    labels, former_name = metadata.labels or {}, metadata.renamed_from or ""
    wanted = Wanted(address, read_spec.resource, document.source, labels, tables, at, former_name)
    is_directive = kind.name in vocabulary.directives
    return Manifest(wanted, errors, notes, candidates, isinstance(target, str), is_directive)


def _locate_path(document: Document, restore: Callable[[Path], Path], path: Path) -> Source:
    return document.at(("spec", *restore(path[1:])) if path[:1] == ("spec",) else path)


def split_notes(problems: list[Diagnostic]) -> tuple[list[Diagnostic], list[Diagnostic]]:
    """Part what has to be mended from what is only told."""
    errors = [problem for problem in problems if problem.severity is not Severity.NOTE]
    return errors, [problem for problem in problems if problem.severity is Severity.NOTE]


def _read_spec(
    kind: DocumentKind, spec: dict[str, Any], document: Document
) -> tuple[_ReadSpec | None, list[Diagnostic]]:
    resource, problems = validate_value(kind.spec, spec, document, ("spec",), rules=MANIFEST_RULES)
    if resource is not None:
        return _ReadSpec(resource, _keep_path), problems
    salvage = salvage_fields(kind.spec, spec)
    return (_ReadSpec(*salvage) if salvage else None), problems


def _keep_path(path: Path) -> Path:
    return path


def _read_tables(
    kind: DocumentKind, spec: Mapping[str, object], document: Document, file: InputFile
) -> tuple[dict[str, Table], list[Diagnostic]]:
    """Read the tables that a spec names, whatever else is wrong with it."""
    field_tables: dict[str, Table] = {}
    problems: list[Diagnostic] = []
    for field, columns in kind.tables.items():
        name = spec.get(field)
        if not isinstance(name, str) or not name:
            continue
        try:
            table_file, extra_columns = csv_tables.locate_table(file, name), kind.extra_columns.get(field, ())
            table, table_problems = csv_tables.read_table(table_file, columns, kind.cell_forms, extra_columns)
        except (files.Unreadable, csv_tables.TableNameError) as refusal:
            problems.append(refusal.explanation.add_subject(f"{field}:").locate(document.at(("spec", field))))
            continue
        problems += table_problems
        if table:
            field_tables[field] = table
    return field_tables, problems


def _check_resource(
    read_spec: _ReadSpec, name: str, tables: Mapping[str, Table], document: Document
) -> Iterator[Diagnostic]:
    """Yield what no field alone can tell; of a document with wrong fields what the others allow."""
    resource = read_spec.resource
    for location, explanation in (*find_conflicts(resource), *resource.check(name, tables)):
        if isinstance(location, Source):
            yield explanation.locate(location)
        else:
            yield explanation.locate(document.at(("spec", *read_spec.restore(location))))


def _find_padded_texts(value: object, path: Path, document: Document) -> Iterator[Diagnostic]:
    """Yield, of a document whose fields are valid, a note for each text with a space at an end.

    Only names may have one, so that real ones can be written; quotes show it, and nothing else does.
    """
    if isinstance(value, str):
        if is_padded(value):
            yield _judge_padded_text(value, path, document)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _find_padded_texts(member, (*path, key), document)
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _find_padded_texts(member, (*path, index), document)


def _judge_padded_text(text: str, path: Path, document: Document) -> Diagnostic:
    raw = document.raw(path)
    if raw is None or raw.style not in {"'", '"'}:
        return _PADDED_UNQUOTED.add_subject(quote_text(text)).locate(document.at(path))
    return replace(PADDED.add_subject(quote_text(text)).locate(document.at(path)), severity=Severity.NOTE)
