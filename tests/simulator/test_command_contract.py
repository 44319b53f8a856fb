"""Command's contract as a table: each row is one request, what must come back, and where that is written."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from reconciler.simulator.keyfactor.api import _ROUTER, ROUTES
from tests.simulator.conftest import Client

ROLE = {"Name": "New", "Description": "d", "PermissionSetId": "00000000-0000-0000-0000-000000000001"}
CLAIM = {"ClaimType": 4, "ClaimValue": "new", "ProviderAuthenticationScheme": "Entra", "Description": "d"}
NOT_THERE = "00000000-0000-0000-0000-00000000ffff"


class Row(NamedTuple):
    """A request and its answer: the status, the error code, members that the answer (its first item) must have."""

    source: str
    method: str
    path: str
    status: int
    body: Any = None
    version: int | str | None = 1
    code: str = ""
    members: str = ""
    rows: int = -1


ROWS = {
    # Roles
    "the role list has no permissions, claims or description": Row(
        "KF 1.2", "GET", "/Security/Roles", 200, version=2, members="Id Name EmailAddress Immutable PermissionSetId ClaimsCount", rows=8
    ),
    "a role by id is whole": Row(
        "KF 1.3", "GET", "/Security/Roles/2", 200, version=2, members="Id Name Description EmailAddress Immutable PermissionSetId Permissions Claims"
    ),
    "2.0 is version 2": Row("KF 0.2", "GET", "/Security/Roles", 200, version="2.0", rows=8, members="Id Name EmailAddress Immutable PermissionSetId ClaimsCount"),
    "without the header it is version 1": Row(
        "KF 1.7", "GET", "/Security/Roles/2", 200, version=None, members="Id Name Description Enabled Immutable Valid Private PermissionSetId Permissions Identities"
    ),
    "version 3 is refused": Row("KF 0.2", "GET", "/Security/Roles", 400, version=3),
    "roles are filtered by name": Row("KF 1.2", "GET", '/Security/Roles?QueryString=Name -eq "pki operators"', 200, version=2, rows=1),
    "roles can't be filtered by description": Row("KF 1.2", "GET", '/Security/Roles?QueryString=Description -eq "x"', 400, version=2),
    "an unknown role": Row("KF 0.7", "GET", "/Security/Roles/999999", 404, version=2, code="0xA0110002"),
    "there is no PUT with the id in the path": Row("KF 1.1", "PUT", "/Security/Roles/2", 405, ROLE, version=2),
    "a role is created with 200": Row("KF 0.6", "POST", "/Security/Roles", 200, ROLE, version=2),
    "members are read without regard to case": Row("KF 0.4", "POST", "/Security/Roles", 200, {k.lower(): v for k, v in ROLE.items()}, version=2),
    "a role needs a description": Row("KF 1.4", "POST", "/Security/Roles", 400, {**ROLE, "Description": ...}, version=2, code="0xA0F00003"),
    "a role needs a name": Row("KF 1.4", "POST", "/Security/Roles", 400, {**ROLE, "Name": ...}, version=2, code="0xA0F00003"),
    "a role's description is not empty": Row("KF 1.5 SIM", "POST", "/Security/Roles", 400, {**ROLE, "Description": ""}, version=2, code="0xA0F00003"),
    "a role's description is not null": Row("KF 1.5", "PUT", "/Security/Roles", 400, {**ROLE, "Id": 2, "Description": None}, version=2, code="0xA0F00003"),
    "nor is it empty in version 1": Row("KF 1.7 SIM", "PUT", "/Security/Roles", 400, {"Id": 2, "Name": "x", "Description": ""}, code="0xA0F00003"),
    "a role's name is not blank": Row("KF 1.4", "POST", "/Security/Roles", 400, {**ROLE, "Name": " "}, version=2, code="0xA0F00003"),
    "role names are unique, whatever their case": Row("KF 1.6", "POST", "/Security/Roles", 400, {**ROLE, "Name": "auditors"}, version=2, code="0xA011000A"),
    "a permission set must exist": Row("KF 1.6", "POST", "/Security/Roles", 400, {**ROLE, "PermissionSetId": NOT_THERE}, version=2, code="0xA0110002"),
    "a permission set's id is a GUID": Row("KF 1.4", "POST", "/Security/Roles", 400, {**ROLE, "PermissionSetId": "Global"}, version=2, code="0xA0F00003"),
    "a parent and its child are redundant": Row("KF 4.1", "POST", "/Security/Roles", 400, {**ROLE, "Permissions": ["/portal/", "/portal/read/"]}, version=2),
    "a permission and its narrowing are redundant": Row(
        "KF 4.1", "POST", "/Security/Roles", 400, {**ROLE, "Permissions": ["/certificates/collections/read/", "/certificates/collections/read/5/"]}, version=2
    ),
    "a narrowed permission is known": Row("KF 4.1", "POST", "/Security/Roles", 200, {**ROLE, "Permissions": ["/certificates/collections/metadata/modify/6/"]}, version=2),
    "a level above is known": Row("KF 4.2", "POST", "/Security/Roles", 200, {**ROLE, "Permissions": ["/certificates/"]}, version=2),
    "an unknown permission": Row("KF 4.1 SIM", "POST", "/Security/Roles", 400, {**ROLE, "Permissions": ["/certificates/fly/"]}, version=2),
    "a permission without its slash": Row("KF 4.1", "POST", "/Security/Roles", 400, {**ROLE, "Permissions": ["/portal/read"]}, version=2),
    "a role has a subset of its permission set": Row(
        "seed 004", "POST", "/Security/Roles", 400, {**ROLE, "PermissionSetId": "5d1ab2c3-8f0e-4c65-9a3e-2b7d1c4e6f01", "Permissions": ["/security/read/"]}, version=2
    ),
    "a claim needs all four members": Row("KF 1.5", "POST", "/Security/Roles", 400, {**ROLE, "Claims": [{"ClaimType": 4, "ClaimValue": "x"}]}, version=2, code="0xA0F00003"),
    "a claim's type is a number there": Row("KF 1.5", "POST", "/Security/Roles", 400, {**ROLE, "Claims": [{**CLAIM, "ClaimType": "OAuthRole"}]}, version=2),
    "there are seven claim types": Row("KF 2.2", "POST", "/Security/Roles", 400, {**ROLE, "Claims": [{**CLAIM, "ClaimType": 7}]}, version=2),
    "a claim's scheme is a provider's": Row("KF 1.3 SIM", "POST", "/Security/Roles", 400, {**ROLE, "Claims": [{**CLAIM, "ProviderAuthenticationScheme": "Okta"}]}, version=2),
    "permissions are strings": Row("KF 1.4", "POST", "/Security/Roles", 400, {**ROLE, "Permissions": [1]}, version=2, code="0xA0F00003"),
    "PUT of an unknown role": Row("KF 0.7", "PUT", "/Security/Roles", 404, {**ROLE, "Id": 999}, version=2),
    "PUT needs the id": Row("seed 004", "PUT", "/Security/Roles", 400, ROLE, version=2, code="0xA0F00003"),
    "PUT without a permission set": Row("KF 1.5 SIM", "PUT", "/Security/Roles", 400, {"Id": 2, "Name": "x", "Description": "y"}, version=2),
    "DELETE exists in version 1": Row("KF 1.1", "DELETE", "/Security/Roles/7", 204),
    "DELETE does not exist in version 2": Row("KF 1.1", "DELETE", "/Security/Roles/7", 400, version=2),
    "DELETE of the immutable role": Row("KF 1.6", "DELETE", "/Security/Roles/1", 400),
    # Claims, permission sets, providers
    "a claim's type is a name in answers": Row("KF 1.3", "GET", "/Security/Claims/4", 200, members="Id Description ClaimType ClaimValue Provider"),
    "claims are filtered by the type's number": Row("KF 2.1", "GET", '/Security/Claims?QueryString=ClaimType -eq "4"', 200, rows=4),
    "an unknown claim": Row("KF 2.1", "GET", "/Security/Claims/99", 404),
    "a claim may be created with the type's name": Row("KF 2.1", "POST", "/Security/Claims", 200, {**CLAIM, "ClaimType": "oauthrole"}),
    "a claim is created once": Row("KF 2.1 ND", "POST", "/Security/Claims", 400, {**CLAIM, "ClaimValue": "payments-pki"}, code="0xA011000A"),
    "only a claim's description changes": Row("KF 2.1", "PUT", "/Security/Claims", 200, {"Id": 4, "Description": "other"}),
    "claims exist in version 1 alone": Row("KF 2.1", "GET", "/Security/Claims", 400, version=2),
    "the roles of a claim": Row(
        "KF 2.1", "GET", "/Security/Claims/Roles?ClaimType=4&ClaimValue=pki-operators&ProviderAuthenticationScheme=Entra", 200, members="Id Name Description PermissionSetId", rows=1
    ),
    "who asks": Row("audit 5", "GET", "/Security/My", 200, members="Roles GlobalPermissions"),
    "what who asks may do": Row("audit 5", "GET", "/Security/My/Permissions", 200, members="Permissions"),
    "identities with their roles": Row("KF 1.7", "GET", "/Security/Identities", 200, members="Id AccountName IdentityType Roles Valid SID", rows=8),
    "an identity by its name": Row("KF 1.7", "GET", '/Security/Identities?QueryString=AccountName -eq "corp\\alice"', 200, rows=1),
    "what an identity may do": Row(
        "KF 1.7", "GET", "/Security/Identities/3", 200, members="Claim Identity SecuredAreaPermissions CollectionPermissions ContainerPermissions PamProviderPermissions IdentityProviderPermissions PamPermissions"
    ),
    "an unknown identity": Row("KF 1.7", "GET", "/Security/Identities/999", 404, code="0xA0110002"),
    "whether an account is known": Row("KF 1.7", "GET", "/Security/Identities/Lookup?accountName=CORP\\alice", 200, members="Valid"),
    "the identities of a role": Row("KF 1.1", "GET", "/Security/Roles/2/Identities", 200, members="Id Name", rows=1),
    "permission sets": Row("KF 3", "GET", "/PermissionSets", 200, members="Id Name Permissions", rows=2),
    "a permission set by id": Row("KF 3", "GET", "/PermissionSets/00000000-0000-0000-0000-000000000001", 200, members="Id Name Permissions"),
    "a permission set is created": Row("KF 3", "POST", "/PermissionSets", 200, {"Name": "New", "Permissions": ["/portal/read/"]}, members="Id Name Permissions"),
    "a permission set of a name that exists": Row("KF 3 SIM", "POST", "/PermissionSets", 400, {"Name": "help desk", "Permissions": []}, code="0xA011000A"),
    "a permission set of what is no permission": Row("KF 4.1 SIM", "POST", "/PermissionSets", 400, {"Name": "New", "Permissions": ["/x/"]}),
    "a permission set's permissions are replaced": Row("KF 3", "PUT", "/PermissionSets", 200, {"Id": "5d1ab2c3-8f0e-4c65-9a3e-2b7d1c4e6f01", "Permissions": []}, members="Id Name Permissions"),
    "an unknown permission set": Row("KF 3", "DELETE", f"/PermissionSets/{NOT_THERE}", 404),
    "a permission set with roles stays": Row("KF 11 SIM", "DELETE", "/PermissionSets/5d1ab2c3-8f0e-4c65-9a3e-2b7d1c4e6f01", 400),
    "Global stays as it is": Row("KF 11 SIM", "PUT", "/PermissionSets", 400, {"Id": "00000000-0000-0000-0000-000000000001", "Permissions": []}),
    "an identity of version 1 is whole": Row("KF 1.7", "GET", "/Security/Roles?ReturnLimit=1&Validate=true", 200, members="Id Name Description Enabled Immutable Valid Private PermissionSetId Permissions Identities"),
    "a plus sign in the query is a space": Row("KF 0.5 CODE", "GET", "/Certificates?QueryString=CertId+-eq+12", 200, rows=1),
    "half of a surrogate pair is no character": Row("RFC 8259, 8.2", "POST", "/Security/Roles", 400, b'{"Name": "\\ud800", "Description": "d", "PermissionSetId": "00000000-0000-0000-0000-000000000001"}', version=2),
    "the caller's permission sets": Row("KF 3", "GET", "/PermissionSets/My", 200, rows=1),
    "all permissions are strings": Row("KF 3", "GET", "/Permissions", 200),
    "identity providers are not below /Security": Row("KF 2.3", "GET", "/Security/IdentityProviders", 404),
    "identity providers": Row("KF 2.3", "GET", "/IdentityProviders", 200, members="Id AuthenticationScheme DisplayName TypeId Parameters PermissionSetId AuthenticationEnabled", rows=2),
    "identity providers are found by their type": Row("KF 2.3", "GET", '/IdentityProviders?QueryString=ProviderTypes -contains "OIDC"', 200, rows=1),
    "identity providers are found by their address": Row("KF 2.3", "GET", '/IdentityProviders?QueryString=AuthorizationUrl -ne NULL', 200, rows=1),
    "the types of identity providers": Row("KF 2.3", "GET", "/IdentityProviders/Types", 200, members="Id Name TypeParameters", rows=2),
    # Handlers
    "event handlers": Row("KF 5", "GET", "/EventHandlerRegistration", 200, members="Id DisplayName ClassName Enabled SupportedEvents", rows=5),
    "handlers are filtered by being enabled": Row("KF 5", "GET", "/EventHandlerRegistration?QueryString=Enabled -eq true", 200, rows=3),
    "a handler is changed with 200": Row("seed 000", "PUT", "/EventHandlerRegistration/1", 200, {"DisplayName": "d", "Enabled": True}),
    "a handler's enabled is no string": Row("seed 000", "PUT", "/EventHandlerRegistration/1", 400, {"Enabled": "true"}, code="0xA0F00003"),
    "an unknown handler": Row("KF 0.7", "PUT", "/EventHandlerRegistration/99", 404, {"Enabled": True}),
    "an assembly's handlers are added": Row("KF 5", "POST", "/EventHandlerRegistration", 200, {"AssemblyName": "Example.Keyfactor.Handlers"}, rows=1),
    "an assembly must be there": Row("KF 5", "POST", "/EventHandlerRegistration", 400, {"AssemblyName": "No.Such"}),
    "a handler is deleted with 204": Row("KF 5", "DELETE", "/EventHandlerRegistration/5", 204),
    # Certificates
    "revoked and expired certificates are left out": Row("KF 6.1", "GET", "/Certificates?ReturnLimit=1000", 200, rows=166),
    "revoked and expired certificates are shown when asked for": Row("KF 6.1", "GET", "/Certificates?ReturnLimit=1000&includeRevoked=true&includeExpired=true", 200, rows=200),
    "fifty rows are a page": Row("KF 0.5", "GET", "/Certificates", 200, rows=50),
    "past the last page nothing comes": Row("KF 0.5", "GET", "/Certificates?PageReturned=99", 200, rows=0),
    "Id is no sort field of certificates": Row("KF 0.7", "GET", "/Certificates?SortField=Id", 400, code="0xA011004A"),
    "CertId is a sort field of certificates": Row("KF 6.1", "GET", "/Certificates?SortField=CertId", 200),
    "SortAscending is no boolean": Row("KF 0.5", "GET", "/Certificates?SortAscending=true", 400),
    "SortAscending is 0 or 1": Row("KF 0.5", "GET", "/Certificates?SortAscending=2", 400),
    "parameter names have no case": Row("KF 0.5", "GET", "/certificates?returnlimit=7", 200, rows=7),
    "legacy prefixes are understood": Row("KF 0.5", "GET", "/Certificates?pq.returnLimit=7", 200, rows=7),
    "a collection narrows": Row("KF 6.1", "GET", "/Certificates?collectionId=1&ReturnLimit=200", 200, rows=28),
    "an unknown collection": Row("KF 6.1", "GET", "/Certificates?collectionId=77", 404),
    "a certificate by id": Row("KF 6.1", "GET", "/Certificates/12", 200),
    "an unknown certificate": Row("KF 0.7", "GET", "/Certificates/99999", 404, code="0xA0110002"),
    "a query is one by itself": Row("KF 6.2", "GET", "/Certificates?QueryString=CertId -eq 1) OR (CertId -eq 2", 400),
    "a query does not escape its collection": Row("KF 6.1", "GET", "/Certificates?collectionId=1&QueryString=CertId -eq 1) OR (CertId -eq 2", 400),
    "a query narrows a collection": Row("KF 6.1", "GET", "/Certificates?collectionId=1&QueryString=CertId -eq 1 OR CertId -eq 2", 200, rows=1),
    "a query that ends too early": Row("KF 6.2", "GET", "/Certificates?QueryString=CN -eq", 400, code="0xA011000F"),
    "a query's operator goes with its field": Row("KF 6.2", "GET", '/Certificates?QueryString=NotAfter -contains "2026"', 400, code="0xA011000F"),
    "a query's text is quoted": Row("KF 6.2", "GET", "/Certificates?QueryString=CN -eq www", 400, code="0xA011000F"),
    "an unknown query field": Row("KF 6.2", "GET", '/Certificates?QueryString=Colour -eq "red"', 400),
    "a certificate's history": Row("KF 6.4", "GET", "/Certificates/12/History", 200, members="Id OperationStart OperationEnd Username Comment Action", rows=1),
    "who may do what with a certificate": Row("KF 6.4", "GET", "/Certificates/12/Security", 200, members="Roles"),
    "nobody may do anything with an unknown certificate": Row("KF 0.7", "GET", "/Certificates/99999/Security", 404, code="0xA0110002"),
    "collections": Row("KF 6.4", "GET", "/CertificateCollections", 200, members="Id Name Description Automated Content DuplicationField ShowOnDashboard Favorite", rows=4),
    "a collection by name": Row("KF 6.4", "GET", "/CertificateCollections/Payments", 200),
    "GET of a collection has no Query": Row("KF 6.4", "GET", "/CertificateCollections/1", 200, members="Id Name Description Automated Content DuplicationField ShowOnDashboard Favorite"),
    "containers": Row("KF 6.4", "GET", "/CertificateStoreContainers", 200, members="Id Name OverwriteSchedules Schedule CertStoreType StoreCount", rows=2),
    "applications are containers": Row("KF 6.4", "GET", "/Applications/1", 200, members="Id Name Schedule CertStoreType CertificateStores"),
    # Owner
    "an owner by id": Row("seed 001", "PUT", "/Certificates/12/Owner", 204, {"NewRoleId": 3}),
    "an owner by name": Row("seed 001", "PUT", "/Certificates/12/Owner", 204, {"NewRoleName": "Payments PKI"}),
    "an unknown owner id": Row("KF 6.3 SIM", "PUT", "/Certificates/12/Owner", 404, {"NewRoleId": 999}),
    "an unknown owner name": Row("KF 6.3 SIM", "PUT", "/Certificates/12/Owner", 400, {"NewRoleName": "Nobody"}),
    "both owner members": Row("seed 001", "PUT", "/Certificates/12/Owner", 400, {"NewRoleId": 3, "NewRoleName": "Payments PKI"}),
    "an owner of an unknown certificate": Row("KF 6.3", "PUT", "/Certificates/99999/Owner", 404, {"NewRoleId": 3}),
    "an owner id is no string": Row("seed 001", "PUT", "/Certificates/12/Owner", 400, {"NewRoleId": "3"}),
    "a policy keeps the owner": Row("seed 001", "PUT", "/Certificates/50/Owner", 400, {"NewRoleId": None}),
    # Workflow
    "pending requests": Row(
        "KF 7.2", "GET", "/Workflow/Certificates/Pending", 200,
        members="Id CARequestId CommonName DistinguishedName SubmissionDate CertificateAuthority Template Requester State StateString Metadata", rows=12,
    ),
    "denied requests": Row("KF 7.1", "GET", "/Workflow/Certificates/Denied", 200, rows=2),
    "requests that wait for others": Row("KF 7.1", "GET", "/Workflow/Certificates/ExternalValidation", 200, rows=0),
    "a request in any state": Row("KF 7.1", "GET", "/Workflow/Certificates/12", 200),
    "an unknown request": Row("KF 7.1", "GET", "/Workflow/Certificates/999", 404),
    "Deny takes an object": Row("KF 7.1", "POST", "/Workflow/Certificates/Deny", 400, [23]),
    "Deny takes integers": Row("KF 7.1", "POST", "/Workflow/Certificates/Deny", 400, {"CertificateRequestIds": ["23"]}),
    "Deny needs the ids": Row("seed 002", "POST", "/Workflow/Certificates/Deny", 400, {"Comment": "x"}),
    # The audit log, as far as somebody gets who may not read it; `test_trails.py` has the rest
    "the audit log takes a permission of its own": Row("AU 1.1", "GET", "/Audit", 403, code="0xA0110003"),
    "so does one entry": Row("AU 1.1", "GET", "/Audit/1", 403, code="0xA0110003"),
    "and its signature": Row("AU 1.1", "GET", "/Audit/1/Validate", 403, code="0xA0110003"),
    "and what belongs together": Row("AU 1.1", "GET", "/Audit/RelatedEntities", 403, code="0xA0110003"),
    "Approve takes a bare array": Row("KF 7.1", "POST", "/Workflow/Certificates/Approve", 200, [23], members="Failures Denials Successes"),
    "Approve takes no object": Row("KF 7.1", "POST", "/Workflow/Certificates/Approve", 400, {"CertificateRequestIds": [23]}),
    # Around
    "liveness": Row("KF 0.1", "GET", "/status/healthcheck", 204),
    "endpoints are strings": Row("KF 0.1", "GET", "/Status/Endpoints", 200),
    "paths have no case": Row("KF 0.1", "GET", "/SECURITY/roles", 200, version=2, rows=8),
    "an unknown path": Row("KF 0.7", "GET", "/Nothing", 404),
    "a body that is no JSON": Row("KF 0.7", "POST", "/Security/Roles", 400, b"{", version=2),
    "NaN is no JSON": Row("KF 0.7", "PUT", "/EventHandlerRegistration/1", 400, b'{"Enabled": NaN}'),
    "a missing body": Row("KF 0.7", "PUT", "/EventHandlerRegistration/1", 400),
}  # fmt: skip


def _without_absent(body: Any) -> Any:
    return {k: v for k, v in body.items() if v is not ...} if isinstance(body, dict) else body


@pytest.mark.parametrize("name", ROWS)
def test_command_answers_as_documented(name: str, client: Client) -> None:
    """Status, error code, members and number of rows are those of the source."""
    row = ROWS[name]
    raw = row.body if isinstance(row.body, bytes) else None
    reply = client.command(
        row.method, row.path, None if raw else _without_absent(row.body), version=row.version, raw=raw
    )
    assert reply.status_code == row.status, f"{row.source}: {reply.text}"
    if row.status in (204, 404, 405) and not reply.content:
        return
    found = reply.json()
    if row.code:
        assert found["ErrorCode"] == row.code
    if row.status >= 400:
        # A 404 of the web server's own has no code of Command's.
        is_unknown_path = row.status == 404 and "the simulator has" in found["Message"]
        assert set(found) == ({"Message"} if is_unknown_path else {"ErrorCode", "Message"})
        assert client.sim.ledger == []
    if row.rows >= 0:
        assert len(found) == row.rows
    if row.members:
        assert set(found[0] if isinstance(found, list) else found) == set(row.members.split())


def test_every_declared_operation_of_command_has_a_row() -> None:
    """A route without a row would be a claim without a test."""
    asked = set()
    for row in ROWS.values():
        version = 2 if str(row.version).startswith("2") else 1
        found = _ROUTER.find(row.method, row.path.partition("?")[0], version)
        if found:
            asked.add((found.route.method, found.route.path, found.route.versions))
    by_hand = {("POST", "/Security/Roles", (1,)), ("PUT", "/Security/Roles", (1,)), ("GET", "/Security/Roles", (1,))}
    by_hand |= {("GET", "/EventHandlerRegistration/{id:int}", (1,)), ("DELETE", "/Security/Claims/{id:int}", (1,))}
    by_hand |= {("GET", "/IdentityProviders/{id:uuid}", (1,)), ("GET", "/Applications", (1,))}
    by_hand |= {("GET", "/CertificateStoreContainers/{id:int}", (1,)), ("PUT", "/Security/Roles", (2,))}
    by_hand |= {("POST", "/Workflow/Certificates/Deny", (1,))}
    assert {(route.method, route.path, route.versions) for route in ROUTES} - asked - by_hand == set()


def test_lists_are_counted_sorted_and_paged(client: Client) -> None:
    """KF 0.5: x-total-count counts what matches; 0 is ascending, 1 descending; pages follow one another."""
    first = client.command("GET", "/Certificates?ReturnLimit=30&SortField=IssuedCN&SortAscending=1")
    assert first.headers["x-total-count"] == "166"
    names = [row["IssuedCN"] for row in first.json()]
    assert names == sorted(names, reverse=True)
    seen = [row["Id"] for page in range(1, 8) for row in client.command("GET", f"/Certificates?ReturnLimit=30&PageReturned={page}").json()]  # fmt: skip
    assert len(seen) == len(set(seen)) == 166
    assert seen == sorted(seen)


def test_the_product_version_is_on_every_answer_of_command(client: Client) -> None:
    """KF 0.3."""
    for path in ("/Security/Roles", "/Nothing", "/Certificates/99999"):
        assert client.command("GET", path).headers["x-keyfactor-product-version"] == "25.4.0.0"
