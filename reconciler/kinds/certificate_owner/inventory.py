"""Which certificates have no owner document, where all of them were read.

What a query leaves out by `except` is declared by no document for that: it says which certificates the query is not
about, and another document may be about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.kinds.certificate_owner.reading import LiveOwners, read_live_owners
from reconciler.kinds.certificate_owner.spec import CertificateOwner
from reconciler.kinds.kind import Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.payloads.certificate_table import (
    CertificateRow,
    format_id_key,
)
from reconciler.payloads.certificates import search_certificates
from reconciler.reader import Read


def read_inventory(read: Read, documents: Sequence[Wanted[CertificateOwner]]) -> LiveOwners:
    """Read all certificates, and what the queries of these documents find; what is named by key needs no request."""
    live = read_live_owners(read, [document for document in documents if document.spec.search], {}, lambda _line: None)
    return replace(live, inventory=search_certificates(read, ()))


def list_certificates(live: LiveOwners, documents: Sequence[Wanted[CertificateOwner]]) -> Iterable[ListedObject] | None:
    """Return all certificates; None where not all were read, or where it can't be told what a query means."""
    declared_ids = _collect_queried_ids(live, documents)
    if declared_ids is None or live.inventory is None:
        return None
    return _describe_rows(live.inventory, _collect_declared_keys(documents), declared_ids)


def count_undeclared_certificates(live: LiveOwners, documents: Sequence[Wanted[CertificateOwner]]) -> int | None:
    """Return how many of `list_certificates` no document declares, without an object for each of them."""
    declared_ids = _collect_queried_ids(live, documents)
    if declared_ids is None or live.inventory is None:
        return None
    # In upper case, as certificates are found by them, these are the declared texts themselves and no copies.
    keys = set[str]().union(*(document.spec.list_keys(document.tables) for document in documents))
    # Most certificates are named by thumbprint, or not at all.
    thumbprints = map(str.upper, live.inventory.thumbprints)
    unnamed_ids = [number for number, text in zip(live.inventory.ids, thumbprints, strict=True) if text not in keys]
    if not declared_ids and not any(document.spec.names_ids for document in documents):
        return len(unnamed_ids)
    return sum(number not in declared_ids and format_id_key(number) not in keys for number in unnamed_ids)


def _collect_declared_keys(documents: Sequence[Wanted[CertificateOwner]]) -> frozenset[str]:
    """Return `Wanted.keys` of all documents, and no object for each of them."""
    return frozenset[str]().union(
        *(map(str.casefold, document.spec.list_keys(document.tables)) for document in documents)
    )


def _collect_queried_ids(live: LiveOwners, documents: Sequence[Wanted[CertificateOwner]]) -> set[int] | None:
    """Return the ids of what queries find; None where it can't be told what one means."""
    ids: set[int] = set()
    for document in documents:
        if document.spec.search:
            rows = _list_query_rows(document, live)
            if rows is None:
                return None
            ids.update(row.id for row in rows)
    return ids


def _list_query_rows(document: Wanted[CertificateOwner], live: LiveOwners) -> Sequence[CertificateRow] | None:
    """Return what a query finds; None where that is not all that its document is about.

    That is so where it was not asked, and where it finds nothing: a typing error looks the same, and so does a query
    about owners that has been carried out.
    """
    result = live.query_results.get(document.address)
    if result is None:
        return None
    return result.rows if result.rows or document.spec.declared().get("allowEmpty") else None


_WITHOUT_OWNER = "a certificate without an owner: give it one in a CertificateOwner document, by thumbprint or query"


def _describe_rows(
    rows: Sequence[CertificateRow], declared_keys: frozenset[str], declared_ids: set[int]
) -> Iterator[ListedObject]:
    for row in rows:
        keys = (row.thumbprint.casefold(), format_id_key(row.id))
        is_declared = row.id in declared_ids or not declared_keys.isdisjoint(keys)
        # Of a hundred thousand certificates nearly all are declared, or only counted.
        facts = {} if is_declared else _list_facts(row)
        group = row.owner or ("without an owner" if row.owner_id is None else f"role {row.owner_id}")
        unexportable = "" if row.owner_id is not None else _WITHOUT_OWNER
        yield ListedObject(row.name or "", str(row.id), keys, is_declared, facts, group, unexportable)


def _list_facts(row: CertificateRow) -> dict[str, str | bool | None]:
    return {"thumbprint": row.thumbprint, "owner": row.owner, "expires": row.expires, "revoked": row.is_revoked}
