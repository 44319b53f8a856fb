"""A live role in the manifest's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from reconciler.errors import CannotEncode
from reconciler.kinds.kind import ExportedDocument
from reconciler.kinds.security_role.permission_sets import PermissionSetNames, find_set_name
from reconciler.model import Json
from reconciler.payloads.claims import encode_live_claim, read_claim_key
from reconciler.payloads.members import pick_member


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


def export_role(raw: Mapping[str, Json], sets: PermissionSetNames) -> ExportedDocument:
    """Return a role as a manifest; empty fields stay unmanaged, and claims that can't be sent back are left out."""
    live = convert_role_to_manifest(raw, sets)
    fields = ("description", "emailAddress", "permissionSet")
    spec: dict[str, Json] = {name: live[name] for name in fields if live[name]}
    if live["permissions"]:
        spec["permissions"] = sorted(live["permissions"])
    remarks: tuple[str, ...] = ()
    try:
        claims = [_export_claim(claim) for claim in pick_member(raw, "Claims")]
    # All or none: a list without some of them would declare that those go.
    except CannotEncode as reason:
        claims, remarks = [], (f"claims are not exported: {reason}",)
    if claims:
        spec["claims"] = sorted(claims, key=itemgetter("type", "value", "provider"))
    return ExportedDocument(str(pick_member(raw, "Name")), spec, remarks)


def _export_claim(raw: Mapping[str, Json]) -> dict[str, str]:
    # Only for what it raises: a claim that can't be sent back must not be declared.
    encode_live_claim(raw)
    description = str(pick_member(raw, "Description") or "").strip()
    return {**read_claim_key(raw)._asdict(), **({"description": description} if description else {})}
