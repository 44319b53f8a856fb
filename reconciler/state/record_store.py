"""The store over any back end: each operation is one function over one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, TypeVar

from reconciler.state import identity, intents, leases, runs
from reconciler.state.backend import Backend, Scope, WallClock, format_time, read_clock
from reconciler.state.records import (
    FORMAT,
    ActRecord,
    DriftItem,
    DriftNews,
    DriftRecord,
    Intent,
    IntentResult,
    Lease,
    OpenIntent,
    PlanNonce,
    PreviousObject,
    RunHistory,
    RunRecord,
    StoreExport,
    StoreIdentity,
    make_record_id,
)
from reconciler.state.schema import Transaction
from reconciler.state.store import RunEnding
from reconciler.state.store_errors import StoreForeign, StoreVanished

if TYPE_CHECKING:
    from reconciler.state.body_encryption import BodyCipher
    from reconciler.state.local_bodies import LocalBodies

T = TypeVar("T")


class RecordStore:
    """A `Store` whose records are rows. `clock` gives the times that records bear.

    Threads may share it: a heartbeat renews while a write is under way.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        pinned: str = "",
        secret: str = "",
        clock: WallClock = read_clock,
        is_found: bool | None = None,
        bodies: LocalBodies | None = None,
    ) -> None:
        """Open what is there, or make it where nothing is pinned; bodies are encrypted with a key of the secret.

        `is_found` is what the back end's `find` says, where it was asked already; `bodies` keeps here what the store
        itself may not hold. Raises StoreVanished, StoreForeign,
        StoreTooNew, ImportUnfinished, KeyUnfit.
        """
        self._backend, self._clock, self._bodies = backend, clock, bodies
        self._lock = threading.RLock()
        if not (backend.find() if is_found is None else is_found):
            if pinned:
                raise StoreVanished(backend.name, f"the store {pinned}, which the settings pin,")
            backend.create()
            # Two may get here at once: the one that comes second takes what the first has made.
            new = StoreIdentity(make_record_id(), FORMAT, self._now(), declared=False)
            self._identity = self._run(Scope("create"), lambda tx: identity.make_identity(tx, backend.name, new))
        else:
            scope = Scope("open", writes=False)
            self._identity = self._run(scope, lambda tx: identity.find_identity(tx, backend.name))
        if pinned and self._identity.id != pinned:
            raise StoreForeign(backend.name, self._identity.id, pinned)
        self._cipher = _make_cipher(secret, self._identity.id) if secret else None

    @property
    def name(self) -> str:
        """As `Store` has it."""
        return self._backend.name

    @property
    def identity(self) -> StoreIdentity:
        """As `Store` has it."""
        return self._identity

    @property
    def keeps_bodies(self) -> bool:
        """As `Store` has it."""
        return self._backend.keeps_bodies or self._cipher is not None

    @property
    def is_remote(self) -> bool:
        """As `Store` has it."""
        return self._backend.is_remote

    def declare(self) -> StoreIdentity:
        """As `Store` has it."""
        self._identity = self._run(Scope("init"), lambda tx: identity.declare_identity(tx, self._backend.name))
        return self._identity

    def claim(
        self,
        run: RunRecord,
        *,
        nonce: PlanNonce | None = None,
        intents: Sequence[Intent] = (),
        over: Lease | None = None,
    ) -> Lease:
        """As `Store` has it."""
        now = self._now()

        def take(tx: Transaction) -> Lease:
            lease = leases.take_lease(tx, run, over, now)
            if nonce:
                leases.use_nonce(tx, run.target, nonce, run.id)
            runs.record_run(tx, run, now)
            self._record_intents(tx, run.target, intents, now)
            return lease

        lease = self._run(Scope("claim", run.target), take)
        self._keep_bodies(run.target, intents, now)
        return lease

    def renew(self, lease: Lease, results: Sequence[IntentResult] = ()) -> Lease:
        """As `Store` has it."""
        now = self._now()

        def beat(tx: Transaction) -> Lease:
            leases.check_fence(tx, lease)
            intents.record_results(tx, lease.target, results, now)
            return leases.move_beat(tx, lease)

        return self._run(Scope("renew", lease.target, essential=bool(results)), beat)

    def release(self, lease: Lease, ending: RunEnding, results: Sequence[IntentResult] = ()) -> None:
        """As `Store` has it."""
        now = self._now()

        def end(tx: Transaction) -> None:
            # Said again after an answer that got lost: it was done.
            if leases.was_released(tx, lease):
                return
            leases.check_fence(tx, lease)
            intents.record_results(tx, lease.target, results, now)
            runs.end_run(tx, lease.target, lease.run, ending, now)
            leases.free_lease(tx, lease.target)

        self._run(Scope("release", lease.target, essential=True), end)

    def intend(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """As `Store` has it."""
        now = self._now()

        def record(tx: Transaction) -> None:
            leases.check_fence(tx, lease)
            self._record_intents(tx, lease.target, intents, now)

        self._run(Scope("intend", lease.target), record)
        self._keep_bodies(lease.target, intents, now)

    def settle(self, lease: Lease, results: Sequence[IntentResult]) -> None:
        """As `Store` has it."""
        now = self._now()

        def append(tx: Transaction) -> None:
            leases.check_fence(tx, lease)
            intents.record_results(tx, lease.target, results, now)

        self._run(Scope("settle", lease.target, essential=True), append)

    def unlock(self, target: str, run: str) -> bool:
        """As `Store` has it."""
        return self._run(Scope("unlock", target), lambda tx: leases.unlock_run(tx, target, run))

    def read_lease(self, target: str) -> Lease | None:
        """As `Store` has it."""
        return self._run(_read(target), lambda tx: leases.find_lease(tx, target))

    def list_open(self, target: str) -> tuple[OpenIntent, ...]:
        """As `Store` has it."""
        entries = self._run(_read(target), lambda tx: intents.read_open(tx, target))
        return tuple(entry._replace(intent=self._open_intent(target, entry.intent)) for entry in entries)

    def list_acts(self, target: str, keys: Sequence[str]) -> tuple[ActRecord, ...]:
        """As `Store` has it."""
        return self._run(_read(target), lambda tx: intents.read_acts(tx, target, keys))

    def list_forbidden_acts(self, target: str) -> tuple[ActRecord, ...]:
        """As `Store` has it."""
        return self._run(_read(target), lambda tx: intents.read_forbidden_acts(tx, target))

    def list_runs(self, target: str, limit: int = 100) -> tuple[RunRecord, ...]:
        """As `Store` has it."""
        return self._run(_read(target, history=True), lambda tx: runs.read_runs(tx, target, limit))

    def read_run(self, target: str, run: str) -> RunHistory | None:
        """As `Store` has it."""
        history = self._run(_read(target, history=True), lambda tx: runs.read_history(tx, target, run))
        return self._open_history(target, history) if history else None

    def read_histories(self, target: str, ids: Sequence[str]) -> tuple[RunHistory, ...]:
        """As `Store` has it."""

        def read(tx: Transaction) -> tuple[RunHistory, ...]:
            histories = (runs.read_history(tx, target, key) for key in ids)
            return tuple(history for history in histories if history)

        histories = self._run(_read(target, history=True), read)
        return tuple(self._open_history(target, history) for history in histories)

    def read_previous(self, target: str, run: str, number: int) -> PreviousObject | None:
        """As `Store` has it."""
        history = self.read_run(target, run)
        steps = history.intents if history else ()
        return next((intent.previous for intent in steps if intent.number == number), None)

    def remember_drift(
        self, target: str, run: str, items: Collection[DriftItem], compared: Collection[str], *, started: str = ""
    ) -> DriftNews:
        """As `Store` has it."""
        from reconciler.state import drift_memory  # noqa: PLC0415 - an apply does without

        sight = drift_memory.DriftSight(run, frozenset(items), frozenset(compared), started, self._now())

        def remember(tx: Transaction) -> DriftNews:
            leases.lock_target(tx, target)
            return drift_memory.record_drift(tx, target, sight)

        return self._run(Scope("drift", target), remember)

    def list_drift(self, target: str) -> tuple[DriftRecord, ...]:
        """As `Store` has it."""
        from reconciler.state import drift_memory  # noqa: PLC0415 - an apply does without

        return self._run(_read(target), lambda tx: drift_memory.read_drift(tx, target))

    def prune(self, target: str, *, before: str, keep: int = 0) -> int:
        """As `Store` has it."""
        from reconciler.state import drift_memory  # noqa: PLC0415 - an apply does without

        scope = Scope("prune", target, history=True)

        def forget(tx: Transaction) -> int:
            drift_memory.prune_drift(tx, target, before)
            return runs.prune_runs(tx, target, before, keep)

        if self._bodies:
            self._bodies.forget(target, before)
        return self._run(scope, forget)

    def check_writable(self) -> None:
        """As `Store` has it."""
        self._run(Scope("probe"), lambda tx: tx.run("update store set declared = declared"))

    def list_targets(self) -> tuple[str, ...]:
        """As `Store` has it."""
        with self._lock:
            return self._backend.list_targets()

    def export(self) -> StoreExport:
        """As `Store` has it."""
        from reconciler.state.transfer import dump_records  # noqa: PLC0415 - few runs need it

        def dump(target: str) -> tuple[str, ...]:
            return self._run(_read(target, history=True), lambda tx: dump_records(tx, target))

        targets = {target: dump(target) for target in self.list_targets()}
        return StoreExport(self._identity, {target: lines for target, lines in targets.items() if lines})

    def close(self) -> None:
        """As `Store` has it."""
        self._backend.close()
        if self._bodies:
            self._bodies.close()

    def _keep_bodies(self, target: str, steps: Sequence[Intent], now: str) -> None:
        if self._bodies and not self.keeps_bodies:
            self._bodies.keep(target, steps, now)

    def _record_intents(self, tx: Transaction, target: str, steps: Sequence[Intent], now: str) -> None:
        if self._cipher:
            steps = [self._cipher.encrypt_intent(target, intent) for intent in steps]
        intents.record_intents(tx, target, steps, now, with_bodies=self.keeps_bodies)

    def _open_history(self, target: str, history: RunHistory) -> RunHistory:
        intents = tuple(self._open_intent(target, intent) for intent in history.intents)
        return history._replace(intents=self._bodies.fill(target, history.run.id, intents) if self._bodies else intents)

    def _open_intent(self, target: str, intent: Intent) -> Intent:
        if not intent.previous or not intent.previous.body:
            return intent
        from reconciler.state.body_encryption import decrypt_intent  # noqa: PLC0415 - few runs need it

        # Nobody but this tool writes a file of ours; to a repository everybody pushes.
        return decrypt_intent(self._cipher, target, intent, plain_allowed=self._backend.keeps_bodies)

    def _run(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        with self._lock:
            return self._backend.transact(work, scope)

    def _now(self) -> str:
        return format_time(self._clock())


def _make_cipher(secret: str, store: str) -> BodyCipher:
    from reconciler.state.body_encryption import BodyCipher  # noqa: PLC0415 - for those who have a key

    return BodyCipher(secret, store)


def _read(target: str, *, history: bool = False) -> Scope:
    return Scope("read", target, writes=False, history=history)
