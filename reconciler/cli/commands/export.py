"""`reconciler export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.cli.context import Session
from reconciler.cli.options import SelectionOptions
from reconciler.cli.output import CommandResult
from reconciler.errors import Exit, IncompleteError, Problem, RefusedError, Source, UsageError
from reconciler.patterns import matches_pattern

if TYPE_CHECKING:
    from reconciler.kinds.kind import Exported, Resource
    from reconciler.settings.model import Settings


def run(session: Session, options: SelectionOptions, *, kinds: Sequence[str], match: str | None) -> CommandResult:
    """Print what exists as manifests. Whatever can't be read ends it: half an export would look like a whole one."""
    from reconciler.cli.commands.explain import find_kind_by_name
    from reconciler.cli.progress import Progress
    from reconciler.documents.writer import dump
    from reconciler.engine.pipeline import connect_targets, read_settings
    from reconciler.kinds.registry import KINDS

    selected_kinds = [find_kind_by_name(name) for name in dict.fromkeys(kinds)] or list(KINDS.values())
    settings = read_settings(session, options)
    targets = _choose_targets(settings, options, selected_kinds)
    documents: list[dict[str, Any]] = []
    remarks: list[Sequence[str]] = []
    with connect_targets(session, settings, targets) as apis, Progress(session) as progress:
        for name, api in apis.items():
            for kind in selected_kinds:
                if kind.api != settings.targets[name].api:
                    continue
                progress.tell(f"reading {name}: {kind.__name__}")
                for live in kind.export(api.read):
                    if matches_pattern(match or "*", live.name):
                        exported = _drop_invalid_fields(kind, live)
                        documents.append(
                            _build_manifest(kind, exported, name, is_only_target=_is_only_target(settings, kind))
                        )
                        remarks.append(exported.remarks)
    if not documents:
        raise UsageError(
            "nothing to export: nothing matches, or it is no state (a denial is an act); an empty file would look like "
            "an empty server; widen --kind or --match"
        )
    if unfit := list(_find_unwritable_objects(documents)):
        raise IncompleteError(*unfit)
    text = dump(documents, remarks)
    if unread := list(_find_unreadable_text(text, len(documents))):
        raise RefusedError(*unread)
    return CommandResult(Exit.OK, lambda _: text)


def _drop_invalid_fields(kind: type[Resource], live: Exported) -> Exported:
    """Leave out the fields whose live values no manifest may hold: they stay unmanaged, and a remark says so."""
    from pydantic import ValidationError

    try:
        kind.load(live.spec)
    except ValidationError as error:
        # pydantic's `loc` spells aliases, as the manifest does; it is empty for an error of the whole model.
        unfit = sorted({str(detail["loc"][0]) for detail in error.errors() if detail["loc"]} & live.spec.keys())
        spec = {name: value for name, value in live.spec.items() if name not in unfit}
        notes = (f"{name} is left out: what the server holds is not valid in a manifest" for name in unfit)
        return live._replace(spec=spec, remarks=(*live.remarks, *notes))
    return live


def _find_unwritable_objects(documents: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each object that holds what no manifest may hold, such as control characters."""
    from reconciler.documents.writer import dump

    for document in documents:
        try:
            dump([document])
        except ValueError as error:
            reason = f"it can't be written as a manifest ({error}); an export without it would look like a whole one"
            source = Source(f"{document['kind']}/{document['metadata']['name']}")
            yield Problem(source, f"{reason}; mend it on the server, or leave it out with --kind or --match")


def _find_unreadable_text(text: str, documents: int) -> Iterator[Problem]:
    """Yield why `plan` could not read this: what is printed has been read back, limits and all."""
    from reconciler.documents import limits
    from reconciler.documents.reader import examine

    _, problems = examine(text.encode(), "export.yaml")
    messages = [problem.message for problem in problems]
    if documents > limits.DOCUMENTS:
        messages.append(f"there are more than {limits.DOCUMENTS} documents (limit DOCUMENTS); no run takes that many")
    for message in messages:
        remedy = "export it in parts, with --kind, --match or --target"
        yield Problem(Source("export"), f"nothing is printed, since plan could not read it back: {message}; {remedy}")


def _choose_targets(settings: Settings, options: SelectionOptions, kinds: Sequence[type[Resource]]) -> list[str]:
    from reconciler.manifests.selection import check_target_options

    check_target_options(options, settings.targets)
    apis = {kind.api for kind in kinds}
    names = [name for name, target in sorted(settings.targets.items()) if target.api in apis]
    selected = [name for name in names if not options.target or name in options.target]
    if not selected:
        raise UsageError("no target of the settings speaks the API of these kinds; there is nothing to read; add one")
    return selected


def _is_only_target(settings: Settings, kind: type[Resource]) -> bool:
    return sum(target.api == kind.api for target in settings.targets.values()) == 1


def _build_manifest(kind: type[Resource], exported: Exported, target: str, *, is_only_target: bool) -> dict[str, Any]:
    """Return one manifest; its target is named only where it could be another."""
    metadata = {"name": exported.name} | ({} if is_only_target else {"target": target})
    return {"apiVersion": "reconciler/v1", "kind": kind.__name__, "metadata": metadata, "spec": dict(exported.spec)}
