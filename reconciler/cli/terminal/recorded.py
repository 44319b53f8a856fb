"""A run that is recorded in the settings' store, for a person at a session."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.terminal.streams import write_text
from reconciler.engine.recorded_run import RecordedRun, RunParts, RunTarget
from reconciler.engine.run_store import RunOrigin, begin_runs, open_settings_store
from reconciler.engine.target_lock import LockPolicy
from reconciler.kinds.registry import KINDS
from reconciler.plans.masking import SecretMasker
from reconciler.reports.layout import sanitize_message
from reconciler.state.records import Lease
from reconciler.state.store_errors import describe_holding

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.cli.terminal.context import Session
    from reconciler.settings.model import Settings


@contextmanager
def open_recorded_run(
    session: Session,
    settings: Settings,
    apis: Mapping[str, Api],
    lock_timeout: float,
    origin: RunOrigin,
) -> Iterator[RecordedRun]:
    """Open the store for a run on these targets; raises StateError, or AuthError for a database's URL."""
    inputs = session.inputs
    with open_settings_store(settings, inputs.env) as store:
        records = begin_runs(origin, apis, inputs.env, started=inputs.now)
        targets = {name: RunTarget(record, apis[name].fresh) for name, record in records.items()}
        masker = SecretMasker(api.redact for api in apis.values())
        deadline = max((api.target.transport.timeout for api in apis.values()), default=0.0)
        timing = replace(inputs.timing, lease=inputs.timing.lease.fit_deadline(deadline))
        policy = LockPolicy(lock_timeout, lambda lease: _tell_wait(session, lease), timing)
        yield RecordedRun(
            RunParts(store, targets, KINDS, masker, policy, origin.nonce, settings.state.id, settings.state.keep_days)
        )


def _tell_wait(session: Session, lease: Lease) -> None:
    """Say once for whom is waited: a job that seems to hang would be killed."""
    write_text(session.stderr, sanitize_message(f"waiting: {describe_holding(lease)}\n"))
