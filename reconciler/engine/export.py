"""Live state as manifests on which a plan is empty: read, written as text, and read back before anybody sees it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.reader import parse_documents
from reconciler.documents.writer import format_yaml
from reconciler.engine.pipeline import RunInputs, connect_targets, read_settings
from reconciler.errors import IncompleteError, RefusedError, UsageError
from reconciler.kinds.kind import ExportedDocument, Kind
from reconciler.manifests.selection import check_target_filter
from reconciler.patterns import matches_pattern
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.apis.connect import Api

_NOTHING_TO_EXPORT = Diagnostic(
    "export.nothing-to-export",
    Source("reconciler"),
    "nothing to export: nothing matches, or it is no state (a denial is an act)",
    "an empty file would look like an empty server",
    "widen --kind or --match",
)


def export_manifests(
    inputs: RunInputs,
    config: str | None,
    on_progress: Callable[[str], None],
    *,
    kinds: Sequence[str] = (),
    match: str | None = None,
    targets: Sequence[str] = (),
) -> str:
    """Return what exists as YAML: of these kinds (none: all), of objects whose name matches, of these targets.

    Raises UsageError where there is nothing to export, IncompleteError for an object that no manifest can hold, and
    RefusedError for a text that `plan` could not read. Whatever can't be read ends it: half an export would look like
    a whole one.
    """
    selected_kinds = [inputs.kinds.find(name) for name in dict.fromkeys(kinds)] or list(inputs.kinds.values())
    settings = read_settings(inputs, config)
    names = _choose_targets(settings, targets, selected_kinds)
    documents: list[dict[str, Any]] = []
    objects: list[ExportedDocument] = []
    with connect_targets(inputs, settings, names) as apis:
        for name, kind in itertools.product(apis, selected_kinds):
            if kind.api != settings.targets[name].api:
                continue
            on_progress(f"reading {name}: {kind.name}")
            is_only_target = _is_only_target(settings, kind)
            for exported in _read_objects(kind, apis[name], match or "*"):
                documents.append(_build_manifest(kind, exported, name, is_only_target=is_only_target))
                objects.append(exported)
    if not documents:
        raise UsageError(_NOTHING_TO_EXPORT)
    if unfit := list(_find_unwritable_objects(documents, objects)):
        raise IncompleteError(*unfit)
    comments = ({("spec", *path): text for path, text in item.comments.items()} for item in objects)
    text = format_yaml(documents, (item.remarks for item in objects), comments)
    if unread := list(_find_unreadable_text(text, len(documents))):
        raise RefusedError(*unread)
    return text


def _read_objects(kind: Kind, api: Api, pattern: str) -> Iterator[ExportedDocument]:
    """Yield the live objects whose names match, with the fields that a manifest may hold."""
    for exported in kind.export(api.read):
        if matches_pattern(pattern, exported.name):
            yield exported if exported.unfit else _drop_invalid_fields(kind, exported)


def _drop_invalid_fields(kind: Kind, live: ExportedDocument) -> ExportedDocument:
    """Leave out the fields whose live values no manifest may hold: they stay unmanaged, and a remark says so."""
    try:
        kind.spec.load(live.spec)
    except ValidationError as error:
        # pydantic's `loc` spells aliases, as the manifest does; it is empty for an error of the whole model.
        unfit = sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]} & live.spec.keys())
        spec = {name: value for name, value in live.spec.items() if name not in unfit}
        notes = (f"{name} is left out: what the server holds is not valid in a manifest" for name in unfit)
        return live._replace(spec=spec, remarks=(*live.remarks, *notes))
    return live


def _find_unwritable_objects(
    documents: Sequence[dict[str, Any]], objects: Sequence[ExportedDocument]
) -> Iterator[Diagnostic]:
    """Yield a problem for each object that holds what no manifest may hold, such as control characters."""
    for document, exported in zip(documents, objects, strict=True):
        if unfit := exported.unfit or _explain_unwritable(document):
            yield Diagnostic(
                "export.unwritable-object",
                Source(f"{document['kind']}/{escape_and_shorten(document['metadata']['name'])}"),
                f"it can't be written as a manifest ({unfit})",
                "an export without it would look like a whole one",
                "mend it on the server, or leave it out with --kind or --match",
            )


def _explain_unwritable(document: dict[str, Any]) -> str:
    try:
        format_yaml([document])
    except ValueError as error:
        return str(error)
    return ""


def _find_unreadable_text(text: str, documents: int) -> Iterator[Diagnostic]:
    """Yield why `plan` could not read this: what is printed has been read back, limits and all."""
    _, problems = parse_documents(text.encode(), "export.yaml")
    messages = [problem.message for problem in problems]
    if documents > limits.DOCUMENTS:
        messages.append(f"there are more than {limits.DOCUMENTS} documents (limit DOCUMENTS); no run takes that many")
    for message in messages:
        yield Diagnostic(
            "export.unreadable-text",
            Source("export"),
            f"nothing is printed, since plan could not read it back: {message}",
            remedy="export it in parts, with --kind, --match or --target",
        )


def _choose_targets(settings: Settings, target_filter: Sequence[str], kinds: Sequence[Kind]) -> list[str]:
    check_target_filter(target_filter, settings.targets)
    apis = {kind.api for kind in kinds}
    names = [name for name, target in sorted(settings.targets.items()) if target.api in apis]
    selected = [name for name in names if not target_filter or name in target_filter]
    if not selected:
        summary = "no target of the settings speaks the API of these kinds"
        raise UsageError(
            Diagnostic("export.no-target", Source("reconciler"), summary, "there is nothing to read", "add one")
        )
    return selected


def _is_only_target(settings: Settings, kind: Kind) -> bool:
    return sum(target.api == kind.api for target in settings.targets.values()) == 1


def _build_manifest(kind: Kind, exported: ExportedDocument, target: str, *, is_only_target: bool) -> dict[str, Any]:
    """Return one manifest; its target is named only where it could be another."""
    metadata = {"name": exported.name} | ({} if is_only_target else {"target": target})
    return {"apiVersion": "reconciler/v1", "kind": kind.name, "metadata": metadata, "spec": dict(exported.spec)}
