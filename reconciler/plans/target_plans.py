"""One plan of several targets, and the part of a plan that is about one: what each target's process plans and sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TypeVar

from reconciler.model import Coverage, Plan

T = TypeVar("T")


def merge_plans(plans: Sequence[Plan], selection: str) -> Plan:
    """Return one plan of plans about a target each, in the order of the targets' names; one at least.

    They are made from the same manifests; `selection` is that of the whole.
    """
    ordered = sorted(plans, key=lambda plan: sorted(plan.targets))
    unmanaged: dict[str, dict[str, int]] = {}
    for plan in ordered:
        for kind, counts in plan.unmanaged.items():
            unmanaged.setdefault(kind, {}).update(counts)
    return Plan(
        steps=tuple(chain.from_iterable(plan.steps for plan in ordered)),
        compared=Coverage(sum(plan.compared.objects for plan in ordered), sum(plan.compared.of for plan in ordered)),
        problems=_unite(plan.problems for plan in ordered),
        gaps=_unite(plan.gaps for plan in ordered),
        notes=_unite(plan.notes for plan in ordered),
        selection=selection,
        targets={name: bound for plan in ordered for name, bound in plan.targets.items()},
        manifests=ordered[0].manifests,
        absences=_unite(plan.absences for plan in ordered),
        acknowledged=tuple(chain.from_iterable(plan.acknowledged for plan in ordered)),
        unmanaged=unmanaged,
        rights=tuple(chain.from_iterable(plan.rights for plan in ordered)),
        compared_addresses=frozenset().union(*(plan.compared_addresses for plan in ordered)),
        documents=tuple(chain.from_iterable(plan.documents for plan in ordered)),
    )


def restrict_plan(plan: Plan, target: str) -> Plan:
    """Return what of a plan is about one target; what is told of the whole stays."""
    return replace(
        plan,
        steps=tuple(step for step in plan.steps if step.address.target == target),
        targets={name: bound for name, bound in plan.targets.items() if name == target},
        acknowledged=tuple(step for step in plan.acknowledged if step.address.target == target),
        unmanaged={kind: _pick(counts, target) for kind, counts in plan.unmanaged.items()},
        rights=tuple(change for change in plan.rights if change.target == target),
    )


def _unite(parts: Iterable[Iterable[T]]) -> tuple[T, ...]:
    return tuple(sorted(set(chain.from_iterable(parts))))  # type: ignore[type-var]


def _pick(counts: Mapping[str, int], target: str) -> dict[str, int]:
    return {name: number for name, number in counts.items() if name == target}
