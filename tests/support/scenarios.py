"""What has to be declared, or to happen, for the tool to meet an undocumented behaviour that the demo never meets."""

# ruff: noqa: E501 - a manifest is a line
from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from reconciler.simulator import Simulator
from reconciler.simulator.csms.iam import derive_iam_id

Setting = str | int


class Scenario(NamedTuple):
    """Manifests, a change of the world before, other switches beside, and replacements in the settings file."""

    manifests: str
    prepare: Callable[[Simulator], object] = lambda _sim: None
    beside: Mapping[str, Setting] = {}
    settings: tuple[tuple[str, str], ...] = ()


def role(name: str = "Auditors", **spec: str) -> str:
    return _document("SecurityRole", name, {"description": "'d'", **spec})


def handler(**spec: str) -> str:
    return _document(
        "EventHandler", "denied-logger", {"className": "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger", **spec}
    )


def event(name: str = "new-event", **spec: str) -> str:
    target = "{targetType: SMN, targetId: 'urn:smn:r:p:t', targetName: t}"
    return _document(
        "SecretEvent", name, {"state": "ENABLED", "eventTypes": "[SECRET_ROTATED]", "notification": target, **spec}
    )


def owner(query: str, name: str = "o", **whose: str) -> str:
    chosen = "{query: '" + query + "'}"
    return _document(
        "CertificateOwner", name, {**(whose or {"owner": "Payments PKI"}), "certificates": chosen, "allowEmpty": "true"}
    )


def _document(kind: str, name: str, spec: Mapping[str, str]) -> str:
    lines = "".join(f"  {member}: {value}\n" for member, value in spec.items())
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{lines}---\n"


DENIAL = _document(
    "RequestDenial", "d", {"match": "{commonName: '*.test.example.com'}", "comment": "'no'", "expires": "2099-12-31"}
)
NEW = {"description": "'d'", "permissionSet": "Global", "permissions": "[/portal/read/]"}


def just_before(
    method: str, path: str, change: Callable[[Simulator], object], nth: int = 1
) -> Callable[[Simulator], object]:
    """Let somebody change the world just before such a request arrives."""
    return lambda sim: sim.fault(method, path, "edit", nth=nth, call=lambda: change(sim))


def without_permission(sim: Simulator) -> None:
    for one in sim.world.roles.values():
        one["Permissions"] = ["/portal/read/"]


def cannot(permission: str) -> Callable[[Simulator], None]:
    """Take one permission from the tool's own role, which otherwise has what it needs."""

    def change(sim: Simulator) -> None:
        for one in sim.world.roles.values():
            one["Permissions"] = [held for held in one["Permissions"] if not held.startswith(permission)]

    return change


def reads_one_collection(sim: Simulator) -> None:
    """Let the tool read the first collection alone."""
    cannot("/certificates/")(sim)
    named(sim, "GitOps Reconciler")["Permissions"].append("/certificates/collections/read/1/")


def twin(name: str) -> Callable[[Simulator], None]:
    """Make a role of this name."""
    return lambda sim: sim.world.roles.update({77: {**sim.world.roles[7], "Id": 77, "Name": name}})


def owned(sim: Simulator) -> None:
    """Give certificate 3 an owner that can be cleared."""
    sim.world.certificates[3] = sim.world.certificates[3]._replace(owner=4)


def named(sim: Simulator, name: str) -> dict[str, Any]:
    """Return a role of the world."""
    return next(one for one in sim.world.roles.values() if one["Name"] == name)


def gone(sim: Simulator) -> None:
    """Delete the role that certificate 3 is to get."""
    del sim.world.roles[3]


def settle(state: int) -> Callable[[Simulator], None]:
    return lambda sim: sim.world.requests[24].update(State=state)


