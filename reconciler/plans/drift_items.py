"""The differences of a plan as they are remembered from run to run, and what a memory says of each step. Pure.

A difference is told apart by its place and by what was found there, not by what is declared: whoever rewrites a
manifest makes no news. An object that is not there is one difference, however many fields it should have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from reconciler.diagnostics import Address, Diagnostic
from reconciler.kinds.registry import Registry
from reconciler.model import Json
from reconciler.plans.masking import MaskedPlan, MaskedStep
from reconciler.state.records import DriftItem, DriftNews


class DriftStatus(StrEnum):
    """What a difference is to whoever knows the earlier runs, the youngest first."""

    NEW = "new"
    CHANGED = "changed"
    KNOWN = "known"
    ACKNOWLEDGED = "acknowledged"

    @property
    def rank(self) -> int:
        """0 for new: for `min`."""
        return list(DriftStatus).index(self)


class DriftAge(NamedTuple):
    """How long something has differed: since when (UTC), and in how many runs that was seen."""

    status: DriftStatus
    since: str
    runs: int


class StepDrift(NamedTuple):
    """The age of a step as a whole, and of each of its changes; None for a change that is no difference by itself."""

    step: DriftAge
    changes: tuple[DriftAge | None, ...]


class ClearedDifference(NamedTuple):
    """A difference that is gone, with the time since which it was there, and in how many runs it was seen.

    `path` is empty for an object that was not there, and is now.
    """

    address: Address
    object: str
    path: str
    since: str
    runs: int


Ages: TypeAlias = Mapping[DriftItem, DriftAge]


class DriftComparison(NamedTuple):
    """A plan's differences beside those of earlier runs; `steps`, `absences` and `acknowledged` are as in the plan.

    None stands for what was not remembered. `ages` has each difference once.
    """

    steps: tuple[StepDrift | None, ...]
    absences: tuple[DriftAge | None, ...]
    ages: tuple[DriftAge, ...]
    cleared: tuple[ClearedDifference, ...]
    acknowledged: tuple[StepDrift | None, ...] = ()


class NewsCount(NamedTuple):
    """How many steps and absences are new or changed (`young`), and of how many no memory says (`ageless`)."""

    young: int
    ageless: int


class PlanItems(NamedTuple):
    """The differences of a plan, parallel to it: one for each change of each step, and one for each absence."""

    steps: tuple[tuple[DriftItem | None, ...], ...]
    absences: tuple[DriftItem | None, ...]
    acknowledged: tuple[tuple[DriftItem | None, ...], ...] = ()


def list_plan_items(plan: MaskedPlan, kinds: Registry) -> PlanItems:
    """Return the differences of a plan. Masked, since a digest would tell a guessed secret from others."""
    steps, left_alone = (
        tuple(tuple(_list_step_items(step, kinds[step.address.kind].names_objects)) for step in group)
        for group in (plan.steps, plan.acknowledged)
    )
    acknowledged = tuple(tuple(item and item.acknowledge() for item in items) for items in left_alone)
    return PlanItems(steps, tuple(map(_make_absence_item, plan.absences)), acknowledged)


def pick_target_items(plan: MaskedPlan, items: PlanItems, targets: frozenset[str]) -> list[DriftItem]:
    """Return the differences on some targets, each once."""
    all_steps = zip((*plan.steps, *plan.acknowledged), (*items.steps, *items.acknowledged), strict=True)
    steps = (group for step, group in all_steps if step.address.target in targets)
    absences = (
        item
        for absence, item in zip(plan.absences, items.absences, strict=True)
        if absence.address and absence.address.target in targets
    )
    return list(dict.fromkeys(item for group in (*steps, absences) for item in group if item))


def name_document(address: Address) -> str:
    """Return what a document is remembered by, on its target."""
    return f"{address.kind}/{address.name}"


def list_ages(news: DriftNews) -> dict[DriftItem, DriftAge]:
    """Return the age of each difference that a run saw."""
    groups = ((DriftStatus.NEW, news.new), (DriftStatus.CHANGED, news.changed), (DriftStatus.KNOWN, news.known))
    return {
        record.item: DriftAge(
            DriftStatus.ACKNOWLEDGED if record.item.is_acknowledged else status, record.first_seen, record.runs
        )
        for status, records in groups
        for record in records
    }


def list_cleared(news: DriftNews, addresses: Iterable[Address]) -> tuple[ClearedDifference, ...]:
    """Return what is gone; `addresses` are those that were compared on the target."""
    by_name = {name_document(address): address for address in sorted(addresses, reverse=True)}
    return tuple(
        ClearedDifference(by_name[item.address], item.object, item.path, record.first_seen, record.runs)
        for record in news.cleared
        if (item := record.item).address in by_name
    )


def compare_with_memory(
    plan: MaskedPlan, items: PlanItems, ages: Mapping[str, Ages], cleared: Iterable[ClearedDifference]
) -> DriftComparison:
    """Return a plan beside what is remembered; `ages` are those of the differences by target."""
    steps = _describe_steps(plan.steps, items.steps, ages)
    acknowledged = _describe_steps(plan.acknowledged, items.acknowledged, ages)
    absences = tuple(
        ages.get(absence.address.target, {}).get(item) if absence.address and item else None
        for absence, item in zip(plan.absences, items.absences, strict=True)
    )
    # Two names of one target share their ages.
    distinct = {id(target_ages): target_ages for target_ages in ages.values()}
    all_ages = tuple(age for target_ages in distinct.values() for age in target_ages.values())
    return DriftComparison(steps, absences, all_ages, tuple(sorted(cleared)), acknowledged)


def count_news(plan: MaskedPlan, drift: DriftComparison | None) -> NewsCount:
    """Count what somebody has to hear of who knows the earlier runs."""
    if drift is None:
        return NewsCount(0, len(plan.steps) + len(plan.absences))
    ages = [*(step and step.step for step in drift.steps), *drift.absences]
    young = sum(age is not None and age.status is not DriftStatus.KNOWN for age in ages)
    return NewsCount(young, ages.count(None))


def _list_step_items(step: MaskedStep, names_objects: bool) -> Iterator[DriftItem | None]:  # noqa: FBT001
    """Yield a difference for each change.

    Where the step is about several objects only the changes that are about one of them are differences: the comment of
    a denial goes with them.
    """
    address, object_ = name_document(step.address), step.object if names_objects else ""
    own_paths = {subject.path for subject in step.subjects if subject.path}
    for change in step.changes:
        if own_paths and change.path not in own_paths:
            yield None
        elif step.finds_nothing and not own_paths:
            yield DriftItem(address, "", _digest_nothing(), object_)
        else:
            value = _digest_nothing() if step.finds_nothing else _digest_value(change.before)
            yield DriftItem(address, change.path, value, object_)


def _make_absence_item(absence: Diagnostic) -> DriftItem | None:
    if absence.address is None:
        return None
    return DriftItem(name_document(absence.address), "", _digest_nothing(), absence.object_name)


def _digest_nothing() -> str:
    return _digest("")


def _digest_value(value: Json) -> str:
    return _digest(json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _describe_steps(
    steps: Iterable[MaskedStep], items: Iterable[tuple[DriftItem | None, ...]], ages: Mapping[str, Ages]
) -> tuple[StepDrift | None, ...]:
    return tuple(
        _describe_step(group, ages.get(step.address.target, {})) for step, group in zip(steps, items, strict=True)
    )


def _describe_step(items: tuple[DriftItem | None, ...], ages: Ages) -> StepDrift | None:
    """A step is as new as the youngest of its changes, and has differed since the first of them."""
    changes = tuple(ages.get(item) if item else None for item in items)
    known = [age for age in changes if age]
    if not known:
        return None
    status = min((age.status for age in known), key=lambda status: status.rank)
    age = DriftAge(status, min(age.since for age in known), max(age.runs for age in known))
    return StepDrift(age, changes)
