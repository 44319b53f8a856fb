"""Declared owners beside the live ones, as columns: only certificates whose owner differs become objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.diagnostics import Address, Diagnostic, Explanation, Severity, Source
from reconciler.kinds.certificate_owner.owner_queries import asks_about_owner, note_owner_query
from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, find_owner_role, name_owner
from reconciler.kinds.certificate_owner.reading import LiveOwners, QueryResult
from reconciler.kinds.certificate_owner.spec import QUERY_PATH, Assignment, CertificateOwner
from reconciler.kinds.kind import Absence, Finding, Match, Note, Run, Tally, Wanted
from reconciler.model import Obstacle, Path
from reconciler.payloads.certificate_table import CertificateRow, OwnerMark, RowsByKey, format_id_key

OwnerDocument = Wanted[CertificateOwner]
NOBODY = OwnerRole("")
"""Who owns a certificate that is to have no owner."""


class _NoMark:
    """Equal to nothing but itself."""


_NO_MARK = _NoMark()


@dataclass(slots=True)
class _Comparison:
    """What comparing one document has come to so far: owners by the name that declares them, and their faults."""

    document: OwnerDocument
    live: LiveOwners
    created: Mapping[str, str]
    owners: dict[str | None, OwnerRole | Explanation] = field(default_factory=lambda: {None: NOBODY})
    unfit: dict[str, list[Assignment]] = field(default_factory=dict)
    in_sync: int = 0

    def find_owner(self, name: str | None) -> OwnerRole | Explanation:
        """Return the role of a name, looked up once however many certificates it owns."""
        if name not in self.owners and name is not None:
            self.owners[name] = find_owner_role(name, self.live.roles, self.created)
        return self.owners[name]

    def find_mark(self, name: str | None) -> OwnerMark | _NoMark:
        """Return what certificates are marked with that have this owner; nothing is where no role with an id has it.

        By id alone: a role's name may be that of another one in other letters.
        """
        owner = self.find_owner(name)
        if owner == NOBODY:
            return None
        return owner.id if isinstance(owner, OwnerRole) and owner.id is not None else _NO_MARK


def compare_owners(document: OwnerDocument, live: LiveOwners, run: Run) -> Iterator[Finding]:
    """Yield what differs, and what is wrong, of a document beside the certificates that it may mean."""
    comparison = _Comparison(document, live, _list_created_roles(document.address.target, run))
    has_match = False
    for assignment, rows in _pair_assignments(comparison):
        if finding := _compare_certificate(comparison, assignment, rows):
            has_match |= isinstance(finding, Match)
            yield finding
    yield from _explain_unfit_owners(comparison)
    yield from _note_renamed_owners(comparison)
    if has_match and asks_about_owner(document.spec):
        yield Note(note_owner_query(document))
    if comparison.in_sync:
        yield Tally(comparison.in_sync)


def _list_created_roles(target: str, run: Run) -> dict[str, str]:
    """Return the names of roles that the same run declares, by folded name."""
    names = [item.name for item in run.declared if (item.target, item.kind) == (target, "SecurityRole")]
    return {name.casefold(): name for name in names}


def judge_empty_result(document: OwnerDocument, result: QueryResult) -> Finding:
    """Return what a document comes to whose query leaves no certificate: in sync where that can be told."""
    if document.spec.declared().get("allowEmpty"):
        return Tally(1)
    if result.settled:
        return Tally(result.settled)
    summary, reason = "the query matches no certificate", "a typing error looks the same as an empty result"
    if result.excepted:
        summary, reason = f"except leaves none of the {result.excepted} certificates that the query matches", ""
    elif asks_about_owner(document.spec):
        reason = "it asks about the owner, so it may have been carried out; a typing error looks the same"
    explanation = Explanation("live.not-found", summary, reason, "correct it, or say allowEmpty: true")
    return explanation.locate(document.at(("spec", *QUERY_PATH)), document.address)


def _pair_assignments(comparison: _Comparison) -> Iterator[tuple[Assignment, Sequence[CertificateRow]]]:
    """Yield what the document assigns with the certificates that it may mean: one each where a query found them.

    What is plainly in sync, a certificate that no other document assigns and that has its owner, is only counted.
    """
    document, live, spec = comparison.document, comparison.live, comparison.document.spec
    if result := live.query_results.get(document.address):
        name = spec.declared().get("owner")
        mark = comparison.find_mark(name)
        for row in result.rows:
            if row.mark == mark and row.id not in live.authors:
                comparison.in_sync += 1
            else:
                yield Assignment(format_id_key(row.id), name, QUERY_PATH), [row]
    rows_by_key = live.scope_rows[live.scopes[document.address].listing]
    keys, names = spec.list_keys(document.tables), list(spec.list_owner_names(document.tables))
    unsettled = _find_unsettled(comparison, rows_by_key, keys, names)
    comparison.in_sync += len(keys) - len(unsettled)
    for number in unsettled:
        place = spec.find_place(document.tables, number)
        yield Assignment(keys[number], names[number], place), rows_by_key.get(keys[number], ())


def _find_unsettled(
    comparison: _Comparison, rows_by_key: RowsByKey, keys: Sequence[str], names: Sequence[str | None]
) -> list[int]:
    """Return the numbers of the assignments by key that are not plainly in sync, without an object for any of them."""
    marks_by_name = {name: comparison.find_mark(name) for name in set(names)}
    places, table, authors = rows_by_key.list_places(keys), rows_by_key.table, comparison.live.authors
    marks = table.marks
    return [
        number
        for number, (place, name) in enumerate(zip(places, names, strict=True))
        if place is None
        or isinstance(place, list)
        or marks[place] != marks_by_name[name]
        or (authors and table.ids[place] in authors)
    ]


def _compare_certificate(
    comparison: _Comparison, assignment: Assignment, rows: Sequence[CertificateRow]
) -> Finding | None:
    # Places are looked up where they are needed: that scans the text again, and most certificates are in sync.
    document, live = comparison.document, comparison.live
    owner = comparison.find_owner(assignment.owner)
    if isinstance(owner, Explanation):
        comparison.unfit.setdefault(assignment.owner or "", []).append(assignment)
        return None
    if not rows:
        return _find_absence(document, assignment)
    if problem := _explain_unfit_rows(document, assignment.key, rows, live):
        return problem.locate(locate_assignment(document, assignment.place), document.address)
    # What several documents assign is told by one of them, and left alone by all.
    if rows[0].id in live.authors:
        return None
    return _match_owner(document, assignment, rows[0], owner, live)


def _explain_unfit_rows(
    document: OwnerDocument, key: str, rows: Sequence[CertificateRow], live: LiveOwners
) -> Explanation | None:
    """Say why what was found for a key is not the one certificate to compare; None if it is, or if another says so."""
    if len(rows) > 1:
        return _explain_ambiguous_key(key, rows)
    # One certificate, one problem: the other documents keep quiet, and leave it alone like this one.
    is_spokesman = live.spokesmen.get(rows[0].id) == document.address
    return _explain_contest(rows[0], live) if is_spokesman else None


def _match_owner(
    document: OwnerDocument, assignment: Assignment, row: CertificateRow, owner: OwnerRole, live: LiveOwners
) -> Match:
    name = owner.name or None
    needs = (Address(document.address.target, "SecurityRole", owner.name),) if owner.has_step else ()
    return Match(
        document,
        {"owner": name_owner(row.owner_id, row.owner, name)},
        {"owner": name},
        (row, owner, live.scopes[document.address].query, _find_new_name(row, live)),
        f"{row.thumbprint} (id {row.id})",
        locate_assignment(document, assignment.place),
        needs=frozenset(needs),
    )


def _find_new_name(row: CertificateRow, live: LiveOwners) -> str:
    """Return what the same run calls the present owner; "" where it is not renamed."""
    namesakes = live.roles.get((row.owner or "").casefold(), ())
    return next((role.name for role in namesakes if role.id == row.owner_id and role.former_name), "")


def locate_assignment(document: Wanted, position: Path | Source) -> Source:
    """Return where an assignment stands: on a line of a table, or below `spec`."""
    return position if isinstance(position, Source) else document.at(("spec", *position))


def _find_absence(document: OwnerDocument, assignment: Assignment) -> Finding:
    """Return what a certificate that does not exist is: a step that can't be sent, or something to tell."""
    source = locate_assignment(document, assignment.place)
    summary = f"no certificate matches {assignment.key}"
    after = {"owner": assignment.owner}
    reason = "it does not exist (purged, renewed?) or is not visible to this account"
    if document.spec.declared().get("missing") == "report":
        absence = Explanation("live.not-found", summary, reason, "correct or remove it")
        return Absence(absence.locate(source, document.address, assignment.key), after)
    refusal = f"{summary}; {reason}; correct or remove it, or say missing: report"
    return Match(document, None, after, object=assignment.key, source=source, refusal=refusal, obstacle=Obstacle.ABSENT)


