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
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, Field, StrictBool, StrictInt, model_validator

from reconciler.errors import IncompleteError, Problem, Source
from reconciler.kinds.conflicts import contested
from reconciler.kinds.fields import Form, Name, Text, pick, unmanaged
from reconciler.kinds.kind import Exported, Finding, Match, Path, Read, Resource, Run, Tables, Tally, Wanted
from reconciler.kinds.requirements import Grant, Listing, Permissions
from reconciler.model import Address, Call, Json, Query, Request, Risk, Step
from reconciler.payloads.certificates import PATH, Found, Row, id_key, matching, selected
from reconciler.payloads.roles import PATH as ROLES
from reconciler.payloads.roles import folded_name, listed
from reconciler.payloads.scopes import COLLECTIONS, CONTAINERS, Scope, resolve

Thumbprint = Annotated[
    str,
    Form(
        # SHA-1 gives 160 bits (RFC 3174), whatever algorithm the certificate itself is signed with.
        "[0-9A-Fa-f]{40}",
        "is not a SHA-1 thumbprint, so it can match no certificate; write 40 hexadecimal digits without colons",
    ),
]
_THUMBPRINT = re.compile("[0-9A-F]{40}")
# Command's ids are int32, and 0 stands for "none" in several of its bodies and parameters.
Id = Annotated[StrictInt, Field(ge=1, le=2**31 - 1)]


class Certificates(BaseModel):
    """Which certificates: exactly one of the three."""

    model_config = Resource.model_config

    thumbprints: Annotated[tuple[Thumbprint, ...], Field(strict=False, min_length=1)] = unmanaged(
        "SHA-1 thumbprints, 40 hexadecimal digits without colons. Each must exist."
    )
    ids: Annotated[tuple[Id, ...], Field(strict=False, min_length=1)] = unmanaged(
        "Command's certificate ids. Each must exist."
    )
    query: Text = unmanaged("A certificate search in Command's own query language.")

    @model_validator(mode="after")
    def _one_way(self) -> Certificates:
        if len(self.model_fields_set) != 1:
            raise ValueError("needs exactly one of thumbprints, ids and query; otherwise it is unclear which are meant")
        return self


