"""Command by keyfactor-command-sdk: roles, claims, handlers, certificates, permission sets, requests, refusals."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

from reconciler.simulator.world.seed import HELP_DESK_SET
from tests.vendors.command import (
    CERTIFICATES,
    CLAIMS,
    HANDLERS,
    REQUESTS,
    ROLES,
    SETS,
    approved,
    by_a_wrong_password,
    by_oauth,
    claim,
    claim_there_and_back,
    counted,
    denied,
    denied_and_read,
    granted,
    handler_changed,
    members,
    names,
    names_of,
    no_owner_function,
    of,
    owner,
    pages,
    refusal,
    role_there_and_back,
    roles_of_a_claim,
    set_there_and_back,
    status,
    without_permission,
)
from tests.vendors.command_client import call, client, model
from tests.vendors.row import Row

V1_ROLE = "Id Name Description Enabled Immutable Valid Private PermissionSetId Permissions Identities"
ROLE = "Id Name Description EmailAddress Immutable PermissionSetId Permissions Claims"
ROLE_ROW = "Id Name EmailAddress Immutable PermissionSetId ClaimsCount"
HANDLER = "Id DisplayName ClassName Enabled SupportedEvents"

ROWS = (
    # Roles: the SDK has version 1; version 2 is read through the same functions by their header.
    Row("get_security_roles", "KF 1.7", "200, version 1: identities, Area:Permission", of(members, f"{ROLES}.get_security_roles"), (200, V1_ROLE)),
    Row("get_security_roles, validate=true", "KF 1.7", "200: the list of version 1 has Validate", of(status, f"{ROLES}.get_security_roles", validate=True), 200),
    Row("get_security_roles, version 2", "KF 1.2", "200, no permissions, claims or description", of(members, f"{ROLES}.get_security_roles", x_keyfactor_api_version="2"), (200, ROLE_ROW)),
    Row("get_security_roles by QueryString", "KF 1.2", "the roles of that name", of(names, f"{ROLES}.get_security_roles", query_string='Name -contains "team"'), ["Web Team"]),
    Row("get_security_roles_id", "KF 1.7", "200, version 1", of(members, f"{ROLES}.get_security_roles_id", 2), (200, V1_ROLE)),
    Row("get_security_roles_id, identities", "KF 1.7", "Id, AccountName, IdentityType, Roles, Valid, SID", of(lambda a: " ".join(a.json["Identities"][0]), f"{ROLES}.get_security_roles_id", 2), "Id AccountName IdentityType Roles Valid SID"),
    Row("get_security_roles_id, version 2.0", "KF 0.2, 1.3", "200, version 2", of(members, f"{ROLES}.get_security_roles_id", 2, x_keyfactor_api_version="2.0"), (200, ROLE)),
    Row("get_security_roles_id, no such role", "KF 0.7", "404", of(refusal, f"{ROLES}.get_security_roles_id", 999999), (404, None, "0xA0110002")),
    Row("post/get/put/delete_security_roles", "KF 1.1, 0.6, 0.8", "200, 200 and what is left out cleared, 204, 404", role_there_and_back, ((200, True, ["CORP\\web"], ["AdminPortal:Read"]), (200, "other", [], []), (204, 404))),
    Row("post_security_roles, a name that exists", "KF 1.6 SIM", "400 0xA011000A", lambda sim: refusal(call(client(sim), f"{ROLES}.post_security_roles", body=model("Security_Roles", "CreationRequest", name="Auditors", description="d"))), (400, None, "0xA011000A")),
    Row("delete_security_roles_id, version 2", "KF 1.1", "400: DELETE has version 1 alone", of(status, f"{ROLES}.delete_security_roles_id", 7, x_keyfactor_api_version="2"), 400),
    Row("delete_security_roles_id, the immutable role", "KF 1.6 SIM", "400", of(status, f"{ROLES}.delete_security_roles_id", 1), 400),
    # Claims and providers
    Row("get_security_claims", "KF 1.3, 2.1", "200; ClaimType a name, Provider an object", of(lambda a: (a.status, a.parsed[0].claim_type, a.parsed[0].provider.display_name), f"{CLAIMS}.get_security_claims", query_string="ClaimType -eq 4"), (200, "OAuthRole", "Entra ID")),
    Row("post/put/get/delete_security_claims", "KF 2.1", "200, 200 only the description, 204, 404", claim_there_and_back, ((200, "OAuthRole", "Entra"), (True, "other", "new"), (204, 404))),
    Row("post_security_claims, one that exists", "KF 2.1 SIM", "400 0xA011000A", lambda sim: refusal(call(client(sim), f"{CLAIMS}.post_security_claims", body=claim("payments-pki"))), (400, None, "0xA011000A")),
    Row("get_security_claims_roles", "KF 2.1", "the roles that hold it", roles_of_a_claim, ["PKI Operators"]),
    Row("get_identity_providers", "KF 2.3", "200", of(lambda a: [one.authentication_scheme for one in a.parsed], "identity_provider.get_identity_providers"), ["Active Directory", "Entra"]),
    Row("get_identity_providers_types", "KF 2.3", "200", of(lambda a: [(one.name, len(one.type_parameters)) for one in a.parsed], "identity_provider.get_identity_providers_types"), [("Active Directory", 0), ("Generic OIDC", 3)]),
    Row("get_security_identities", "KF 1.7", "200; each with its roles", of(lambda a: [(one.account_name, names_of(one.roles)) for one in a.parsed][:2], "security.get_security_identities"), [("CORP\\administrator", ["Administrator"]), ("CORP\\alice", ["Auditors"])]),
    Row("get_security_identities_id", "KF 1.7", "200; what it may do, by which roles", of(granted, "security.get_security_identities_id", 6), ("CORP\\web", [("/portal/read/", ["Web Team"])], [("/certificates/collections/read/2/", ["Web Team"])])),
    Row("get_security_identities_lookup", "KF 1.7", "200", of(lambda a: a.parsed.valid, "security.get_security_identities_lookup", account_name="CORP\\nobody"), False),
    Row("get_security_roles_id_identities", "KF 1.1", "200; those of Active Directory", of(names, f"{ROLES}.get_security_roles_id_identities", 2), ["CORP\\pki-ops"]),
    Row("get_certificates_id_security", "KF 6.4", "200; the roles that may read it, by a collection too", of(lambda a: names_of(a.parsed.roles), "certificate.get_certificates_id_security", 1), ["Administrator", "Auditors", "GitOps Reconciler", "Help Desk", "Payments PKI", "PKI Operators"]),
    # Permission sets
    Row("get_permission_sets", "KF 3", "200; Global holds /", of(lambda a: [(one.name, one.permissions[0]) for one in a.parsed], f"{SETS}.get_permission_sets"), [("Global", "/"), ("Help Desk", "/portal/read/")]),
    Row("get_permission_sets_id", "KF 3", "200", of(lambda a: (a.status, a.parsed.name), f"{SETS}.get_permission_sets_id", HELP_DESK_SET), (200, "Help Desk")),
    Row("post/put/delete_permission_sets", "KF 3", "200, 200 the name stays, 204, 404", set_there_and_back, ((200, "New", ["/portal/read/"]), (200, "New", ["/reports/read/"]), (204, 404))),
    Row("get_permissions", "KF 3", "200, strings", of(lambda a: (a.status, a.parsed[0], "/certificates/requests/manage/" in a.parsed), "permissions.get_permissions"), (200, "/", True)),
    # Event handlers: the SDK's models have no members
    Row("get_event_handler_registration", "KF 5", "200; SupportedEvents one string", of(members, f"{HANDLERS}.get_event_handler_registration"), (200, HANDLER)),
    Row("get_event_handler_registration by QueryString", "KF 5", "the enabled ones", of(counted, f"{HANDLERS}.get_event_handler_registration", query_string="Enabled -eq true"), (3, "3")),
    Row("put_event_handler_registration_id", "KF 5, seed 000", "200, the handler as it is then", handler_changed(display_name="Renamed", enabled=True), (200, True, "Renamed", True)),
    Row("put_event_handler_registration_id, Enabled alone", "KF 5 SIM", "DisplayName is reset", handler_changed(enabled=True), (200, True, None, True)),
    Row("put_event_handler_registration_id, no such handler", "KF 0.7", "404", lambda sim: status(call(client(sim), f"{HANDLERS}.put_event_handler_registration_id", 99, body=model("EventHandlerRegistration", "UpdateRequest", enabled=True))), 404),
    Row("post_event_handler_registration", "KF 5", "400: the SDK's body has no AssemblyName", lambda sim: status(call(client(sim), f"{HANDLERS}.post_event_handler_registration", body=model("EventHandlerRegistration", "CreateRequest"))), 400),
    Row("delete_event_handler_registration_id", "KF 5", "204", of(status, f"{HANDLERS}.delete_event_handler_registration_id", 5), 204),
    # Certificates
    Row("get_certificates", "KF 0.5, 6.1", "50 rows; x-total-count; revoked and expired left out", of(counted, CERTIFICATES), (50, "166")),
    Row("get_certificates, everything", "KF 6.1", "revoked and expired ones too", of(counted, CERTIFICATES, include_revoked=True, include_expired=True, return_limit=500), (200, "200")),
    Row("get_certificates by pages of 60", "KF 0.5", "each once, by id, until a page is short", pages, (166, True)),
    Row("get_certificates by CN", "KF 6.2", "the one of that name", of(lambda a: [one.issued_cn for one in a.parsed], CERTIFICATES, query_string='CN -eq "api.pay.example.com"'), ["api.pay.example.com"]),
    Row("get_certificates, SortField=Id", "KF 0.7", "400 0xA011004A", of(refusal, CERTIFICATES, sort_field="Id"), (400, None, "0xA011004A")),
    Row("get_certificates, collection_id", "KF 6.1", "the collection's", of(lambda a: {one.issued_cn.split(".", 1)[1] for one in a.parsed}, CERTIFICATES, collection_id=1), {"pay.example.com"}),
    Row("get_certificates_id, metadata", "KF 6.1", "200; metadata when asked for", of(lambda a: (a.status, a.parsed.id, a.json["Metadata"]), "certificate.get_certificates_id", 3, include_metadata=True), (200, 3, {"Department": "Web", "Email-Contact": None})),
    Row("get_certificates_id, no such certificate", "KF 0.7", "404", of(status, "certificate.get_certificates_id", 99999), 404),
    Row("get_certificates_id_history", "KF 6.4", "200", of(members, "certificate.get_certificates_id_history", 3), (200, "Id OperationStart OperationEnd Username Comment Action")),
    Row("PUT /Certificates/{id}/Owner is no function of this SDK", "KF 6.3", "introduced after version 11", no_owner_function, []),
    Row("PUT /Certificates/{id}/Owner, NewRoleName", "KF 6.3, seed 001", "204 without a body; the owner is set", owner({"NewRoleName": "Web Team"}), (204, None, 4, "Web Team")),
    Row("PUT /Certificates/{id}/Owner, NewRoleId", "KF 6.3, seed 001", "204", owner({"NewRoleId": 3}), (204, None, 3, "Payments PKI")),
    Row("PUT /Certificates/{id}/Owner, {}", "KF 6.3 LIVE", "204; the owner is cleared", owner({}), (204, None, None, None)),
    Row("get_certificate_collections", "KF 6.4", "200; Content, no Query", of(members, "certificate_collection.get_certificate_collections"), (200, "Id Name Description Automated Content DuplicationField ShowOnDashboard Favorite")),
    Row("get_certificate_collections_name", "KF 6.4", "200", of(lambda a: (a.status, a.parsed.id), "certificate_collection.get_certificate_collections_name", "payments"), (200, 1)),
    Row("get_certificate_store_containers", "KF 6.4", "200", of(names, "certificate_store_container.get_certificate_store_containers"), ["Payment gateways", "Web front ends"]),
    # Requests
    Row("get_workflow_certificates_pending", "KF 7.2", "200; State 5 all of them", of(lambda a: (a.status, {int(one.state) for one in a.parsed}), f"{REQUESTS}.get_workflow_certificates_pending"), (200, {5})),
    Row("get_workflow_certificates_denied", "KF 7.2", "200; State 3", of(lambda a: {int(one.state) for one in a.parsed}, f"{REQUESTS}.get_workflow_certificates_denied"), {3}),
    Row("post_workflow_certificates_deny", "KF 7.1, 7.3, seed 002", "200 Successes; State 3 with the comment; a second time 200 Failures", denied_and_read, ((200, [24, 25], [], []), (3, "Not a production name"), set(), (200, [], [24], []))),
    Row("post_workflow_certificates_deny, no such request", "KF 7.3 SIM", "200 Failures", denied(99), (200, [], [99], [])),
    Row("post_workflow_certificates_deny, no ids", "KF 7.3 SIM", "200, three empty lists", denied(), (200, [], [], [])),
    Row("post_workflow_certificates_approve", "KF 7.1, 7.3", "a bare array; 200 Successes and Failures; State 1", approved, ((200, [24], [99], []), 1)),
    Row("get_workflow_certificates_id, no such request", "KF 0.7", "404", of(status, f"{REQUESTS}.get_workflow_certificates_id", 99), 404),
    # Front door
    Row("get_status_endpoints", "KF 0.1", "200, strings", of(lambda a: (a.status, isinstance(a.parsed[0], str)), "status.get_status_endpoints"), (200, True)),
    Row("get_security_roles by OAuth client credentials", "KF 8.3", "200; the SDK asks for a token again and again", by_oauth, (200, ["/oauth/token", "/oauth/token", "/Security/Roles"])),
    Row("get_security_roles, a wrong password", "KF 0.7", "401 without JSON", by_a_wrong_password, (401, None)),
    Row("get_security_roles without the permission", "KF 0.6 SIM", "403", without_permission, (403, None, "0xA0110003")),
)  # fmt: skip
