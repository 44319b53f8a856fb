"""Where Command evaluates a permission on certificates: everywhere, on a collection, or on a store container.

Contract: Keyfactor Command, PUT Certificates {id} Owner (CollectionId, ContainerId).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.kinds.fields import pick
from reconciler.kinds.kind import Read
from reconciler.model import Query

COLLECTIONS = "/CertificateCollections"
# Called applications in 25.x (/Applications); this path is still there.
CONTAINERS = "/CertificateStoreContainers"


class Scope(NamedTuple):
    """Where permission is evaluated: parameters of the list and of the PUT, or the fault in the declared `field`."""

    listing: Query = ()
    query: Query = ()
    field: str = ""
    fault: str = ""


def resolve(read: Read, declared: Mapping[str, Any]) -> Scope:
    """Return the scope of a document that declares a `collection`, a `container`, or neither."""
    if "collection" in declared:
        number, fault = _number(read, COLLECTIONS, "collection", declared["collection"])
        # Each call's own spelling; Command takes parameter names in any letter case.
        return Scope((("collectionId", number),), (("CollectionId", number),), "collection", fault)
    if "container" in declared:
        number, fault = _number(read, CONTAINERS, "container", declared["container"])
        # The PUT takes a container (25.4), the list of certificates doesn't: all of it is read.
        return Scope((), (("ContainerId", number),), "container", fault)
    return Scope()


def _number(read: Read, path: str, noun: str, declared: str | int) -> tuple[str, str]:
    """Return a scope's id as text, or why there is none."""
    if isinstance(declared, int):
        return str(declared), ""
    # Not by QueryString: how a quote within a value is escaped is not documented.
    rows = [row for row in read.rows(path) if str(pick(row, "Name") or "").casefold() == declared.casefold()]
    if len(rows) == 1:
        return str(int(pick(rows[0], "Id"))), ""
    found = "several have this name" if rows else "it does not exist or is not visible to this account"
    return "", f"{noun} {declared!r}: {found}; permission can't be evaluated on it; correct the name or give the id"
