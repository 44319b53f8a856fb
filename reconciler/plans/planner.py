"""From what is declared and what was found to the ordered list of unsent requests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Address, Diagnostic
from reconciler.kinds.kind import Absence, Finding, Kind, Match, Note, Run, Tally, Wanted
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Coverage, Gap, Plan, Step
from reconciler.plans.acknowledgements import Deferrals, find_differences, list_idle_deferrals, list_left_alone
from reconciler.plans.holding_back import NeededStep, hold_back
from reconciler.plans.step_builder import build_steps
from reconciler.plans.unmanaged import count_unmanaged

LiveKey = tuple[str, str]
"""A target and a kind: what is read together."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read: each kind's own live value by (target, kind), and what could not be read."""

    live: Mapping[LiveKey, Any]
    gaps: tuple[Gap, ...] = ()


class PlanScope(NamedTuple):
    """What the run is about: how much of everything that is declared was selected, and what it is bound to.

    `unread` are the kinds of documents that are not among the declared, since something is wrong with them; `deferrals`
    are what is left alone of those that are.
    """

    declared: Sequence[Wanted] = ()
    selection: str = ""
    targets: Mapping[str, Bound] = {}
    manifests: str = ""
    unread: frozenset[str] = frozenset()
    deferrals: Deferrals = MappingProxyType({})


@dataclass(slots=True)
class _Comparison:
    """What comparing has come to so far."""

    steps: list[NeededStep] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    notes: list[Diagnostic] = field(default_factory=list)
    absences: list[Diagnostic] = field(default_factory=list)
    acknowledged: list[Step] = field(default_factory=list)
    addresses: set[Address] = field(default_factory=set)
    documents: list[DocumentCoverage] = field(default_factory=list)

    @property
    def coverage(self) -> Coverage:
        """How much of all documents was compared."""
        return Coverage(sum(part.objects for part in self.documents), sum(part.of for part in self.documents))


def plan(
    documents: Sequence[Wanted], observed: Observed, run: Run, kinds: Registry, scope: PlanScope | None = None
) -> Plan:
    """Return the plan that makes `documents` true: equal input, in whatever order, gives an equal plan."""
    scope = scope or PlanScope(documents)
    comparison = _Comparison()
    for document in documents:
        _compare_document(document, kinds, observed, run, scope.deferrals, comparison)
    selected = {document.address for document in documents}
    unselected = [document for document in scope.declared if document.address not in selected]
    objects, of = comparison.coverage
    problems = sorted(set(comparison.problems))
    obstacles = [*problems, *(gap.problem for gap in comparison.gaps)]
    steps = sorted(comparison.steps, key=partial(_build_sort_key, kinds))
    acknowledged = _sort_acknowledged(comparison.acknowledged, kinds)
    idle_deferrals = list_idle_deferrals(scope.deferrals, acknowledged, comparison.addresses)
    return Plan(
        steps=tuple(hold_back(steps, obstacles, list_left_alone(acknowledged))),
        compared=Coverage(objects, of + sum(document.spec.size(document.tables) for document in unselected)),
        problems=tuple(problems),
        gaps=tuple(sorted({*observed.gaps, *comparison.gaps})),
        notes=tuple(sorted({*comparison.notes, *idle_deferrals})),
        absences=tuple(sorted(set(comparison.absences))),
        acknowledged=acknowledged,
        compared_addresses=frozenset(comparison.addresses),
        documents=tuple(
            sorted([*comparison.documents, *(_pass_over(document) for document in unselected)], key=_get_address)
        ),
        selection=scope.selection,
        targets=scope.targets,
        manifests=scope.manifests,
        unmanaged=count_unmanaged(observed.live, documents, scope.declared, kinds, scope.unread),
    )


def _compare_document(
    document: Wanted, kinds: Registry, observed: Observed, run: Run, deferrals: Deferrals, comparison: _Comparison
) -> None:
    key = (document.address.target, document.address.kind)
    if key not in observed.live:
        size = document.spec.size(document.tables)
        comparison.documents.append(DocumentCoverage(document.address, document.source, 0, size))
        return
    own_deferrals = deferrals.get(document.address, ())
    parted = find_differences(document, kinds[key[1]], observed.live[key], run, own_deferrals)
    comparison.acknowledged += parted.acknowledged
    _count_document(document, parted.findings, kinds[key[1]], comparison)


def _sort_acknowledged(steps: Iterable[Step], kinds: Registry) -> tuple[Step, ...]:
    return tuple(sorted(steps, key=lambda step: (*_build_sort_key(kinds, (step, frozenset())), step.deferral)))


def _count_document(document: Wanted, findings: Iterable[Finding], kind: Kind, comparison: _Comparison) -> None:
    """Add what one document comes to. An object counts as compared once it was set beside its live state."""
    size = document.spec.size(document.tables)
    compared_objects, is_inert, has_problem = 0, False, False
    for finding in findings:
        match finding:
            case Diagnostic():
                comparison.problems.append(finding)
                has_problem = True
            # What could not be looked up keeps this document back, and says nothing of others.
            case Gap():
                comparison.gaps.append(finding)
                has_problem = True
            case Note(problem):
                comparison.notes.append(problem)
                is_inert = True
            case Absence(problem):
                comparison.absences.append(problem)
                compared_objects += 1
            case Tally(in_sync):
                compared_objects += in_sync
            case Match():
                compared_objects += finding.objects
                comparison.steps.extend((step, finding.needs) for step in build_steps(finding, kind))
    # What another document's problem is about, or an expired one declares, was not compared either.
    if not has_problem and compared_objects >= size:
        comparison.addresses.add(document.address)
    # A document of which there is nothing but notes, such as an expired one, declares nothing.
    is_inert = is_inert and not compared_objects and not has_problem
    of = 0 if is_inert else max(size, compared_objects)
    comparison.documents.append(DocumentCoverage(document.address, document.source, compared_objects, of))


def _pass_over(document: Wanted) -> DocumentCoverage:
    size = document.spec.size(document.tables)
    return DocumentCoverage(document.address, document.source, 0, 0, is_selected=False, passed_over=size)


def _get_address(coverage: DocumentCoverage) -> Address:
    return coverage.address


def _build_sort_key(kinds: Registry, needed_step: NeededStep) -> tuple[int, bool, Address, tuple[Any, ...]]:
    """Referred-to kinds first; ties by address, then by path, ids as numbers; a document's batches keep its order."""
    step, _ = needed_step
    call = step.request.call if step.request else None
    # The length first, so that /Certificates/9/Owner stands before /Certificates/10/Owner.
    path_key = (len(call.path), call.path) if call else (0, step.object)
    is_last = call is not None and call.path in kinds[step.address.kind].last
    return kinds.level(step.address.kind), is_last, step.address, (*path_key, step.source)
