"""Where Command evaluates a permission on certificates: everywhere, on a collection, or on a store container.

Contract: Keyfactor Command, PUT Certificates {id} Owner (CollectionId, ContainerId).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.diagnostics import Explanation
from reconciler.model import Query
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

COLLECTIONS_PATH = "/CertificateCollections"
# Called applications in 25.x (/Applications); this path is still there.
CONTAINERS_PATH = "/CertificateStoreContainers"


class PermissionScope(NamedTuple):
    """Where permission is evaluated: parameters of the list and of the PUT, or the fault in the declared `field`."""

    listing: Query = ()
    query: Query = ()
    field: str = ""
    fault: Explanation | None = None


def resolve_permission_scope(read: Read, declared: Mapping[str, Any]) -> PermissionScope:
    """Return the scope of a document that declares a `collection`, a `container`, or neither."""
    if "collection" in declared:
        number, fault = _find_scope_id(read, COLLECTIONS_PATH, "collection", declared["collection"])
        # Each call's own spelling; Command takes parameter names in any letter case.
        return PermissionScope((("collectionId", number),), (("CollectionId", number),), "collection", fault)
    if "container" in declared:
        number, fault = _find_scope_id(read, CONTAINERS_PATH, "container", declared["container"])
        # The PUT takes a container (25.4), the list of certificates doesn't: all of it is read.
        return PermissionScope((), (("ContainerId", number),), "container", fault)
    return PermissionScope()


def build_list_scope(query: Query) -> Query:
    """Return the scope of a list that belongs to the scope of a PUT."""
    return tuple(("collectionId", value) for name, value in query if name == "CollectionId")


def _find_scope_id(read: Read, path: str, noun: str, declared: str | int) -> tuple[str, Explanation | None]:
    """Return a scope's id as text, or why there is none."""
    if isinstance(declared, int):
        return str(declared), None
    # Not by QueryString: how a quote within a value is escaped is not documented.
    name = declared.casefold()
    namesakes = [row for row in read.rows(path) if str(pick_member(row, "Name") or "").casefold() == name]
    # Whether a server tells names apart by their letter case is not documented: exact spelling comes first.
    rows = [row for row in namesakes if pick_member(row, "Name") == declared] or namesakes
    if len(rows) == 1:
        return str(int(pick_member(rows[0], "Id"))), None
    cause = "several have this name" if rows else "it does not exist or is not visible to this account"
    return "", Explanation(
        "live.ambiguous" if rows else "live.unknown-reference",
        f"{noun} {declared!r}: {cause}",
        "permission can't be evaluated on it",
        "correct the name or give the id",
    )
