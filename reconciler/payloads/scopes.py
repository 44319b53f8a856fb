"""Where Command evaluates a permission on certificates: everywhere, on a collection, or on a store container.

Contract: Keyfactor Command, PUT Certificates {id} Owner (CollectionId, ContainerId).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from reconciler.diagnostics import Explanation
from reconciler.model import Query
from reconciler.payloads.members import pick_member
from reconciler.reader import Read

COLLECTIONS_PATH = "/CertificateCollections"
# Called applications in 25.x (/Applications); this path is still there.
CONTAINERS_PATH = "/CertificateStoreContainers"
SCOPE_LISTS = {"collection": COLLECTIONS_PATH, "container": CONTAINERS_PATH}
"""The list of each sort of scope, by what documents call one."""
_CUTOFF = 0.6


class NamedScope(NamedTuple):
    """A collection or a container as its list tells it; the id as text."""

    id: str
    name: str


class PermissionScope(NamedTuple):
    """Where permission is evaluated: parameters of the list and of the PUT, or the fault in the declared `field`."""

    listing: Query = ()
    query: Query = ()
    field: str = ""
    fault: Explanation | None = None


def resolve_permission_scope(read: Read, declared: Mapping[str, Any]) -> PermissionScope:
    """Return the scope of a document that declares a `collection`, a `container`, or neither."""
    if "collection" in declared:
        number, fault = _find_scope_id(read, "collection", declared["collection"])
        # Each call's own spelling; Command takes parameter names in any letter case.
        return PermissionScope((("collectionId", number),), (("CollectionId", number),), "collection", fault)
    if "container" in declared:
        number, fault = _find_scope_id(read, "container", declared["container"])
        # The PUT takes a container (25.4), the list of certificates doesn't: all of it is read.
        return PermissionScope((), (("ContainerId", number),), "container", fault)
    return PermissionScope()


def build_list_scope(query: Query) -> Query:
    """Return the scope of a list that belongs to the scope of a PUT."""
    return tuple(("collectionId", value) for name, value in query if name == "CollectionId")


def read_scopes(read: Read, noun: str) -> list[NamedScope]:
    """Return all collections or containers that the account sees; raises what a read raises."""
    # Not by QueryString: how a quote within a value is escaped is not documented.
    rows = read.rows(SCOPE_LISTS[noun])
    return [NamedScope(str(int(pick_member(row, "Id"))), str(pick_member(row, "Name") or "")) for row in rows]


def find_scopes(scopes: Iterable[NamedScope], name: str) -> list[NamedScope]:
    """Return the scopes that a name may mean."""
    folded_name = name.casefold()
    namesakes = [scope for scope in scopes if scope.name.casefold() == folded_name]
    # Whether a server tells names apart by their letter case is not documented: exact spelling comes first.
    return [scope for scope in namesakes if scope.name == name] or namesakes


def explain_unclear_name(noun: str, name: str, scopes: Sequence[NamedScope], reason: str) -> Explanation | None:
    """Say why a name means none of these scopes, or more than one; None where it means one."""
    matches = find_scopes(scopes, name)
    if len(matches) == 1:
        return None
    if matches:
        summary = f"{noun} {name!r}: several have this name"
        ids = ", ".join(sorted((scope.id for scope in matches), key=int))
        return Explanation("live.ambiguous", summary, reason, f"correct the name or give the id: it is one of {ids}")
    nearest = get_close_matches(name, sorted({scope.name for scope in scopes}), n=1, cutoff=_CUTOFF)
    remedy = "correct the name or give the id" + (f'; did you mean "{nearest[0]}"?' if nearest else "")
    summary = f"{noun} {name!r}: it does not exist or is not visible to this account"
    return Explanation("live.unknown-reference", summary, reason, remedy)


def _find_scope_id(read: Read, noun: str, declared: str | int) -> tuple[str, Explanation | None]:
    """Return a scope's id as text, or why there is none."""
    if isinstance(declared, int):
        return str(declared), None
    scopes = read_scopes(read, noun)
    if fault := explain_unclear_name(noun, declared, scopes, "permission can't be evaluated on it"):
        return "", fault
    return find_scopes(scopes, declared)[0].id, None
