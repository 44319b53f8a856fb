"""Leases and nonces in a transaction: who may write to a target, and which plan was used."""

from __future__ import annotations

import json

from reconciler.state.records import Lease, PlanNonce, RunHolder, RunRecord
from reconciler.state.schema import Transaction, insert_row
from reconciler.state.store_errors import NonceUsed, Overtaken, StoreLocked

_LEASE = "select target, run, fence, beat, since, holder, held from lease where target = :target"


def write_holder(holder: RunHolder) -> str:
    """Return a holder as the text that a row has."""
    return json.dumps(holder._asdict(), sort_keys=True)


def read_holder(text: str) -> RunHolder:
    """Return the holder of a row."""
    return RunHolder(**json.loads(text))


def lock_target(transaction: Transaction, target: str) -> None:
    """Let nobody else write about a target until this transaction ends."""
    # In PostgreSQL an update locks its row until the end of the transaction, even one that changes nothing. `select
    # for update` would be clearer, but SQLite doesn't have it, whose `begin immediate` locks everything anyway.
    transaction.run(
        "insert into lease (target, run, fence, beat, since, holder, held) values (:target, '', 0, 0, '', '', 0) "
        "on conflict (target) do update set target = excluded.target",
        target=target,
    )


def find_lease(transaction: Transaction, target: str) -> Lease | None:
    """Return the lease that stands, if any does."""
    lease, is_held = _read_lease(transaction, target)
    return lease if is_held else None


def take_lease(transaction: Transaction, run: RunRecord, over: Lease | None, now: str) -> Lease:
    """Return the lease of a run, taken from nobody or from the one that is given; raises StoreLocked."""
    lock_target(transaction, run.target)
    last, is_held = _read_lease(transaction, run.target)
    if last and is_held:
        if last.run == run.id:
            return last
        # The one that was watched: a beat since then is a sign of life.
        if not over or (over.run, over.fence, over.beat) != (last.run, last.fence, last.beat):
            raise StoreLocked(last)
    lease = Lease(run.target, run.id, (last.fence if last else 0) + 1, 0, now, run.holder)
    transaction.run(
        "update lease set run = :run, fence = :fence, beat = 0, since = :since, holder = :holder, held = 1 "
        "where target = :target",
        run=lease.run,
        fence=lease.fence,
        since=now,
        holder=write_holder(lease.holder),
        target=lease.target,
    )
    return lease


def check_fence(transaction: Transaction, lease: Lease) -> None:
    """Raise Overtaken unless this lease stands; until the transaction ends it then goes on standing."""
    lock_target(transaction, lease.target)
    last, is_held = _read_lease(transaction, lease.target)
    if not last or not is_held or (last.run, last.fence) != (lease.run, lease.fence):
        raise Overtaken(lease, last if is_held else None)


def was_released(transaction: Transaction, lease: Lease) -> bool:
    """Say whether this very lease was given back, and nobody has taken the next one yet."""
    last, is_held = _read_lease(transaction, lease.target)
    return last is not None and not is_held and (last.run, last.fence) == (lease.run, lease.fence)


def move_beat(transaction: Transaction, lease: Lease) -> Lease:
    """Return the lease with its next beat; asked again, it is the same beat."""
    beat = lease.beat + 1
    transaction.run("update lease set beat = :beat where target = :target", beat=beat, target=lease.target)
    return Lease(lease.target, lease.run, lease.fence, beat, lease.since, lease.holder)


def free_lease(transaction: Transaction, target: str) -> None:
    """Let the next one take it; the fence stays, since it only grows."""
    transaction.run("update lease set held = 0 where target = :target", target=target)


def unlock_run(transaction: Transaction, target: str, run: str) -> bool:
    """Take a lease from exactly one run; False if that one holds none, and holds it not since it was said before."""
    lock_target(transaction, target)
    last, is_held = _read_lease(transaction, target)
    if not last or last.run != run or not is_held:
        return False
    free_lease(transaction, target)
    return True


def use_nonce(transaction: Transaction, target: str, nonce: PlanNonce, run: str) -> None:
    """Use up a plan; raises NonceUsed if another run did. The same run may say so again."""
    insert_row(transaction, "nonce", target=target, nonce=nonce.nonce, run=run, expires=nonce.expires)
    sql = "select run from nonce where target = :target and nonce = :nonce"
    ((used_by,),) = transaction.run(sql, target=target, nonce=nonce.nonce)
    if used_by != run:
        raise NonceUsed(str(used_by))


def _read_lease(transaction: Transaction, target: str) -> tuple[Lease | None, bool]:
    """Return the last lease of a target, and whether it is held; None before the first one."""
    for _, run, fence, beat, since, holder, held in transaction.run(_LEASE, target=target):
        if run:
            lease = Lease(target, str(run), int(fence or 0), int(beat or 0), str(since), read_holder(str(holder)))
            return lease, bool(held)
    return None, False