def signing_in(*words: str) -> tuple[tuple[str, str], ...]:
    """Return what makes the settings' keys a password, and these words to say whose."""
    said = "\n      ".join(("password", *words))
    return (("aksk", said), ("accessKey:", "password:"), ("/access_key", "/iam_password"), ("secretKey:", "#"))


ENTRA = "[{type: OAuthRole, value: %s, provider: %s, description: %s}]"
ONE = "CertId -eq 3"

SCENARIOS: Mapping[str, Scenario] = {
    "query_string_max": Scenario(owner(" OR ".join(f"(CertId -eq {number})" for number in range(1, 140)))),
    "query_and_or": Scenario(owner("CertId -eq 1 OR CertId -eq 2 AND CertId -eq 3")),
    "query_quote_escape": Scenario(owner('CN -eq "a""b\\"')),
    "unknown_body_members": Scenario(role(), lambda sim: named(sim, "Auditors")["Extra"].update(Colour="red")),
    "text_stored": Scenario(handler(displayName="A file takes down what is denied, one line each")),
    "unauthorized_body": Scenario(role(), lambda sim: sim.fault("GET", "/Security/Roles", "expire_tokens", nth=2)),
    "forbidden_body": Scenario(role(), without_permission),
    "oauth_openid_scope": Scenario(role(), settings=(("clientId:", "scopes: [openid]\n      clientId:"),)),
    "scopes_listed": Scenario(role("Web Team", permissions="['/certificates/collections/read/{collection: Web}/']"), reads_one_collection),
    "permission_added": Scenario(role(permissions="[/certificates/archive/]")),
    "permission_removed": Scenario(role(permissions="[/ssh/user/]")),
    "role_duplicate_status": Scenario(role("New", **NEW), just_before("POST", "/Security/Roles", twin("New"))),
    "role_names": Scenario(role("New", **NEW), just_before("POST", "/Security/Roles", twin("NEW"))),
    "role_permissions_outside_set": Scenario(role("Help Desk", permissions="[/security/read/]")),
    "claim_unused": Scenario(role("Payments PKI", claims=ENTRA % ("other", "Entra", "x")) + role("Web Team", claims=ENTRA % ("payments-pki", "Entra", "x"), additive="[claims]")),
    "claim_description_empty": Scenario(role(), lambda sim: sim.world.claims[9].update(Description="")),
    "claim_description_in_role": Scenario(role(claims="[{type: OAuthRole, value: payments-pki, provider: Entra}]"), just_before("PUT", "/Security/Roles", lambda sim: sim.world.claims[5].update(Description="By hand"))),
    "claim_description_lag": Scenario(role("Payments PKI", claims=ENTRA % ("payments-pki", "Entra", "Another"))),
    "claim_scheme_returned": Scenario(role("Payments PKI")),
    "claim_ad_values": Scenario(role("PKI Operators"), lambda sim: sim.world.claims[3].update(ClaimValue="Pki-Ops")),
    "certificate_hidden": Scenario(owner(ONE), just_before("GET", "/Certificates/3$", cannot("/certificates/"))),
    "owner_unknown_name": Scenario(owner(ONE), just_before("PUT", "/Owner", gone)),
    "owner_policy": Scenario(owner(ONE, clear="[owner]"), owned),
    "owner_policy_status": Scenario(owner(ONE, clear="[owner]"), owned, {"owner_policy": "Required"}),
    "deny_unknown_ids": Scenario(DENIAL, just_before("POST", "/Deny", lambda sim: sim.world.requests.pop(24))),
    "deny_processed_ids": Scenario(DENIAL, just_before("POST", "/Deny", settle(1))),
    "deny_without_permission": Scenario(DENIAL, cannot("/certificates/requests/")),
    "csms_duplicate_status": Scenario(event(), just_before("POST", "/events", lambda sim: sim.world.events.update({"new-event": {**sim.world.events["lifecycle"], "name": "new-event"}}))),
    "csms_quota": Scenario(event()),
    "csms_quota_status": Scenario(event(), beside={"csms_quota": 3}),
    "csms_not_found": Scenario(event("lifecycle"), just_before("GET", "/events/lifecycle", lambda sim: sim.world.events.pop("lifecycle"))),
    "csms_marker": Scenario(event(), beside={"csms_limit_max": 1}),
    "csms_event_types_order": Scenario(event(eventTypes="[SECRET_DELETED, SECRET_ROTATED]")),
    "csms_marker_unknown": Scenario(event(), just_before("GET", "/events$", lambda sim: sim.world.events.pop("expiry-prod"), nth=2), {"csms_limit_max": 1}),
    "csms_project_mismatch": Scenario(event(), settings=(("0123456789abcdef0123456789abcdef", "f" * 32),)),
    "csms_ak_lock": Scenario(event(), lambda sim: sim.world.failed_keys.update({sim.credentials["csms"]["access_key"]: (6, time.monotonic())})),
    "csms_iam_ids": Scenario(event(), settings=signing_in("user: reconciler", f"domainId: {derive_iam_id('example')}")),
    "csms_token_lifetime": Scenario(event(), settings=signing_in("user: reconciler", "domain: example")),
}  # fmt: skip

