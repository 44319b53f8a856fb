"""Drift: the comparison, beside what earlier runs saw. It reads the servers, and writes to the store alone.

What the store can't do is told as a note: a report of what differs is worth having without its history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.checkout import find_manifests_commit
from reconciler.engine.declaration import Declaration, RunInputs, RunOptions
from reconciler.engine.pipeline import JudgedPlan, compare_with_servers, connect_targets
from reconciler.engine.preview import read_claimed_acts
from reconciler.engine.run_store import RunOrigin, begin_run, identify_bound, open_settings_store, report_store_errors
from reconciler.engine.stale_leases import find_stale_leases
from reconciler.engine.untold_news import list_untold_news
from reconciler.errors import AuthError, ReconcilerError, StateError
from reconciler.event_names import RunEventName
from reconciler.kinds.registry import Registry
from reconciler.model import Bound
from reconciler.plans.drift_items import (
    Ages,
    ClearedDifference,
    DriftComparison,
    compare_with_memory,
    list_ages,
    list_cleared,
    list_plan_items,
    name_document,
    pick_target_items,
)
from reconciler.plans.masking import MaskedPlan
from reconciler.plans.run_events import StaleLease, UntoldNews
from reconciler.plans.trail_windows import find_window
from reconciler.settings.model import Settings
from reconciler.state.records import DriftItem, DriftNews, DriftRecord, Lease, RunRecord
from reconciler.state.store import Store
from reconciler.state.store_errors import describe_holding

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.engine.attribution.attribution import Attribution

T = TypeVar("T")
Leases = Mapping[str, Lease]
"""Who holds a target, by the target's name in the settings."""
Records = Mapping[str, Sequence[DriftRecord]]
"""What earlier runs saw on a target, by the same name."""


class DriftRun(NamedTuple):
    """A comparison, what it is beside earlier ones, and which targets were held by an apply meanwhile.

    `comparison` and `leases` are None where the store was not to be asked, or gave no answer. `stale` are leases that
    seem dead and were not told before, and `untold` is what earlier runs could not tell: where somebody is to be told.
    """

    judged: JudgedPlan
    run: RunRecord
    comparison: DriftComparison | None = None
    leases: Leases | None = None
    notes: tuple[Diagnostic, ...] = ()
    stale: tuple[StaleLease, ...] = ()
    untold: tuple[UntoldNews, ...] = ()
    attribution: Attribution | None = None


class LeftNews(NamedTuple):
    """News that are no difference of this run's: who seems dead, and what earlier runs could not tell."""

    stale: tuple[StaleLease, ...] = ()
    untold: tuple[UntoldNews, ...] = ()


def find_left_news(inputs: RunInputs, settings: Settings, bounds: Mapping[str, Bound]) -> LeftNews:
    """Return what there is to tell beside the differences of targets that each had a task; a task tells nobody."""
    if not settings.receivers:
        return LeftNews()
    with _Memory(inputs, settings) as memory:
        run = begin_run(RunOrigin("drift"), "", inputs.env, started=inputs.now)
        return memory.find_news(run, memory.read_leases(bounds), bounds)


def find_drift(
    inputs: RunInputs,
    declared: Declaration,
    options: RunOptions,
    on_progress: Callable[[str], None],
    *,
    with_state: bool,
    blame: bool = False,
) -> DriftRun:
    """Compare, read-only, and with the memory of earlier runs unless it is left out; with `blame` say who it was."""
    commit = find_manifests_commit(inputs, options.paths, declared.settings)
    run = begin_run(RunOrigin("drift", commit), "", inputs.env, started=inputs.now)
    with ExitStack() as stack:
        apis = stack.enter_context(connect_targets(inputs, declared.settings, declared.targets))
        if not with_state:
            judged = compare_with_servers(inputs, declared, apis, on_progress)
            return DriftRun(judged, run, attribution=_attribute(inputs, apis, judged, {}, blame=blame))
        memory = stack.enter_context(_Memory(inputs, declared.settings))
        # Before and after: an apply may end, or begin, while the servers are read.
        earlier_leases = memory.read_leases({name: api.target.bound() for name, api in apis.items()})
        claimed, _ = read_claimed_acts(inputs, declared, apis)
        judged = compare_with_servers(inputs, declared, apis, on_progress, claimed)
        leases = {**memory.read_leases(judged.plan.targets), **earlier_leases}
        records = memory.read_records(judged.plan.targets) if blame else {}
        comparison = memory.remember(run, judged.masked_plan, inputs.kinds)
        stale, untold = ((), ()) if inputs.target else memory.find_news(run, leases, judged.plan.targets)
        notes = [*map(_note_lease, leases.items()), *memory.notes]
        told_leases = None if memory.failure else leases
        attribution = _attribute(inputs, apis, judged, records, blame=blame)
        return DriftRun(judged, run, comparison, told_leases, tuple(sorted(notes)), stale, untold, attribution)


