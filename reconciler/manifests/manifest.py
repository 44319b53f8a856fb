"""One document into what it wants: its envelope, its spec, its tables, and every check that they allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
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
from reconciler.manifests.declared_target import NO_ENVIRONMENT, DeclaredTargets, EnvironmentScope
from reconciler.manifests.envelope import MANIFEST_RULES, Metadata, open_envelope
from reconciler.manifests.layered_document import LayeredDocument, find_input_file
from reconciler.manifests.target_selection import TargetChoice, choose_targets
from reconciler.manifests.target_values import (
    ValueGroup,
    ValueReference,
    fill_document,
    find_misplaced,
    find_references,
    find_unknown_values,
    group_targets,
    name_value_owners,
)
from reconciler.model import Path, Table

_PADDED_UNQUOTED = Explanation(
    "manifest.invalid-value",
    "starts or ends with a space outside of quotes",
    "nobody would see it there",
    "write it in quotes, or remove the space",
)


class Vocabulary(NamedTuple):
    """What documents are understood by: kinds, targets and directives by their names, and the environment."""

    kinds: Mapping[str, Kind]
    targets: DeclaredTargets
    directives: Mapping[str, DirectiveKind] = DIRECTIVES
    environment: EnvironmentScope = NO_ENVIRONMENT

    def find_kind(self, document: Document) -> DocumentKind | None:
        """Return what a document says it is, however wrong the rest of it may be."""
        word = document.value.get("kind") if isinstance(document.value, dict) else None
        return (self.directives.get(word) or self.kinds.get(word)) if isinstance(word, str) else None


class Manifest(NamedTuple):
    """A document for the targets that it says the same for, what is wrong with it, and what is only told of it.

    `wanted` has one for each of them. With errors it is what is valid of the document, and there is none where not even
    its name is known. `candidates` are the targets that it may be for; `has_target` says that those are what it is for
    and that the settings have them, `is_elsewhere` that it is for targets outside of the environment alone, and
    `is_directive` that it is no object of a server.
    """

    wanted: tuple[Wanted, ...]
    problems: list[Diagnostic]
    notes: list[Diagnostic]
    candidates: tuple[str, ...] = ()
    has_target: bool = False
    is_elsewhere: bool = False
    is_directive: bool = False


class _ReadSpec(NamedTuple):
    """What is valid of a spec; `restore` turns a place in it into that of the document's spec."""

    resource: Spec
    restore: Callable[[Path], Path]


class _OpenDocument(NamedTuple):
    """A document whose envelope was looked at: what is around its spec, and what is wrong there."""

    document: Document
    file: InputFile
    kind: DocumentKind
    metadata: Metadata | None
    problems: list[Diagnostic]
    choice: TargetChoice
    references: list[ValueReference]
    is_directive: bool
    tables: dict[tuple[str, ...], tuple[dict[str, Table], list[Diagnostic]]]


def read_manifest(document: Document, file: InputFile, vocabulary: Vocabulary) -> list[Manifest]:
    """Return what a document wants, with everything that is wrong with it: once for all targets that have the same
    values for it, and one without any where not even that can be told.
    """
    kind = vocabulary.find_kind(document)
    metadata, problems = open_envelope(document, kind, [*vocabulary.kinds, *vocabulary.directives])
    value = document.value
    if kind is None or not isinstance(value, dict) or not isinstance(value.get("spec"), dict):
        return [Manifest((), problems, [])]
    targets = vocabulary.targets
    choice = choose_targets(value.get("metadata"), kind, targets, vocabulary.environment)
    references = list(find_references(value["spec"]))
    problems += find_misplaced(references, kind, document)
    if metadata:
        problems += [words.locate(document.at(("metadata", "name"))) for words in kind.spec.check_name(metadata.name)]
    is_directive = kind.name in vocabulary.directives
    opened = _OpenDocument(document, file, kind, metadata, problems, choice, references, is_directive, {})
    groups = group_targets(references, choice.names, targets)
    unknown = find_unknown_values(references, choice.names, targets, document)
    return [_read_for_targets(opened, group, targets, unknown.get("".join(group.targets[:1]), [])) for group in groups]