UNMET: Mapping[str, str] = {
    "requested_with_missing": "every request to Command carries the header",
    "version_2_on_v1": "version 2 is asked for where it exists",
    "return_limit_invalid": "pages begin at 1 and are never empty by request",
    "query_plus": "spaces go out as %20, plus signs as %2B, which both settings read alike",
    "role_put_without_permission_set": "PUT sends the whole role",
    "role_v1_put_without_permission_set": "roles are written in version 2",
    "role_post_without_permission_set": "a manifest that makes a role without one is refused",
    "owner_empty_body": "an owner is cleared with a null id, and no body is empty",
    "role_description_empty": "a role without a description is refused where its body is built",
    "role_permissions_unknown": "a permission that the server does not list is a problem of the plan",
    "claim_scheme_unknown": "a provider that the server does not list is a problem of the plan",
    "role_immutable_put": "an immutable role is refused before anything is sent",
    "role_delete_owner": "nothing is ever deleted",
    "role_permissions_redundant": "a manifest with a redundant permission is refused",
    "claim_type_names": "claim types go out as numbers",
    "claim_in_use_delete": "nothing is ever deleted",
    "handler_put_omitted": "PUT sends both members",
    "owner_both_fields": "PUT sends one of the two alone",
    "owner_unknown_id": "PUT names a role by NewRoleName, and sends no NewRoleId but null",
    "owner_same": "an owner is set where it differs, and the history is never read",
    "deny_repeated_ids": "an id is sent once",
    "deny_empty": "no request is sent for no ids",
    "csms_put_omitted": "PUT sends all three members",
    "csms_put_empty_object": "PUT sends all three members",
    "csms_empty_body": "PUT sends all three members",
    "csms_empty_event_types": "a manifest without event types is refused",
    "csms_referenced_delete": "nothing is ever deleted",
    "csms_limit_invalid": "the limit is a number from 1",
    "csms_name_dot": "a manifest with a dot in an event's name is refused",
    "csms_unknown_members": "bodies have documented members alone",
    "csms_content_type": "bodies say application/json",
    "csms_unchanged_put": "PUT is sent where something differs",
    "csms_x_project_id": "every signed request carries the header",
}
"""Switches that no request of the tool can ever meet, and why. That they are unmet by the demo is tested too."""

UNMET_SETTINGS: Mapping[tuple[str, Setting], str] = {
    ("claim_scheme_returned", "Entra=entra"): "a scheme is that of its provider, however it is written",
    ("unknown_body_members", "rejected"): "bodies have documented members, and those that GET showed",
    ("text_stored", "trimmed"): "a text with blanks at its ends is refused",
    ("text_stored", "nfc"): "a manifest that is not in Unicode's composed form is refused",
}
"""The same for single settings."""