def _attribute(
    inputs: RunInputs, apis: Mapping[str, Api], judged: JudgedPlan, records: Records, *, blame: bool
) -> Attribution | None:
    """Return who changed what, if that was asked for; `records` are the differences of earlier runs by target."""
    if not blame:
        return None
    from reconciler.engine.attribution.attribution import (  # noqa: PLC0415 - for those alone who ask
        TrailAccess,
        attribute_drift,
    )

    now = datetime.fromtimestamp(inputs.now, UTC) if inputs.now else datetime.now(UTC)
    items = list_plan_items(judged.masked_plan, inputs.kinds).steps
    windows = [
        [find_window(item, records.get(step.address.target, ()), now) for item in step_items]
        for step, step_items in zip(judged.plan.steps, items, strict=True)
    ]
    access = TrailAccess(apis, inputs.kinds, inputs.env, inputs.traffic)
    return attribute_drift(access, judged.plan, windows, judged.masker, now)


class _Memory:
    """The store of the settings, asked until it fails for the first time: each failure may take until a deadline."""

    def __init__(self, inputs: RunInputs, settings: Settings) -> None:
        self._env, self._settings = inputs.env, settings
        self._source = Source(settings.name)
        self._stack = ExitStack()
        self._store: Store | None = None
        self.failure: ReconcilerError | None = None

    def __enter__(self) -> _Memory:
        try:
            self._store = self._stack.enter_context(open_settings_store(self._settings, self._env))
        except (AuthError, StateError) as error:
            self.failure = error
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def notes(self) -> list[Diagnostic]:
        """Why nothing is remembered, if it is so."""
        return [_explain_failure(problem) for problem in self.failure.problems] if self.failure else []

    def read_leases(self, bounds: Mapping[str, Bound]) -> dict[str, Lease]:
        """Return who holds these targets now."""
        leases: dict[str, Lease] = {}
        for target, names in _group_targets(bounds).items():
            if lease := self._read_lease(target):
                leases |= dict.fromkeys(names, lease)
        return leases

    def read_records(self, bounds: Mapping[str, Bound]) -> Records:
        """Return what earlier runs saw, by the targets' names."""
        records: dict[str, tuple[DriftRecord, ...]] = {}
        for target, names in _group_targets(bounds).items():
            found = self._ask(lambda store, target=target: store.list_drift(target))  # type: ignore[misc]
            records |= dict.fromkeys(names, found or ())
        return records

    def remember(self, run: RunRecord, plan: MaskedPlan, kinds: Registry) -> DriftComparison | None:
        """Record what a plan found, and return what that is beside earlier runs; None if there is no answer."""
        items = list_plan_items(plan, kinds)
        ages: dict[str, Ages] = {}
        cleared: list[ClearedDifference] = []
        for target, names in _group_targets(plan.targets).items():
            found = pick_target_items(plan, items, names)
            addresses = {address for address in plan.compared_addresses if address.target in names}
            compared = set(map(name_document, addresses))
            # Where nothing could be read, not even the project may be known.
            if not found and not compared:
                continue
            news = self._remember_items(run, target, found, compared)
            if news:
                ages |= dict.fromkeys(names, list_ages(news))
                cleared += list_cleared(news, addresses)
        return compare_with_memory(plan, items, ages, cleared) if ages or not self.failure else None

    def find_news(self, run: RunRecord, leases: Leases, bounds: Mapping[str, Bound]) -> LeftNews:
        """Return which leases seem dead, where no earlier run has told it, and what earlier runs could not tell."""
        if not self._settings.receivers:
            return LeftNews()
        is_watching = any(RunEventName.LOCK_STALE in receiver.events for receiver in self._settings.receivers)
        watched = leases if is_watching else {}
        stale = self._ask(lambda store: tuple(find_stale_leases(store, watched, run))) if watched else None
        untold = self._ask(lambda store: tuple(list_untold_news(store, sorted(_group_targets(bounds)))))
        return LeftNews(stale or (), untold or ())

    def _read_lease(self, target: str) -> Lease | None:
        return self._ask(lambda store: store.read_lease(target))

    def _remember_items(
        self, run: RunRecord, target: str, items: Sequence[DriftItem], compared: Set[str]
    ) -> DriftNews | None:
        return self._ask(lambda store: store.remember_drift(target, run.id, items, compared, started=run.started))

    def _ask(self, question: Callable[[Store], T]) -> T | None:
        """Return the store's answer; None once it has given none."""
        if self._store is None or self.failure:
            return None
        try:
            with report_store_errors(self._source):
                return question(self._store)
        except StateError as error:
            self.failure = error
            return None


def _group_targets(bounds: Mapping[str, Bound]) -> dict[str, frozenset[str]]:
    """Return the names of targets by what they are remembered by: two names may stand for one server."""
    groups: dict[str, set[str]] = {}
    for name, bound in sorted(bounds.items()):
        groups.setdefault(identify_bound(bound), set()).add(name)
    return {target: frozenset(names) for target, names in groups.items()}


def _note_lease(held: tuple[str, Lease]) -> Diagnostic:
    name, lease = held
    return Diagnostic(
        "drift.during-apply",
        Source(f"target {name}"),
        describe_holding(lease),
        "what differs may be what it is about to change",
        "look again when it has ended",
        Severity.NOTE,
    )


def _explain_failure(problem: Diagnostic) -> Diagnostic:
    remedy = "; ".join(filter(None, (problem.remedy, "or say --no-state to do without")))
    summary = f"what this run found is not remembered: {problem.summary}"
    reason = "what is new can't be told from what is known"
    return Diagnostic("drift.not-remembered", problem.source, summary, reason, remedy, Severity.NOTE)
