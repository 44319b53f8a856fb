"""Declared owners beside the live ones, as columns: only certificates whose owner differs become objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.diagnostics import Address, Diagnostic, Explanation, Source
from reconciler.kinds.certificate_owner.reading import LiveOwners
from reconciler.kinds.certificate_owner.spec import Assignment
from reconciler.kinds.kind import Finding, Match, Run, Tally, Wanted
from reconciler.model import Json, Path
from reconciler.payloads.certificates import CertificateRow


def find_owner_names(document: Wanted, roles: Mapping[str, str], run: Run) -> Mapping[str, str]:
    """Return the names that an owner can have, by folded name: those of live roles, and of roles of the same run."""
    target = document.address.target
    declared = {
        address.name.casefold(): address.name
        for address in run.declared
        if (address.target, address.kind) == (target, "SecurityRole")
    }
    # Live roles last: certificates read back with the live role's spelling.
    return {**declared, **roles}


def compare_rows(
    document: Wanted,
    live: LiveOwners,
    pairs: Iterable[tuple[Assignment, list[CertificateRow]]],
    owner_names: Mapping[str, str],
) -> Iterator[Finding]:
    """Yield what differs, and what is wrong, of assignments beside the certificates that they may mean."""
    in_sync = 0
    for assignment, rows in pairs:
        name = None if assignment.owner is None else owner_names.get(assignment.owner.casefold())
        if assignment.owner is not None and name is None:
            yield _report_unknown_owner(document, assignment, assignment.owner)
        elif problem := _explain_unfit_rows(assignment.key, rows, live.authors):
            yield problem.locate(locate_assignment(document, assignment.place), document.address)
        elif fold_owner(rows[0].owner) == fold_owner(name):
            in_sync += 1
        else:
            yield _match_owner(document, assignment, rows[0], name, live)
    if in_sync:
        yield Tally(in_sync)


def _match_owner(
    document: Wanted, assignment: Assignment, row: CertificateRow, owner: str | None, live: LiveOwners
) -> Match:
    source = locate_assignment(document, assignment.place)
    encoder_input = (row, live.scopes[document.address].query)
    is_new = owner is not None and owner.casefold() not in live.roles
    needs = frozenset([Address(document.address.target, "SecurityRole", owner)] if is_new and owner else ())
    label = _describe_row(row)
    return Match(document, {"owner": row.owner}, {"owner": owner}, encoder_input, label, source, needs=needs)


def locate_assignment(document: Wanted, position: Path | Source) -> Source:
    """Return where an assignment stands: on a line of a table, or below `spec`."""
    return position if isinstance(position, Source) else document.at(("spec", *position))


def fold_owner(value: Json) -> Json:
    """Return an owner's name, letter case aside; what is no text stays as it is."""
    return value.casefold() if isinstance(value, str) else value


def _describe_row(row: CertificateRow) -> str:
    return f"{row.thumbprint} (id {row.id})"


def _report_unknown_owner(document: Wanted, assignment: Assignment, owner: str) -> Diagnostic:
    # In a table each line has its owner; elsewhere one field names that of all certificates.
    place = assignment.place if isinstance(assignment.place, Source) else ("owner",)
    return Diagnostic(
        "live.unknown-reference",
        locate_assignment(document, place),
        f"owner {owner!r} is not a role on the server and no SecurityRole of this run declares it",
        "a certificate can't be given to it",
        "correct the name or declare the role",
        address=document.address,
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
