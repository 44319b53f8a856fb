"""What exists as drafts of manifests: read, narrowed to what a manifest may hold, and judged as a run would."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.document import Document
from reconciler.documents.writer import explain_unwritable_text
from reconciler.engine.declaration import RunInputs, list_declared_targets
from reconciler.engine.exporting.undeclared import DeclaredDocuments, keep_undeclared, load_declared_documents
from reconciler.engine.parallel_reads import ReadTask, read_together
from reconciler.engine.pipeline import connect_targets, list_readers
from reconciler.errors import UsageError
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Kind
from reconciler.manifests.load import find_document_problems
from reconciler.manifests.selection import check_target_filter
from reconciler.model import Json, Path
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
_SAME_NAME = "another one has this name, letter case aside, and no two documents may; rename one of them on the server"


class ExportScope(NamedTuple):
    """What to export: of these kinds (none: all), of objects whose name matches, of these targets (none: all).

    `is_undeclared` leaves out what the manifests of the settings declare already.
    """

    kinds: Sequence[str] = ()
    match: str | None = None
    targets: Sequence[str] = ()
    is_undeclared: bool = False


class Draft(NamedTuple):
    """One manifest before it is judged, the object that it was made of, and the target that the object is on."""

    manifest: dict[str, Any]
    exported: ExportedDocument
    target: str

    @property
    def kind(self) -> str:
        """The kind's name."""
        return str(self.manifest["kind"])


def read_drafts(
    inputs: RunInputs, settings: Settings, scope: ExportScope, on_progress: Callable[[str], None]
) -> list[Draft]:
    """Return what exists, one draft an object; raises UsageError where that is nothing, unless all is declared.

    Whatever can't be read ends it: half an export would look like a whole one.
    """
    selected_kinds = [inputs.kinds.find(name) for name in dict.fromkeys(scope.kinds)] or list(inputs.kinds.values())
    names = _choose_targets(settings, scope.targets, selected_kinds)
    pairs = itertools.product(names, selected_kinds)
    keys = [(name, kind) for name, kind in pairs if kind.api == settings.targets[name].api]
    drafts: list[Draft] = []
    declared = load_declared_documents(inputs, settings, selected_kinds) if scope.is_undeclared else None
    with connect_targets(inputs, settings, names) as apis:
        tasks = [_make_task(kind, apis[name], name, scope.match or "*", declared) for name, kind in keys]
        reads = read_together(tasks, list_readers(apis), on_progress, "lists")
    for (name, kind), future in zip(keys, reads, strict=True):
        is_only_target = count_targets(settings, kind.api) == 1
        for exported in future.result():
            manifest = _build_manifest(kind, exported, name, is_only_target=is_only_target)
            drafts.append(Draft(manifest, exported, name))
    if not drafts and not scope.is_undeclared:
        raise UsageError(_NOTHING_TO_EXPORT)
    return drafts


def count_targets(settings: Settings, api: str) -> int:
    """Return how many targets speak an API."""
    return sum(target.api == api for target in settings.targets.values())


def drop_unfit(drafts: Sequence[Draft]) -> tuple[list[Draft], list[Diagnostic]]:
    """Return the drafts that can be written, and why the others can't: what no text may hold, or no manifest."""
    writable: list[Draft] = []
    problems: list[Diagnostic] = []
    for draft in drafts:
        name_fault = explain_unwritable_text(draft.exported.name)
        if reason := draft.exported.unfit or name_fault:
            problems.append(_explain_unwritable(draft, f"it can't be written as a manifest ({reason})"))
        else:
            writable.append(draft)
    return writable, problems


def drop_refused(
    drafts: Sequence[Draft], documents: Sequence[Document], inputs: RunInputs, settings: Settings
) -> tuple[list[Draft], list[Diagnostic]]:
    """Return the drafts that a run would take, and why it would not take the others.

    `documents` are the drafts as they were read back, in the same order.
    """
    problems_by_number = find_document_problems(documents, inputs.kinds, list_declared_targets(settings))
    reasons = [
        (drafts[number], "; ".join(map(_describe_refusal, faults))) for number, faults in problems_by_number.items()
    ]
    taken = [draft for number, draft in enumerate(drafts) if number not in problems_by_number]
    return taken, [_explain_unwritable(draft, reason) for draft, reason in reasons]


def _describe_refusal(problem: Diagnostic) -> str:
    """Return why a document was refused, without places in a text that nobody has seen."""
    return _SAME_NAME if problem.rule == "manifest.duplicate-name" else problem.message


