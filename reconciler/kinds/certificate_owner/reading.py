"""What comparing owners needs of a server: lists only, never a GET per certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.diagnostics import Address, Explanation
from reconciler.errors import IncompleteError
from reconciler.kinds.certificate_owner.spec import CertificateOwner
from reconciler.kinds.conflicts import find_contested_objects
from reconciler.kinds.kind import Wanted
from reconciler.model import Query
from reconciler.payloads.certificates import CertificateRow, RowsByKey, read_certificates, search_certificates
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import fold_role_name, read_role_list
from reconciler.payloads.scopes import PermissionScope, resolve_permission_scope
from reconciler.reader import Read

Documents = Sequence[Wanted[CertificateOwner]]
Scopes = Mapping[Address, PermissionScope]


@dataclass(frozen=True, slots=True)
class LiveOwners:
    """Role names by folded name; per document its scope; certificates by scope and key, or by the document's query.

    `authors` names the documents of each certificate that more than one document assigns, by its id.
    """

    roles: Mapping[str, str]
    scopes: Scopes
    scope_rows: Mapping[Query, RowsByKey]
    query_rows: Mapping[Address, Sequence[CertificateRow]]
    authors: Mapping[int, tuple[str, ...]]


def read_live_owners(read: Read, documents: Documents) -> LiveOwners:
    """Read the roles, the scopes that are named, and the certificates, a collection at a time."""
    roles = {fold_role_name(row): str(pick_member(row, "Name")) for row in read_role_list(read)}
    scopes = {document.address: resolve_permission_scope(read, document.spec.declared()) for document in documents}
    readable = [document for document in documents if not scopes[document.address].fault]
    scope_rows = _read_scope_rows(read, readable, scopes)
    query_rows = {
        document.address: _run_query(read, document, scopes[document.address].listing, query)
        for document in readable
        if (query := document.spec.search)
    }
    assignments = (
        (row.id, document)
        for document in readable
        for row in _list_assigned_rows(document, scope_rows[scopes[document.address].listing], query_rows)
    )
    return LiveOwners(roles, scopes, scope_rows, query_rows, find_contested_objects(assignments))


def _read_scope_rows(read: Read, documents: Documents, scopes: Scopes) -> dict[Query, RowsByKey]:
    """Return the certificates that are named by key; documents of one collection share its list."""
    keys_by_scope: dict[Query, list[str]] = {}
    for document in documents:
        keys = keys_by_scope.setdefault(scopes[document.address].listing, [])
        keys += [assignment.key for assignment in document.spec.list_assignments(document.tables)]
    # Sorted, so that equal manifests send equal requests.
    return {
        scope: read_certificates(read, scope, keys) if keys else {} for scope, keys in sorted(keys_by_scope.items())
    }


def _run_query(read: Read, document: Wanted, scope: Query, query: str) -> tuple[CertificateRow, ...]:
    """Return what a document's query matches; where the server can't answer it, the document is named as well."""
    try:
        return tuple(search_certificates(read, scope, query))
    except IncompleteError as error:
        answers = "; ".join(problem.message for problem in error.problems)
        explanation = Explanation(
            "live.unanswered-query", f"the query was not answered: {answers}", remedy="check how it is written"
        )
        source = document.at(("spec", "certificates", "query"))
        raise IncompleteError(explanation.locate(source, document.address)) from None


def _list_assigned_rows(
    document: Wanted[CertificateOwner], rows: RowsByKey, query_rows: Mapping[Address, Sequence[CertificateRow]]
) -> Iterator[CertificateRow]:
    for assignment in document.spec.list_assignments(document.tables):
        yield from rows.get(assignment.key, ())
    yield from query_rows.get(document.address, ())
