"""Claims: how they are shown, found and made, and /Security/Claims (KF 2)."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, Json, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.world.identities import claim_key
from reconciler.simulator.world.world import Record, World, next_id

CLAIM_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")
_DIRECTORY = "active directory"


def show_claim(world: World, claim: Record) -> Record:
    """Return a claim as answers carry it: the type's name, and the provider as an object or null."""
    switches = world.switches
    scheme = claim["ProviderAuthenticationScheme"]
    old, _, new = switches["claim_scheme_returned"].partition("=")
    scheme = new if old and scheme.lower() == old.lower() else scheme
    provider = next((p for p in world.providers.values() if p["AuthenticationScheme"].lower() == scheme.lower()), None)
    shown: Record | None = {
        "Id": provider["Id"] if provider else "00000000-0000-0000-0000-000000000000",
        "AuthenticationScheme": provider["AuthenticationScheme"] if provider else scheme,
        "DisplayName": provider["DisplayName"] if provider else scheme,
    }
    # Command 25.5.1 with an Authentik provider returned claims whose Provider is null (KF 1.3).
    if not scheme or scheme.lower() == switches["claim_provider_null"].lower():
        shown = None
    return {
        "Id": claim["Id"],
        "Description": _description(claim),
        "ClaimType": CLAIM_TYPES[claim["ClaimType"]],
        "ClaimValue": _value(claim, switches["claim_ad_values"]),
        "Provider": shown,
    }


def _description(claim: Record) -> Any:
    # Eventually consistent: the answer to the PUT and even a GET after it may show the old text (KF 0.8).
    old, left = claim.get("_lag", ("", 0))
    if not left:
        return claim["Description"]
    claim["_lag"] = (old, left - 1)
    return old


def _value(claim: Record, mode: str) -> str:
    value: str = claim["ClaimValue"]
    if claim["ProviderAuthenticationScheme"].lower() != _DIRECTORY or mode == "as_sent":
        return value
    # Active Directory values may come back with a domain's prefix or in another case (KF 1.3).
    if mode == "prefixed":
        return value if "\\" in value else f"CORP\\{value}"
    return value.upper() if mode == "upper" else value.lower()


def claim_type(value: Json, *, names: bool) -> int:
    """Return the number of a claim type given as number or, where `names` are accepted, as name."""
    # A bool is an int to Python: `true` would be claim type 1.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(CLAIM_TYPES):
        return value
    # Vendor scripts send POST /Security/Claims a name, in any case (KF 2.1).
    folded = [name.lower() for name in CLAIM_TYPES]
    if names and isinstance(value, str) and value.lower() in folded:
        return folded.index(value.lower())
    raise ApiError(400, "0xA0F00003", f"ClaimType: the value '{value}' is not a claim type.")


def describe_claim(world: World, claim: Record, description: str | None) -> None:
    """Change a claim's description; the switch `claim_description_lag` keeps the old one in sight for some reads."""
    lag = world.switches["claim_description_lag"]
    if lag and claim["Description"] != description:
        claim["_lag"] = (claim["Description"], lag)
    claim["Description"] = world.stored(description)


def claim_of(world: World, data: Record, kind: int) -> Record:
    """Return the claim that a role's body speaks of, made on the fly where it is new (KF 1.5)."""
    scheme = data["ProviderAuthenticationScheme"]
    wanted = {"ClaimType": kind, "ClaimValue": data["ClaimValue"], "ProviderAuthenticationScheme": scheme}
    known = next((claim for claim in world.claims.values() if claim_key(claim) == claim_key(wanted)), None)
    if known is None:
        if world.switches["claim_creation"] == "400":
            raise ApiError(400, "0xA0110002", f"Claim '{data['ClaimValue']}' does not exist.")
        return new_claim(world, {**wanted, "Description": data["Description"]})
    if world.switches["claim_description_in_role"] == "updated":
        # A claim has one description, whichever roles hold it: this changes what all of them show.
        describe_claim(world, known, data["Description"])
    return known


def new_claim(world: World, claim: Record) -> Record:
    """Store a new claim; raises ApiError 400 where no identity provider has its scheme."""
    scheme = claim["ProviderAuthenticationScheme"]
    schemes = {provider["AuthenticationScheme"].lower() for provider in world.providers.values()}
    if scheme.lower() not in schemes and world.switches["claim_scheme_unknown"] == "400":
        raise ApiError(400, "0xA011000F", f"Authentication scheme '{scheme}' is not configured.")
    stored = {"Id": next_id(world.claims), **claim}
    world.claims[stored["Id"]] = stored
    return stored


def _find(world: World, call_id: int) -> Record:
    claim = world.claims.get(call_id)
    if claim is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Claim Definition' with Id '{call_id}'")
    return claim


