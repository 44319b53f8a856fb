"""What all layers say together, as documents of their own: `render`. Offline, and with the origin of each field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from reconciler.diagnostics import Diagnostic
from reconciler.engine.declaration import (
    DEFAULT_TARGETS,
    Declaration,
    RunInputs,
    RunOptions,
    list_declared_targets,
    read_declaration,
)
from reconciler.field_origins import FieldOrigin
from reconciler.kinds.kind import Wanted
from reconciler.manifests.selection import make_document_test
from reconciler.model import Json, Path


class RenderedDocument(NamedTuple):
    """What is declared under one kind and name for targets for which it is the same; no targets are all of them.

    `metadata` is without its targets. `origins` has every field of metadata and spec, and the members of a list that
    are not all of one document; of a field in the spec the path begins with "spec".
    """

    kind: str
    targets: tuple[str, ...]
    metadata: Mapping[str, Json]
    spec: Mapping[str, Any]
    origins: Mapping[Path, FieldOrigin]
    layers: tuple[str, ...]


class RenderedManifests(NamedTuple):
    """All documents that were selected, by kind and name, and what is only told of them."""

    environment: str
    documents: tuple[RenderedDocument, ...]
    notes: tuple[Diagnostic, ...]


def render_manifests(inputs: RunInputs, options: RunOptions) -> RenderedManifests:
    """Read what is declared; raises as `read_declaration` does."""
    declared = read_declaration(inputs, options, offline=True)
    documents = [*declared.selected, *_select_directives(inputs, options, declared)]
    return RenderedManifests(declared.settings.environment, gather_documents(documents), declared.loaded.notes)


def gather_documents(documents: Sequence[Wanted]) -> tuple[RenderedDocument, ...]:
    """Return documents by kind and name, each once for all targets that have it the same."""
    # Of one document for many targets all but the address is shared.
    groups: dict[tuple[str, str, int], list[Wanted]] = {}
    for document in documents:
        groups.setdefault((document.address.kind, document.address.name, id(document.spec)), []).append(document)
    rendered = [_render_group(group) for group in groups.values()]
    return tuple(sorted(rendered, key=lambda document: (document.kind, document.metadata["name"], document.targets)))


def _select_directives(inputs: RunInputs, options: RunOptions, declared: Declaration) -> Iterator[Wanted]:
    """Yield the directives that a selection is about: what names no target is about each."""
    targets = list_declared_targets(declared.settings) or DEFAULT_TARGETS
    is_selected = make_document_test(options.selection, targets, inputs.kinds, declared.settings.environment)
    for directive in declared.loaded.directives:
        address = directive.address
        names = [address.target] if address.target else [*options.selection.target[:1], ""][:1]
        if is_selected(replace(directive, address=address._replace(target=names[0]))):
            yield directive


def _render_group(group: Sequence[Wanted]) -> RenderedDocument:
    first = group[0]
    # As the model has it: texts of the target are looked up already, and a day is one.
    spec = first.spec.model_dump(by_alias=True, exclude_unset=True)
    former_name = {"renamedFrom": first.renamed_from} if first.renamed_from else {}
    labels = {"labels": dict(first.labels)} if first.labels else {}
    metadata = {"name": first.address.name, **former_name, **labels}
    members = {"metadata": {**former_name, **labels}, "spec": spec}
    places = [path for path in _list_fields(members, (), first) if len(path) > 1]
    origins = {path: find_origin(first, path) for path in places}
    targets = tuple(sorted(document.address.target for document in group if document.address.target))
    return RenderedDocument(first.address.kind, targets, metadata, spec, origins, first.layers)


def find_origin(document: Wanted, path: Path) -> FieldOrigin:
    """Return which line decided a field; where there are no layers, the one that it stands on."""
    return document.origin(path) if document.origin else FieldOrigin(document.at(path))


def _list_fields(value: Any, path: Path, document: Wanted) -> Iterator[Path]:
    """Yield the fields of a mapping, each before its own, and the members of lists that layers share."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield (*path, name)
            yield from _list_fields(member, (*path, name), document)
    elif isinstance(value, list | tuple):
        # Each behind its own line would say the same of every member of most lists.
        members = [(*path, index) for index in range(len(value))]
        if len({find_origin(document, member).source.file for member in (path, *members)}) > 1:
            yield from members
