"""Queries that ask about the owner, which their own document changes: they find something once and then no more."""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.diagnostics import Diagnostic, Explanation, Severity
from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, RolesByName, find_owner_role
from reconciler.kinds.certificate_owner.query import ParsedQuery, QueryTerm, parse_query, replace_owner_terms
from reconciler.kinds.certificate_owner.spec import QUERY_PATH, CertificateOwner
from reconciler.kinds.kind import Wanted


def asks_about_owner(spec: CertificateOwner) -> bool:
    """Say whether a document's query depends on what the document changes."""
    query = parse_query(spec.search or "")
    return isinstance(query, ParsedQuery) and bool(query.owner_terms)


def note_owner_query(document: Wanted[CertificateOwner]) -> Diagnostic:
    """Tell that what the query finds today it won't find once the document is carried out."""
    return Diagnostic(
        "manifest.query-of-itself",
        document.at(("spec", *QUERY_PATH)),
        "the query asks about the owner, which this document changes",
        "once that is done it no longer finds these certificates, and nobody watches who owns them",
        "to keep them under watch ask about something else, such as their names",
        Severity.NOTE,
        document.address,
    )


def build_settled_query(spec: CertificateOwner, roles: RolesByName) -> str:
    """Return the query that finds the same certificates once they have the declared owner; "" where none is certain.

    Only for conditions that all have to hold, or that are all about the owner: else another one may be misspelt. So may
    be the owner that is asked about, unless there is such a role.
    """
    query = parse_query(spec.search or "")
    owner = spec.declared().get("owner")
    if not isinstance(query, ParsedQuery) or not _is_certain(query, roles):
        return ""
    role = None if owner is None else find_owner_role(owner, roles, {})
    # How a quote inside a value is written is not documented.
    if isinstance(role, Explanation) or (role and re.search(r'["\\]', role.name)):
        return ""
    return replace_owner_terms(query, f'OwnerRoleName -eq "{role.name}"' if role else "OwnerRoleName -eq NULL")


def _is_certain(query: ParsedQuery, roles: RolesByName) -> bool:
    is_about_owner = query.joiners <= {"AND"} or len(query.owner_terms) == len(query.terms)
    return (
        bool(query.owner_terms)
        and is_about_owner
        and all(_is_about_known_role(term, roles) for term in query.owner_terms)
    )


def _is_about_known_role(term: QueryTerm, roles: RolesByName) -> bool:
    """A condition that names one owner has to name one that exists; all others name none."""
    if term.operator not in ("-eq", "-ne") or term.value.upper() == "NULL":
        return True
    if term.text_value is not None and term.field.casefold() == "ownerrolename":
        return term.text_value.casefold() in roles
    return (term.text_value or term.value) in {str(role.id) for role in _list_roles(roles)}


def _list_roles(roles: RolesByName) -> Iterable[OwnerRole]:
    return (role for namesakes in roles.values() for role in namesakes)