def _explain_unfit_owners(comparison: _Comparison) -> Iterator[Diagnostic]:
    """Yield a problem for each owner that can't be one, at the first place that names it."""
    document = comparison.document
    for name, assignments in comparison.unfit.items():
        explanation = comparison.owners[name]
        place = assignments[0].place
        # In a table each line has its owner; elsewhere one field names that of all certificates.
        source = place if isinstance(place, Source) else document.at(("spec", "owner"))
        if isinstance(explanation, Explanation):
            count = f" ({len(assignments)} lines)" if isinstance(place, Source) and len(assignments) > 1 else ""
            yield explanation._replace(summary=f"{explanation.summary}{count}").locate(source, document.address)


def _note_renamed_owners(comparison: _Comparison) -> Iterator[Note]:
    """Yield, for each owner that goes by a name which the same run takes from its role, that it has to be rewritten."""
    document = comparison.document
    for name, owner in comparison.owners.items():
        if name and isinstance(owner, OwnerRole) and owner.former_name and name.casefold() != owner.name.casefold():
            places = (item.place for item in document.spec.list_assignments(document.tables) if item.owner == name)
            line = next((place for place in places if isinstance(place, Source)), None)
            yield Note(
                Diagnostic(
                    "live.renamed-owner",
                    line or document.at(("spec", "owner")),
                    f"this run renames the role {name!r} to {owner.name!r}",
                    "once that is done nobody has this name, and the document is held back",
                    f"write {owner.name!r}",
                    Severity.NOTE,
                    document.address,
                )
            )


def _explain_ambiguous_key(key: str, rows: Sequence[CertificateRow]) -> Explanation:
    ids = ", ".join(map(str, sorted(row.id for row in rows)))
    name = next((f" ({row.name})" for row in rows if row.name), "")
    summary = f"{len(rows)} certificates match {key}{name} (ids {ids})"
    return Explanation("live.ambiguous", summary, "which one is meant can't be told", "name it by its id")


def _explain_contest(row: CertificateRow, live: LiveOwners) -> Explanation:
    summary = f"{row.label} is assigned by several documents: {', '.join(live.authors[row.id])}"
    remedy = "remove it from all but one; what a query finds is taken out of it by `except`"
    return Explanation("live.contested", summary, "a certificate has one owner", remedy)
