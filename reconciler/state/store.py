"""The memory between runs, as a contract. Three back ends keep it; one suite of tests holds all of them to it.

Each operation is one transaction: afterwards all of it is durable, or none of it is there. Each can be asked again as
it was, after an answer that got lost or a crash, and then changes nothing and returns the same. Where a lease is
handed in, the operation is done only if that lease still stands: so each write to the store is a look at the fence.

One apply of a plan with two updates and a denial, from the first byte to the last:

1.  `open_store(location, env=..., pinned=settings.state.id)`: that it is the right one, whole and of a known format.
    For a denial also `store.identity.allows_irreversible(pinned)`.
2.  `claim(run, nonce=..., intents=(update 1, update 2))`: lease, nonce and every repeatable intent at once; on git this
    is one push. `StoreLocked` names the holder. `is_holder_gone(lease.holder)` tells at once of one that died on this
    machine; else `LeaseWatch` waits until its lease stood still for long enough. Then `claim(..., over=that lease)`.
3.  `list_open(target)`: what an earlier run left. Each is read at the server and told by `settle`, before anything is
    sent; what can't be told stays open as `unknown` and holds its own objects back.
4.  Update 1: read again, compare, `HeldLease.check` that the lease has time for one more request, send once, read back,
    rule, `settle`. With a remote store the results of repeatable writes may wait for the next renewal, since the intent
    alone obliges a successor to look. Update 2 likewise.
5.  Denial: `intend` with its act keys, alone and before its first byte; `ActsClaimed` if any run ever did it or may
    have. Send once. `settle` before the next denial.
6.  In between, each third of the lease's time, `renew`. `Overtaken` from any of these means: send nothing more.
7.  `release` with the last results and how the run ended. A killed run never comes here; its lease is taken as in 2, by
    a run that starts with 3.

Plan and drift claim nothing: they may `read_lease`, to say that an apply is under way, and `remember_drift`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.state.records import (
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
)


@dataclass(frozen=True, slots=True)
class RunEnding:
    """How a run ended, as its report says."""

    exit: int
    counts: dict[str, int] = field(default_factory=dict)


class Store(Protocol):
    """The operations. All raise the `StoreError`s that say what is wrong with the store itself."""

    @property
    def name(self) -> str:
        """What people call its place; no secret is in it."""

    @property
    def identity(self) -> StoreIdentity:
        """Which store this is, as it was when it was opened."""

    @property
    def keeps_bodies(self) -> bool:
        """Whether the body of a previous object is kept; else undo material is for whoever calls to keep."""

    @property
    def is_remote(self) -> bool:
        """Whether each write takes seconds, so that results which nobody depends on are better recorded together."""

    def declare(self) -> StoreIdentity:
        """Say that this store is the one, whatever was before it; what `state init` does."""

    def claim(
        self,
        run: RunRecord,
        *,
        nonce: PlanNonce | None = None,
        intents: Sequence[Intent] = (),
        over: Lease | None = None,
    ) -> Lease:
        """Take the lease of the run's target, use up the plan's nonce and record the intents.

        `over` is the lease of a holder that is gone: it is taken from them if it has not moved since. Raises
        StoreLocked, NonceUsed, ActsClaimed.
        """

    def renew(self, lease: Lease, results: Sequence[IntentResult] = ()) -> Lease:
        """Show that the holder lives, and record results. Raises Overtaken."""

    def release(self, lease: Lease, ending: RunEnding, results: Sequence[IntentResult] = ()) -> None:
        """Record the last results and the end of the run, and give the lease back. Raises Overtaken."""

    def intend(self, lease: Lease, intents: Sequence[Intent]) -> None:
        """Record intents, and claim their acts: all of them or none. Raises Overtaken, ActsClaimed."""

    def settle(self, lease: Lease, results: Sequence[IntentResult]) -> None:
        """Record what came of intents, of this run or of earlier ones on the target. Raises Overtaken.

        This is what still works when the disk is full: for results a reserve is kept.
        """

    def unlock(self, target: str, run: str) -> bool:
        """Take the lease from exactly this run, for a person who knows that it is dead; False if it holds none."""

    def read_lease(self, target: str) -> Lease | None:
        """Return who holds the target now."""

    def list_open(self, target: str) -> tuple[OpenIntent, ...]:
        """Return every intent of which not everything is known, the oldest first."""

    def list_acts(self, target: str, keys: Sequence[str]) -> tuple[ActRecord, ...]:
        """Return what is remembered of these acts, the first of each first."""

    def list_forbidden_acts(self, target: str) -> tuple[ActRecord, ...]:
        """Return every act on a target that was done or may have been, the first of each first."""

    def list_runs(self, target: str, limit: int = 100) -> tuple[RunRecord, ...]:
        """Return the runs on a target, the latest first."""

    def read_run(self, target: str, run: str) -> RunHistory | None:
        """Return one run with its intents and results."""

    def read_histories(self, target: str, ids: Sequence[str]) -> tuple[RunHistory, ...]:
        """Return these runs on a target, as one look at the store; without those that it doesn't have."""

    def read_previous(self, target: str, run: str, number: int) -> PreviousObject | None:
        """Return the object before a step."""

    def remember_drift(
        self, target: str, run: str, items: Collection[DriftItem], compared: Collection[str], *, started: str = ""
    ) -> DriftNews:
        """Record the differences that a drift run saw on a target, and return what is new about them.

        `compared` are the addresses that it compared: what it did not look at is not cleared by its silence. `started`
        is when it began to look: what another run has recorded since then may be the newer sight, and stands.
        """

    def list_drift(self, target: str) -> tuple[DriftRecord, ...]:
        """Return the differences that are there, and those that were, in order of address and path."""

    def prune(self, target: str, *, before: str, keep: int = 0) -> int:
        """Forget runs that ended before a time, but for the latest `keep`, and say how many.

        What is open stays, and so do acts, for ever. Nonces go when their plan has expired before that time,
        differences when no run has seen them since.
        """

    def check_writable(self) -> None:
        """Write nothing new, as durably as anything: raises what keeps a run from writing."""

    def list_targets(self) -> tuple[str, ...]:
        """Return the ids of the targets of which anything is recorded, in order."""

    def export(self) -> StoreExport:
        """Return everything that is recorded, as it is kept: what is encrypted stays so. Each target is of one moment.

        `store_import.import_records` is the way back.
        """

    def close(self) -> None:
        """Let go of files, connections and processes."""
