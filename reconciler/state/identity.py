"""Which store it is, in a transaction."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.state.records import FORMAT, StoreIdentity
from reconciler.state.schema import Transaction, insert_row
from reconciler.state.store_errors import ImportUnfinished, StoreTooNew, StoreVanished

_IMPORTING = "importing"
"""What stands for the time since when a target is known, while its records are being imported."""


def find_identity(transaction: Transaction, store: str) -> StoreIdentity:
    """Return the identity; raises StoreVanished, ImportUnfinished, and StoreTooNew for a format of later."""
    if unfinished := find_unfinished(transaction):
        raise ImportUnfinished(store, unfinished)
    for key, version, created, declared in transaction.run("select id, format, created, declared from store"):
        if int(version or 0) > FORMAT:
            raise StoreTooNew(store, int(version or 0))
        return StoreIdentity(str(key), int(version or 0), str(created), bool(declared))
    raise StoreVanished(store, "its identity")


def make_identity(transaction: Transaction, store: str, new: StoreIdentity) -> StoreIdentity:
    """Return the identity that there is, or else the new one."""
    _insert_identity(transaction, new)
    return find_identity(transaction, store)


def declare_identity(transaction: Transaction, store: str) -> StoreIdentity:
    """Note that somebody said that this store is the one: what it misses is gone for good."""
    transaction.run("delete from known_target")
    transaction.run("update store set declared = 1")
    return find_identity(transaction, store)


def begin_import(transaction: Transaction, new: StoreIdentity, targets: Sequence[str]) -> None:
    """Give the store the identity of an export, and note that the records of these targets are to come."""
    transaction.run("delete from store")
    _insert_identity(transaction, new)
    transaction.run("delete from known_target")
    for target in targets:
        insert_row(transaction, "known_target", target=target, since=_IMPORTING)


def end_import(transaction: Transaction) -> None:
    """Note that all records are there."""
    transaction.run("update known_target set since = ''")


def find_unfinished(transaction: Transaction) -> str:
    """Return the id of the store of which an import into this one was begun and not ended, "" if there is none."""
    rows = transaction.run(
        "select id from store where exists (select 1 from known_target where since = :mark)", mark=_IMPORTING
    )
    return str(rows[0][0]) if rows else ""


def _insert_identity(transaction: Transaction, new: StoreIdentity) -> None:
    insert_row(
        transaction,
        "store",
        one=1,
        id=new.id,
        format=new.format,
        created=new.created,
        declared=int(new.declared),
    )
