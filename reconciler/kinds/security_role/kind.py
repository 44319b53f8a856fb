"""Security roles of Keyfactor Command: /Security/Roles, version 2.

The list carries neither permissions nor claims, so each declared role is read once more by id. PUT clears what is not
sent: its body is the whole role as read, with the declared fields over it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.errors import Problem
from reconciler.kinds.fields import Name, Text, TextPattern, unmanaged_field
from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Run, Spec, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.security_role.claim_index import ClaimIndex, check_sent_descriptions, read_claim_index
from reconciler.kinds.security_role.claims import (
    Claim,
    ClaimContext,
    DescriptionChange,
    choose_new_descriptions,
    collect_declared_descriptions,
    find_ambiguous_claims,
    find_contradictory_descriptions,
    find_implied_descriptions,
    find_new_claims,
    find_uncertain_claim,
    match_claim_descriptions,
)
from reconciler.kinds.security_role.export import convert_role_to_manifest, export_role
from reconciler.kinds.security_role.permission_sets import (
    PermissionSetNames,
    find_set_guid,
    find_set_name,
    is_guid,
    read_permission_sets,
)
from reconciler.kinds.security_role.permissions import find_redundant_pairs
from reconciler.kinds.security_role.stored_requests import explain_description_request, explain_role_request
from reconciler.model import Call, Json, Path, Request, Risk, Step, Tables
from reconciler.payloads.claims import CLAIMS_PATH as CLAIMS
from reconciler.payloads.claims import (
    ClaimKey,
    build_claim_base,
    build_description_request,
    encode_role_claims,
    find_matching_claims,
    is_same_claim,
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

_WIRE_NAMES = {
    "description": "Description",
    "emailAddress": "EmailAddress",
    "permissionSet": "PermissionSetId",
    "permissions": "Permissions",
    "claims": "Claims",
}

Permission = Annotated[
    str,
    StringConstraints(max_length=512),
    TextPattern(
        # A pattern, not a list: the strings differ by version, and the last segment may be an id or a GUID.
        r"/([a-z0-9_\-]+/)*",
        Explanation(
            "manifest.invalid-value",
            "is not a version two permission",
            "Command would refuse it",
            "write it in lower case, beginning and ending with a slash, such as /portal/read/",
        ),
    ),
]
EmailAddress = Annotated[
    str,
    # 64 octets before the @ and 255 after it (RFC 5321, 4.5.3.1.1 and 4.5.3.1.2).
    StringConstraints(max_length=320),
    TextPattern(
        r"[^@\s]+@[^@\s]+",
        Explanation(
            "manifest.invalid-value", "is not an e-mail address", "nobody could be reached", "write name@domain"
        ),
    ),
]


class SecurityRole(Spec):
    """A security role: its description, permission set, permissions and the claims that hold it."""

    description: Text = unmanaged_field("What the role is for. Command requires one.")
    email_address: EmailAddress = unmanaged_field("Where workflows reach the owner of certificates.")
    permission_set: Name = unmanaged_field("The permission set that bounds the role's permissions, by name or GUID.")
    permissions: Annotated[tuple[Permission, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Version two permission strings, as a set. A string grants everything that starts with it."
    )
    claims: Annotated[tuple[Claim, ...], Field(strict=False, min_length=1)] = unmanaged_field(
        "Who holds the role, as a set."
    )
    additive: Annotated[tuple[Literal["permissions", "claims"], ...], Field(strict=False, min_length=1)] = (
        unmanaged_field("Lists that gain the declared members and keep the others.")
    )
    clear: Annotated[
        tuple[Literal["emailAddress", "permissions", "claims"], ...], Field(strict=False, min_length=1)
    ] = unmanaged_field("Fields to empty.")

    @model_validator(mode="after")
    def _check_not_empty(self) -> SecurityRole:
        if not self.model_fields_set - {"additive"}:
            raise ValueError("declares nothing to manage; give at least one field, such as permissions")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, str]]:
        declared = self.declared()
        for index, field in enumerate(declared.get("clear", ())):
            if field in declared:
                yield ("clear", index), f"{field} is both declared and cleared; only one can be meant; remove the other"
        for index, field in enumerate(declared.get("additive", ())):
            if field not in declared:
                yield (
                    ("additive", index),
                    f"{field} is not declared, so there is nothing to add; declare it or remove this",
                )
        permissions: tuple[str, ...] = declared.get("permissions", ())
        for child, parent in find_redundant_pairs(permissions):
            yield ("permissions", permissions.index(child)), f"{_describe_overlap(child, parent)}; remove it"
        for index, permission in enumerate(permissions):
            if permission in permissions[:index]:
                yield ("permissions", index), f"{permission} is listed twice; permissions are a set; remove one"
        claims: tuple[Claim, ...] = declared.get("claims", ())
        for index, claim in enumerate(claims):
            if any(is_same_claim(claim.key, other.key) for other in claims[:index]):
                yield ("claims", index), f"the {claim.type} claim {claim.value!r} is listed twice; remove one"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        # Command's rule for letter case is not documented; SQL Server's usual collation folds it.
        yield name.casefold(), ()


@dataclass(frozen=True, slots=True)
class LiveRoles:
    """The declared roles as read by id, by folded name; the permission sets; what is known of claims."""

    roles: Mapping[str, list[Json]]
    sets: PermissionSetNames
    claim_context: ClaimContext


def _is_claim_step(step: Step) -> bool:
    return step.request is not None and step.request.call.path == CLAIMS


def _match_role(document: Wanted, raw: Mapping[str, Json] | None, live: LiveRoles) -> Match:
    """Return a role beside its document; a description that a new claim gets without a word is one of the changes."""
    set_id = find_set_guid(document.resource.declared().get("permissionSet"), live.sets)
    after = _build_after(document.resource.declared(), raw, set_id, live.sets)
    new_claims = choose_new_descriptions(document, raw, live.claim_context)
    uncertainty = find_uncertain_claim(document, new_claims, live.claim_context)
    implied, encoder_input = (
        find_implied_descriptions(document, new_claims, live.claim_context),
        (raw, set_id, new_claims),
    )
    if raw is None:
        return Match(document, None, after | implied, encoder_input, "new", None, uncertainty)
    before = {name: value for name, value in convert_role_to_manifest(raw, live.sets).items() if name in after}
    refusal = _explain_refusal(raw, before, after) or uncertainty
    label = f"{pick_member(raw, 'Name')} (id {pick_member(raw, 'Id')})"
    return Match(document, before | dict.fromkeys(implied), after | implied, encoder_input, label, None, refusal)


def _build_after(
    declared: Mapping[str, Any], raw: Mapping[str, Json] | None, set_id: str | None, sets: PermissionSetNames
) -> dict[str, Any]:
    """Return the declared fields as they are to be: AD claims as the server spells them, additive lists merged."""
    live = convert_role_to_manifest(raw, sets) if raw else {"permissions": frozenset(), "claims": frozenset()}
    after: dict[str, Any] = {name: declared[name] for name in ("description", "emailAddress") if name in declared}
    if set_id is not None:
        after["permissionSet"] = find_set_name(set_id, sets)
    if "permissions" in declared:
        after["permissions"] = frozenset(declared["permissions"])
    if "claims" in declared:
        keys = (claim.key for claim in declared["claims"])
        after["claims"] = frozenset(next(iter(find_matching_claims(key, live["claims"])), key) for key in keys)
    for name in declared.get("additive", ()):
        after[name] |= live[name]
    for name in declared.get("clear", ()):
        after[name] = None if name == "emailAddress" else frozenset()
    return {name: after[name] for name in _WIRE_NAMES if name in after}


def _explain_refusal(raw: Mapping[str, Json], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before == after:
        return ""
    # Set for the built-in administrator role alone; how the API answers a PUT of it is not documented.
    if pick_member(raw, "Immutable"):
        return "the role is built in and immutable; Command does not let it be changed; take it out of the manifests"
    pair = next(find_redundant_pairs(after.get("permissions", ())), None)
    if pair:
        summary = f"{_describe_overlap(*pair)} on the live role"
        return f"{summary}; Command refuses the pair; remove one from the manifest or the role"
    return ""


def _describe_overlap(child: str, parent: str) -> str:
    return f"{child} is already granted by {parent}"


def _find_bad_permission_set(document: Wanted, sets: PermissionSetNames) -> Iterator[Diagnostic]:
    declared = document.resource.declared().get("permissionSet")
    if declared is not None and find_set_guid(declared, sets) is None:
        names = ", ".join(sorted(sets.values()))
        reason = f"permission set {declared!r} does not exist, is not visible, or several have the name"
        yield Problem(
            document.at(("spec", "permissionSet")), f"{reason}; the server has {names}; use one of them or its GUID"
        )


def _find_ambiguous_name(document: Wanted, roles: Sequence[Mapping[str, Json]]) -> Iterator[Diagnostic]:
    if len(roles) > 1:
        labels = ", ".join(sorted(f"{pick_member(raw, 'Name')!r} (id {pick_member(raw, 'Id')})" for raw in roles))
        reason = f"{len(roles)} roles have this name, letter case aside: {labels}; which one is meant can't be told"
        yield Problem(document.source, f"{reason}; rename or delete the surplus in the portal")


def _find_missing_fields(document: Wanted) -> Iterator[Diagnostic]:
    declared = document.resource.declared()
    # The API requires a description; which permission set an omitted one stands for is not documented.
    missing = [name for name in ("description", "permissionSet") if name not in declared]
    if missing:
        fields = " and ".join(missing)
        reason = f"role {document.address.name!r} does not exist or is not visible, and creating it needs {fields}"
        yield Problem(document.source, f"{reason}; declare them or correct the name")


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
            *_find_ambiguous_name(document, roles),
            *_find_bad_permission_set(document, live.sets),
            *find_contradictory_descriptions(document, live.claim_context.words),
            *find_ambiguous_claims(document, raw, live.claim_context),
            *(_find_missing_fields(document) if raw is None else ()),
        ]
        if problems:
            yield from problems
            return
        yield _match_role(document, raw, live)
        yield from match_claim_descriptions(document, raw, live.claim_context)

    def encode(self, match: Match[SecurityRole]) -> Request:
        if isinstance(match.found, DescriptionChange):
            return build_description_request(match.wanted.address.target, match.found.raw, match.found.words)
        raw, set_id, new_claims = match.found
        target, name = match.wanted.address.target, match.wanted.address.name
        after = match.after
        body: dict[str, Json] = build_writable_role(raw) if raw else {"Name": name, "EmailAddress": None}
        body |= {_WIRE_NAMES[field]: after[field] for field in ("description", "emailAddress") if field in after}
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
