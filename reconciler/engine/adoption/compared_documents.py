"""Documents as they are written beside the objects that they declare, for whoever takes these over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import ValidationError

from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.documents.characters import explain_unsafe_text
from reconciler.documents.document import Document
from reconciler.engine.adoption.adopted_files import WrittenDocument
from reconciler.kinds.adoption import AdoptedDocument, AdoptionObstacle, ComparedDocument, Difference
from reconciler.kinds.kind import Absence, Finding, Kind, Match, Note, Run, Wanted
from reconciler.kinds.registry import Registry
from reconciler.manifests.target_values import fill_document, find_references
from reconciler.model import Gap, Step
from reconciler.plans.acknowledgements import Deferrals, find_differences
from reconciler.plans.planner import LiveKey, Observed

_UNFIT = "what the server holds can't be said in a manifest"


@dataclass(slots=True)
class ComparedDocuments:
    """The documents of each target and kind, what of them can't be taken over, what is wrong, and what is only told.

    `gaps` are what could not be read of some, each with the address of one.
    """

    groups: dict[LiveKey, list[ComparedDocument]] = field(default_factory=dict)
    obstacles: list[AdoptionObstacle] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)


class AdoptionScope(NamedTuple):
    """All that is declared, what of it was selected, what of that is left alone, and the values of each target."""

    documents: Sequence[Wanted]
    selected: Sequence[Wanted]
    deferrals: Deferrals = MappingProxyType({})
    values: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def compare_documents(
    scope: AdoptionScope,
    places: Mapping[Address, WrittenDocument],
    observed: Observed,
    run: Run,
    kinds: Registry,
) -> ComparedDocuments:
    """Set the selected documents beside what was read of them; those that are not selected have no differences.

    What is acknowledged is left out: it is to be as it is declared, only not yet.
    """
    comparison = ComparedDocuments()
    chosen = {document.address for document in scope.selected}
    counts = Counter(document.source for document in scope.documents)
    for document in sorted(scope.documents, key=lambda document: document.address):
        key = (document.address.target, document.address.kind)
        written = places[document.address].document
        value = look_up_values(written, scope.values.get(document.address.target, {}))
        if key not in observed.live or not isinstance(value, dict):
            continue
        is_selected = document.address in chosen
        deferrals = scope.deferrals.get(document.address, ())
        parted = find_differences(document, kinds[document.address.kind], observed.live[key], run, deferrals)
        differences = tuple(_sort_findings(document, parted.findings, comparison)) if is_selected else ()
        comparison.notes += map(_note_acknowledged, parted.acknowledged if is_selected else ())
        if differences and (counts[document.source] > 1 or _names_several_targets(value)):
            comparison.obstacles.append(_explain_shared(document))
            differences, is_selected = (), False
        compared = ComparedDocument(document.address, document.source, value, differences, is_selected, document.tables)
        comparison.groups.setdefault(key, []).append(compared)
    return comparison


def look_up_values(written: Document, values: Mapping[str, str]) -> object:
    """Return a document's value with values of its target in the place of what asks for them."""
    value = written.value
    references = list(find_references(value["spec"])) if isinstance(value, dict) else []
    return fill_document(written, references, values).value


def _names_several_targets(value: Mapping[str, Any]) -> bool:
    """Say whether a document may be for other targets, too, in this environment or in another one."""
    targets = value["metadata"].get("targets", ())
    return isinstance(targets, Mapping) or len(targets) > 1


def _explain_shared(document: Wanted) -> AdoptionObstacle:
    target = document.address.target
    reason = f"differs on target {target}, and is declared for several targets at once"
    remedy = f"give target {target} a document of its own, or edit this one by hand for all of them"
    return AdoptionObstacle(document.address, document.source, reason, remedy)


def keep_looked_up_fields(
    written: Mapping[str, Any], compared: ComparedDocument, adopted: AdoptedDocument
) -> Iterator[AdoptedDocument | AdoptionObstacle]:
    """Yield a document in which what asks for a value of the target still does, and why what differs there stays."""
    names = {str(reference.path[1]) for reference in find_references(written["spec"])}
    if not names:
        yield adopted
        return
    spec, old = adopted.value["spec"], compared.value["spec"]
    for name in sorted(name for name in names if spec.get(name) != old[name]):
        reason = f"{name}: it holds a value that the target has in the settings"
        remedy = "change the value there, or write what is so into the document"
        yield AdoptionObstacle(compared.address, compared.source, reason, remedy, field=name)
    value = {**adopted.value, "spec": _restore_fields(spec, written["spec"], names)}
    if value != written:
        yield adopted._replace(value=value)


