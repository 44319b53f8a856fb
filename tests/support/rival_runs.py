"""Other runs on the targets of a settings file: one that holds them, one that left something open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from reconciler.engine.declaration import RunInputs, RunOptions, read_declaration, read_settings
from reconciler.engine.intent_records import build_intent
from reconciler.engine.pipeline import connect_targets
from reconciler.engine.preview import preview_plan
from reconciler.engine.recorded_run import RecordedRun, RunParts, RunTarget
from reconciler.engine.recovery import SettledStep
from reconciler.engine.run_store import RunOrigin, begin_run, identify_targets, open_settings_store
from reconciler.engine.target_lock import LockPolicy
from reconciler.engine.timing import Timing
from reconciler.kinds.registry import KINDS
from reconciler.plans.masking import SecretMasker
from reconciler.state.records import Lease, RunRecord
from reconciler.state.store import RunEnding, Store

RIVAL = "20261128T120000-0000feed"


def read_inputs(folder: Path) -> RunInputs:
    """What a run in that folder may know."""
    return RunInputs({"HOME": "/nonexistent", "PATH": os.defpath}, folder, date(2026, 11, 28), KINDS)


@contextmanager
def open_store_of(folder: Path) -> Iterator[tuple[Store, dict[str, str]]]:
    """Yield the store of the settings in a folder, and the ids of their targets by name."""
    inputs = read_inputs(folder)
    settings = read_settings(inputs, None, None)
    with open_settings_store(settings, inputs.env) as store:
        yield store, identify_targets(inputs, settings, sorted(settings.targets))


def begin_rival(target: str, run: str = RIVAL) -> RunRecord:
    """A run of this very process, which lives."""
    return begin_run(RunOrigin(), target, {"GITHUB_ACTOR": "ada"}, started=0.0, run=run)


def hold_targets(folder: Path, run: str = RIVAL) -> dict[str, Lease]:
    """Let another run hold every target, for good."""
    with open_store_of(folder) as (store, targets):
        return {name: store.claim(begin_rival(target, run)) for name, target in targets.items()}


def leave_open(folder: Path, run: str = RIVAL, *, send: bool = False, release: bool = True) -> None:
    """Let a run intend every step of what is declared, and end without a word; with `send` after all was done."""
    inputs = read_inputs(folder)
    plan = preview_plan(inputs, read_declaration(inputs, RunOptions()), lambda _: None, with_state=False)[0].plan
    with open_store_of(folder) as (store, targets):
        leases = {name: store.claim(begin_rival(target, run)) for name, target in targets.items()}
        for number, step in enumerate(plan.steps):
            if step.request:
                intent = build_intent(run, number, step, KINDS[step.address.kind], SecretMasker([]))
                store.intend(leases[step.address.target], [intent])
        if send:
            settings = read_settings(inputs, None, None)
            with connect_targets(inputs, settings, sorted(targets)) as apis:
                for step in plan.sendable_steps:
                    assert step.request
                    apis[step.address.target].send(step.request.call)
        for lease in leases.values() if release else ():
            store.release(lease, RunEnding(11))


def settle_all(folder: Path, run: str = "20261128T130000-0000cafe") -> tuple[SettledStep, ...]:
    """Settle what is open on every target, as the next run does, without waiting."""
    inputs = read_inputs(folder)
    settings = read_settings(inputs, None, None)
    timing = Timing(sleep=lambda _seconds: None)
    with (
        open_store_of(folder) as (store, targets),
        connect_targets(inputs, settings, sorted(targets)) as apis,
    ):
        runs = {
            name: RunTarget(begin_run(RunOrigin("recover"), target, {}, started=0.0, run=run), apis[name].fresh)
            for name, target in targets.items()
        }
        policy = LockPolicy(timing=timing)
        return RecordedRun(RunParts(store, runs, KINDS, SecretMasker([]), policy)).settle_earlier()
