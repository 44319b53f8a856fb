"""Which store it is, in a transaction."""

from __future__ import annotations

from reconciler.state.records import FORMAT, StoreIdentity
from reconciler.state.schema import Transaction, insert_row
from reconciler.state.store_errors import StoreTooNew, StoreVanished


def find_identity(transaction: Transaction, store: str) -> StoreIdentity:
    """Return the identity; raises StoreVanished where there is none, StoreTooNew for a format of later."""
    for key, version, created, declared in transaction.run("select id, format, created, declared from store"):
        if int(version or 0) > FORMAT:
            raise StoreTooNew(store, int(version or 0))
        return StoreIdentity(str(key), int(version or 0), str(created), bool(declared))
    raise StoreVanished(store, "its identity")


def make_identity(transaction: Transaction, store: str, new: StoreIdentity) -> StoreIdentity:
    """Return the identity that there is, or else the new one."""
    insert_row(
        transaction,
        "store",
        one=1,
        id=new.id,
        format=new.format,
        created=new.created,
        declared=int(new.declared),
    )
    return find_identity(transaction, store)


def declare_identity(transaction: Transaction, store: str) -> StoreIdentity:
    """Note that somebody said that this store is the one: what it misses is gone for good."""
    transaction.run("delete from known_target")
    transaction.run("update store set declared = 1")
    return find_identity(transaction, store)
