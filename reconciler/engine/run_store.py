"""The store of the settings, opened for a command, and what a run and its targets are called in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from reconciler import __version__
from reconciler.diagnostics import Source
from reconciler.engine.declaration import RunInputs
from reconciler.engine.pipeline import connect_targets
from reconciler.errors import ReconcilerError, StateError
from reconciler.settings.model import Settings
from reconciler.settings.state_location import resolve_location, resolve_state_key
from reconciler.state.backend import format_time
from reconciler.state.open_store import find_store, open_store
from reconciler.state.records import PlanNonce, RunRecord, identify_target, make_run_id
from reconciler.state.run_holder import describe_holder
from reconciler.state.store_errors import StoreError

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.model import Bound
    from reconciler.state.store import Store

STATE_SOURCE = Source("state")


@contextmanager
def report_store_errors(source: Source = STATE_SOURCE) -> Iterator[None]:
    """Raise StateError, with the exit code that belongs to it, for whatever the store can't do."""
    try:
        yield
    except StoreError as error:
        raise StateError(error.exit, error.explanation.locate(source)) from error


@contextmanager
def open_settings_store(settings: Settings, env: Mapping[str, str]) -> Iterator[Store]:
    """Open the store that the settings name, or make it; raises StateError, or AuthError for a secret of it."""
    source = Source(settings.name)
    location = resolve_location(settings.state, env, source)
    secret = resolve_state_key(settings.state, env, source)
    with report_store_errors():
        store = open_store(location, env=env, pinned=settings.state.id, secret=secret)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def find_settings_store(
    settings: Settings, env: Mapping[str, str], *, pinned: str | None = None, with_bodies: bool = False
) -> Iterator[Store | None]:
    """Open the store that the settings name, for whoever only reads: None where there is none. Raises as above.

    `pinned` takes the place of the settings' `state.id`. The key is asked for only `with_bodies`: a job that plans
    needs none.
    """
    source = Source(settings.name)
    location = resolve_location(settings.state, env, source)
    secret = resolve_state_key(settings.state, env, source) if with_bodies else ""
    with report_store_errors():
        store = find_store(location, env=env, pinned=settings.state.id if pinned is None else pinned, secret=secret)
    try:
        yield store
    finally:
        if store:
            store.close()


def identify_bound(bound: Bound) -> str:
    """Return the id under which a target is remembered, whatever the settings call it."""
    return identify_target(bound.api, bound.url, bound.project)


def identify_targets(inputs: RunInputs, settings: Settings, names: Sequence[str]) -> dict[str, str]:
    """Return the id of each of these targets; asks IAM alone, for a project that the settings call by its name."""
    bounds = {name: settings.targets[name].bound() for name in names}
    projects = {name: settings.targets[name].project for name in names}
    unclear = [name for name, project in projects.items() if project.name and not project.id]
    if unclear:
        with connect_targets(inputs, settings, unclear) as apis:
            bounds |= {name: api.bound() for name, api in apis.items()}
    return {name: identify_bound(bound) for name, bound in bounds.items()}


def format_moment_ago(now: float, seconds: float) -> str:
    """Return a time before now (seconds since the epoch) as records have it."""
    return format_time(datetime.fromtimestamp(max(0.0, now - seconds), UTC))


class RunOrigin(NamedTuple):
    """What a run comes from: a command, the commit of the manifests, and the digest and nonce of a saved plan."""

    command: str = "apply"
    commit: str = ""
    plan: str = ""
    nonce: PlanNonce | None = None


def begin_run(origin: RunOrigin, target: str, env: Mapping[str, str], *, started: float, run: str = "") -> RunRecord:
    """Return the record of a run on a target that starts now; `started` is seconds since the epoch.

    The targets of one run share its id, `run`, which is made for the first of them.
    """
    command, commit, plan, _ = origin
    moment = format_time(datetime.fromtimestamp(started, UTC))
    run = run or make_run_id(moment)
    return RunRecord(run, target, command, __version__, describe_holder(env), commit, plan, started=moment)


def begin_runs(
    origin: RunOrigin, apis: Mapping[str, Api], env: Mapping[str, str], *, started: float
) -> dict[str, RunRecord]:
    """Return the record of one run on each of these targets, by their names.

    A target of which nobody can tell now what place it is has none: nothing can be written there either.
    """
    records: dict[str, RunRecord] = {}
    run = ""
    for name, api in apis.items():
        try:
            target = identify_bound(api.bound())
        except ReconcilerError:
            continue
        records[name] = begin_run(origin, target, env, started=started, run=run)
        run = records[name].id
    return records
