"""What an earlier revision of the manifests declared and they no longer do. Pure.

Objects are what a document names; a document whose objects all are declared by others has only moved. One that chooses
its objects by a query or a pattern is known by what it says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.diagnostics import Address, Source
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.plans.unmanaged import LiveValues, list_live_objects


@dataclass(frozen=True, slots=True, order=True)
class Withdrawal:
    """A document that is gone, or one that is still there and names some objects no more.

    `objects` are the identities that no document declares any longer, as they were written; `existing` says how many
    live objects have them, None where nothing that was read tells.
    """

    address: Address
    source: Source
    is_whole: bool
    objects: tuple[str, ...] = ()
    existing: int | None = None


def find_withdrawals(former: Iterable[Wanted], declared: Sequence[Wanted]) -> list[Withdrawal]:
    """Return what none of all declared documents is about any more, by address."""
    keys = {(document.address[:2], key) for document in declared for key in document.keys}
    addresses = {
        _fold_address(document.address, name)
        for document in declared
        for name in (document.address.name, document.renamed_from)
    }
    specs = [(document.address[:2], document.spec) for document in declared]
    withdrawals = []
    for document in former:
        target_and_kind = document.address[:2]
        identities = [key for key, _ in document.spec.identities(document.address.name, document.tables)]
        lost = tuple(key for key in identities if (target_and_kind, key.casefold()) not in keys)
        is_whole = _fold_address(document.address, document.address.name) not in addresses
        if lost or (is_whole and not identities and (target_and_kind, document.spec) not in specs):
            withdrawals.append(Withdrawal(document.address, document.source, is_whole, lost))
    return sorted(withdrawals)


def find_existing_objects(
    withdrawals: Sequence[Withdrawal], live: LiveValues, declared: Sequence[Wanted], kinds: Registry
) -> Iterator[Withdrawal]:
    """Yield the withdrawals with how many of their objects still exist, where what was read tells.

    One that a document declares by another identity, such as a certificate by its id, is left out.
    """
    known: dict[tuple[str, str], dict[str, bool] | None] = {}
    for withdrawal in withdrawals:
        target, kind, _ = withdrawal.address
        if (target, kind) not in known:
            known[target, kind] = _index_objects(live, target, kind, declared, kinds)
        index = known[target, kind]
        if index is None or not withdrawal.objects:
            yield withdrawal
            continue
        objects = tuple(key for key in withdrawal.objects if not index.get(key.casefold()))
        existing = sum(key.casefold() in index for key in objects)
        if objects:
            yield replace(withdrawal, objects=objects, existing=existing)


def _index_objects(
    live: LiveValues, target: str, kind: str, declared: Sequence[Wanted], kinds: Registry
) -> dict[str, bool] | None:
    """Return, by key, whether a document declares each live object; None where it can't be told."""
    objects = list_live_objects(live, target, kind, declared, kinds) if (target, kind) in live else None
    return None if objects is None else {key: item.is_declared for item in objects for key in item.keys}


def _fold_address(address: Address, name: str) -> Address:
    return address._replace(name=name.casefold())
