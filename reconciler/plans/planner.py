"""From what is declared and what was found to the ordered list of unsent requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Diagnostic
from reconciler.errors import CannotEncode
from reconciler.kinds.kind import Kind, Match, Note, Run, Tally, Wanted
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Coverage, Gap, Plan, Request, Step
from reconciler.plans.diff import find_changes

LiveKey = tuple[str, str]
"""A target and a kind: what is read together."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read: each kind's own live value by (target, kind), and what could not be read."""

    live: Mapping[LiveKey, Any]
    gaps: tuple[Gap, ...] = ()


class PlanScope(NamedTuple):
    """What the run is about: how much of everything that is declared was selected, and what it is bound to."""

    declared: Sequence[Wanted] = ()
    selection: str = ""
    targets: Mapping[str, Bound] = {}
    manifests: str = ""


@dataclass(slots=True)
class _Comparison:
    """What comparing has come to so far."""

    steps: list[Step] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    compared: int = 0
    of: int = 0


def plan(
    documents: Sequence[Wanted], observed: Observed, run: Run, kinds: Registry, scope: PlanScope | None = None
) -> Plan:
    """Return the plan that makes `documents` true: equal input, in whatever order, gives an equal plan."""
    scope = scope or PlanScope(documents)
    comparison = _Comparison()
    for document in documents:
        _compare_document(document, kinds[document.address.kind], observed, run, comparison)
    selected = {document.address for document in documents}
    unselected = (document for document in scope.declared if document.address not in selected)
    return Plan(
        steps=tuple(sorted(comparison.steps, key=partial(_build_sort_key, kinds))),
        compared=Coverage(
            comparison.compared, comparison.of + sum(document.spec.size(document.tables) for document in unselected)
        ),
        problems=tuple(sorted(set(comparison.problems))),
        gaps=tuple(sorted(set(observed.gaps))),
        notes=tuple(sorted(set(comparison.notes))),
        selection=scope.selection,
        targets=scope.targets,
        manifests=scope.manifests,
    )


def _compare_document(document: Wanted, kind: Kind, observed: Observed, run: Run, comparison: _Comparison) -> None:
    """Add what one document comes to. An object counts as compared once it was set beside its live state."""
    size = document.spec.size(document.tables)
    key = (document.address.target, document.address.kind)
    if key not in observed.live:
        comparison.of += size
        return
    compared_objects, is_inert = 0, False
    for finding in kind.compare(document, observed.live[key], run):
        match finding:
            case Diagnostic():
                comparison.problems.append(finding)
            case Note(problem):
                comparison.notes.append(problem)
                is_inert = True
            case Tally(in_sync):
                compared_objects += in_sync
            case Match():
                compared_objects += finding.objects
                comparison.steps.extend(_build_steps(finding, kind))
    comparison.compared += compared_objects
    comparison.of += 0 if is_inert else max(size, compared_objects)


def _build_steps(match: Match, kind: Kind) -> Iterator[Step]:
    """Yield the step of one object; nothing if it is as declared. Equality first, deepdiff only where they differ."""
    # For two equal roles of ten permissions `==` takes 0.1 µs, deepdiff 160 µs or more.
    if match.before is not None and match.before == match.after:
        return
    document = match.document
    differences = find_changes(match.before, match.after, kind.risk)
    request, refusal = (None, match.refusal) if match.refusal else _encode_request(kind, match)
    source = match.source or document.source
    yield Step(document.address, kind.action(match), source, differences, request, match.object, refusal)


def _encode_request(kind: Kind, match: Match) -> tuple[Request | None, str]:
    try:
        return kind.encode(match), ""
    except CannotEncode as reason:
        return None, str(reason)


def _build_sort_key(kinds: Registry, step: Step) -> tuple[int, bool, Address, tuple[Any, ...]]:
    """Referred-to kinds first; ties by address, then by path, ids as numbers; a document's batches keep its order."""
    call = step.request.call if step.request else None
    # The length first, so that /Certificates/9/Owner stands before /Certificates/10/Owner.
    path_key = (len(call.path), call.path) if call else (0, step.object)
    is_last = call is not None and call.path in kinds[step.address.kind].last
    return kinds.level(step.address.kind), is_last, step.address, (*path_key, step.source)
