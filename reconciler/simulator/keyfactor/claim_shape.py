"""What a claim looks like in requests and answers (KF 1.3, 1.5, 2)."""

from __future__ import annotations

from reconciler.simulator.http.shapes import Field

CLAIM_TYPE_NAMES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")
CLAIM_FIELDS = (
    Field(
        "ClaimType",
        "claim type",
        "number 0-6 (KF 2.2); names too where a switch or the endpoint says so",
        required=True,
        enum=(*range(len(CLAIM_TYPE_NAMES)), *CLAIM_TYPE_NAMES),
        judged=True,
    ),
    Field("ClaimValue", "string", required=True),
    Field("ProviderAuthenticationScheme", "string", required=True),
    Field("Description", "string", required=True),
)
CLAIM_REPLY = (
    Field("Id", "integer"),
    Field("Description", "string"),
    Field("ClaimType", "string", "name of the type", enum=CLAIM_TYPE_NAMES),
    Field("ClaimValue", "string"),
    Field(
        "Provider",
        "object",
        fields=(Field("Id", "uuid"), Field("AuthenticationScheme", "string"), Field("DisplayName", "string")),
    ),
)
# The documentation's table puts these into the body, the swagger, which counts here, into the query (KF 2.1).
CLAIM_QUERY = (
    Field("ClaimType", "integer", required=True),
    Field("ClaimValue", "string", required=True),
    Field("ProviderAuthenticationScheme", "string", required=True),
)
HOLDING_ROLE = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("Description", "string"),
    Field("PermissionSetId", "uuid"),
)
CLAIM_CHANGE = (Field("Id", "integer", required=True), Field("Description", "string", required=True))
