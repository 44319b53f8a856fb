"""Live state as manifests on which a plan is empty: read, written as text, and read back before anybody sees it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.reader import parse_documents
from reconciler.documents.writer import format_yaml
from reconciler.engine.pipeline import RunInputs, connect_targets, read_settings
from reconciler.errors import Exit, IncompleteError, RefusedError, UsageError
from reconciler.kinds.kind import ExportedDocument, Kind
from reconciler.manifests.load import find_document_problems
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


_SAME_NAME = "another one has this name, letter case aside, and no two documents may; rename one of them on the server"


class ExportResult(NamedTuple):
    """Manifests as text, and why each object that is not among them was left out."""

    text: str
    problems: tuple[Diagnostic, ...]

    @property
    def exit(self) -> Exit:
        """The outcome: an export without something that exists is no whole one."""
        return Exit.INCOMPLETE if self.problems else Exit.OK


class _Draft(NamedTuple):
    """One manifest before it is judged, and the object that it was made of."""

    manifest: dict[str, Any]
    exported: ExportedDocument


def export_manifests(
    inputs: RunInputs,
    config: str | None,
    on_progress: Callable[[str], None],
    *,
    kinds: Sequence[str] = (),
    match: str | None = None,
    targets: Sequence[str] = (),
) -> ExportResult:
    """Return what exists as YAML: of these kinds (none: all), of objects whose name matches, of these targets.

    An object that no manifest can hold is left out, and told. Raises UsageError where there is nothing to export,
    IncompleteError where everything was left out, and RefusedError for a text that `plan` could not read. Whatever
    can't be read ends it: half an export would look like a whole one.
    """
    selected_kinds = [inputs.kinds.find(name) for name in dict.fromkeys(kinds)] or list(inputs.kinds.values())
    settings = read_settings(inputs, config)
    names = _choose_targets(settings, targets, selected_kinds)
    drafts: list[_Draft] = []
    with connect_targets(inputs, settings, names) as apis:
        for name, kind in itertools.product(apis, selected_kinds):
            if kind.api != settings.targets[name].api:
                continue
            on_progress(f"reading {name}: {kind.name}")
            is_only_target = _is_only_target(settings, kind)
            for exported in _read_objects(kind, apis[name], match or "*"):
                manifest = _build_manifest(kind, exported, name, is_only_target=is_only_target)
                drafts.append(_Draft(manifest, exported))
    if not drafts:
        raise UsageError(_NOTHING_TO_EXPORT)
    return _write_manifests(drafts, inputs, settings)


def _write_manifests(drafts: Sequence[_Draft], inputs: RunInputs, settings: Settings) -> ExportResult:
    """Return the text of all drafts that `plan` would take."""
    writable, problems = _drop_unwritable(drafts)
    text = _format_drafts(writable, problems)
    if unread := list(_find_unreadable_text(text, len(writable))):
        raise RefusedError(*unread)
    documents, _ = parse_documents(text.encode(), "export.yaml")
    apis = {name: target.api for name, target in settings.targets.items()}
    refused = find_document_problems(documents, inputs.kinds, apis)
    if refused:
        reasons = [(writable[number], "; ".join(map(_tell_refusal, found))) for number, found in refused.items()]
        problems += [_explain_unwritable(draft, reason) for draft, reason in reasons]
        writable = [draft for number, draft in enumerate(writable) if number not in refused]
        text = _format_drafts(writable, problems)
    if not writable:
        raise IncompleteError(*problems)
    return ExportResult(text, tuple(problems))


def _tell_refusal(problem: Diagnostic) -> str:
    """Return why a document was refused, without places in a text that nobody has seen."""
    return _SAME_NAME if problem.rule == "manifest.duplicate-name" else problem.message


def _format_drafts(drafts: Sequence[_Draft], problems: Sequence[Diagnostic]) -> str:
    """Return the text of drafts; before the first of them it says what was left out."""
    absences = [f"{problem.source} is left out: {problem.summary}" for problem in problems]
    remarks = [draft.exported.remarks for draft in drafts]
    if remarks:
        remarks[0] = (*absences, *remarks[0])
    comments = ({("spec", *path): text for path, text in draft.exported.comments.items()} for draft in drafts)
    return format_yaml([draft.manifest for draft in drafts], remarks, comments)


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


def _drop_unwritable(drafts: Sequence[_Draft]) -> tuple[list[_Draft], list[Diagnostic]]:
    """Return the drafts that can be written, and why the others hold what no text may, such as control characters."""
    writable: list[_Draft] = []
    problems: list[Diagnostic] = []
    for draft in drafts:
        if reason := draft.exported.unfit or _find_unwritable_text(draft):
            problems.append(_explain_unwritable(draft, f"it can't be written as a manifest ({reason})"))
        else:
            writable.append(draft)
    return writable, problems


def _find_unwritable_text(draft: _Draft) -> str:
    try:
        format_yaml([draft.manifest])
    except ValueError as error:
        return str(error)
    return ""


def _explain_unwritable(draft: _Draft, summary: str) -> Diagnostic:
    return Diagnostic(
        "export.unwritable-object",
        Source(f"{draft.manifest['kind']}/{escape_and_shorten(draft.manifest['metadata']['name'])}"),
        summary,
        "it is left out, so this export is not a whole one",
        "mend it on the server, or leave it out with --kind or --match",
    )


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
