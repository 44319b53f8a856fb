"""How security roles are read, compared and written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Run, Spec, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.security_role.claim_index import ClaimIndex, check_sent_descriptions, read_claim_index
from reconciler.kinds.security_role.claims import (
    ClaimContext,
    DescriptionChange,
    collect_declared_descriptions,
    find_ambiguous_claims,
    find_contradictory_descriptions,
    find_new_claims,
    match_claim_descriptions,
)
from reconciler.kinds.security_role.comparison import (
    ROLE_MEMBERS,
    LiveRoles,
    find_ambiguous_name,
    find_bad_permission_set,
    find_missing_fields,
    match_role,
)
from reconciler.kinds.security_role.export import export_role
from reconciler.kinds.security_role.permission_sets import (
    is_guid,
    read_permission_sets,
)
from reconciler.kinds.security_role.spec import SecurityRole
from reconciler.kinds.security_role.stored_requests import explain_description_request, explain_role_request
from reconciler.model import Call, Json, Request, Risk, Step
from reconciler.payloads.claims import CLAIMS_PATH as CLAIMS
from reconciler.payloads.claims import (
    ClaimKey,
    build_claim_base,
    build_description_request,
    encode_role_claims,
    is_same_claim_set,
    read_claim_key,
)
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import (
    ROLES_PATH,
    build_expected_role,
    build_writable_role,
    canonicalize_role,
    fold_role_name,
    read_role_list,
    read_roles_by_id,
)
from reconciler.reader import Read


def _is_claim_step(step: Step) -> bool:
    return step.request is not None and step.request.call.path == CLAIMS


class SecurityRoleKind(Kind[SecurityRole, LiveRoles]):
    """Roles are found by name; a PUT carries the whole role as read, with the declared fields over it."""

    spec: ClassVar[type[Spec]] = SecurityRole
    api: ClassVar[str] = "keyfactor"
    last: ClassVar[tuple[str, ...]] = (CLAIMS,)
    requires: ClassVar[Permissions] = Permissions(
        read=(
            ListPermission("roles", ROLES_PATH, "/security/read/", version=2, item="Id"),
            ListPermission(
                "permission sets", "/PermissionSets", "/security/read/", condition="that declare one by name"
            ),
            ListPermission("claims", CLAIMS, "/security/read/", condition="that give a role a claim"),
        ),
        # Command checks which permission set holds it: held in another one it still gives 403.
        write=(PermissionGrant(("/security/modify/",), within="Global"),),
    )
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec:
  description: Day-to-day certificate operations
  emailAddress: pki-ops@example.com
  permissionSet: Global
  permissions: [/portal/read/, /certificates/collections/read/]
  claims:
    - {type: OAuthRole, value: pki-operators, provider: Entra, description: PKI operators}
  additive: [claims]
"""

    def observe(self, read: Read, documents: Sequence[Wanted[SecurityRole]], run: Run) -> LiveRoles:
        """One list, each declared role by id; permission sets if one is declared by name, claims if one is to join."""
        names = {document.address.name.casefold() for document in documents}
        ids = [int(pick_member(row, "Id")) for row in read_role_list(read) if fold_role_name(row) in names]
        roles: dict[str, list[Json]] = {}
        for raw in read_roles_by_id(read, ids):
            roles.setdefault(fold_role_name(raw), []).append(raw)
        declared = (document.resource.declared().get("permissionSet") for document in documents)
        needs_sets = any(name is not None and not is_guid(name) for name in declared)
        sets = read_permission_sets(read) if needs_sets else {}
        needs_claims = any(
            find_new_claims(document, raw)
            for document in documents
            for raw in roles.get(document.address.name.casefold(), [None])[:1]
        )
        return LiveRoles(
            roles,
            sets,
            ClaimContext(
                read_claim_index(read) if needs_claims else ClaimIndex(), collect_declared_descriptions(documents)
            ),
        )

    def compare(self, document: Wanted[SecurityRole], live: LiveRoles, run: Run) -> Iterator[Finding]:
        roles = live.roles.get(document.address.name.casefold(), [])
        raw = roles[0] if roles else None
        problems = [
            *find_ambiguous_name(document, roles),
            *find_bad_permission_set(document, live.sets),
            *find_contradictory_descriptions(document, live.claim_context.words),
            *find_ambiguous_claims(document, raw, live.claim_context),
            *(find_missing_fields(document) if raw is None else ()),
        ]
        if problems:
            yield from problems
            return
        yield match_role(document, raw, live)
        yield from match_claim_descriptions(document, raw, live.claim_context)

    def encode(self, match: Match[SecurityRole]) -> Request:
        if isinstance(match.found, DescriptionChange):
            return build_description_request(match.wanted.address.target, match.found.raw, match.found.words)
        raw, set_id, new_claims = match.found
        target, name = match.wanted.address.target, match.wanted.address.name
        after = match.after
        body: dict[str, Json] = build_writable_role(raw) if raw else {"Name": name, "EmailAddress": None}
        body |= {ROLE_MEMBERS[field]: after[field] for field in ("description", "emailAddress") if field in after}
        if "permissionSet" in after:
            body["PermissionSetId"] = set_id
        # The server keeps no order: the vendor's Terraform provider had to turn its list into a set.
        body["Permissions"] = sorted(after.get("permissions", body.get("Permissions", ())))
        body["Claims"] = encode_role_claims(raw, after.get("claims"), new_claims)
        if raw is None:
            return Request(Call(target, "POST", ROLES_PATH, body, version=2), None, build_expected_role(body))
        # There is no /{id} form of this PUT: the id stands in the body.
        return Request(
            Call(target, "PUT", ROLES_PATH, body, version=2), canonicalize_role(raw), build_expected_role(body)
        )

    def explain(self, request: Request) -> Meaning:
        if request.call.path == CLAIMS:
            return explain_description_request(request)
        return explain_role_request(request)

    def risk(self, path: str, before: Json, after: Json) -> Risk:
        """Rights and those who hold them are high, words about them low."""
        return Risk.LOW if path in {"description", "emailAddress"} or path.startswith("claims.") else Risk.HIGH

    def reread(self, read: Read, step: Step) -> Json:
        if _is_claim_step(step):
            raw = read.get(f"{CLAIMS}/{int(step.request.call.body['Id'])}") if step.request else None
            return None if raw is None else build_claim_base(raw)
        number = step.request.call.body.get("Id") if step.request else None
        if number is None:
            name = step.address.name.casefold()
            rows = read_role_list(read)
            # A role that is to be created has no id: by name the list shows whether somebody else was faster.
            number = next((pick_member(row, "Id") for row in rows if fold_role_name(row) == name), None)
        roles = [] if number is None else read_roles_by_id(read, [int(number)])
        if step.request:
            claim_keys = [read_claim_key(claim) for claim in pick_member(roles[0], "Claims")] if roles else []
            # After the role, so that claims which other roles share are read as close to the write as can be.
            check_sent_descriptions(read, step.request.call.body["Claims"], claim_keys)
        return canonicalize_role(roles[0]) if roles else None

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        """Claims are compared as the server folds them; everything else to the letter."""
        if _is_claim_step(step):
            return super().unmet(step, live)
        if live is None or step.request is None:
            return ("the role",)
        expect = dict(step.request.expect)
        claim_keys = [ClaimKey(*key) for key in expect.pop("Claims")]
        missing = (
            [] if is_same_claim_set(claim_keys, [ClaimKey(*claim[:3]) for claim in live["Claims"]]) else ["Claims"]
        )
        return tuple(missing + [name for name, value in expect.items() if live.get(name) != value])

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        rows = read_role_list(read)
        sets = read_permission_sets(read)
        for raw in read_roles_by_id(read, [int(pick_member(row, "Id")) for row in rows]):
            yield export_role(raw, sets)


KIND = SecurityRoleKind()
