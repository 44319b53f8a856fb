"""Declared roles beside the live ones: what a role is to become, and why it may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.kinds.kind import Match, Wanted
from reconciler.kinds.security_role.claims import (
    Claim,
    find_uncertain_claim,
)
from reconciler.kinds.security_role.export import convert_role_to_manifest
from reconciler.kinds.security_role.observation import LiveRoles
from reconciler.kinds.security_role.permission_sets import (
    PermissionSetNames,
    find_set_guid,
    find_set_name,
)
from reconciler.kinds.security_role.permissions import find_redundant_pairs
from reconciler.kinds.security_role.resource_names import name_permissions
from reconciler.kinds.security_role.spec import describe_overlap
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey, find_matching_claims
from reconciler.payloads.members import pick_member

ROLE_MEMBERS = {
    "name": "Name",
    "description": "Description",
    "emailAddress": "EmailAddress",
    "permissionSet": "PermissionSetId",
    "permissions": "Permissions",
    "claims": "Claims",
}
"""The fields of a role in the manifest's order, and where they stand on the wire."""


def match_role(
    document: Wanted, raw: Mapping[str, Json] | None, live: LiveRoles, new_claims: Mapping[ClaimKey, str]
) -> Match:
    """Return a role beside its document; `new_claims` are those that join it, with what they are described by."""
    set_id = find_set_guid(document.spec.declared().get("permissionSet"), live.sets.names)
    after = _build_after(document.spec.declared(), raw, set_id, live.sets.names)
    uncertainty = find_uncertain_claim(document, new_claims, live.claim_context)
    encoder_input = (raw, set_id, new_claims)
    if raw is None:
        names = _name_ids({}, after, live)
        return Match(document, None, after, encoder_input, "new", None, uncertainty, names=names)
    before = {name: value for name, value in convert_role_to_manifest(raw, live.sets.names).items() if name in after}
    if _is_rename(document, raw):
        before, after = {"name": pick_member(raw, "Name")} | before, {"name": document.address.name} | after
    refusal = _explain_refusal(raw, before, after) or uncertainty
    label = f"{pick_member(raw, 'Name')} (id {pick_member(raw, 'Id')})"
    return Match(document, before, after, encoder_input, label, None, refusal, names=_name_ids(before, after, live))


def _name_ids(before: Mapping[str, Any], after: Mapping[str, Any], live: LiveRoles) -> Mapping[str, str]:
    permissions = {*before.get("permissions", ()), *after.get("permissions", ())}
    return name_permissions(permissions, live.resources)


def _is_rename(document: Wanted, raw: Mapping[str, Json]) -> bool:
    """True for a role that is still called what the document renames; letter case alone counts where it says so."""
    live_name, former_name = str(pick_member(raw, "Name")), document.renamed_from
    return live_name != document.address.name and live_name.casefold() == former_name.casefold()


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
        after["claims"] = _spell_claims(declared["claims"], live["claims"])
    after |= {name: after[name] | live[name] for name in declared.get("additive", ())}
    after |= {name: None if name == "emailAddress" else frozenset() for name in declared.get("clear", ())}
    return {name: after[name] for name in ROLE_MEMBERS if name in after}


def _spell_claims(claims: Iterable[Claim], role_claims: frozenset[ClaimKey]) -> frozenset[ClaimKey]:
    """Return declared claims as the role has them, or else as they are declared."""
    return frozenset(next(iter(find_matching_claims(claim.key, role_claims)), claim.key) for claim in claims)


def _explain_refusal(raw: Mapping[str, Json], before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    if before == after:
        return ""
    # Set for the built-in administrator role alone; how the API answers a PUT of it is not documented.
    if pick_member(raw, "Immutable"):
        return "the role is built in and immutable; Command does not let it be changed; take it out of the manifests"
    # What is not declared is sent back, and refused just as well.
    pair = next(find_redundant_pairs(after.get("permissions", pick_member(raw, "Permissions"))), None)
    if pair:
        summary = f"{describe_overlap(*pair)} on the live role"
        return f"{summary}; Command refuses the pair; remove one from the manifest or the role"
    return ""


def find_bad_permission_set(document: Wanted, sets: PermissionSetNames) -> Iterator[Diagnostic]:
    """A permission set that is declared has to be one of the server's."""
    declared = document.spec.declared().get("permissionSet")
    if declared is not None and find_set_guid(declared, sets) is None:
        names = ", ".join(sorted(sets.values()))
        yield Diagnostic(
            "live.unknown-reference",
            document.at(("spec", "permissionSet")),
            f"permission set {declared!r} does not exist, is not visible, or several have the name",
            f"the server has {names}",
            "use one of them or its GUID",
            address=document.address,
        )


def find_missing_fields(document: Wanted) -> Iterator[Diagnostic]:
    """A role that doesn't exist is created with all that the API requires."""
    declared = document.spec.declared()
    # The API requires a description; which permission set an omitted one stands for is not documented.
    missing = [name for name in ("description", "permissionSet") if name not in declared]
    if missing:
        fields = " and ".join(missing)
        yield Diagnostic(
            "live.incomplete-creation",
            document.source,
            f"role {document.address.name!r} does not exist or is not visible, and creating it needs {fields}",
            remedy="declare them or correct the name",
            address=document.address,
        )