def _make_task(kind: Kind, api: Api, target: str, pattern: str, declared: DeclaredDocuments | None) -> ReadTask:
    """Return what reads the objects of a kind; of those that are declared nothing, where that is known."""
    narrow = partial(keep_undeclared, declared, target, kind, api.read) if declared else list[ExportedDocument]
    return ReadTask(target, f"{target}: {kind.name}", 1, partial(_list_objects, kind, api, pattern, narrow))


def _list_objects(
    kind: Kind,
    api: Api,
    pattern: str,
    narrow: Callable[[list[ExportedDocument]], list[ExportedDocument]],
    _tell: Callable[[str], None],
) -> list[ExportedDocument]:
    """Return the live objects of whose names one matches, with the fields that a manifest may hold."""
    objects = [
        exported if exported.unfit else _drop_invalid_fields(kind, _drop_unwritable_fields(kind, exported))
        for exported in kind.export(api.read)
        if any(matches_pattern(pattern, name) for name in (exported.name, *exported.aliases))
    ]
    return narrow(objects)


def _drop_unwritable_fields(kind: Kind, live: ExportedDocument) -> ExportedDocument:
    """Leave out the fields whose text can't be written, such as one with control characters; remarks say why.

    Where nothing is declared without them the object is unfit.
    """
    faults = dict(_find_unwritable_fields(live.spec, ()))
    if not faults:
        return live
    spec = live.spec
    for field in faults:
        spec = _remove_field(spec, field)
    notes = [f"{'.'.join(map(str, field))} is left out: {reason}" for field, reason in faults.items()]
    try:
        kind.spec.load(spec)
    except ValidationError:
        return live._replace(unfit="; ".join(f"{'.'.join(map(str, field))}: {faults[field]}" for field in faults))
    return live._replace(spec=spec, remarks=(*live.remarks, *notes))


def _find_unwritable_fields(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the fields that hold text which can't be written, and why; a list is one with all its members."""
    if isinstance(value, str):
        if reason := explain_unwritable_text(value):
            yield path, reason
    elif isinstance(value, Mapping):
        for name, member in value.items():
            yield from _find_unwritable_fields(member, (*path, name))
    elif isinstance(value, list | tuple):
        # Without one of its members a list would declare that this one goes.
        yield from ((path, reason) for member in value for _, reason in _find_unwritable_fields(member, path))


def _remove_field(spec: Mapping[str, Json], path: Path) -> dict[str, Json]:
    """Return a mapping without the field at a path, and without mappings that are empty for want of it."""
    name, rest = str(path[0]), path[1:]
    inner = spec.get(name)
    remaining = _remove_field(inner, rest) if rest and isinstance(inner, Mapping) else None
    members = {key: remaining if key == name else value for key, value in spec.items()}
    return {key: value for key, value in members.items() if key != name or remaining}


def _drop_invalid_fields(kind: Kind, live: ExportedDocument) -> ExportedDocument:
    """Leave out the fields whose live values no manifest may hold: they stay unmanaged, and a remark says so."""
    if live.unfit:
        return live
    try:
        kind.spec.load(live.spec)
    except ValidationError as error:
        # pydantic's `loc` spells aliases, as the manifest does; it is empty for an error of the whole model.
        unfit = sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]} & live.spec.keys())
        spec = {name: value for name, value in live.spec.items() if name not in unfit}
        notes = (f"{name} is left out: what the server holds is not valid in a manifest" for name in unfit)
        return live._replace(spec=spec, remarks=(*live.remarks, *notes))
    return live


def _explain_unwritable(draft: Draft, summary: str) -> Diagnostic:
    return Diagnostic(
        "export.unwritable-object",
        Source(f"{draft.kind}/{escape_and_shorten(draft.exported.name)}"),
        summary,
        "it is left out, so this export is not a whole one",
        "mend it on the server, or leave it out with --kind or --match",
    )


def _choose_targets(settings: Settings, target_filter: Sequence[str], kinds: Sequence[Kind]) -> list[str]:
    check_target_filter(target_filter, settings.targets, settings.environment)
    apis = {kind.api for kind in kinds}
    names = [name for name, target in sorted(settings.targets.items()) if target.api in apis]
    selected = [name for name in names if not target_filter or name in target_filter]
    if not selected:
        summary = "no target of the settings speaks the API of these kinds"
        raise UsageError(
            Diagnostic("export.no-target", Source("reconciler"), summary, "there is nothing to read", "add one")
        )
    return selected


def _build_manifest(kind: Kind, exported: ExportedDocument, target: str, *, is_only_target: bool) -> dict[str, Any]:
    """Return one manifest; its target is named only where it could be another."""
    metadata = {"name": exported.name} | ({} if is_only_target else {"target": target})
    return {"apiVersion": "reconciler/v1", "kind": kind.name, "metadata": metadata, "spec": dict(exported.spec)}
