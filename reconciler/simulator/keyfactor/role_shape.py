"""What a role looks like in requests, answers and lists, version 2 (KF 1.2-1.5, seed 004)."""

from __future__ import annotations

from reconciler.simulator.http.shapes import Field
from reconciler.simulator.keyfactor.claim_shape import CLAIM_FIELDS, CLAIM_REPLY

_CLEARED = "cleared if left out (seed 004)"
ROLE_FIELDS = (
    Field("Name", "string", required=True),
    Field("Description", "string", required=True),
    # Not in 11 and 12.0; which release brought it is not documented (KF 1.3).
    Field("EmailAddress", "string", _CLEARED),
    # The Go SDK of 25.x can't leave it out; the documentation does not mark it as required (KF 1.4).
    Field("PermissionSetId", "uuid", "ND if left out", nullable=False),
    Field("Permissions", "array", _CLEARED, items=Field("", "string", nullable=False)),
    Field("Claims", "array", _CLEARED, items=Field("", "object", nullable=False, fields=CLAIM_FIELDS)),
)
ROLE_ID = Field("Id", "integer", "reference id of the role", required=True)
ROLE_REPLY = (
    ROLE_ID,
    *ROLE_FIELDS[:5],
    Field("Immutable", "boolean"),
    Field("Claims", "array", items=Field("", "object", fields=CLAIM_REPLY)),
)
# No Description, Permissions or Claims: who compares roles has to GET every single one (KF 1.2).
ROLE_ROW = (
    ROLE_ID,
    Field("Name", "string"),
    Field("EmailAddress", "string"),
    Field("Immutable", "boolean"),
    Field("PermissionSetId", "uuid"),
    Field("ClaimsCount", "integer"),
)
