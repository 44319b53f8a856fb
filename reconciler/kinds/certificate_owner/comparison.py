"""Declared owners beside the live ones, as columns: only certificates whose owner differs become objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.diagnostics import Address, Explanation, Source
from reconciler.kinds.certificate_owner.spec import Assignment
from reconciler.kinds.kind import Finding, Match, Run, Tally, Wanted
from reconciler.model import Json, Path, Query
from reconciler.payloads.certificates import (
    CertificateRow,
    RowsByKey,
)
from reconciler.payloads.scopes import PermissionScope


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


class OwnerNames:
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


def compare_rows(
    document: Wanted,
    live: LiveOwners,
    scope: PermissionScope,
    pairs: Iterable[tuple[Assignment, list[CertificateRow]]],
    owners: OwnerNames,
) -> Iterator[Finding]:
    in_sync = 0
    for assignment, rows in pairs:
        name = owners.name(assignment.owner) if assignment.owner is not None else None
        source = locate_assignment(document, assignment.place)
        if assignment.owner is not None and name is None:
            position = assignment.place if isinstance(assignment.place, Source) else ("owner",)
            explanation = _explain_unknown_owner(assignment.owner)
            yield explanation.locate(locate_assignment(document, position), document.address)
        elif unfit := _explain_unfit_rows(assignment.key, rows, live.authors):
            yield unfit.locate(source, document.address)
        elif fold_owner(rows[0].owner) == fold_owner(name):
            in_sync += 1
        else:
            row = rows[0]
            yield Match(document, {"owner": row.owner}, {"owner": name}, (row, scope.query), _describe_row(row), source)
    if in_sync:
        yield Tally(in_sync)


def locate_assignment(document: Wanted, position: Path | Source) -> Source:
    return position if isinstance(position, Source) else document.at(("spec", *position))


def fold_owner(value: Json) -> Json:
    return value.casefold() if isinstance(value, str) else value


def _describe_row(row: CertificateRow) -> str:
    return f"{row.thumbprint} (id {row.id})"


def _explain_unknown_owner(owner: str) -> Explanation:
    return Explanation(
        "live.unknown-reference",
        f"owner {owner!r} is not a role on the server and no SecurityRole of this run declares it",
        "a certificate can't be given to it",
        "correct the name or declare the role",
    )


def _explain_unfit_rows(
    key: str, rows: Sequence[CertificateRow], authors: Mapping[int, tuple[str, ...]]
) -> Explanation | None:
    """Say why what was found for a key is not the one certificate to compare; None if it is."""
    if not rows:
        return Explanation(
            "live.not-found",
            f"no certificate matches {key}",
            "it does not exist or is not visible to this account",
            "correct or remove it",
        )
    if len(rows) > 1:
        ids = ", ".join(map(str, sorted(row.id for row in rows)))
        summary = f"{len(rows)} certificates match {key} (ids {ids})"
        return Explanation("live.ambiguous", summary, "which one is meant can't be told", "name it by its id")
    if rows[0].id in authors:
        summary = f"{_describe_row(rows[0])} is assigned by several documents: {', '.join(authors[rows[0].id])}"
        remedy = "remove it from all but one"
        return Explanation("live.contested", summary, "a certificate has one owner", remedy)
    return None
