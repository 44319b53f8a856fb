"""A live role in the manifest's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.kinds.fields import pick
from reconciler.kinds.kind import CannotEncode, Exported
from reconciler.kinds.security_role.permission_sets import Sets, name_of
from reconciler.model import Json
from reconciler.payloads.claims import read_key, resend


def manifest_of(raw: Mapping[str, Json], sets: Sets) -> dict[str, Any]:
    """Return a live role by the manifest's field names; empty text is None."""
    number = str(pick(raw, "PermissionSetId") or "").lower()
    return {
        "description": pick(raw, "Description") or None,
        "emailAddress": pick(raw, "EmailAddress") or None,
        "permissionSet": name_of(number, sets),
        "permissions": frozenset(pick(raw, "Permissions")),
        "claims": frozenset(read_key(claim) for claim in pick(raw, "Claims")),
    }


def exported(raw: Mapping[str, Json], sets: Sets) -> Exported:
    """Return a role as a manifest; empty fields stay unmanaged, and claims that can't be sent back are left out."""
    live = manifest_of(raw, sets)
    spec: dict[str, Json] = {
        name: live[name] for name in ("description", "emailAddress", "permissionSet") if live[name]
    }
    if live["permissions"]:
        spec["permissions"] = sorted(live["permissions"])
    remarks = []
    try:
        claims = [_exported_claim(claim) for claim in pick(raw, "Claims")]
    # All or none: a list without some of them would declare that those go.
    except CannotEncode as reason:
        claims = []
        remarks.append(f"claims are not exported: {reason}")
    if claims:
        spec["claims"] = sorted(claims, key=lambda claim: (claim["type"], claim["value"], claim["provider"]))
    return Exported(str(pick(raw, "Name")), spec, tuple(remarks))


def _exported_claim(raw: Mapping[str, Json]) -> dict[str, str]:
    # Only for what it raises: a claim that can't be sent back must not be declared.
    resend(raw)
    description = str(pick(raw, "Description") or "").strip()
    return {**read_key(raw)._asdict(), **({"description": description} if description else {})}
