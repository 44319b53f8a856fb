"""Claims: how they are shown, found and made, and /Security/Claims (KF 2)."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, Json, build_json_reply
from reconciler.simulator.http.shapes import build_array_fields
from reconciler.simulator.keyfactor.claim_shape import (
    CLAIM_CHANGE,
    CLAIM_FIELDS,
    CLAIM_QUERY,
    CLAIM_REPLY,
    CLAIM_TYPE_NAMES,
    HOLDING_ROLE,
)
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.identities import build_claim_identity
from reconciler.simulator.world.world import Record, World, find_next_id

_DIRECTORY_SCHEME = "active directory"
_NO_PROVIDER_ID = "00000000-0000-0000-0000-000000000000"


def render_claim(world: World, claim: Record) -> Record:
    """Return a claim as answers carry it: the type's name, and the provider as an object or null."""
    return {
        "Id": claim["Id"],
        "Description": _read_description(claim),
        "ClaimType": CLAIM_TYPE_NAMES[claim["ClaimType"]],
        "ClaimValue": _render_value(claim, world.switches["claim_ad_values"]),
        "Provider": _render_provider(world, claim["ProviderAuthenticationScheme"]),
    }


def _render_provider(world: World, scheme: str) -> Record | None:
    switches = world.switches
    old_scheme, _, new_scheme = switches["claim_scheme_returned"].partition("=")
    scheme = new_scheme if old_scheme and scheme.lower() == old_scheme.lower() else scheme
    # Command 25.5.1 with an Authentik provider returned claims whose Provider is null (KF 1.3).
    if not scheme or scheme.lower() == switches["claim_provider_null"].lower():
        return None
    for provider in world.providers.values():
        if provider["AuthenticationScheme"].lower() == scheme.lower():
            return {name: provider[name] for name in ("Id", "AuthenticationScheme", "DisplayName")}
    return {"Id": _NO_PROVIDER_ID, "AuthenticationScheme": scheme, "DisplayName": scheme}


def _read_description(claim: Record) -> Any:
    # Eventually consistent: the answer to the PUT and even a GET after it may show the old text (KF 0.8).
    old_description, remaining = claim.get("_lag", ("", 0))
    if not remaining:
        return claim["Description"]
    claim["_lag"] = (old_description, remaining - 1)
    return old_description


def _render_value(claim: Record, mode: str) -> str:
    value: str = claim["ClaimValue"]
    if claim["ProviderAuthenticationScheme"].lower() != _DIRECTORY_SCHEME or mode == "as_sent":
        return value
    # Active Directory values may come back with a domain's prefix or in another case (KF 1.3).
    if mode == "prefixed":
        return value if "\\" in value else f"CORP\\{value}"
    return value.upper() if mode == "upper" else value.lower()


def parse_claim_type(value: Json, *, names: bool) -> int:
    """Return the number of a claim type given as number or, where `names` are accepted, as name."""
    # A bool is an int to Python: `true` would be claim type 1.
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(CLAIM_TYPE_NAMES):
        return value
    # Vendor scripts send POST /Security/Claims a name, in any case (KF 2.1).
    folded = [name.lower() for name in CLAIM_TYPE_NAMES]
    if names and isinstance(value, str) and value.lower() in folded:
        return folded.index(value.lower())
    raise ApiError(400, "0xA0F00003", f"ClaimType: the value '{value}' is not a claim type.")


def check_claim_description(world: World, description: str) -> None:
    """Raise ApiError for a blank description where the server takes it for one that is missing."""
    if not description.strip() and world.switches["claim_description_empty"] == "400":
        raise ApiError(400, "0xA0F00003", "The Description field is required.")


def set_claim_description(world: World, claim: Record, description: str | None) -> None:
    """Change a claim's description; the switch `claim_description_lag` keeps the old one in sight for some reads."""
    lag = world.switches["claim_description_lag"]
    if lag and claim["Description"] != description:
        claim["_lag"] = (claim["Description"], lag)
    claim["Description"] = world.convert_stored_text(description)


def find_or_create_claim(world: World, data: Record, type_number: int) -> Record:
    """Return the claim that a role's body speaks of, made on the fly where it is new (KF 1.5)."""
    scheme = data["ProviderAuthenticationScheme"]
    identity = {"ClaimType": type_number, "ClaimValue": data["ClaimValue"], "ProviderAuthenticationScheme": scheme}
    match = next(
        (claim for claim in world.claims.values() if build_claim_identity(claim) == build_claim_identity(identity)),
        None,
    )
    if match is None:
        if world.switches["claim_creation"] == "400":
            raise ApiError(400, "0xA0110002", f"Claim '{data['ClaimValue']}' does not exist.")
        return store_claim(world, {**identity, "Description": data["Description"]})
    if world.switches["claim_description_in_role"] == "updated":
        # A claim has one description, whichever roles hold it: this changes what all of them show.
        set_claim_description(world, match, data["Description"])
    return match


