"""Taking the lease of a target: at once, from a holder that is gone, or after a wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.state.lease_watch import HeldLease, LeaseWatch
from reconciler.state.records import Intent, IntentResult, Lease, PlanNonce, RunHolder, RunRecord
from reconciler.state.run_holder import is_holder_gone
from reconciler.state.store import Store
from reconciler.state.store_errors import StoreLocked


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """How many seconds to wait for a target that another run holds; `on_wait` is told of each holder once.

    `is_gone` says of a holder that it is known to have ended.
    """

    timeout: float = 0.0
    on_wait: Callable[[Lease], None] = lambda _lease: None
    timing: Timing = REAL_TIME
    is_gone: Callable[[RunHolder], bool] = is_holder_gone


def claim_lease(
    store: Store,
    run: RunRecord,
    policy: LockPolicy,
    *,
    nonce: PlanNonce | None = None,
    intents: Sequence[Intent] = (),
) -> HeldLease:
    """Return the lease of the run's target, with the intents recorded; raises StoreLocked when the time is over.

    A holder that died on this machine is known to be gone at once; of one elsewhere it is known when its lease stood
    still for long enough, by the clock of this process.
    """
    timing = policy.timing
    deadline = timing.clock() + policy.timeout
    watch = LeaseWatch(timing.lease, clock=timing.clock)
    over: Lease | None = None
    told: set[str] = set()
    while True:
        # Before the store is asked: the lease's time counts from then at the latest.
        asked = timing.clock()
        try:
            lease = store.claim(run, nonce=nonce, intents=intents, over=over)
        except StoreLocked as locked:
            holder = locked.lease
            if policy.is_gone(holder.holder) or watch.observe(holder) <= 0:
                over = holder
                continue
            left = deadline - timing.clock()
            if left <= 0:
                raise
            if holder.run not in told:
                told.add(holder.run)
                policy.on_wait(holder)
            timing.sleep(min(timing.look_again, left))
        else:
            return HeldLease(lease, asked, timing.lease)


def renew_lease(
    store: Store, held: HeldLease, clock: Callable[[], float], results: Sequence[IntentResult] = ()
) -> HeldLease:
    """Return the lease with its time begun anew, and the results recorded; raises Overtaken."""
    asked = clock()
    return held.renewed(store.renew(held.lease, results), asked)