def _list(world: World, call: RouteCall) -> HttpReply:
    rows = [{**claim, "Provider": claim["ProviderAuthenticationScheme"]} for claim in world.claims.values()]
    # A filter compares ClaimType with the number, though answers carry the name (KF 2.1).
    fields = {"ClaimType": "integer", "ClaimValue": "string", "ADClaimValue": "string", "Description": "string"}
    return listed(
        world, call, rows, fields=fields, sort="Provider", render=lambda row: show_claim(world, world.claims[row["Id"]])
    )


def _get(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(show_claim(world, _find(world, call.params["id"])))


def _create(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    kind = claim_type(data["ClaimType"], names=True)
    wanted = {**data, "ClaimType": kind}
    if any(claim_key(claim) == claim_key(wanted) for claim in world.claims.values()):
        raise ApiError(400, "0xA011000A", f"Claim '{data['ClaimValue']}' already exists.")
    claim = new_claim(world, {**wanted, "Description": world.stored(data["Description"])})
    shown = show_claim(world, claim)
    world.ledger.record(call, _subject(claim), None, shown)
    return build_json_reply(shown)


def _describe(world: World, call: RouteCall) -> HttpReply:
    # Nothing but the description can change; another type, value or scheme is another claim (KF 2.1).
    claim = _find(world, call.data["Id"])
    before = {**show_claim(world, claim), "Description": claim["Description"]}
    describe_claim(world, claim, call.data["Description"])
    world.ledger.record(call, _subject(claim), before, {**before, "Description": claim["Description"]})
    return build_json_reply(show_claim(world, claim))


def _delete(world: World, call: RouteCall) -> HttpReply:
    claim = _find(world, call.params["id"])
    holders = [role for role in world.roles.values() if claim["Id"] in role["Claims"]]
    if holders and world.switches["claim_in_use_delete"] == "400":
        raise ApiError(400, "0xA011000F", f"Claim '{claim['ClaimValue']}' is used by role '{holders[0]['Name']}'.")
    for role in holders:
        role["Claims"].remove(claim["Id"])
    world.ledger.record(call, _subject(claim), show_claim(world, claim), None)
    del world.claims[claim["Id"]]
    return HttpReply(204)


def _roles(world: World, call: RouteCall) -> HttpReply:
    ids = {i for i, claim in world.claims.items() if claim_key(claim) == claim_key(call.query)}
    return build_json_reply(
        [{one.name: role[one.name] for one in _HOLDER} for role in world.roles.values() if ids & set(role["Claims"])]
    )


def _subject(claim: Record) -> Record:
    return {"kind": "claim", "id": claim["Id"], "name": claim["ClaimValue"]}


CLAIM_FIELDS = (
    Field(
        "ClaimType",
        "claim type",
        "number 0-6 (KF 2.2); names too where a switch or the endpoint says so",
        required=True,
        enum=(*range(len(CLAIM_TYPES)), *CLAIM_TYPES),
        judged=True,
    ),
    Field("ClaimValue", "string", required=True),
    Field("ProviderAuthenticationScheme", "string", required=True),
    Field("Description", "string", required=True),
)
CLAIM_REPLY = (
    Field("Id", "integer"),
    Field("Description", "string"),
    Field("ClaimType", "string", "name of the type", enum=CLAIM_TYPES),
    Field("ClaimValue", "string"),
    Field(
        "Provider",
        "object",
        fields=(Field("Id", "uuid"), Field("AuthenticationScheme", "string"), Field("DisplayName", "string")),
    ),
)
# The documentation's table puts these into the body; the swagger, which is followed here, into the query
# (KF 2.1).
_ASKED = (
    Field("ClaimType", "integer", required=True),
    Field("ClaimValue", "string", required=True),
    Field("ProviderAuthenticationScheme", "string", required=True),
)
_HOLDER = (
    Field("Id", "integer"),
    Field("Name", "string"),
    Field("Description", "string"),
    Field("PermissionSetId", "uuid"),
)
_DESCRIBED = (Field("Id", "integer", required=True), Field("Description", "string", required=True))
_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Claims", _list, "List claims", permission=_READ, query=PAGING, reply=build_array_fields(CLAIM_REPLY)
    ),
    GET(
        "/Security/Claims/Roles",
        _roles,
        "Roles that hold a claim",
        permission=_READ,
        query=_ASKED,
        reply=build_array_fields(_HOLDER),
    ),
    GET("/Security/Claims/{id:int}", _get, "One claim", permission=_READ, reply=CLAIM_REPLY),
    POST(
        "/Security/Claims",
        _create,
        "Create a claim",
        permission=_MODIFY,
        in_global=True,
        body=CLAIM_FIELDS,
        reply=CLAIM_REPLY,
    ),
    PUT(
        "/Security/Claims",
        _describe,
        "Change a claim's description",
        permission=_MODIFY,
        in_global=True,
        body=_DESCRIBED,
        reply=CLAIM_REPLY,
    ),
    DELETE("/Security/Claims/{id:int}", _delete, "Delete a claim", permission=_MODIFY, in_global=True, success=204),
)