def _sort_findings(
    document: Wanted, findings: Iterable[Finding], comparison: ComparedDocuments
) -> Iterator[Difference]:
    """Yield what differs; keep what is wrong, which may be mended by what is taken over, and what is told."""
    for finding in findings:
        if isinstance(finding, Match):
            yield from _find_difference(document, finding)
        elif isinstance(finding, Diagnostic):
            comparison.problems.append(finding)
        elif isinstance(finding, Gap):
            comparison.gaps.append(finding)
        elif isinstance(finding, Absence | Note):
            comparison.notes.append(finding.problem)


def _note_acknowledged(step: Step) -> Diagnostic:
    until = step.deferral.until if step.deferral else ""
    fields = ", ".join(dict.fromkeys(change.path for change in step.changes))
    summary = f"{step.address}: {fields} is acknowledged until {until}, and not taken over"
    return Diagnostic("adopt.acknowledged", step.source, summary, severity=Severity.NOTE)


def _find_difference(document: Wanted, match: Match) -> Iterator[Difference]:
    if match.before is None or match.before != match.after:
        source = match.source or document.source
        yield Difference(match.before, match.after, match.encoder_input, match.object, source)


def leave_unfit_fields(
    kind: Kind, compared: ComparedDocument, adopted: AdoptedDocument
) -> Iterator[AdoptedDocument | AdoptionObstacle]:
    """Yield a document with the fields of which a manifest can say what the server holds, and why the others stay."""
    value = dict(deepcopy(adopted.value))
    if not value["spec"]:
        reason, remedy = "the server has nothing of what it declares", "remove the document if that is how it is to be"
        yield AdoptionObstacle(compared.address, compared.source, reason, remedy)
        return
    old: Mapping[str, Any] = compared.value["spec"]
    for _ in range(len(old) + 1):
        faults = _find_faults(kind, value)
        if not faults:
            break
        for name in sorted(faults):
            source, remedy = compared.source, "mend it on the server, or edit the document by hand"
            yield AdoptionObstacle(compared.address, source, f"{name}: {_UNFIT}", remedy, field=name)
        value["spec"] = _restore_fields(value["spec"], old, faults)
    if value != compared.value:
        yield adopted._replace(value=value)


def _find_faults(kind: Kind, value: Mapping[str, Any]) -> set[str]:
    """Return the fields that no manifest may hold like that; a field that may not be cleared is one of them."""
    spec = value["spec"]
    if unsafe := {name for name, member in spec.items() if _holds_unsafe_text(member)}:
        return unsafe
    try:
        model = kind.spec.load(spec)
    except ValidationError as error:
        locations = [detail["loc"] for detail in error.errors()]
        # pydantic's `loc` is empty for an error of the whole model: then nothing of it can be.
        return {
            str(spec["clear"][location[1]]) if location[0] == "clear" and len(location) > 1 else str(location[0])
            for location in locations
            if location
        } or set(spec)
    # A table is loaded and judged with the file that it stands in.
    places = (place for place, _ in model.check(str(value["metadata"]["name"]), {}))
    return {str(place[0]) for place in places if place and not isinstance(place, Source)}


def _holds_unsafe_text(value: Any) -> bool:
    """Say whether a value holds text that a reviewer could not see, and that no file is read with."""
    if isinstance(value, Mapping):
        return any(map(_holds_unsafe_text, value.values()))
    if isinstance(value, list):
        return any(map(_holds_unsafe_text, value))
    return isinstance(value, str) and explain_unsafe_text(value) is not None


def _restore_fields(spec: Mapping[str, Any], old: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a spec in which these fields say what they said before."""
    restored = {name: value for name, value in spec.items() if name not in names}
    restored |= {name: old[name] for name in names if name in old}
    for field_name in ("clear", "additive"):
        members = [name for name in spec.get(field_name, ()) if name not in names]
        members += [name for name in old.get(field_name, ()) if name in names]
        restored.pop(field_name, None)
        restored |= {field_name: members} if members else {}
    return {name: restored[name] for name in (*old, *restored) if name in restored}


def describe_obstacle(obstacle: AdoptionObstacle) -> Diagnostic:
    """Return why something is not taken over, at its document."""
    label = f" ({obstacle.object})" if obstacle.object else ""
    summary = f"{obstacle.address.kind}/{obstacle.address.name}{label}: {obstacle.reason}"
    return Diagnostic(
        "adopt.not-possible",
        obstacle.source,
        summary,
        remedy=obstacle.remedy,
        address=obstacle.address,
        object_name=obstacle.object,
    )
