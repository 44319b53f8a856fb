"""How owners of certificates are read, compared and set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.kinds.certificate_owner.comparison import compare_rows, find_owner_names, fold_owner
from reconciler.kinds.certificate_owner.reading import LiveOwners, read_live_owners
from reconciler.kinds.certificate_owner.spec import Assignment, CertificateOwner
from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Run, Spec, Tally, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.stored_requests import check_expectation, check_request, check_texts
from reconciler.model import Call, Json, Path, Request, Risk, RiskAssessment, Step
from reconciler.payloads.certificates import CERTIFICATES_PATH, CertificateRow, format_id_key, search_certificates
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import ROLES_PATH
from reconciler.payloads.scopes import COLLECTIONS_PATH, CONTAINERS_PATH
from reconciler.reader import Read

_EMPTY_RESULT = Explanation(
    "live.not-found",
    "the query matches no certificate",
    "a typing error looks the same as an empty result",
    "correct it, or say allowEmpty: true",
)
_NO_CERTIFICATE = Explanation("live.unusable-answer", "the answer is not a certificate", remedy="check the endpoint")
_QUERY_PATH: Path = ("certificates", "query")


def _pair_assignments(
    document: Wanted[CertificateOwner], live: LiveOwners
) -> Iterator[tuple[Assignment, list[CertificateRow]]]:
    """Yield what the document assigns with the certificates that it may mean: one each where a query found them."""
    spec = document.spec
    for row in live.query_rows.get(document.address, ()):
        yield Assignment(format_id_key(row.id), spec.declared().get("owner"), _QUERY_PATH), [row]
    rows_by_key = live.scope_rows[live.scopes[document.address].listing]
    for assignment in spec.list_assignments(document.tables):
        yield assignment, rows_by_key.get(assignment.key, [])


class CertificateOwnerKind(Kind[CertificateOwner, LiveOwners]):
    """Owners are compared as columns; one PUT a certificate."""

    spec: ClassVar[type[Spec]] = CertificateOwner
    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        read=(
            ListPermission("certificates", CERTIFICATES_PATH, "/certificates/collections/read/"),
            ListPermission("roles", ROLES_PATH, "/security/read/", version=2),
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
        return read_live_owners(read, documents)

    def compare(self, document: Wanted[CertificateOwner], live: LiveOwners, run: Run) -> Iterator[Finding]:
        scope = live.scopes[document.address]
        if scope.fault:
            yield scope.fault.locate(document.at(("spec", scope.field)), document.address)
            return
        if document.spec.search is not None and not live.query_rows[document.address]:
            source = document.at(("spec", *_QUERY_PATH))
            is_allowed = document.spec.declared().get("allowEmpty")
            yield Tally(1) if is_allowed else _EMPTY_RESULT.locate(source, document.address)
            return
        owner_names = find_owner_names(document, live.roles, run)
        yield from compare_rows(document, live, _pair_assignments(document, live), owner_names)

    def encode(self, match: Match[CertificateOwner]) -> Request:
        """One member, or none at all where the manifest says clear: an empty body clears the owner."""
        row, query = match.encoder_input
        name = match.after["owner"]
        # What the server does with NewRoleId and NewRoleName together is not documented.
        body = {} if name is None else {"NewRoleName": name}
        path = f"{CERTIFICATES_PATH}/{row.id}/Owner"
        base = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleId": row.owner_id, "OwnerRoleName": row.owner}
        # OwnerRoleId is not expected: a role that the same run creates has no id when the plan is made.
        expect = {"Id": row.id, "Thumbprint": row.thumbprint, "OwnerRoleName": name}
        return Request(Call(match.document.address.target, "PUT", path, body, query), base, expect)

    def explain(self, request: Request) -> Meaning:
        """One certificate; a body without a name clears its owner."""
        call, base = request.call, request.base
        name = call.body.get("NewRoleName")
        path, members = f"{CERTIFICATES_PATH}/{base['Id']}/Owner", ("NewRoleName",) if name else ()
        check_request(call, "PUT", path, members=members, query=("CollectionId", "ContainerId"))
        check_texts([name] if name else ())
        check_expectation(request, {"Id": base["Id"], "Thumbprint": base["Thumbprint"], "OwnerRoleName": name})
        label = f"{base['Thumbprint']} (id {base['Id']})"
        return Meaning({"owner": base["OwnerRoleName"]}, {"owner": name}, label)

    def assess(self, path: str, before: Json, after: Json, fields: Mapping[str, Any]) -> RiskAssessment:
        """Who had the certificate may not be able to take it back."""
        if not before:
            return RiskAssessment(Risk.LOW)
        return RiskAssessment(Risk.HIGH, "takes the certificate from its present owner")

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
            raise IncompleteError(_NO_CERTIFICATE.locate(Source(f"GET {path}")))
        return {name: pick_member(raw, name) or None for name in ("Id", "Thumbprint", "OwnerRoleId", "OwnerRoleName")}

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        """Role names are compared letter case aside, as in `compare`."""
        if live is None or step.request is None:
            return ("the certificate",)
        expect = step.request.expect
        return tuple(name for name, value in expect.items() if fold_owner(live.get(name)) != fold_owner(value))

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """One document an owner; certificates without an owner are not managed."""
        owned: dict[str, list[str]] = {}
        for row in search_certificates(read, ()):
            if row.owner:
                owned.setdefault(row.owner, []).append(row.thumbprint)
        for owner in sorted(owned):
            yield ExportedDocument(owner, {"owner": owner, "certificates": {"thumbprints": sorted(owned[owner])}})


KIND = CertificateOwnerKind()
