"""`reconciler export`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer
from reconciler.errors import Exit, IncompleteError, Problem, RefusedError, Source, UsageError
from reconciler.patterns import matches

if TYPE_CHECKING:
    from reconciler.kinds.kind import Exported, Resource
    from reconciler.settings.model import Settings


def run(session: Session, chosen: Chosen, *, kinds: Sequence[str], match: str | None) -> Answer:
    """Print what exists as manifests. Whatever can't be read ends it: half an export would look like a whole one."""
    from reconciler.cli.commands.explain import kind_named
    from reconciler.cli.progress import Progress
    from reconciler.documents.writer import dump
    from reconciler.engine.pipeline import configured, connected
    from reconciler.kinds.registry import KINDS

    wanted = [kind_named(name) for name in dict.fromkeys(kinds)] or list(KINDS.values())
    settings = configured(session, chosen)
    targets = _targets(settings, chosen, wanted)
    documents: list[dict[str, Any]] = []
    remarks: list[Sequence[str]] = []
    with connected(session, settings, targets) as apis, Progress(session) as progress:
        for name, api in apis.items():
            for kind in wanted:
                if kind.api != settings.targets[name].api:
                    continue
                progress.tell(f"reading {name}: {kind.__name__}")
                for live in kind.export(api.read):
                    if matches(match or "*", live.name):
                        found = _fitting(kind, live)
                        documents.append(_document(kind, found, name, alone=_alone(settings, kind)))
                        remarks.append(found.remarks)
    if not documents:
        raise UsageError(
            "nothing to export: nothing matches, or it is no state (a denial is an act); an empty file would look like "
            "an empty server; widen --kind or --match"
        )
    if unfit := list(_unfit(documents)):
        raise IncompleteError(*unfit)
    text = dump(documents, remarks)
    if unread := list(_unread(text, len(documents))):
        raise RefusedError(*unread)
    return Answer(Exit.OK, lambda _: text)


def _fitting(kind: type[Resource], live: Exported) -> Exported:
    """Leave out the fields whose live values no manifest may hold: they stay unmanaged, and a remark says so."""
    from pydantic import ValidationError

    try:
        kind.load(live.spec)
    except ValidationError as error:
        # pydantic's `loc` spells aliases, as the manifest does; it is empty for an error of the whole model.
        unfit = sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]} & live.spec.keys())
        kept = {name: value for name, value in live.spec.items() if name not in unfit}
        told = (f"{name} is left out: what the server holds is not valid in a manifest" for name in unfit)
        return live._replace(spec=kept, remarks=(*live.remarks, *told))
    return live


def _unfit(documents: Sequence[dict[str, Any]]) -> Iterator[Problem]:
    """Yield a problem for each object that holds what no manifest may hold, such as control characters."""
    from reconciler.documents.writer import dump

    for document in documents:
        try:
            dump([document])
        except ValueError as error:
            why = f"it can't be written as a manifest ({error}); an export without it would look like a whole one"
            place = Source(f"{document['kind']}/{document['metadata']['name']}")
            yield Problem(place, f"{why}; mend it on the server, or leave it out with --kind or --match")


def _unread(text: str, documents: int) -> Iterator[Problem]:
    """Yield why `plan` could not read this: what is printed has been read back, limits and all."""
    from reconciler.documents import limits
    from reconciler.documents.reader import examine

    _, problems = examine(text.encode(), "export.yaml")
    found = [problem.message for problem in problems]
    if documents > limits.DOCUMENTS:
        found.append(f"there are more than {limits.DOCUMENTS} documents (limit DOCUMENTS); no run takes that many")
    for why in found:
        mend = "export it in parts, with --kind, --match or --target"
        yield Problem(Source("export"), f"nothing is printed, since plan could not read it back: {why}; {mend}")


def _targets(settings: Settings, chosen: Chosen, kinds: Sequence[type[Resource]]) -> list[str]:
    from reconciler.manifests.selection import check_targets

    check_targets(chosen, settings.targets)
    apis = {kind.api for kind in kinds}
    named = [name for name, target in sorted(settings.targets.items()) if target.api in apis]
    kept = [name for name in named if not chosen.target or name in chosen.target]
    if not kept:
        raise UsageError("no target of the settings speaks the API of these kinds; there is nothing to read; add one")
    return kept


def _alone(settings: Settings, kind: type[Resource]) -> bool:
    return sum(target.api == kind.api for target in settings.targets.values()) == 1


def _document(kind: type[Resource], found: Exported, target: str, *, alone: bool) -> dict[str, Any]:
    """Return one manifest; its target is named only where it could be another."""
    metadata = {"name": found.name} | ({} if alone else {"target": target})
    return {"apiVersion": "reconciler/v1", "kind": kind.__name__, "metadata": metadata, "spec": dict(found.spec)}
