"""A live role in the manifest's own terms."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from operator import itemgetter
from typing import Any

from pydantic import ValidationError

from reconciler.documents.writer import explain_unwritable_text
from reconciler.errors import CannotEncode
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.security_role.permission_sets import PermissionSetNames, find_set_name, is_guid
from reconciler.kinds.security_role.spec import SecurityRole
from reconciler.model import Json
from reconciler.payloads.claims import ClaimKey, encode_live_claim, fold_claim_key, read_claim_key
from reconciler.payloads.members import pick_member

_CLEARABLE = ("emailAddress", "permissions", "claims")
_REQUIRED = (("description", "description"), ("permissionSet", "permission set"))
_NOT_VALID = "what the server holds is not valid in a manifest"


def convert_role_to_manifest(raw: Mapping[str, Json], sets: PermissionSetNames) -> dict[str, Any]:
    """Return a live role by the manifest's field names; empty text is None."""
    guid = str(pick_member(raw, "PermissionSetId") or "").lower()
    return {
        "description": pick_member(raw, "Description") or None,
        "emailAddress": pick_member(raw, "EmailAddress") or None,
        "permissionSet": find_set_name(guid, sets),
        "permissions": frozenset(pick_member(raw, "Permissions")),
        "claims": frozenset(read_claim_key(claim) for claim in pick_member(raw, "Claims")),
    }


def find_disputed_claims(roles: Iterable[Mapping[str, Json]]) -> frozenset[ClaimKey]:
    """Return the folded keys of claims that roles show with several descriptions, of which documents can tell one."""
    descriptions: dict[ClaimKey, set[str]] = {}
    for raw in roles:
        for claim in pick_member(raw, "Claims"):
            texts = descriptions.setdefault(fold_claim_key(read_claim_key(claim)), set())
            texts.add(str(pick_member(claim, "Description") or ""))
    return frozenset(key for key, texts in descriptions.items() if len(texts) > 1)


def export_role(
    raw: Mapping[str, Json], sets: PermissionSetNames, disputed_claims: Collection[ClaimKey] = ()
) -> ExportedDocument:
    """Return a role as a manifest that holds each field to what it is, an empty one as well.

    What no manifest can say is left out and told: the other fields are held all the same.
    """
    live = convert_role_to_manifest(raw, sets)
    remarks = [f"the role has no {noun}, which no manifest can declare" for name, noun in _REQUIRED if not live[name]]
    values: dict[str, Json] = {
        **live,
        "permissionSet": choose_set_spelling(raw, live["permissionSet"]),
        "permissions": sorted(live["permissions"]),
        "claims": _export_claims(raw, disputed_claims, remarks),
    }
    faults = {name: _explain_unfitness(name, value) for name, value in values.items() if value}
    remarks += [f"{name} is left out: {fault}" for name, fault in faults.items() if fault]
    spec: dict[str, Json] = {name: values[name] for name, fault in faults.items() if not fault}
    # What is absent is unmanaged: a claim that somebody adds to a role without any would go unseen.
    if cleared_fields := [name for name in _CLEARABLE if not live[name]]:
        spec["clear"] = cleared_fields
    return ExportedDocument(str(pick_member(raw, "Name")), spec, tuple(remarks))


def choose_set_spelling(raw: Mapping[str, Json], name: str) -> str:
    """Return a permission set's name, or its GUID where a manifest could not mean the set by its name."""
    guid = str(pick_member(raw, "PermissionSetId") or "").lower()
    return guid if is_guid(name) or _explain_unfitness("permissionSet", name) else name


def _explain_unfitness(field: str, value: Json) -> str:
    """Say why no manifest may hold a field's live value; "" if it may."""
    try:
        part = SecurityRole.load({field: value})
    except ValidationError:
        return _NOT_VALID
    return next((explanation.summary for _, explanation in part.check("", {})), "")


def _export_claims(
    raw: Mapping[str, Json], disputed_claims: Collection[ClaimKey], remarks: list[str]
) -> list[dict[str, str]]:
    """Return the claims by the manifest's names; adds a remark for whatever is left out."""
    claims = pick_member(raw, "Claims")
    try:
        for claim in claims:
            # Only for what it raises: a claim that can't be sent back must not be declared.
            encode_live_claim(claim)
    # All or none: a list without some of them would declare that those go.
    except CannotEncode as reason:
        remarks.append(f"claims are not exported: {reason}")
        return []
    exported = (_export_claim(claim, disputed_claims, remarks) for claim in claims)
    return sorted(exported, key=itemgetter("type", "value", "provider"))


def _export_claim(
    claim: Mapping[str, Json], disputed_claims: Collection[ClaimKey], remarks: list[str]
) -> dict[str, str]:
    key, description = read_claim_key(claim), str(pick_member(claim, "Description") or "")
    bare, described = key._asdict(), {**key._asdict(), "description": description}
    if not description:
        return bare
    is_disputed = fold_claim_key(key) in disputed_claims
    fault = "roles show it with different ones" if is_disputed else explain_unwritable_text(description)
    fault = fault or _explain_unfitness("claims", [described])
    if fault:
        remarks.append(f"the description of claim {key.value} is left out: {fault}")
    return bare if fault else described
