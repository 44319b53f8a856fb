"""Live owners as manifests on which a plan is empty: the certificates of each owner, with what people call them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import ValidationError

from reconciler.documents.csv_writer import format_note_cell, is_plain_cell
from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, RolesByName, find_owner_role, group_roles
from reconciler.kinds.certificate_owner.spec import CertificateOwner, is_thumbprint
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.model import Json, Path
from reconciler.payloads.certificate_table import CertificateRow, format_id_key
from reconciler.payloads.certificates import search_certificates
from reconciler.payloads.roles import read_role_list
from reconciler.reader import Read

_SUFFIX_ROOM = 40
"""Characters that a suffix of a document's name may take."""


def export_owners(read: Read) -> Iterator[ExportedDocument]:
    """Yield one document an owner, and a second one for certificates that only their ids tell apart.

    Certificates without an owner are not managed: a remark counts them. An owner that no manifest can name is told as
    unfit.
    """
    roles = group_roles(read_role_list(read))
    rows = search_certificates(read, ())
    counts = Counter(row.thumbprint.upper() for row in rows)
    rows_by_owner: dict[OwnerRole, list[CertificateRow]] = defaultdict(list)
    for row in rows:
        rows_by_owner[OwnerRole(row.owner or "", row.owner_id)].append(row)
    remarks = _count_unowned(len(rows_by_owner.pop(OwnerRole(""), ())))
    names: set[str] = set()
    for owner in sorted(rows_by_owner, key=lambda role: (role.name, role.id or 0)):
        for field, chosen in _choose_keys(rows_by_owner[owner], counts):
            document = _build_document(owner, field, chosen, names)
            yield document._replace(remarks=remarks, unfit=_explain_unfit_owner(owner, roles, document))
            names.add(document.name.casefold())
            remarks = ()


def _count_unowned(count: int) -> tuple[str, ...]:
    words = "certificate has no owner; nobody watches whether it gets one"
    if count > 1:
        words = "certificates have no owner; nobody watches whether they get one"
    return (f"{count:,} {words}",) if count else ()


def _choose_keys(
    rows: Sequence[CertificateRow], counts: Mapping[str, int]
) -> Iterator[tuple[str, list[CertificateRow]]]:
    """Yield the certificates that their thumbprints tell apart, and those that only their ids do; neither is empty."""
    by_thumbprint: list[CertificateRow] = []
    by_id: list[CertificateRow] = []
    for row in rows:
        key = row.thumbprint.upper()
        (by_thumbprint if is_thumbprint(key) and counts[key] == 1 else by_id).append(row)
    if by_thumbprint:
        yield "thumbprints", sorted(by_thumbprint, key=lambda row: row.thumbprint)
    if by_id:
        yield "ids", sorted(by_id, key=lambda row: row.id)


def _build_document(
    owner: OwnerRole, field: str, rows: Sequence[CertificateRow], names: Collection[str]
) -> ExportedDocument:
    keys: list[Json] = [row.thumbprint if field == "thumbprints" else row.id for row in rows]
    spec = {"owner": owner.name, "certificates": {field: keys}}
    comments: dict[Path, str] = {("certificates", field, index): describe_row(row) for index, row in enumerate(rows)}
    name = _choose_name(owner, names)
    # As the inventory has them: documents spell thumbprints in either letter case.
    folded_keys = tuple(row.thumbprint.casefold() if field == "thumbprints" else format_id_key(row.id) for row in rows)
    return ExportedDocument(
        name, spec, (), comments, group=owner.name, rows=_build_table_rows(owner, field, rows),
        entries=("certificates", field), keys=folded_keys,
    )  # fmt: skip


def _build_table_rows(owner: OwnerRole, field: str, rows: Sequence[CertificateRow]) -> tuple[tuple[str, ...], ...]:
    """Return thumbprint, owner and name of each certificate; none where a table can't tell them, or not that owner."""
    if field != "thumbprints" or not is_plain_cell(owner.name):
        return ()
    return tuple((row.thumbprint, owner.name, format_note_cell(row.name or "")) for row in rows)


def _choose_name(owner: OwnerRole, names: Collection[str]) -> str:
    """Return a document's name: the owner's, with a suffix where it is taken, letter case aside."""
    name, number = owner.name or f"role {owner.id}", 1
    while name.casefold() in names:
        number += 1
        name = f"{owner.name[:-_SUFFIX_ROOM] if len(owner.name) > 200 else owner.name} ({number})"
    return name


def describe_row(row: CertificateRow) -> str:
    facts = (row.name, row.expires and f"expires {row.expires}", "revoked" if row.is_revoked else "")
    return ", ".join(fact for fact in facts if fact)


def _explain_unfit_owner(owner: OwnerRole, roles: RolesByName, document: ExportedDocument) -> str:
    """Say why no manifest can name an owner; "" if one can."""
    if not owner.name:
        return f"the server does not tell the name of role {owner.id}"
    if find_owner_role(owner.name, roles, {}) != owner:
        return f"the owner's name {owner.name!r} does not lead to its role (id {owner.id})"
    try:
        CertificateOwner.load(document.spec)
    except ValidationError as error:
        # Pydantic puts "Value error, " before what a validator says.
        return "; ".join(str(detail.get("ctx", {}).get("error", detail["msg"])) for detail in error.errors())
    return ""