def store_claim(world: World, claim: Record) -> Record:
    """Store a new claim; raises ApiError 400 where no identity provider has its scheme."""
    scheme = claim["ProviderAuthenticationScheme"]
    schemes = {provider["AuthenticationScheme"].lower() for provider in world.providers.values()}
    if scheme.lower() not in schemes and world.switches["claim_scheme_unknown"] == "400":
        raise ApiError(400, "0xA011000F", f"Authentication scheme '{scheme}' is not configured.")
    record = {"Id": find_next_id(world.claims), **claim}
    world.claims[record["Id"]] = record
    return record


def _find_claim(world: World, claim_id: int) -> Record:
    claim = world.claims.get(claim_id)
    if claim is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Claim Definition' with Id '{claim_id}'")
    return claim


def _list_claims(world: World, call: RouteCall) -> HttpReply:
    rows = [{**claim, "Provider": claim["ProviderAuthenticationScheme"]} for claim in world.claims.values()]
    # A filter compares ClaimType with the number, though answers carry the name (KF 2.1).
    fields = {"ClaimType": "integer", "ClaimValue": "string", "ADClaimValue": "string", "Description": "string"}
    return build_list_reply(
        world,
        call,
        rows,
        fields=fields,
        sort="Provider",
        render=lambda row: render_claim(world, world.claims[row["Id"]]),
    )


def _get_claim(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(render_claim(world, _find_claim(world, call.params["id"])))


def _create_claim(world: World, call: RouteCall) -> HttpReply:
    data = call.data
    type_number = parse_claim_type(data["ClaimType"], names=True)
    check_claim_description(world, data["Description"])
    claim_data = {**data, "ClaimType": type_number}
    if any(build_claim_identity(claim) == build_claim_identity(claim_data) for claim in world.claims.values()):
        raise ApiError(400, "0xA011000A", f"Claim '{data['ClaimValue']}' already exists.")
    claim = store_claim(world, {**claim_data, "Description": world.convert_stored_text(data["Description"])})
    answer = render_claim(world, claim)
    world.ledger.record(call, _build_subject(claim), None, answer)
    return build_json_reply(answer)


def _update_claim(world: World, call: RouteCall) -> HttpReply:
    # Nothing but the description can change; another type, value or scheme is another claim (KF 2.1).
    claim = _find_claim(world, call.data["Id"])
    check_claim_description(world, call.data["Description"])
    before = {**render_claim(world, claim), "Description": claim["Description"]}
    set_claim_description(world, claim, call.data["Description"])
    world.ledger.record(call, _build_subject(claim), before, {**before, "Description": claim["Description"]})
    return build_json_reply(render_claim(world, claim))


def _delete_claim(world: World, call: RouteCall) -> HttpReply:
    claim = _find_claim(world, call.params["id"])
    holders = [role for role in world.roles.values() if claim["Id"] in role["Claims"]]
    if holders and world.switches["claim_in_use_delete"] == "400":
        raise ApiError(400, "0xA011000F", f"Claim '{claim['ClaimValue']}' is used by role '{holders[0]['Name']}'.")
    for role in holders:
        role["Claims"].remove(claim["Id"])
    world.ledger.record(call, _build_subject(claim), render_claim(world, claim), None)
    del world.claims[claim["Id"]]
    return HttpReply(204)


def _list_holding_roles(world: World, call: RouteCall) -> HttpReply:
    ids = {i for i, claim in world.claims.items() if build_claim_identity(claim) == build_claim_identity(call.query)}
    return build_json_reply(
        [
            {field.name: role[field.name] for field in HOLDING_ROLE}
            for role in world.roles.values()
            if ids & set(role["Claims"])
        ]
    )


def _build_subject(claim: Record) -> Record:
    return {"kind": "claim", "id": claim["Id"], "name": claim["ClaimValue"]}


_READ, _MODIFY = "/security/read/", "/security/modify/"

ROUTES = (
    GET(
        "/Security/Claims",
        _list_claims,
        "List claims",
        permission=_READ,
        query=PAGING,
        reply=build_array_fields(CLAIM_REPLY),
    ),
    GET(
        "/Security/Claims/Roles",
        _list_holding_roles,
        "Roles that hold a claim",
        permission=_READ,
        query=CLAIM_QUERY,
        reply=build_array_fields(HOLDING_ROLE),
    ),
    GET("/Security/Claims/{id:int}", _get_claim, "One claim", permission=_READ, reply=CLAIM_REPLY),
    POST(
        "/Security/Claims",
        _create_claim,
        "Create a claim",
        permission=_MODIFY,
        in_global=True,
        body=CLAIM_FIELDS,
        reply=CLAIM_REPLY,
    ),
    PUT(
        "/Security/Claims",
        _update_claim,
        "Change a claim's description",
        permission=_MODIFY,
        in_global=True,
        body=CLAIM_CHANGE,
        reply=CLAIM_REPLY,
    ),
    DELETE(
        "/Security/Claims/{id:int}", _delete_claim, "Delete a claim", permission=_MODIFY, in_global=True, success=204
    ),
)
