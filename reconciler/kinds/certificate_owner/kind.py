"""Certificate owners of Keyfactor Command: PUT /Certificates/{id}/Owner (version 1), one request a certificate.

Certificates are compared as plain columns, from the page to the plan: only those whose owner differs become objects. A
role is named in the body (NewRoleName), so that one which the same run creates can own certificates too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator

from reconciler.diagnostics import Address, Explanation, Source
from reconciler.errors import IncompleteError, Problem
from reconciler.kinds.conflicts import find_contested_objects
from reconciler.kinds.fields import Name, Text, TextPattern, unmanaged_field
from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Run, Spec, Tally, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.stored_requests import check_expectation, check_request
from reconciler.model import Call, Json, Path, Query, Request, Risk, Step, Tables
from reconciler.payloads.certificates import (
    CERTIFICATES_PATH,
    CertificateRow,
    RowsByKey,
    format_id_key,
    read_certificates,
    search_certificates,
)
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import ROLES_PATH as ROLES
from reconciler.payloads.roles import fold_role_name, read_role_list
from reconciler.payloads.scopes import COLLECTIONS_PATH, CONTAINERS_PATH, PermissionScope, resolve_permission_scope
from reconciler.reader import Read

Thumbprint = Annotated[
    str,
    TextPattern(
        # SHA-1 gives 160 bits (RFC 3174), whatever algorithm the certificate itself is signed with.
        "[0-9A-Fa-f]{40}",
        Explanation(
            "manifest.invalid-value",
            "is not a SHA-1 thumbprint, so it can match no certificate",
            remedy="write 40 hexadecimal digits without colons",
        ),
    ),
]
_THUMBPRINT = re.compile("[0-9A-F]{40}")
# Command's ids are int32, and 0 stands for "none" in several of its bodies and parameters.
Id = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class Certificates(BaseModel):
    """Which certificates: exactly one of the three."""

    model_config = Spec.model_config

    thumbprints: Annotated[tuple[Thumbprint, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "SHA-1 thumbprints, 40 hexadecimal digits without colons. Each must exist."
    )
    ids: Annotated[tuple[Id, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Command's certificate ids. Each must exist."
    )
    query: Text = unmanaged_field("A certificate search in Command's own query language.")

    @model_validator(mode="after")
    def _check_one_choice(self) -> Certificates:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of thumbprints, ids and query; otherwise it is unclear which are meant")
        return self


class CertificateOwner(Spec):
    """Who owns certificates: a security role. Revoked and expired certificates are included."""

    owner: Name = unmanaged_field("The security role that owns the certificates.")
    clear: Annotated[tuple[Literal["owner"], ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "`[owner]` leaves the certificates without an owner."
    )
    certificates: Certificates = unmanaged_field("Which certificates.")
    assignments: Name = unmanaged_field("A CSV file beside the manifest, with the columns thumbprint and owner.")
    collection: Name | Id = unmanaged_field(
        "The certificate collection on which permission is evaluated, by name or id."
    )
    container: Name | Id = unmanaged_field("The certificate store container on which it is evaluated, by name or id.")
    allow_empty: StrictBool = unmanaged_field("Whether the query may match nothing.")

    @model_validator(mode="after")
    def _check_unambiguous(self) -> CertificateOwner:
        fields = self.model_fields_set
        if "assignments" in fields and fields & {"owner", "clear", "certificates"}:
            raise ValueError("assignments name their own owners and certificates; remove owner, clear and certificates")
        if not fields & {"assignments", "certificates"}:
            raise ValueError("does not say which certificates; give certificates or assignments")
        # To the API null, a blank name and an empty body all clear the owner: here only a word may do that.
        if "assignments" not in fields and len(fields & {"owner", "clear"}) != 1:
            raise ValueError(
                "needs either owner or clear: [owner]; an absent owner clears nothing; give one of the two"
            )
        # The PUT's own rule: with both given CollectionId wins and ContainerId counts as 0.
        if {"collection", "container"} <= fields:
            raise ValueError("collection and container are both given; Command would ignore the container; keep one")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path | Source, str]]:
        assignments = list(self._list_assignments(tables))
        counts = Counter(assignment.key for assignment in assignments)
        for assignment in assignments:
            if counts[assignment.key] > 1:
                yield (
                    assignment.place,
                    f"certificate {assignment.key} is listed more than once; it has one owner; keep one",
                )
            if isinstance(assignment.place, Source) and not _is_thumbprint(assignment.key):
                reason = f"{assignment.key!r} is not a SHA-1 thumbprint, so it can match no certificate"
                yield assignment.place, f"{reason}; write 40 hexadecimal digits without colons"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path | Source]]:
        for assignment in self._list_assignments(tables):
            yield assignment.key, assignment.place

    def size(self, tables: Tables) -> int:
        if "assignments" in tables:
            return len(tables["assignments"].lines)
        selection = self.declared().get("certificates")
        return len((selection and (selection.thumbprints or selection.ids)) or ()) or 1

    @property
    def search(self) -> str | None:
        """The query, where certificates are chosen by one."""
        selection = self.declared().get("certificates")
        return selection.query if selection is not None else None

    def _list_assignments(self, tables: Tables) -> Iterator[Assignment]:
        """Yield what the document assigns by key; nothing where a query chooses the certificates."""
        owner = self.declared().get("owner")
        selection = self.declared().get("certificates")
        for index, thumbprint in enumerate((selection and selection.thumbprints) or ()):
            yield Assignment(thumbprint.upper(), owner, ("certificates", "thumbprints", index))
        for index, number in enumerate((selection and selection.ids) or ()):
            yield Assignment(format_id_key(number), owner, ("certificates", "ids", index))
        if (table := tables.get("assignments")) is not None:
            columns = table.columns["thumbprint"], table.columns["owner"]
            for line, thumbprint, name in zip(table.lines, *columns, strict=True):
                yield Assignment(thumbprint.upper(), name, Source(table.file, line, 1))


class Assignment(NamedTuple):
    """What a document says of one certificate: `owner` is None where it is to be cleared."""

    key: str
    owner: str | None
    place: Path | Source


@dataclass(frozen=True, slots=True)
class LiveOwners:
    """Role names by folded name; per document its scope; certificates by scope and key, or by the document's query.

    `authors` names the documents of each certificate that more than one document assigns, by its id.
    """

    roles: Mapping[str, str]
    scopes: Mapping[Address, PermissionScope]
    found: Mapping[Query, RowsByKey]
    query_rows: Mapping[Address, Sequence[CertificateRow]]
    authors: Mapping[int, tuple[str, ...]]


class _OwnerNames:
    """Resolves each owner's name once: to the live role's spelling, or to that of a role declared in the same run."""

    def __init__(self, document: Wanted, roles: Mapping[str, str], run: Run) -> None:
        target = document.address.target
        declared = {
            address.name.casefold(): address.name
            for address in run.declared
            if (address.target, address.kind) == (target, "SecurityRole")
        }
        # Live roles last: certificates read back with the live role's spelling.
        self._known = {**declared, **roles}

    def name(self, owner: str) -> str | None:
        return self._known.get(owner.casefold())


def _compare_rows(
    document: Wanted,
    live: LiveOwners,
    scope: PermissionScope,
    pairs: Iterable[tuple[Assignment, list[CertificateRow]]],
    owners: _OwnerNames,
) -> Iterator[Finding]:
    in_sync = 0
    for assignment, rows in pairs:
        name = owners.name(assignment.owner) if assignment.owner is not None else None
        if assignment.owner is not None and name is None:
            position = assignment.place if isinstance(assignment.place, Source) else ("owner",)
            yield Problem(_locate(document, position), _UNKNOWN_OWNER.format(assignment.owner))
        elif len(rows) != 1:
            yield Problem(_locate(document, assignment.place), _explain_match_count(assignment.key, rows))
        elif (row := rows[0]).id in live.authors:
            authors = ", ".join(live.authors[row.id])
            yield Problem(
                _locate(document, assignment.place),
                f"{_describe_row(row)} is assigned by several documents: {authors}; {_ONE_OWNER}",
            )
        elif _fold_case(row.owner) == _fold_case(name):
            in_sync += 1
        else:
            source = _locate(document, assignment.place)
            yield Match(document, {"owner": row.owner}, {"owner": name}, (row, scope.query), _describe_row(row), source)
    if in_sync:
        yield Tally(in_sync)


def _run_query(read: Read, document: Wanted, scope: Query, query: str) -> tuple[CertificateRow, ...]:
    """Return what a document's query matches; where the server can't answer it, the document is named as well."""
    try:
        return tuple(search_certificates(read, scope, query))
    except IncompleteError as error:
        reason = "; ".join(problem.message for problem in error.problems)
        source = document.at(("spec", "certificates", "query"))
        raise IncompleteError(
            Problem(source, f"the query was not answered: {reason}; check how it is written")
        ) from None


def _locate(document: Wanted, position: Path | Source) -> Source:
    return position if isinstance(position, Source) else document.at(("spec", *position))


def _fold_case(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _is_thumbprint(key: str) -> bool:
    return _THUMBPRINT.fullmatch(key) is not None


def _describe_row(row: CertificateRow) -> str:
    return f"{row.thumbprint} (id {row.id})"


def _explain_match_count(key: str, rows: Sequence[CertificateRow]) -> str:
    if rows:
        ids = ", ".join(map(str, sorted(row.id for row in rows)))
        return f"{len(rows)} certificates match {key} (ids {ids}); which one is meant can't be told; name it by its id"
    return f"no certificate matches {key}; it does not exist or is not visible to this account; correct or remove it"


_EMPTY_RESULT = (
    "the query matches no certificate; a typing error looks the same as an empty result; "
    "correct it, or say allowEmpty: true"
)
_UNKNOWN_OWNER = (
    "owner {!r} is not a role on the server and no SecurityRole of this run declares it; "
    "a certificate can't be given to it; correct the name or declare the role"
)
_ONE_OWNER = "a certificate has one owner; remove it from all but one"


class CertificateOwnerKind(Kind[CertificateOwner, LiveOwners]):
    """Owners are compared as columns; one PUT a certificate."""

    spec: ClassVar[type[Spec]] = CertificateOwner
    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        read=(
            ListPermission("certificates", CERTIFICATES_PATH, "/certificates/collections/read/"),
            ListPermission("roles", ROLES, "/security/read/", version=2),
            ListPermission(
                "collections", COLLECTIONS_PATH, "/certificates/collections/read/", condition="that name a collection"
            ),
            ListPermission(
                "containers", CONTAINERS_PATH, "/certificate_stores/read/", condition="that name a container"
            ),
        ),
        write=(
            PermissionGrant(
                # Command 12.3 to 24.4 knows change_owner alone, 25.x the expanded one as well.
                ("/certificates/collections/change_owner/", "/certificates/expanded_change_owner/"),
                remark="with change_owner the account must also hold the present owner's role and the new one",
            ),
        ),
    )
    after: ClassVar[tuple[str, ...]] = ("SecurityRole",)
    limit: ClassVar[int] = 500
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {"assignments": ("thumbprint", "owner")}
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: payments}
spec:
  owner: Payments PKI
  certificates:
    query: 'IssuedCN -endswith ".pay.example.com"'
"""

    def observe(self, read: Read, documents: Sequence[Wanted[CertificateOwner]], run: Run) -> LiveOwners:
        """Lists only: the roles, the scopes that are named, and the certificates, a collection at a time."""
        roles = {fold_role_name(row): str(pick_member(row, "Name")) for row in read_role_list(read)}
        scopes = {
            document.address: resolve_permission_scope(read, document.resource.declared()) for document in documents
        }
        readable = [document for document in documents if not scopes[document.address].fault]
        rows_by_scope: dict[Query, RowsByKey] = {}
        # Sorted, so that equal manifests send equal requests; documents of one collection share its list.
        for scope in sorted({scopes[document.address].listing for document in readable}):
            keys = [
                assignment.key
                for document in readable
                if scopes[document.address].listing == scope
                for assignment in document.resource._list_assignments(document.tables)
            ]
            rows_by_scope[scope] = read_certificates(read, scope, keys) if keys else {}
        query_rows = {
            document.address: _run_query(read, document, scopes[document.address].listing, query)
            for document in readable
            if (query := document.resource.search)
        }
        key_pairs = (
            (row.id, document)
            for document in readable
            for assignment in document.resource._list_assignments(document.tables)
            for row in rows_by_scope[scopes[document.address].listing].get(assignment.key, ())
        )
        query_pairs = ((row.id, document) for document in readable for row in query_rows.get(document.address, ()))
        return LiveOwners(
            roles, scopes, rows_by_scope, query_rows, find_contested_objects(chain(key_pairs, query_pairs))
        )

    def compare(self, document: Wanted[CertificateOwner], live: LiveOwners, run: Run) -> Iterator[Finding]:
        spec, scope = document.resource, live.scopes[document.address]
        if scope.fault:
            yield Problem(document.at(("spec", scope.field)), scope.fault)
            return
        if spec.search is not None:
            owner = spec.declared().get("owner")
            path: Path = ("certificates", "query")
            rows = live.query_rows[document.address]
            pairs: Iterable[tuple[Assignment, list[CertificateRow]]] = (
                (Assignment(format_id_key(row.id), owner, path), [row]) for row in rows
            )
            if not rows:
                yield Tally(1) if spec.declared().get("allowEmpty") else Problem(_locate(document, path), _EMPTY_RESULT)
                return
        else:
            rows_by_key = live.found[scope.listing]
            pairs = (
                (assignment, rows_by_key.get(assignment.key, []))
                for assignment in spec._list_assignments(document.tables)
            )
        yield from _compare_rows(document, live, scope, pairs, _OwnerNames(document, live.roles, run))

    def encode(self, match: Match[CertificateOwner]) -> Request:
        """Exactly one member, or none at all where the manifest says clear: an empty body clears the owner."""
        row, query = match.found
        name = match.after["owner"]
        # What the server does with NewRoleId and NewRoleName together is not documented.
        body = {} if name is None else {"NewRoleName": name}
        path = f"{CERTIFICATES_PATH}/{row.id}/Owner"
        base = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleId": row.owner_id, "OwnerRoleName": row.owner}
        # OwnerRoleId is not expected: a role that the same run creates has no id when the plan is made.
        expect = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleName": name}
        return Request(Call(match.wanted.address.target, "PUT", path, body, query), base, expect)

    def explain(self, request: Request) -> Meaning:
        """One certificate; a body without a name clears its owner."""
        call, base = request.call, request.base
        name = call.body.get("NewRoleName")
        check_request(call, "PUT", f"{CERTIFICATES_PATH}/{base['Id']}/Owner", members=("NewRoleName",) if name else ())
        check_expectation(request, {"Id": base["Id"], "Thumbprint": base["Thumbprint"], "OwnerRoleName": name})
        label = f"{base['Thumbprint']} (id {base['Id']})"
        return Meaning({"owner": base["OwnerRoleName"]}, {"owner": name}, label)

    def risk(self, path: str, before: Json, after: Json) -> Risk:
        """Who had the certificate may not be able to take it back."""
        return Risk.HIGH if before else Risk.LOW

    def reread(self, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        call = step.request.call
        path = call.path.removesuffix("/Owner")
        # GET of a certificate knows collectionId alone: the swagger of 25.1 has no containerId there.
        raw = read.get(path, query=tuple(pair for pair in call.query if pair[0] == "CollectionId"))
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or not isinstance(pick_member(raw, "Id"), int):
            raise IncompleteError(Problem(Source(f"GET {path}"), "the answer is not a certificate; check the endpoint"))
        return {name: pick_member(raw, name) or None for name in ("Id", "Thumbprint", "OwnerRoleId", "OwnerRoleName")}

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        """Role names are compared letter case aside, as the server does."""
        if live is None or step.request is None:
            return ("the certificate",)
        expect = step.request.expect
        return tuple(name for name, value in expect.items() if _fold_case(live.get(name)) != _fold_case(value))

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """One document an owner; certificates without an owner are not managed."""
        owned: dict[str, list[str]] = {}
        for row in search_certificates(read, ()):
            if row.owner:
                owned.setdefault(row.owner, []).append(row.thumbprint)
        for owner in sorted(owned):
            yield ExportedDocument(owner, {"owner": owner, "certificates": {"thumbprints": sorted(owned[owner])}})


KIND = CertificateOwnerKind()
