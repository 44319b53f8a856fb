"""What documents of owners say, changed to who owns the certificates: row by row, and from list to list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.documents.characters import explain_unsafe_text
from reconciler.kinds.adoption import Adopted, AdoptionObstacle, ComparedDocument, explain_absence
from reconciler.kinds.certificate_owner.owner_moves import OwnedCertificate, OwnerSheet
from reconciler.kinds.certificate_owner.owner_roles import OwnerRole, RolesByName, find_owner_role
from reconciler.kinds.certificate_owner.reading import LiveOwners
from reconciler.payloads.certificate_table import CertificateRow


def adopt_owners(documents: Sequence[ComparedDocument], live: LiveOwners) -> Iterator[Adopted]:
    """Yield the documents with the owners that their certificates have.

    A table's row gets another owner. Of a list or a query whose certificates all have another owner the document gets
    that; else what has another owner leaves the list, or is excepted from the query, and goes into the list of its
    owner: one that there is, or a new document in the same file. A role that the same run would have renamed is called
    what it is called.
    """
    sheet = OwnerSheet(documents)
    for document in documents:
        if not document.is_editable:
            continue
        _keep_names(sheet, document, live.roles)
        certificates, obstacles = _split_differences(document, live)
        yield from obstacles
        if certificates and "assignments" in document.value["spec"]:
            sheet.change_rows(document.address, certificates)
        elif certificates:
            sheet.change_selection(document.address, certificates, _count_certificates(document, live))
    yield from sheet.list_results()


def _keep_names(sheet: OwnerSheet, document: ComparedDocument, roles: RolesByName) -> None:
    """Name owners as the server does, where a document names them as they were to be called."""
    former_names: dict[str, str] = {}
    table = document.tables.get("assignments")
    owner = document.value["spec"].get("owner")
    names = table.columns["owner"] if table else [owner] if owner else []
    for name in set(names):
        role = find_owner_role(name, roles, {})
        if isinstance(role, OwnerRole) and role.former_name and name.casefold() != role.former_name.casefold():
            former_names[name] = role.former_name
    if owner in former_names:
        sheet.rename_owner(document.address, former_names[owner])
    if table and former_names:
        for line, name in zip(table.lines, names, strict=True):
            if name in former_names:
                sheet.set_row(document.address, line, former_names[name])


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
    """Say whether a name leads to the owner of a certificate, and can be reviewed."""
    role = find_owner_role(row.owner, live.roles, {}) if row.owner else None
    is_found = isinstance(role, OwnerRole) and role.id == row.owner_id and row.owner in (role.name, role.former_name)
    return is_found and explain_unsafe_text(row.owner or "") is None


def _count_certificates(document: ComparedDocument, live: LiveOwners) -> int:
    """Return how many certificates a document's list names, or its query finds."""
    selection = document.value["spec"]["certificates"]
    listed = selection.get("thumbprints") or selection.get("ids")
    query_result = live.query_results.get(document.address)
    return len(listed or (query_result.rows if query_result else ()))
