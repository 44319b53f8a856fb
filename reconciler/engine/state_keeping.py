"""The store itself: which one it is and what is in it, declaring it, moving it, and what of it is forgotten."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.declaration import RunInputs
from reconciler.engine.run_store import (
    STATE_SOURCE,
    find_settings_store,
    identify_bound,
    open_settings_store,
    report_store_errors,
)
from reconciler.errors import UsageError
from reconciler.settings.model import Settings
from reconciler.settings.state_location import resolve_location, resolve_state_key
from reconciler.state.open_store import import_store
from reconciler.state.records import Lease, StoreExport, StoreIdentity
from reconciler.state.retention import prune_store
from reconciler.state.store import Store
from reconciler.state.store_import import ImportedStore

_ALL_RUNS = 1_000_000


@dataclass(frozen=True, slots=True)
class TargetRecords:
    """What is recorded of a target. `name` is what the settings call it, "" where they have none of that id."""

    id: str
    name: str
    runs: int
    open: int
    lease: Lease | None


@dataclass(frozen=True, slots=True)
class StoreOverview:
    """A store and what is in it. `pinned` is `state.id` of the settings; `was_made` that it was not there before."""

    place: str
    identity: StoreIdentity
    pinned: str
    keeps_bodies: bool
    targets: tuple[TargetRecords, ...]
    was_made: bool = False

    @property
    def is_pinned(self) -> bool:
        """Whether the settings would notice another store in its place."""
        return self.pinned == self.identity.id


def describe_state(inputs: RunInputs, settings: Settings) -> StoreOverview:
    """Return what is in the store of the settings; raises StateError, and UsageError where there is none yet."""
    with find_settings_store(settings, inputs.env) as store:
        return _describe_store(_require_store(store), settings)


def declare_state(inputs: RunInputs, settings: Settings) -> StoreOverview:
    """Make the store, or say of the one that is there that it is the one; raises StateError.

    What the settings pin does not matter here: this is how a store that is gone for good is given up.
    """
    with find_settings_store(settings, inputs.env, pinned="") as present:
        was_made = present is None
    unpinned = replace(settings, state=replace(settings.state, id=""))
    with open_settings_store(unpinned, inputs.env) as store, report_store_errors():
        store.declare()
        return replace(_describe_store(store, settings), was_made=was_made)


def export_state(inputs: RunInputs, settings: Settings) -> tuple[StoreExport, tuple[Lease, ...]]:
    """Return everything in the store, and who is writing to it; raises StateError and UsageError."""
    with find_settings_store(settings, inputs.env) as found:
        store = _require_store(found)
        with report_store_errors():
            leases = tuple(lease for target in store.list_targets() if (lease := store.read_lease(target)))
            return store.export(), leases


def import_state(inputs: RunInputs, settings: Settings, exported: StoreExport) -> ImportedStore:
    """Record an export in the place that the settings name; raises StateError."""
    source = Source(settings.name)
    location = resolve_location(settings.state, inputs.env, source)
    secret = resolve_state_key(settings.state, inputs.env, source)
    with report_store_errors():
        return import_store(location, exported, env=inputs.env, pinned=settings.state.id, secret=secret)


def prune_state(inputs: RunInputs, settings: Settings, keep_days: float, keep_runs: int) -> dict[str, int]:
    """Forget old runs on every target, and return how many by the target's id; raises StateError and UsageError."""
    with find_settings_store(settings, inputs.env) as found:
        store = _require_store(found)
        with report_store_errors():
            return {
                target: prune_store(
                    store, target, keep_days, keep_runs=keep_runs, clock=lambda: datetime.fromtimestamp(inputs.now, UTC)
                )
                for target in store.list_targets()
            }


def name_targets(settings: Settings) -> Mapping[str, str]:
    """Return the names of the settings' targets by their ids, as far as nobody has to be asked for a project's id."""
    bounds = {name: target.bound() for name, target in sorted(settings.targets.items())}
    return {
        identify_bound(bound): name
        for name, bound in bounds.items()
        if bound.project or not settings.targets[name].project.name
    }


def _describe_store(store: Store, settings: Settings) -> StoreOverview:
    names = name_targets(settings)
    with report_store_errors():
        targets = tuple(
            TargetRecords(
                target,
                names.get(target, ""),
                len(store.list_runs(target, _ALL_RUNS)),
                len(store.list_open(target)),
                store.read_lease(target),
            )
            for target in store.list_targets()
        )
    keeps_bodies = store.keeps_bodies or settings.state.key is not None
    return StoreOverview(store.name, store.identity, settings.state.id, keeps_bodies, targets)


def _require_store(store: Store | None) -> Store:
    if store is None:
        summary, remedy = "there is no store yet", "`reconciler state init` makes it, and so does the first apply"
        raise UsageError(Diagnostic("state.absent", STATE_SOURCE, summary, remedy=remedy))
    return store
