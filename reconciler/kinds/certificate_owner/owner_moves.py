"""Documents of owners as they are to be, while certificates move between them: from list to list, and row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from reconciler.diagnostics import Address
from reconciler.kinds.adoption import (
    AddedDocument,
    Adopted,
    AdoptedDocument,
    AdoptedRows,
    ComparedDocument,
    Difference,
    merge_members,
)
from reconciler.kinds.certificate_owner.export import describe_row
from reconciler.kinds.certificate_owner.spec import is_thumbprint
from reconciler.model import Json
from reconciler.payloads.certificate_table import CertificateRow

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


class OwnerSheet:
    """The documents as they are to be, and the certificates that are on their way from one to another.

    Linear in the certificates: each list is looked through once, however many leave it.
    """

    def __init__(self, documents: Sequence[ComparedDocument]) -> None:
        self._before = {document.address: document.value for document in documents}
        self._editable = [document.address for document in documents if document.is_editable]
        self._values = {address: dict(deepcopy(self._before[address])) for address in self._editable}
        self._rows: dict[Address, dict[int, Mapping[str, str] | None]] = {}
        # A certificate that leaves, under the first document that it left, by where it belongs.
        self._moves: dict[ListPlace, list[tuple[Address, CertificateRow]]] = {}
        self._comments: dict[Address, dict[Json, str]] = {}
        self._groups: dict[Address, Address] = {}

    def rename_owner(self, address: Address, owner: str) -> None:
        """Let a document call its owner by another name."""
        self._values[address]["spec"]["owner"] = owner

    def set_row(self, address: Address, line: int, owner: str) -> None:
        """Put a name into the row of a document's table."""
        self._rows.setdefault(address, {})[line] = {"owner": owner}

    def change_rows(self, address: Address, certificates: Sequence[OwnedCertificate]) -> None:
        """Give the rows of a table other owners; a cell is never empty, so what nobody owns leaves for a list."""
        for certificate in certificates:
            line = certificate.difference.source.line
            if certificate.owner is None:
                self._rows.setdefault(address, {})[line] = None
                self._send_away(address, certificate, "thumbprints")
            else:
                self.set_row(address, line, certificate.owner)

    def change_selection(self, address: Address, certificates: Sequence[OwnedCertificate], count: int) -> None:
        """Change a document whose list or query means `count` certificates.

        Where all of them have another owner, the document gets the one that most of them have; the others leave.
        """
        spec = self._values[address]["spec"]
        if len(certificates) == count:
            owners = Counter(certificate.owner for certificate in certificates)
            owner = min(owners, key=lambda owner: (-owners[owner], owner or ""))
            _set_owner(spec, owner)
            certificates = [certificate for certificate in certificates if certificate.owner != owner]
        if not certificates:
            return
        selection = spec["certificates"]
        form = next((name for name in _FORMS if name in selection), "")
        rows = [certificate.row for certificate in certificates]
        if form:
            gone = {_get_key(row, form) for row in rows}
            selection[form] = [key for key in selection[form] if _fold_key(key) not in gone]
        else:
            self._except_rows(address, selection, rows)
        for certificate in certificates:
            self._send_away(address, certificate, form or _choose_form(certificate.row))

    def _except_rows(self, address: Address, selection: dict[str, Any], rows: Sequence[CertificateRow]) -> None:
        """Take certificates out of what a query means."""
        exceptions = selection.setdefault("except", {})
        for form in _FORMS:
            if members := [row for row in rows if _choose_form(row) == form]:
                self._add_keys(address, exceptions, form, members)

    def _add_keys(self, address: Address, lists: dict[str, Any], form: str, rows: Sequence[CertificateRow]) -> None:
        """Put certificates into a list, each with what a person knows it by."""
        old: list[Json] = lists.get(form, [])
        lists[form] = merge_members(old, [*old, *(_get_key(row, form) for row in rows)])
        self._comments.setdefault(address, {}).update((_get_key(row, form), describe_row(row)) for row in rows)

    def _send_away(self, address: Address, certificate: OwnedCertificate, form: str) -> None:
        scope = tuple(self._values[address]["spec"].get(name) for name in _SCOPES)
        place = ListPlace(address.target, scope, certificate.owner, form)
        self._moves.setdefault(place, []).append((address, certificate.row))

    def list_results(self) -> Iterator[Adopted]:
        """Yield what has changed, once all that left a list has found its place."""
        homes = self._find_homes()
        added = [self._add_document(place, moves) for place, moves in self._moves.items() if place not in homes]
        for place, moves in self._moves.items():
            if place in homes:
                home = homes[place]
                self._add_keys(home, self._values[home]["spec"]["certificates"], place.form, [row for _, row in moves])
                self._join([home, *(address for address, _ in moves)])
        for address in self._editable:
            group = self._find_group(address)
            if self._values[address] != self._before[address]:
                yield AdoptedDocument(address, self._values[address], self._comments.get(address, {}), group)
            if rows := self._rows.get(address):
                yield AdoptedRows(address, "assignments", rows, group)
        for document in added:
            yield document._replace(group=self._find_group(document.beside))

    def _find_homes(self) -> dict[ListPlace, Address]:
        """Return the first document that has a list for certificates, for each kind of list that there is."""
        homes: dict[ListPlace, Address] = {}
        for address in self._editable:
            spec = self._values[address]["spec"]
            form = next((name for name in _FORMS if spec.get("certificates", {}).get(name)), "")
            scope = tuple(spec.get(name) for name in _SCOPES)
            if form:
                homes.setdefault(ListPlace(address.target, scope, spec.get("owner"), form), address)
        return homes

    def _add_document(self, place: ListPlace, moves: Sequence[tuple[Address, CertificateRow]]) -> AddedDocument:
        """Return a new document, with the target, labels and scope of the first that its certificates leave."""
        addresses = [address for address, _ in moves]
        self._join(addresses)
        beside = addresses[0]
        model = self._values[beside]
        name = self._choose_name(place)
        address = beside._replace(name=name)
        metadata = {**model["metadata"], "name": name}
        spec: dict[str, Any] = {}
        _set_owner(spec, place.owner)
        spec["certificates"] = {}
        self._add_keys(address, spec["certificates"], place.form, [row for _, row in moves])
        spec |= {name: model["spec"][name] for name in _SCOPES if name in model["spec"]}
        value = {"apiVersion": model["apiVersion"], "kind": model["kind"], "metadata": metadata, "spec": spec}
        return AddedDocument(beside, value, self._comments[address])

    def _choose_name(self, place: ListPlace) -> str:
        taken = {address.name.casefold() for address in (*self._before, *self._comments)}
        name, number = place.owner or "nobody", 1
        while name.casefold() in taken:
            number += 1
            name = f"{(place.owner or 'nobody')[:200]} ({number})"
        return name

    def _join(self, addresses: Sequence[Address]) -> None:
        """Note that certificates go from one document to another, so that one can't change without the other."""
        first = self._find_group(addresses[0])
        for address in addresses:
            self._groups[self._find_group(address)] = first

    def _find_group(self, address: Address) -> Address:
        """Return the document that stands for all that exchange certificates with one."""
        group = address
        while self._groups.get(group, group) != group:
            group = self._groups[group]
        self._groups[address] = group
        return group


def _set_owner(spec: dict[str, Any], owner: str | None) -> None:
    for name in ("owner", "clear"):
        spec.pop(name, None)
    spec |= {"clear": ["owner"]} if owner is None else {"owner": owner}


def _choose_form(row: CertificateRow) -> str:
    return "thumbprints" if is_thumbprint(row.thumbprint.upper()) else "ids"


def _get_key(row: CertificateRow, form: str) -> Json:
    return row.thumbprint.upper() if form == "thumbprints" else row.id


def _fold_key(key: Json) -> Json:
    return key.upper() if isinstance(key, str) else key
