"""What comparing owners needs of a server: lists only, never a GET per certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.diagnostics import Address, Explanation
from reconciler.errors import IncompleteError
from reconciler.kinds.certificate_owner.owner_queries import build_settled_query
from reconciler.kinds.certificate_owner.owner_roles import RolesByName, group_roles, rename_roles
from reconciler.kinds.certificate_owner.spec import EXCEPT_QUERY_PATH, QUERY_PATH, CertificateOwner
from reconciler.kinds.conflicts import find_contested_objects
from reconciler.kinds.kind import Wanted
from reconciler.model import Path, Query
from reconciler.payloads.certificate_table import CertificateRow, CertificateTable, RowsByKey, format_id_key
from reconciler.payloads.certificates import (
    ReadCertificates,
    begin_searches,
    read_certificates,
    search_certificates,
)
from reconciler.payloads.roles import read_role_list
from reconciler.payloads.scopes import PermissionScope, resolve_permission_scope
from reconciler.reader import Read

Documents = Sequence[Wanted[CertificateOwner]]
Scopes = Mapping[Address, PermissionScope]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What a document's query matches, without what it excepts.

    `excepted` counts what was left out. `settled` counts, where nothing is left of a query about owners, what it would
    find had the document been carried out already.
    """

    rows: Sequence[CertificateRow]
    excepted: int = 0
    settled: int = 0


@dataclass(frozen=True, slots=True)
class LiveOwners:
    """Roles by folded name, as they will be called; per document its scope; certificates by scope and key, or by
    the document's query.

    `authors` names the documents of each certificate that more than one document assigns, by its id; `spokesmen` has
    the one of them that tells it. `inventory` has all certificates, where all were read.
    """

    roles: RolesByName
    scopes: Scopes
    scope_rows: Mapping[Query, RowsByKey]
    query_results: Mapping[Address, QueryResult]
    authors: Mapping[int, tuple[str, ...]]
    spokesmen: Mapping[int, Address]
    inventory: CertificateTable | None = None


def read_live_owners(
    read: Read, documents: Documents, renames: Mapping[str, str], tell: Callable[[str], None]
) -> LiveOwners:
    """Read the roles, the scopes that are named, and the certificates, a collection at a time.

    `renames` are the former names of roles that the same run renames, by their new ones; `tell` hears how certificates
    are looked for.
    """
    roles = group_roles(read_role_list(read))
    scopes = {document.address: resolve_permission_scope(read, document.spec.declared()) for document in documents}
    readable = [document for document in documents if not scopes[document.address].fault]
    scope_lists = _read_scope_lists(read, readable, scopes, tell)
    scope_rows = {scope: certificates.by_key for scope, certificates in scope_lists.items()}
    begin_searches(
        read,
        [(scopes[document.address].listing, document.spec.search) for document in readable if document.spec.search],
    )
    query_results = {
        document.address: _read_query_result(read, document, scopes[document.address].listing, roles)
        for document in readable
        if document.spec.search
    }
    # Those that name their certificates first, since there a single line can be mended.
    ordered = sorted(readable, key=lambda document: (document.spec.search is not None, document.address))
    assignments = _list_shared_assignments(
        (document, _list_assigned_ids(document, scope_rows[scopes[document.address].listing], query_results))
        for document in (ordered if len(ordered) > 1 else ())  # one alone shares no certificate with another
    )
    authors = find_contested_objects(assignments)
    spokesmen = {row_id: document.address for row_id, document in reversed(assignments) if row_id in authors}
    # What a collection or a container has is never all that there is.
    inventory = scope_lists[()].inventory if () in scope_lists else None
    return LiveOwners(rename_roles(roles, renames), scopes, scope_rows, query_results, authors, spokesmen, inventory)


def _read_scope_lists(
    read: Read, documents: Documents, scopes: Scopes, tell: Callable[[str], None]
) -> dict[Query, ReadCertificates]:
    """Return the certificates that are named by key; documents of one collection share its list."""
    keys_by_scope: dict[Query, list[str]] = {}
    for document in documents:
        keys = keys_by_scope.setdefault(scopes[document.address].listing, [])
        keys += document.spec.list_keys(document.tables)
    # Sorted, so that equal manifests send equal requests.
    return {
        scope: read_certificates(read, scope, keys, tell) if keys else ReadCertificates(RowsByKey(CertificateTable()))
        for scope, keys in sorted(keys_by_scope.items())
    }


def _read_query_result(read: Read, document: Wanted[CertificateOwner], scope: Query, roles: RolesByName) -> QueryResult:
    spec = document.spec
    matches = _run_query(read, document, scope, spec.search or "", QUERY_PATH)
    rows: Sequence[CertificateRow] = matches
    exceptions = spec.exceptions
    if exceptions and rows:
        keys = set(exceptions.keys)
        if exceptions.query:
            found = _run_query(read, document, scope, exceptions.query, EXCEPT_QUERY_PATH)
            keys.update(format_id_key(row.id) for row in found)
        rows = tuple(row for row in matches if not {row.thumbprint.upper(), format_id_key(row.id)} & keys)
    settled_query = "" if matches or spec.declared().get("allowEmpty") else build_settled_query(spec, roles)
    settled = _run_query(read, document, scope, settled_query, QUERY_PATH) if settled_query else ()
    return QueryResult(rows, len(matches) - len(rows), len(settled))


def _run_query(read: Read, document: Wanted, scope: Query, query: str, path: Path) -> CertificateTable:
    """Return what a query of a document matches; where the server can't answer it, the document is named as well."""
    try:
        return search_certificates(read, scope, query)
    except IncompleteError as error:
        answers = "; ".join(problem.message for problem in error.problems)
        explanation = Explanation(
            "live.unanswered-query", f"the query was not answered: {answers}", remedy="check how it is written"
        )
        raise IncompleteError(explanation.locate(document.at(("spec", *path)), document.address)) from None


def _list_shared_assignments(
    assigned_ids: Iterable[tuple[Wanted[CertificateOwner], Sequence[int]]],
) -> list[tuple[int, Wanted[CertificateOwner]]]:
    """Return the assignments of certificates that more than one document assigns, in the order of the documents."""
    seen_ids: set[int] = set()
    shared_ids: set[int] = set()
    kept = []
    for document, ids in assigned_ids:
        unique_ids = set(ids)
        shared_ids |= seen_ids & unique_ids
        seen_ids |= unique_ids
        kept.append((document, ids))
    return [(number, document) for document, ids in kept if shared_ids for number in ids if number in shared_ids]


def _list_assigned_ids(
    document: Wanted[CertificateOwner], rows: RowsByKey, query_results: Mapping[Address, QueryResult]
) -> Sequence[int]:
    ids = rows.list_ids(document.spec.list_keys(document.tables))
    if result := query_results.get(document.address):
        ids += [row.id for row in result.rows]
    return ids
