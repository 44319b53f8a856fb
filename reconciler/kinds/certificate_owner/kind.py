"""How owners of certificates are read, compared and set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.kinds.adoption import Adopted, ComparedDocument
from reconciler.kinds.certificate_owner.adopting import adopt_owners
from reconciler.kinds.certificate_owner.comparison import compare_owners, judge_empty_result
from reconciler.kinds.certificate_owner.export import export_owners
from reconciler.kinds.certificate_owner.inventory import (
    count_undeclared_certificates,
    list_certificates,
    read_inventory,
)
from reconciler.kinds.certificate_owner.listed_rereads import reread_listed_owners
from reconciler.kinds.certificate_owner.owner_request import (
    build_owner_request,
    explain_owner_request,
    restate_certificate,
)
from reconciler.kinds.certificate_owner.reading import LiveOwners, read_live_owners
from reconciler.kinds.certificate_owner.restoring import name_certificate, restore_owners
from reconciler.kinds.certificate_owner.rights import OwnerRightsSource
from reconciler.kinds.certificate_owner.spec import CertificateOwner, strip_thumbprint
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Run, Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle
from reconciler.kinds.rights_source import RightsSource
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Action, CellForm, Json, ObjectSides, Request, Risk, RiskAssessment, Step
from reconciler.payloads.certificates import CERTIFICATES_PATH, read_certificate_row
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import ROLES_PATH
from reconciler.payloads.scopes import COLLECTIONS_PATH, CONTAINERS_PATH
from reconciler.payloads.trail_entries import HISTORY_ENTITY
from reconciler.reader import Read

_NO_CERTIFICATE = Explanation("live.unusable-answer", "the answer is not a certificate", remedy="check the endpoint")


class CertificateOwnerKind(Kind[CertificateOwner, LiveOwners]):
    """Owners are compared as columns; one PUT a certificate."""

    spec: ClassVar[type[Spec]] = CertificateOwner
    api: ClassVar[str] = "keyfactor"
    parts: ClassVar[tuple[str, ...]] = ("owner",)
    names_objects: ClassVar[bool] = True
    rights: ClassVar[RightsSource] = OwnerRightsSource()
    risks: ClassVar[Mapping[str, RiskAssessment]] = {
        "owner": RiskAssessment(Risk.HIGH, "where it takes the certificate from its present owner")
    }
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
    parallel_writes: ClassVar[int] = 4
    limit: ClassVar[int] = 500
    tables: ClassVar[Mapping[str, tuple[str, ...]]] = {"assignments": ("thumbprint", "owner")}
    extra_columns: ClassVar[Mapping[str, tuple[str, ...]]] = {"assignments": ("name",)}
    cell_forms: ClassVar[Mapping[str, CellForm]] = {"thumbprint": strip_thumbprint}
    listed_as: ClassVar[tuple[str, str]] = (
        "certificate without an owner document",
        "certificates without an owner document",
    )
    trails: ClassVar[tuple[TrailNames, ...]] = (
        # The history first: it takes no right to audit, which is one to read everything.
        TrailNames(Trail.HISTORY, frozenset({HISTORY_ENTITY}), members={"owner": ("owner",)}),
        # A certificate that was renewed has the name of the one before it.
        TrailNames(
            Trail.AUDIT_LOG,
            frozenset({"certificate"}),
            "Certificate",
            {"owner": ("ownerrolename", "newrolename")},
            unique_names=False,
        ),
    )
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
        targets = {document.address.target for document in documents}
        renames = {
            address.name: former_name
            for address, former_name in run.renames.items()
            if address.kind == "SecurityRole" and address.target in targets
        }
        return read_live_owners(read, documents, renames, run.tell)

    def observe_inventory(self, read: Read, documents: Sequence[Wanted[CertificateOwner]], run: Run) -> LiveOwners:
        return read_inventory(read, documents)

    def list_objects(
        self, live: LiveOwners, documents: Sequence[Wanted[CertificateOwner]]
    ) -> Iterable[ListedObject] | None:
        return list_certificates(live, documents)

    def count_undeclared(self, live: LiveOwners, documents: Sequence[Wanted[CertificateOwner]]) -> int | None:
        return count_undeclared_certificates(live, documents)

    def compare(self, document: Wanted[CertificateOwner], live: LiveOwners, run: Run) -> Iterator[Finding]:
        scope = live.scopes[document.address]
        if scope.fault:
            yield scope.fault.locate(document.at(("spec", scope.field)), document.address)
        elif (result := live.query_results.get(document.address)) and not result.rows:
            yield judge_empty_result(document, result)
        else:
            yield from compare_owners(document, live, run)

    def encode(self, match: Match[CertificateOwner]) -> Request:
        row, owner, query, owner_renamed_to = match.encoder_input
        return build_owner_request(match.document.address.target, row, owner, query, owner_renamed_to)

    def explain(self, request: Request) -> Meaning:
        return explain_owner_request(request)

    def choose_action(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Action:
        """A certificate that does not exist is not created."""
        return Action.UPDATE if after["owner"] else Action.CLEAR

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        """Who had the certificate may not be able to take it back."""
        if not before:
            return RiskAssessment(Risk.LOW)
        return RiskAssessment(Risk.HIGH, "takes the certificate from its present owner")

    def reread(self, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        call, base = step.request.call, step.request.base
        path = call.path.removesuffix("/Owner")
        # GET of a certificate knows collectionId alone: the swagger of 25.1 has no containerId there.
        raw = read.get(path, query=tuple(pair for pair in call.query if pair[0] == "CollectionId"))
        if raw is None:
            return None
        if not isinstance(raw, Mapping) or not isinstance(pick_member(raw, "Id"), int):
            raise IncompleteError(_NO_CERTIFICATE.locate(Source(f"GET {path}")))
        return restate_certificate(read_certificate_row(raw), base)

    def reread_listed(self, read: Read, steps: Sequence[Step]) -> Mapping[int, Json]:
        return reread_listed_owners(read, steps)

    def outline(self, request: Request) -> Request:
        """The path holds the certificate's id; a base without anything leaves what is read as it is."""
        return Request(request.call._replace(body={}), {}, {})

    def name_object(self, request: Request) -> Mapping[str, Json]:
        return name_certificate(request)

    def restore(self, steps: Sequence[RememberedStep]) -> Iterator[FormerDocument | UndoObstacle]:
        yield from restore_owners(steps)

    def adopt(self, documents: Sequence[ComparedDocument], live: LiveOwners) -> Iterator[Adopted]:
        yield from adopt_owners(documents, live)

    def select_marks(self, state: Mapping[str, Json]) -> Mapping[str, Json]:
        """The certificate, and its owner by id wherever that is known: a role's name may change on the way."""
        unsaid = "OwnerRoleName" if state.get("OwnerRoleId") is not None else ""
        marks = ("Id", "Thumbprint", "OwnerRoleId", "OwnerRoleName")
        # A role that the same run creates has no id yet: there the name alone tells.
        if state.get("OwnerRoleName") is not None and state.get("OwnerRoleId") is None:
            unsaid = "OwnerRoleId"
        return {name: state[name] for name in marks if name in state and name != unsaid}

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        """By the owner's id wherever it was known; else by its name, exactly as it is spelt."""
        if live is None or step.request is None:
            return ("the certificate",)
        expect = dict(step.request.expect)
        if expect.get("OwnerRoleId") is not None:
            del expect["OwnerRoleName"]
        return tuple(name for name, value in expect.items() if live.get(name) != value)

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """Documents by owner; certificates without an owner are not managed."""
        yield from export_owners(read)


KIND = CertificateOwnerKind()
