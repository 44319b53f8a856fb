"""Manifests: from paths to what is wanted, all of it or every reason why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.diagnostics import Address, Diagnostic, Explanation, Source
from reconciler.documents import csv_tables, files, limits
from reconciler.documents.document import limit_problems
from reconciler.documents.files import FileRef
from reconciler.documents.reader import Document, parse_documents, validate_value
from reconciler.errors import InvalidError, RefusedError
from reconciler.kinds.kind import Kind, Spec, Wanted
from reconciler.manifests.digest import digest_documents
from reconciler.manifests.discovery import find_manifests
from reconciler.manifests.duplicates import find_duplicates
from reconciler.manifests.envelope import MANIFEST_RULES, Envelope, find_kind, open_envelope, resolve_target
from reconciler.model import Table


@dataclass(frozen=True, slots=True)
class LoadedManifests:
    """What all files declare, by address; its digest; how many files were read and which names were passed over."""

    documents: tuple[Wanted, ...]
    digest: str
    files: int
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Registry:
    """What documents are understood by: kinds by their names, and the API of each target."""

    kinds: Mapping[str, Kind]
    targets: Mapping[str, str]


def load_manifests(
    paths: Sequence[Path | str],
    *,
    kinds: Mapping[str, Kind],
    targets: Mapping[str, str],
    base: Path | None = None,
) -> LoadedManifests:
    """Return what the manifests at and below `paths` declare.

    `targets` maps the name of each target to its API. Relative paths start at `base`, which is also what the names of
    files are shown relative to; it is the working folder if not given.

    Raises InvalidError with the problems of all files, RefusedError where nothing at all is declared, and UsageError
    for a path that doesn't exist or can't be a manifest.
    """
    listing = find_manifests(paths, base or Path.cwd())
    manifests, problems = _read_manifests(listing.files, _Registry(kinds, targets))
    # After the last file: a duplicate's other document may stand in any of them.
    problems = [*listing.problems, *problems, *limit_problems(find_duplicates(manifests))]
    if problems:
        raise InvalidError(*problems)
    if not manifests:
        raise _make_empty_error(paths, len(listing.files))
    ordered = tuple(sorted(manifests, key=lambda manifest: (manifest.address, manifest.source)))
    # By their names tables are no manifests, so the search listed them among what it passed over.
    table_files = {table.file for manifest in ordered for table in manifest.tables.values()}
    return LoadedManifests(
        ordered, digest_documents(ordered), len(listing.files), tuple(sorted(set(listing.ignored) - table_files))
    )


def _read_manifests(refs: Iterable[FileRef], registry: _Registry) -> tuple[list[Wanted], list[Diagnostic]]:
    """Return what files declare, and what is wrong with them; stops where a limit is passed."""
    manifests: list[Wanted] = []
    problems: list[Diagnostic] = []
    bytes_read = document_count = 0
    for file in refs:
        try:
            data = files.read_file(file)
        except files.Unreadable as refusal:
            problems.append(refusal.explanation.locate(Source(file.shown)))
            continue
        bytes_read += len(data)
        documents, file_problems = parse_documents(data, file.shown)
        document_count += len(documents)
        if excess := _explain_excess(bytes_read, document_count):
            problems.append(excess.locate(Source(file.shown)))
            break
        for document in documents:
            manifest, document_problems = _build_manifest(document, file, registry)
            file_problems += document_problems
            manifests += [manifest] if manifest else []
        problems += limit_problems(file_problems)
    return manifests, problems


def _explain_excess(bytes_read: int, document_count: int) -> Explanation | None:
    if bytes_read > limits.TOTAL_BYTES:
        size = f"{limits.TOTAL_BYTES >> 20} MiB"
        summary, remedy = f"the manifests together have more than {size}", "use CSV tables"
        return limits.describe_excess("TOTAL_BYTES", summary, remedy=remedy)
    if document_count > limits.DOCUMENTS:
        summary, reason = f"more than {limits.DOCUMENTS} documents", "the rest was not read"
        return limits.describe_excess("DOCUMENTS", summary, reason, "name a smaller folder")
    return None


def _make_empty_error(paths: Sequence[Path | str], file_count: int) -> RefusedError:
    path_names = " ".join(map(str, paths)) or "no path"
    empty_files = "the file holds no document" if file_count == 1 else f"{file_count} files hold no document"
    cause = empty_files if file_count else "there is no file that ends in .yaml, .yml or .json"
    problem = Diagnostic(
        "manifest.nothing-declared",
        Source(path_names),
        f"nothing is declared: {cause}",
        "an empty set is more often a wrong path or a lost file than what is meant",
        "name the folder of the manifests",
    )
    return RefusedError(problem)


def _build_manifest(document: Document, file: FileRef, registry: _Registry) -> tuple[Wanted | None, list[Diagnostic]]:
    """Return what a document wants, or None with everything that is wrong with it."""
    envelope, problems = open_envelope(document, registry.kinds)
    kind = find_kind(document, registry.kinds)
    if kind is None:
        return None, problems
    value = document.value
    spec = value.get("spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict):
        return None, problems
    # In spite of an envelope with problems: all of a document's mistakes are told in one run.
    resource, part_problems = validate_value(kind.spec, spec, document, ("spec",), rules=MANIFEST_RULES)
    problems += part_problems
    field_tables, part_problems = _read_tables(kind, spec, document, file)
    problems += part_problems
    target = _find_target(envelope, kind, registry, document)
    if isinstance(target, Diagnostic):
        problems.append(target)
    if problems or envelope is None or resource is None or not isinstance(target, str):
        return None, problems
    metadata = envelope.metadata
    problems += _check_resource(resource, metadata.name, field_tables, document)
    address = Address(target, kind.name, metadata.name)
    renamed_from = metadata.renamed_from or ""
    source, at = document.source, document.at
    return Wanted(address, resource, source, metadata.labels, field_tables, at, renamed_from), problems


def _find_target(
    envelope: Envelope | None, kind: Kind, registry: _Registry, document: Document
) -> str | Diagnostic | None:
    return resolve_target(envelope.metadata.target, kind, registry.targets, document) if envelope else None


def _read_tables(
    kind: Kind, spec: Mapping[str, object], document: Document, file: FileRef
) -> tuple[dict[str, Table], list[Diagnostic]]:
    """Read the tables that a spec names, whatever else is wrong with it."""
    field_tables: dict[str, Table] = {}
    problems: list[Diagnostic] = []
    for field, columns in kind.tables.items():
        name = spec.get(field)
        if not isinstance(name, str) or not name:
            continue
        try:
            table, table_problems = csv_tables.read_table(csv_tables.locate_table(file, name), columns)
        except (files.Unreadable, csv_tables.TableNameError) as refusal:
            problems.append(refusal.explanation.add_subject(f"{field}:").locate(document.at(("spec", field))))
            continue
        problems += table_problems
        if table:
            field_tables[field] = table
    return field_tables, problems


def _check_resource(
    resource: Spec, name: str, field_tables: Mapping[str, Table], document: Document
) -> Iterator[Diagnostic]:
    for location, explanation in resource.check(name, field_tables):
        source = location if isinstance(location, Source) else document.at(("spec", *location))
        yield explanation.locate(source)


def find_document_problems(
    documents: Sequence[Document], kinds: Mapping[str, Kind], targets: Mapping[str, str]
) -> dict[int, list[Diagnostic]]:
    """Return what is wrong with documents that were read, by their number from 0; they name no table.

    As `load_manifests` has it. Of two documents that manage one object the later one is wrong.
    """
    registry, file = _Registry(kinds, targets), FileRef(Path(), (), "")
    manifests: list[Wanted] = []
    numbers: dict[int, int] = {}
    problems: dict[int, list[Diagnostic]] = {}
    for number, document in enumerate(documents):
        numbers[document.source.line] = number
        manifest, document_problems = _build_manifest(document, file, registry)
        manifests += [manifest] if manifest else []
        if document_problems:
            problems[number] = document_problems
    for problem in find_duplicates(manifests):
        number = max((number for line, number in numbers.items() if line <= problem.source.line), default=0)
        problems.setdefault(number, []).append(problem)
    return problems