class CertificateOwner(Resource):
    """Who owns certificates: a security role. Revoked and expired certificates are included."""

    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        read=(
            Listing("certificates", PATH, "/certificates/collections/read/"),
            Listing("roles", ROLES, "/security/read/", version=2),
            Listing("collections", COLLECTIONS, "/certificates/collections/read/", when="that name a collection"),
            Listing("containers", CONTAINERS, "/certificate_stores/read/", when="that name a container"),
        ),
        write=(
            Grant(
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

    owner: Name = unmanaged("The security role that owns the certificates.")
    clear: Annotated[tuple[Literal["owner"], ...], Field(strict=False, min_length=1)] = unmanaged(
        "`[owner]` leaves the certificates without an owner."
    )
    certificates: Certificates = unmanaged("Which certificates.")
    assignments: Name = unmanaged("A CSV file beside the manifest, with the columns thumbprint and owner.")
    collection: Name | Id = unmanaged("The certificate collection on which permission is evaluated, by name or id.")
    container: Name | Id = unmanaged("The certificate store container on which it is evaluated, by name or id.")
    allow_empty: StrictBool = unmanaged("Whether the query may match nothing.")

    @model_validator(mode="after")
    def _one_meaning(self) -> CertificateOwner:
        said = self.model_fields_set
        if "assignments" in said and said & {"owner", "clear", "certificates"}:
            raise ValueError("assignments name their own owners and certificates; remove owner, clear and certificates")
        if not said & {"assignments", "certificates"}:
            raise ValueError("does not say which certificates; give certificates or assignments")
        # To the API null, a blank name and an empty body all clear the owner: here only a word may do that.
        if "assignments" not in said and len(said & {"owner", "clear"}) != 1:
            raise ValueError(
                "needs either owner or clear: [owner]; an absent owner clears nothing; give one of the two"
            )
        # The PUT's own rule: with both given CollectionId wins and ContainerId counts as 0.
        if {"collection", "container"} <= said:
            raise ValueError("collection and container are both given; Command would ignore the container; keep one")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path | Source, str]]:
        places = list(self._assigned(tables))
        counts = Counter(one.key for one in places)
        for one in places:
            if counts[one.key] > 1:
                yield one.place, f"certificate {one.key} is listed more than once; it has one owner; keep one"
            if isinstance(one.place, Source) and not _is_thumbprint(one.key):
                why = f"{one.key!r} is not a SHA-1 thumbprint, so it can match no certificate"
                yield one.place, f"{why}; write 40 hexadecimal digits without colons"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path | Source]]:
        for one in self._assigned(tables):
            yield one.key, one.place

    def size(self, tables: Tables) -> int:
        if "assignments" in tables:
            return len(tables["assignments"].lines)
        chosen = self.declared().get("certificates")
        return len((chosen and (chosen.thumbprints or chosen.ids)) or ()) or 1

    @property
    def search(self) -> str | None:
        """The query, where certificates are chosen by one."""
        chosen = self.declared().get("certificates")
        return chosen.query if chosen is not None else None

    def _assigned(self, tables: Tables) -> Iterator[Assignment]:
        """Yield what the document assigns by key; nothing where a query chooses the certificates."""
        owner = self.declared().get("owner")
        chosen = self.declared().get("certificates")
        for index, thumbprint in enumerate((chosen and chosen.thumbprints) or ()):
            yield Assignment(thumbprint.upper(), owner, ("certificates", "thumbprints", index))
        for index, number in enumerate((chosen and chosen.ids) or ()):
            yield Assignment(id_key(number), owner, ("certificates", "ids", index))
        if (table := tables.get("assignments")) is not None:
            columns = table.columns["thumbprint"], table.columns["owner"]
            for line, thumbprint, name in zip(table.lines, *columns, strict=True):
                yield Assignment(thumbprint.upper(), name, Source(table.file, line, 1))

    @classmethod
    def observe(cls, read: Read, wanted: Sequence[Wanted], run: Run) -> Live:
        """Lists only: the roles, the scopes that are named, and the certificates, a collection at a time."""
        roles = {folded_name(row): str(pick(row, "Name")) for row in listed(read)}
        scopes = {one.address: resolve(read, one.resource.declared()) for one in wanted}
        readable = [one for one in wanted if not scopes[one.address].fault]
        found: dict[Query, Found] = {}
        # Sorted, so that equal manifests send equal requests; documents of one collection share its list.
        for scope in sorted({scopes[one.address].listing for one in readable}):
            keys = [
                assigned.key
                for one in readable
                if scopes[one.address].listing == scope
                for assigned in _spec(one)._assigned(one.tables)
            ]
            found[scope] = selected(read, scope, keys) if keys else {}
        searched = {
            one.address: _matched(read, one, scopes[one.address].listing, query)
            for one in readable
            if (query := _spec(one).search)
        }
        keyed = (
            (row.id, one)
            for one in readable
            for assigned in _spec(one)._assigned(one.tables)
            for row in found[scopes[one.address].listing].get(assigned.key, ())
        )
        matched = ((row.id, one) for one in readable for row in searched.get(one.address, ()))
        return Live(roles, scopes, found, searched, contested(chain(keyed, matched)))

    @classmethod
    def compare(cls, wanted: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        spec, scope = _spec(wanted), live.scopes[wanted.address]
        if scope.fault:
            yield Problem(wanted.at(("spec", scope.field)), scope.fault)
            return
        if spec.search is not None:
            owner = spec.declared().get("owner")
            place: Path = ("certificates", "query")
            rows = live.searched[wanted.address]
            pairs: Iterable[tuple[Assignment, list[Row]]] = (
                (Assignment(id_key(row.id), owner, place), [row]) for row in rows
            )
            if not rows:
                yield Tally(1) if spec.declared().get("allowEmpty") else Problem(_at(wanted, place), _MATCHES_NOTHING)
                return
        else:
            found = live.found[scope.listing]
            pairs = ((one, found.get(one.key, [])) for one in spec._assigned(wanted.tables))
        yield from _compared(wanted, live, scope, pairs, _Owners(wanted, live.roles, run))

    @classmethod
    def request(cls, match: Match) -> Request:
        """Exactly one member, or none at all where the manifest says clear: an empty body clears the owner."""
        row, query = match.found
        name = match.after["owner"]
        # What the server does with NewRoleId and NewRoleName together is not documented.
        body = {} if name is None else {"NewRoleName": name}
        path = f"{PATH}/{row.id}/Owner"
        base = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleId": row.owner_id, "OwnerRoleName": row.owner}
        # OwnerRoleId is not expected: a role that the same run creates has no id when the plan is made.
        expect = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleName": name}
        return Request(Call(match.wanted.address.target, "PUT", path, body, query), base, expect)

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """Who had the certificate may not be able to take it back."""
        return Risk.HIGH if before else Risk.LOW

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        call = step.request.call
        path = call.path.removesuffix("/Owner")
        # GET of a certificate knows collectionId alone: the swagger of 25.1 has no containerId there.
        raw = read.get(path, query=tuple(pair for pair in call.query if pair[0] == "CollectionId"))
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or not isinstance(pick(raw, "Id"), int):
            raise IncompleteError(Problem(Source(f"GET {path}"), "the answer is not a certificate; check the endpoint"))
        return {name: pick(raw, name) or None for name in ("Id", "Thumbprint", "OwnerRoleId", "OwnerRoleName")}

    @classmethod
    def unmet(cls, step: Step, live: Json) -> tuple[str, ...]:
        """Role names are compared letter case aside, as the server does."""
        if live is None or step.request is None:
            return ("the certificate",)
        expect = step.request.expect
        return tuple(name for name, value in expect.items() if _fold(live.get(name)) != _fold(value))

    @classmethod
    def export(cls, read: Read) -> Iterator[Exported]:
        """One document an owner; certificates without an owner are not managed."""
        owned: dict[str, list[str]] = {}
        for row in matching(read, ()):
            if row.owner:
                owned.setdefault(row.owner, []).append(row.thumbprint)
        for owner in sorted(owned):
            yield Exported(owner, {"owner": owner, "certificates": {"thumbprints": sorted(owned[owner])}})


class Assignment(NamedTuple):
    """What a document says of one certificate: `owner` is None where it is to be cleared."""

    key: str
    owner: str | None
    place: Path | Source


@dataclass(frozen=True, slots=True)
class Live:
    """Role names by folded name; per document its scope; certificates by scope and key, or by the document's query.

    `authors` names the documents of each certificate that more than one document assigns, by its id.
    """

    roles: Mapping[str, str]
    scopes: Mapping[Address, Scope]
    found: Mapping[Query, Found]
    searched: Mapping[Address, Sequence[Row]]
    authors: Mapping[int, tuple[str, ...]]


class _Owners:
    """Resolves each owner's name once: to the live role's spelling, or to that of a role declared in the same run."""

    def __init__(self, wanted: Wanted, roles: Mapping[str, str], run: Run) -> None:
        target = wanted.address.target
        declared = {a.name.casefold(): a.name for a in run.declared if (a.target, a.kind) == (target, "SecurityRole")}
        # Live roles last: certificates read back with the live role's spelling.
        self._known = {**declared, **roles}

    def name(self, owner: str) -> str | None:
        return self._known.get(owner.casefold())


def _compared(
    wanted: Wanted, live: Live, scope: Scope, pairs: Iterable[tuple[Assignment, list[Row]]], owners: _Owners
) -> Iterator[Finding]:
    in_sync = 0
    for one, rows in pairs:
        name = owners.name(one.owner) if one.owner is not None else None
        if one.owner is not None and name is None:
            place = one.place if isinstance(one.place, Source) else ("owner",)
            yield Problem(_at(wanted, place), _NO_ROLE.format(one.owner))
        elif len(rows) != 1:
            yield Problem(_at(wanted, one.place), _not_one(one.key, rows))
        elif (row := rows[0]).id in live.authors:
            authors = ", ".join(live.authors[row.id])
            yield Problem(
                _at(wanted, one.place), f"{_shown(row)} is assigned by several documents: {authors}; {_ONE_OWNER}"
            )
        elif _fold(row.owner) == _fold(name):
            in_sync += 1
        else:
            source = _at(wanted, one.place)
            yield Match(wanted, {"owner": row.owner}, {"owner": name}, (row, scope.query), _shown(row), source)
    if in_sync:
        yield Tally(in_sync)


def _matched(read: Read, wanted: Wanted, scope: Query, query: str) -> tuple[Row, ...]:
    """Return what a document's query matches; where the server can't answer it, the document is named as well."""
    try:
        return tuple(matching(read, scope, query))
    except IncompleteError as error:
        why = "; ".join(problem.message for problem in error.problems)
        place = wanted.at(("spec", "certificates", "query"))
        raise IncompleteError(Problem(place, f"the query was not answered: {why}; check how it is written")) from None


def _spec(wanted: Wanted) -> CertificateOwner:
    if not isinstance(wanted.resource, CertificateOwner):
        raise TypeError(f"{wanted.address} is not a CertificateOwner")
    return wanted.resource


def _at(wanted: Wanted, place: Path | Source) -> Source:
    return place if isinstance(place, Source) else wanted.at(("spec", *place))


def _fold(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _is_thumbprint(key: str) -> bool:
    return _THUMBPRINT.fullmatch(key) is not None


def _shown(row: Row) -> str:
    return f"{row.thumbprint} (id {row.id})"


def _not_one(key: str, rows: Sequence[Row]) -> str:
    if rows:
        ids = ", ".join(map(str, sorted(row.id for row in rows)))
        return f"{len(rows)} certificates match {key} (ids {ids}); which one is meant can't be told; name it by its id"
    return f"no certificate matches {key}; it does not exist or is not visible to this account; correct or remove it"


_MATCHES_NOTHING = (
    "the query matches no certificate; a typing error looks the same as an empty result; "
    "correct it, or say allowEmpty: true"
)
_NO_ROLE = (
    "owner {!r} is not a role on the server and no SecurityRole of this run declares it; "
    "a certificate can't be given to it; correct the name or declare the role"
)
_ONE_OWNER = "a certificate has one owner; remove it from all but one"
