"""Manifests: from paths to what is wanted, all of it or every reason why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.documents import csv_tables, files, limits
from reconciler.documents.document import bounded
from reconciler.documents.files import Place
from reconciler.documents.reader import Document, examine, validate
from reconciler.errors import InvalidError, Problem, RefusedError, Source
from reconciler.kinds.kind import Resource, Table, Wanted
from reconciler.manifests.digest import digest
from reconciler.manifests.discovery import find
from reconciler.manifests.duplicates import clashes
from reconciler.manifests.envelope import Envelope, kind_of, open_envelope, resolve_target
from reconciler.model import Address


@dataclass(frozen=True, slots=True)
class Loaded:
    """What all files declare, by address; its digest; how many files were read and which names were passed over."""

    wanted: tuple[Wanted, ...]
    digest: str
    files: int
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _World:
    """What documents are understood by: kinds by their names, and the API of each target."""

    kinds: Mapping[str, type[Resource]]
    targets: Mapping[str, str]


def load(
    paths: Sequence[Path | str],
    *,
    kinds: Mapping[str, type[Resource]],
    targets: Mapping[str, str],
    base: Path | None = None,
) -> Loaded:
    """Return what the manifests at and below `paths` declare.

    `targets` maps the name of each target to its API. Relative paths start at `base`, which is also what the names of
    files are shown relative to; it is the working folder if not given.

    Raises InvalidError with the problems of all files, RefusedError where nothing at all is declared, and UsageError
    for a path that doesn't exist or can't be a manifest.
    """
    listing = find(paths, base or Path.cwd())
    world = _World(kinds, targets)
    problems = list(listing.problems)
    wanted: list[Wanted] = []
    bytes_read = documents = 0
    for place in listing.files:
        try:
            data = files.read(place)
        except files.Unreadable as refusal:
            problems.append(Problem(Source(place.shown), str(refusal)))
            continue
        bytes_read += len(data)
        found, wrong = examine(data, place.shown)
        documents += len(found)
        if excess := _excess(bytes_read, documents):
            problems.append(Problem(Source(place.shown), excess))
            break
        for document in found:
            one, more = _understood(document, place, world)
            wrong += more
            wanted += [one] if one else []
        problems += bounded(wrong)
    # After the last file: a duplicate's other document may stand in any of them.
    problems += bounded(clashes(wanted))
    if problems:
        raise InvalidError(*problems)
    if not wanted:
        raise _nothing(paths, len(listing.files))
    ordered = tuple(sorted(wanted, key=lambda one: (one.address, one.source)))
    # By their names tables are no manifests, so the search listed them among what it passed over.
    used = {table.file for one in ordered for table in one.tables.values()}
    return Loaded(ordered, digest(ordered), len(listing.files), tuple(sorted(set(listing.ignored) - used)))


def _excess(bytes_read: int, documents: int) -> str:
    if bytes_read > limits.TOTAL_BYTES:
        return (
            f"the manifests together have more than {limits.TOTAL_BYTES >> 20} MiB (limit TOTAL_BYTES); use CSV tables"
        )
    if documents > limits.DOCUMENTS:
        return f"more than {limits.DOCUMENTS} documents (limit DOCUMENTS); the rest was not read; name a smaller folder"
    return ""


def _nothing(paths: Sequence[Path | str], read: int) -> RefusedError:
    said = " ".join(map(str, paths)) or "no path"
    held = "the file holds no document" if read == 1 else f"{read} files hold no document"
    what = held if read else "there is no file that ends in .yaml, .yml or .json"
    message = (
        f"nothing is declared: {what}; an empty set is more often a wrong path or a lost file than what is meant; "
        "name the folder of the manifests"
    )
    return RefusedError(Problem(Source(said), message))


def _understood(document: Document, place: Place, world: _World) -> tuple[Wanted | None, list[Problem]]:
    """Return what a document wants, or None with everything that is wrong with it."""
    envelope, problems = open_envelope(document, world.kinds)
    kind = kind_of(document, world.kinds)
    if kind is None:
        return None, problems
    value = document.value
    spec = value.get("spec") if isinstance(value, dict) else None
    if not isinstance(spec, dict):
        return None, problems
    # In spite of an envelope with problems: all of a document's mistakes are told in one run.
    resource, wrong = validate(kind, spec, document, ("spec",))
    problems += wrong
    beside, wrong = _tables(kind, spec, document, place)
    problems += wrong
    target = _target(envelope, kind, world, document)
    if isinstance(target, Problem):
        problems.append(target)
    if problems or envelope is None or resource is None or not isinstance(target, str):
        return None, problems
    metadata = envelope.metadata
    problems += _checked(resource, metadata.name, beside, document)
    address = Address(target, kind.__name__, metadata.name)
    return Wanted(address, resource, document.source, metadata.labels, beside, document.at), problems


def _target(envelope: Envelope | None, kind: type[Resource], world: _World, document: Document) -> str | Problem | None:
    return resolve_target(envelope.metadata.target, kind, world.targets, document) if envelope else None


def _tables(
    kind: type[Resource], spec: Mapping[str, object], document: Document, place: Place
) -> tuple[dict[str, Table], list[Problem]]:
    """Read the tables that a spec names, whatever else is wrong with it."""
    found: dict[str, Table] = {}
    problems: list[Problem] = []
    for field, columns in kind.tables.items():
        name = spec.get(field)
        if not isinstance(name, str) or not name:
            continue
        try:
            table, wrong = csv_tables.read(csv_tables.locate(place, name), columns)
        except (files.Unreadable, csv_tables.Unfit) as refusal:
            problems.append(Problem(document.at(("spec", field)), f"{field}: {refusal}"))
            continue
        problems += wrong
        if table:
            found[field] = table
    return found, problems


def _checked(resource: Resource, name: str, beside: Mapping[str, Table], document: Document) -> Iterator[Problem]:
    for place, message in resource.check(name, beside):
        source = place if isinstance(place, Source) else document.at(("spec", *place))
        yield Problem(source, message)
