"""How security roles are read, compared and written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from reconciler.kinds.adoption import Adopted, ComparedDocument
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Finding, Kind, Match, Meaning, Run, Wanted
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle
from reconciler.kinds.rights_source import RightsSource
from reconciler.kinds.security_role.adopting import adopt_role
from reconciler.kinds.security_role.claim_index import check_sent_descriptions
from reconciler.kinds.security_role.claims import (
    DescriptionChange,
    choose_new_descriptions,
    find_ambiguous_claims,
    find_contradictory_descriptions,
    match_claim_descriptions,
)
from reconciler.kinds.security_role.comparison import (
    ROLE_MEMBERS,
    find_bad_permission_set,
    find_missing_fields,
    match_role,
)
from reconciler.kinds.security_role.export import export_role, find_disputed_claims
from reconciler.kinds.security_role.identity import find_live_role
from reconciler.kinds.security_role.observation import (
    LiveRoles,
    list_doubtful_claims,
    list_held_permissions,
    list_roles,
    observe_roles,
    observe_undeclared_roles,
)
from reconciler.kinds.security_role.permission_sets import find_permissions_outside_set, read_permission_sets
from reconciler.kinds.security_role.references import find_unknown_permissions, find_unknown_providers
from reconciler.kinds.security_role.remarks import find_remarks
from reconciler.kinds.security_role.resource_names import LIST_PERMISSIONS, resolve_names
from reconciler.kinds.security_role.restoring import describe_leaving_claims, name_claim, restore_role
from reconciler.kinds.security_role.rights import RoleRightsSource
from reconciler.kinds.security_role.risk import ROLE_RISKS, assess_role_change
from reconciler.kinds.security_role.spec import SecurityRole
from reconciler.kinds.security_role.stored_requests import explain_description_request, explain_role_request
from reconciler.kinds.spec_model import Spec
from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Call, Json, ObjectSides, Request, RiskAssessment, Step
from reconciler.payloads.claims import (
    CLAIMS_PATH,
    ClaimKey,
    build_claim_base,
    build_description_request,
    encode_role_claims,
    fold_claim_key,
    is_same_claim_set,
    read_claim_key,
)
from reconciler.payloads.members import pick_member
from reconciler.payloads.roles import (
    ROLES_PATH,
    build_expected_role,
    build_writable_role,
    canonicalize_role,
    check_role_body,
    fold_role_name,
    order_permissions,
    read_role_list,
    read_roles_by_id,
)
from reconciler.payloads.scopes import SCOPE_LISTS
from reconciler.reader import Read


def _is_claim_step(step: Step) -> bool:
    return step.request is not None and step.request.call.path == CLAIMS_PATH


def _find_wrong_references(
    document: Wanted[SecurityRole], raw: Mapping[str, Json] | None, live: LiveRoles
) -> Iterator[Finding]:
    doubtful_claims = list_doubtful_claims(document, raw, live.claim_context.claim_index)
    yield from find_unknown_permissions(document, list_held_permissions(raw), live.lists.permissions)
    yield from find_permissions_outside_set(document, raw, live.sets)
    yield from find_unknown_providers(document, doubtful_claims, live.lists.providers)


def _reread_role(read: Read, number: Json, name: str) -> Mapping[str, Json] | None:
    if number is None:
        rows = [row for row in read_role_list(read) if fold_role_name(row) == name.casefold()]
        # A role that is to be created has no id: by name the list shows whether somebody else was faster. Where the
        # server tells letter case apart, the very name is the one that was created.
        rows.sort(key=lambda row: pick_member(row, "Name") != name)
        number = pick_member(rows[0], "Id") if rows else None
    roles = [] if number is None else read_roles_by_id(read, [int(number)])
    return roles[0] if roles else None


def _read_claim_keys(role: Mapping[str, Json] | None) -> list[ClaimKey]:
    return [read_claim_key(claim) for claim in pick_member(role, "Claims")] if role else []


def _build_body(match: Match[SecurityRole]) -> dict[str, Json]:
    """Return the whole role as read, or a new one, with the declared fields over it."""
    raw, set_id, new_claims = match.encoder_input
    after = match.after
    new_role = {"Name": match.document.address.name, "EmailAddress": None}
    body: dict[str, Json] = build_writable_role(raw) if raw else new_role
    body |= {ROLE_MEMBERS[field]: after[field] for field in ("name", "description", "emailAddress") if field in after}
    if "permissionSet" in after:
        body["PermissionSetId"] = set_id
    live_permissions = body.get("Permissions", ())
    body["Permissions"] = order_permissions(after.get("permissions", live_permissions), live_permissions)
    body["Claims"] = encode_role_claims(raw, after.get("claims"), new_claims)
    check_role_body(body)
    return body


class SecurityRoleKind(Kind[SecurityRole, LiveRoles]):
    """Roles are found by name; a PUT carries the whole role as read, with the declared fields over it."""

    spec: ClassVar[type[Spec]] = SecurityRole
    api: ClassVar[str] = "keyfactor"
    parts: ClassVar[tuple[str, ...]] = ("description", "emailAddress", "permissionSet", "permissions", "claims")
    renamable: ClassVar[bool] = True
    last: ClassVar[tuple[str, ...]] = (CLAIMS_PATH,)
    risks: ClassVar[Mapping[str, RiskAssessment]] = ROLE_RISKS
    rights: ClassVar[RightsSource] = RoleRightsSource()
    requires: ClassVar[Permissions] = Permissions(
        read=(
            ListPermission("roles", ROLES_PATH, "/security/read/", version=2, item="Id"),
            ListPermission(
                "permission sets", "/PermissionSets", "/security/read/", condition="that declare one by name"
            ),
            ListPermission("claims", CLAIMS_PATH, "/security/read/", condition="that give a role a claim"),
            # What is named can be written by its id as well.
            *(
                ListPermission(
                    f"{noun}s",
                    path,
                    LIST_PERMISSIONS[noun],
                    condition=f"whose permissions name a {noun}",
                    is_vital=False,
                )
                for noun, path in SCOPE_LISTS.items()
            ),
        ),
        # Command checks which permission set holds it: held in another one it still gives 403.
        write=(PermissionGrant(("/security/modify/",), within="Global"),),
    )
    listed_as: ClassVar[tuple[str, str]] = ("role", "roles")
    trails: ClassVar[tuple[TrailNames, ...]] = (
        TrailNames(
            Trail.AUDIT_LOG,
            frozenset({"securityrole"}),
            "Role",
            {
                "name": ("name",),
                "description": ("description",),
                "emailAddress": ("emailaddress",),
                "permissionSet": ("permissionsetid",),
                "permissions": ("permissions",),
                "claims": ("claims",),
            },
            opaque=frozenset({"permissionSet"}),
        ),
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
        return observe_roles(read, documents)

    def observe_inventory(self, read: Read, documents: Sequence[Wanted[SecurityRole]], run: Run) -> LiveRoles:
        return observe_undeclared_roles(read, documents)

    def list_objects(self, live: LiveRoles, documents: Sequence[Wanted[SecurityRole]]) -> Iterable[ListedObject]:
        return list_roles(live, documents)

    def compare(self, document: Wanted[SecurityRole], live: LiveRoles, run: Run) -> Iterator[Finding]:
        document, faults = resolve_names(document, live.resources)
        raw, unclear_role = find_live_role(document, live.roles)
        problems = [
            *faults,
            *([unclear_role] if unclear_role else ()),
            *find_bad_permission_set(document, live.sets.names),
            *find_contradictory_descriptions(document, live.claim_context.descriptions),
            *find_ambiguous_claims(document, raw, live.claim_context),
        ]
        if problems:
            yield from problems
            return
        new_claims = choose_new_descriptions(document, raw, live.claim_context)
        yield from _find_wrong_references(document, raw, live)
        yield from find_remarks(document, raw, live, new_claims)
        match = match_role(document, raw, live, new_claims)
        missing_fields = [] if raw else list(find_missing_fields(document))
        yield from missing_fields
        # What can't be created is missing all the same.
        yield replace(match, refusal=missing_fields[0].summary) if missing_fields else match
        yield from match_claim_descriptions(document, raw, live.claim_context)

    def encode(self, match: Match[SecurityRole]) -> Request:
        if isinstance(match.encoder_input, DescriptionChange):
            return build_description_request(
                match.document.address.target, match.encoder_input.raw, match.encoder_input.description
            )
        raw = match.encoder_input[0]
        body = _build_body(match)
        target, expect = match.document.address.target, build_expected_role(body)
        if raw is None:
            return Request(Call(target, "POST", ROLES_PATH, body, version=2), None, expect)
        # There is no /{id} form of this PUT: the id stands in the body.
        return Request(Call(target, "PUT", ROLES_PATH, body, version=2), canonicalize_role(raw), expect)

    def explain(self, request: Request) -> Meaning:
        if request.call.path == CLAIMS_PATH:
            return explain_description_request(request)
        return explain_role_request(request)

    def assess(self, path: str, before: Json, after: Json, sides: ObjectSides) -> RiskAssessment:
        return assess_role_change(path, before, after, sides)

    def reread(self, read: Read, step: Step) -> Json:
        if step.request is None:
            return None
        body = step.request.call.body
        if _is_claim_step(step):
            raw = read.get(f"{CLAIMS_PATH}/{int(body['Id'])}")
            return None if raw is None else build_claim_base(raw)
        role = _reread_role(read, body.get("Id"), step.address.name)
        # After the role, so that claims which other roles share are read as close to the write as can be.
        check_sent_descriptions(read, body.get("Claims", ()), _read_claim_keys(role))
        return canonicalize_role(role) if role else None

    def outline(self, request: Request) -> Request:
        """Of a role, and of a claim, the id; of a role that is to be created the name."""
        body = request.call.body
        kept = {name: body[name] for name in (("Id",) if "Id" in body else ("Name",))}
        return Request(request.call._replace(body=kept), None, {})

    def name_object(self, request: Request) -> Mapping[str, Json]:
        return name_claim(request) if request.call.path == CLAIMS_PATH else describe_leaving_claims(request)

    def restore(self, steps: Sequence[RememberedStep]) -> Iterator[FormerDocument | UndoObstacle]:
        yield from restore_role(steps)

    def adopt(self, documents: Sequence[ComparedDocument], live: LiveRoles) -> Iterator[Adopted]:
        for document in documents:
            if document.is_editable and document.differences:
                yield from adopt_role(document, live.resources)

    def is_same_value(self, path: str, value: Json, other: Json) -> bool:
        """A claim may be read in another spelling than it was sent."""
        if path != "claims":
            return super().is_same_value(path, value, other)
        return is_same_claim_set(*([ClaimKey(**claim) for claim in side or ()] for side in (value, other)))

    def normalize(self, live: Mapping[str, Json]) -> Mapping[str, Json]:
        """Claims as the server folds them, without the descriptions, which are theirs and not the role's."""
        if "Claims" not in live:
            return live
        return {**live, "Claims": sorted(fold_claim_key(ClaimKey(*claim[:3])) for claim in live["Claims"])}

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
        sets = read_permission_sets(read).names
        roles = read_roles_by_id(read, [int(pick_member(row, "Id")) for row in rows])
        disputed_claims = find_disputed_claims(roles)
        counts = Counter(pick_member(raw, "Name") for raw in roles)
        for raw in roles:
            count = counts[pick_member(raw, "Name")]
            unfit = f"{count} roles have this name, and no manifest tells them apart" if count > 1 else ""
            yield export_role(raw, sets, disputed_claims)._replace(unfit=unfit)


KIND = SecurityRoleKind()