def _read_for_targets(
    opened: _OpenDocument, group: ValueGroup, targets: DeclaredTargets, unknown: list[Diagnostic]
) -> Manifest:
    """Return what a document wants for targets that have the same values for it."""
    metadata, choice = opened.metadata, opened.choice
    document = fill_document(opened.document, opened.references, group.values)
    read_spec, tables, own_problems = _read_body(opened, document)
    if own_problems and opened.references:
        places = {document.at(path): value_name for path, value_name in opened.references}
        own_problems = name_value_owners(own_problems, places, group, targets)
    # In spite of an envelope with problems: all of a document's mistakes are told in one run.
    problems = [*opened.problems, *own_problems, *unknown]
    if metadata is None:
        return Manifest((), problems, [])
    problems += [words.locate(document.at(path)) for path, words in choice.faults]
    padded = [] if problems else _find_padded_texts(document.value, (), document)
    errors, notes = split_notes([*problems, *padded])
    notes += [replace(words.locate(document.at(path)), severity=Severity.NOTE) for path, words in choice.notes]
    candidates = group.targets or choice.candidates
    names = candidates if choice.names else candidates[:1]
    wanted = _spread(_want(opened, metadata, read_spec, tables, is_whole=not errors), names) if read_spec else ()
    return Manifest(wanted, errors, notes, candidates, bool(choice.names), choice.is_elsewhere, opened.is_directive)


def _read_body(
    opened: _OpenDocument, document: Document
) -> tuple[_ReadSpec | None, Mapping[str, Table], list[Diagnostic]]:
    """Return what is valid of a spec, its tables and everything that is wrong with them; `document` has its values."""
    value: Any = document.value
    spec, kind, name = value["spec"], opened.kind, opened.metadata.name if opened.metadata else ""
    read_spec, problems = _read_spec(kind, spec, document)
    # For a thousand targets with values of their own a table is read once.
    files = tuple(str(spec.get(field)) for field in kind.tables)
    tables, table_problems = opened.tables.get(files) or _read_tables(opened, spec)
    opened.tables[files] = tables, table_problems
    problems += table_problems
    if read_spec:
        # A key that was refused is missing only for now.
        problems += [] if document.damaged else _check_resource(read_spec, name, tables, document)
    return read_spec, tables, problems


def _want(
    opened: _OpenDocument, metadata: Metadata, read_spec: _ReadSpec, tables: Mapping[str, Table], *, is_whole: bool
) -> Wanted:
    """Return what is valid of a document, for no target yet."""
    document, address = opened.document, Address("", opened.kind.name, metadata.name)
    at = document.at if is_whole else partial(_locate_path, document, read_spec.restore)
    labels, former_name = metadata.labels or {}, metadata.renamed_from or ""
    wanted = Wanted(address, read_spec.resource, document.source, labels, tables, at, former_name)
    if not isinstance(document, LayeredDocument):
        return wanted
    return replace(wanted, layers=document.layers, origin=cache(document.trace_origin))


def _spread(wanted: Wanted, target_names: Iterable[str]) -> tuple[Wanted, ...]:
    """Return the same for each of the targets."""
    (_, kind, name), spec, source = wanted.address, wanted.spec, wanted.source
    labels, tables, at, former_name = wanted.labels, wanted.tables, wanted.at, wanted.renamed_from
    layers, origin = wanted.layers, wanted.origin
    # No copy by `replace`, which takes four times as long: there may be a thousand targets.
    return tuple(
        Wanted(Address(target, kind, name), spec, source, labels, tables, at, former_name, layers, origin)
        for target in target_names
    )


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


def _read_tables(opened: _OpenDocument, spec: Mapping[str, object]) -> tuple[dict[str, Table], list[Diagnostic]]:
    """Read the tables that a spec names, whatever else is wrong with it."""
    document, kind = opened.document, opened.kind
    field_tables: dict[str, Table] = {}
    problems: list[Diagnostic] = []
    for field, columns in kind.tables.items():
        name = spec.get(field)
        if not isinstance(name, str) or not name:
            continue
        try:
            table_file = csv_tables.locate_table(find_input_file(document, ("spec", field), opened.file), name)
            extra_columns = kind.extra_columns.get(field, ())
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
