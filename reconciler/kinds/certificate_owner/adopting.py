"""What documents of owners say, changed to who owns the certificates: row by row, and from list to list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from reconciler.diagnostics import Address
from reconciler.kinds.adoption import (
    AddedDocument,
    Adopted,
    AdoptedDocument,
    AdoptedRows,
    AdoptionObstacle,
    ComparedDocument,
    Difference,
    explain_absence,
    merge_members,
)
from reconciler.kinds.certificate_owner.export import describe_row
from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, find_owner_role
from reconciler.kinds.certificate_owner.reading import LiveOwners
from reconciler.kinds.certificate_owner.spec import is_thumbprint
from reconciler.model import Json
from reconciler.payloads.certificates import CertificateRow

_FORMS = ("thumbprints", "ids")
_SCOPES = ("collection", "container")


class OwnedCertificate(NamedTuple):
    """A certificate whose owner is another than its document says; None owns it where nobody does."""

    difference: Difference
    row: CertificateRow
    owner: str | None


class ListPlace(NamedTuple):
    """Which lists a certificate can be moved to: of one target, scope, owner and form."""

    target: str
    scope: tuple[Json, ...]
    owner: str | None
    form: str


def adopt_owners(documents: Sequence[ComparedDocument], live: LiveOwners) -> Iterator[Adopted]:
    """Yield the documents with the owners that their certificates have.

    A table's row gets another owner. Of a list or a query whose certificates all have one owner the document gets that;
    else what has another owner leaves the list, or is excepted from the query, and goes into the list of its owner: one
    that there is, or a new document in the same file.
    """
    sheet = _Sheet(documents)
    for document in documents:
        if document.is_editable and document.differences:
            certificates, obstacles = _split_differences(document, live)
            yield from obstacles
            sheet.take_over(document, certificates, live)
    yield from sheet.list_results()


def _split_differences(
    document: ComparedDocument, live: LiveOwners
) -> tuple[list[OwnedCertificate], list[AdoptionObstacle]]:
    certificates: list[OwnedCertificate] = []
    obstacles: list[AdoptionObstacle] = []
    for difference in document.differences:
        if difference.before is None:
            obstacles.append(explain_absence(document.address, difference))
            continue
        row: CertificateRow = difference.encoder_input[0]
        if row.owner_id is not None and not _is_namable(row, live):
            reason = f"its owner can't be named: role {row.owner_id}, which the server calls {row.owner!r}"
            remedy = "rename that role in the portal"
            obstacles.append(AdoptionObstacle(document.address, difference.source, reason, remedy, difference.object))
        else:
            certificates.append(OwnedCertificate(difference, row, row.owner or None))
    return certificates, obstacles


def _is_namable(row: CertificateRow, live: LiveOwners) -> bool:
    role = find_owner_role(row.owner, live.roles, {}) if row.owner else None
    return isinstance(role, OwnerRole) and role.id == row.owner_id and role.name == row.owner


class _Sheet:
    """The documents as they are to be, while certificates are moved between them."""

    def __init__(self, documents: Sequence[ComparedDocument]) -> None:
        self._values = {document.address: dict(deepcopy(document.value)) for document in documents}
        self._before = {document.address: document.value for document in documents}
        self._editable = [document.address for document in documents if document.is_editable]
        self._rows: dict[Address, dict[int, Mapping[str, str] | None]] = {}
        self._moves: list[tuple[Address, OwnedCertificate, str]] = []
        self._added: dict[ListPlace, tuple[Address, dict[str, Any]]] = {}
        self._comments: dict[Json, str] = {}

    def take_over(self, document: ComparedDocument, certificates: Sequence[OwnedCertificate], live: LiveOwners) -> None:
        """Change a document to the owners that these certificates of it have."""
        address, spec = document.address, self._values[document.address]["spec"]
        if not certificates:
            return
        if "assignments" in spec:
            self._change_rows(address, certificates)
            return
        selection = spec["certificates"]
        form = next((name for name in _FORMS if name in selection), "")
        query_result = live.query_results.get(address)
        count = len(selection[form]) if form else len(query_result.rows if query_result else ())
        owners = {certificate.owner for certificate in certificates}
        if len(certificates) == count and len(owners) == 1:
            _set_owner(spec, owners.pop())
            return
        for certificate in certificates:
            self._leave(selection, form, certificate)
            self._moves.append((address, certificate, form or _choose_form(certificate.row)))

    def _change_rows(self, address: Address, certificates: Sequence[OwnedCertificate]) -> None:
        rows = self._rows.setdefault(address, {})
        for certificate in certificates:
            line = certificate.difference.source.line
            rows[line] = None if certificate.owner is None else {"owner": certificate.owner}
            # A cell is never empty, so a row can't say that nobody owns it.
            if certificate.owner is None:
                self._moves.append((address, certificate, "thumbprints"))

    def _leave(self, selection: dict[str, Any], form: str, certificate: OwnedCertificate) -> None:
        """Take a certificate out of a list, or except it from a query."""
        if form:
            selection[form] = [key for key in selection[form] if not _is_key_of(key, certificate.row)]
            return
        form = _choose_form(certificate.row)
        key = _get_key(certificate.row, form)
        exceptions = selection.setdefault("except", {})
        exceptions[form] = merge_members(exceptions.get(form, []), [*exceptions.get(form, []), key])
        self._comments[key] = describe_row(certificate.row)

    def list_results(self) -> Iterator[Adopted]:
        """Yield what has changed, once all that left a list has found its place."""
        for address, certificate, form in self._moves:
            self._move(address, certificate, form)
        for address in self._editable:
            if self._values[address] != self._before[address]:
                yield AdoptedDocument(address, self._values[address], self._comments)
            if rows := self._rows.get(address):
                yield AdoptedRows(address, "assignments", rows)
        for beside, value in self._added.values():
            yield AddedDocument(beside, value, self._comments)

    def _move(self, address: Address, certificate: OwnedCertificate, form: str) -> None:
        spec = self._values[address]["spec"]
        scope = tuple(spec.get(name) for name in _SCOPES)
        list_place = ListPlace(address.target, scope, certificate.owner, form)
        key = _get_key(certificate.row, form)
        self._comments[key] = describe_row(certificate.row)
        home = next((other for other in self._editable if self._find_place(other) == list_place), None)
        if home is not None:
            selection = self._values[home]["spec"]["certificates"]
            selection[form] = merge_members(selection[form], [*selection[form], key])
        elif list_place in self._added:
            self._added[list_place][1]["spec"]["certificates"][form].append(key)
        else:
            self._added[list_place] = (address, self._build_document(address, list_place, key))

    def _find_place(self, address: Address) -> ListPlace | None:
        """Return what belongs into a document's list; None where it has none."""
        spec = self._values[address]["spec"]
        form = next((name for name in _FORMS if spec.get("certificates", {}).get(name)), "")
        if not form:
            return None
        return ListPlace(address.target, tuple(spec.get(name) for name in _SCOPES), spec.get("owner"), form)

    def _build_document(self, address: Address, list_place: ListPlace, key: Json) -> dict[str, Any]:
        """Return a new document for one certificate, with the target, labels and scope of that which it leaves."""
        model = self._values[address]
        metadata = {**model["metadata"], "name": self._choose_name(list_place)}
        spec: dict[str, Any] = {}
        _set_owner(spec, list_place.owner)
        spec["certificates"] = {list_place.form: [key]}
        spec |= {name: model["spec"][name] for name in _SCOPES if name in model["spec"]}
        return {"apiVersion": model["apiVersion"], "kind": model["kind"], "metadata": metadata, "spec": spec}

    def _choose_name(self, list_place: ListPlace) -> str:
        taken = {address.name.casefold() for address in self._values}
        taken |= {value["metadata"]["name"].casefold() for _, value in self._added.values()}
        name, number = list_place.owner or "nobody", 1
        while name.casefold() in taken:
            number += 1
            name = f"{(list_place.owner or 'nobody')[:200]} ({number})"
        return name


def _set_owner(spec: dict[str, Any], owner: str | None) -> None:
    for name in ("owner", "clear"):
        spec.pop(name, None)
    spec |= {"clear": ["owner"]} if owner is None else {"owner": owner}


def _choose_form(row: CertificateRow) -> str:
    return "thumbprints" if is_thumbprint(row.thumbprint.upper()) else "ids"


def _get_key(row: CertificateRow, form: str) -> Json:
    return row.thumbprint if form == "thumbprints" else row.id


def _is_key_of(key: Json, row: CertificateRow) -> bool:
    return bool(key == row.id or str(key).upper() == row.thumbprint.upper())
