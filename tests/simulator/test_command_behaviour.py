"""What a request does to Command's world: clearing, claims, owners, denials, permissions and the record of it all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.simulator.world.permissions import DOCUMENTED_PERMISSIONS, find_redundant_permissions
from tests.simulator.conftest import Client


def test_what_a_role_put_leaves_out_is_cleared(client: Client) -> None:
    """Seed 004: EmailAddress, Permissions and Claims are emptied; the description stays only because it is sent."""
    reply = client.put_role(EmailAddress=..., Permissions=..., Claims=...)
    assert reply.status_code == 200
    role = client.role()
    assert (role["EmailAddress"], role["Permissions"], role["Claims"]) == (None, [], [])
    assert role["Description"] == "Certificate operations"
    assert reply.json() == role


def test_a_role_sent_back_as_it_was_is_unchanged(client: Client) -> None:
    """The round trip of KF 1.5: type names become numbers, providers become schemes, nothing is lost."""
    before = client.role()
    assert client.put_role().status_code == 200
    assert client.role() == before


def test_claims_of_a_role_are_made_on_the_fly_and_found_again(client: Client) -> None:
    """KF 1.5: a new claim is defined, a known one is re-used, whatever the case of its value."""
    claim = {
        "ClaimType": 4,
        "ClaimValue": "Payments-PKI",
        "ProviderAuthenticationScheme": "entra",
        "Description": "Payments PKI team",
    }
    new = {**claim, "ClaimValue": "brand-new"}
    count = len(client.sim.world.claims)
    claims = client.put_role(Claims=[claim, new]).json()["Claims"]
    assert [one["ClaimValue"] for one in claims] == ["payments-pki", "brand-new"]
    assert len(client.sim.world.claims) == count + 1


def test_a_refused_role_makes_no_claim(client: Client) -> None:
    """All or nothing: the second claim's unknown scheme takes the first one back."""
    good = {"ClaimType": 4, "ClaimValue": "x", "ProviderAuthenticationScheme": "Entra", "Description": ""}
    count = len(client.sim.world.claims)
    assert client.put_role(Claims=[good, {**good, "ProviderAuthenticationScheme": "Okta"}]).status_code == 400
    assert len(client.sim.world.claims) == count
    assert client.sim.ledger == []


def test_of_the_immutable_role_only_the_claims_change(client: Client) -> None:
    """KF 1.6."""
    assert client.put_role(1).status_code == 200
    assert client.put_role(1, Description="other").status_code == 400
    assert client.put_role(1, Immutable=False, EmailAddress="a@b").status_code == 400


@given(st.lists(st.sampled_from(DOCUMENTED_PERMISSIONS), unique=True, max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_permissions_are_kept_as_a_set_or_refused_as_redundant(client: Client, permissions: list[str]) -> None:
    """Whatever leaves are sent come back, in any order, unless one contains another."""
    reply = client.put_role(Permissions=permissions)
    if find_redundant_permissions(permissions):
        assert reply.status_code == 400
    else:
        assert sorted(reply.json()["Permissions"]) == sorted(permissions)


def test_version_1_shows_identities_and_area_permissions_and_loses_the_rest(client: Client) -> None:
    """KF 1.7: who forgets the header sees another world, and a PUT through it drops OAuth claims."""
    shown = client.command("GET", "/Security/Roles/2", version=None).json()
    assert [one["AccountName"] for one in shown["Identities"]] == ["CORP\\pki-ops"]
    assert "Certificates:Read" in shown["Permissions"]
    assert client.command("PUT", "/Security/Roles", shown, version=1).status_code == 200
    assert [claim["ClaimType"] for claim in client.role()["Claims"]] == ["Group"]
    made = client.command(
        "POST", "/Security/Roles", {"Name": "V1", "Description": "d", "Identities": [{"AccountName": "CORP\\x"}]}
    )
    assert made.status_code == 200
    assert len(client.command("GET", "/Security/Roles").json()) == 9
    assert client.command("PUT", "/Security/Roles", {**shown, "Permissions": ["No:Such"]}).status_code == 400


def test_what_is_left_out_of_the_table_of_the_contract_works_too(client: Client) -> None:
    """Reading by id and deleting, where no row of the contract's table says so."""
    assert client.command("GET", "/EventHandlerRegistration/1").json()["ClassName"].endswith(".DeniedLogger")
    assert (
        client.command("GET", "/IdentityProviders/A1B2C3D4-0000-4000-8000-000000000002").json()["AuthenticationScheme"]
        == "Entra"
    )
    assert len(client.command("GET", "/Applications").json()) == 2
    assert client.command("GET", "/CertificateStoreContainers/1").status_code == 200
    assert client.command("DELETE", "/Security/Claims/4").status_code == 400
    client.put_role(Claims=[])
    assert client.command("DELETE", "/Security/Claims/4").status_code == 204


CLEARS: dict[str, Any] = {
    "null id": {"NewRoleId": None},
    "null name": {"NewRoleName": None},
    "a blank name": {"NewRoleName": ""},
    "nothing": {},
}


@pytest.mark.parametrize("name", CLEARS)
def test_an_owner_is_cleared_by(name: str, client: Client) -> None:
    """Seed 001 and KF 6.3: null, blank and even {} clear; 204 without a body, both members null, one history entry."""
    assert client.command("PUT", "/Certificates/12/Owner", {"NewRoleId": 4}).status_code == 204
    reply = client.command("PUT", "/Certificates/12/Owner", CLEARS[name])
    assert (reply.status_code, reply.content) == (204, b"")
    row = client.command("GET", "/Certificates/12").json()
    assert (row["OwnerRoleId"], row["OwnerRoleName"]) == (None, None)
    assert len(client.command("GET", "/Certificates/12/History").json()) == 3


def test_the_owners_name_follows_the_role(client: Client) -> None:
    """The list shows the name that the role has now, not when the row was first shown."""
    client.command("PUT", "/Certificates/12/Owner", {"NewRoleName": "web team"})
    path = '/Certificates?QueryString=OwnerRoleName -eq "Web Team" AND CertId -eq 12'
    assert client.command("GET", path).json()[0]["OwnerRoleName"] == "Web Team"
    client.put_role(4, Name="Web Crew")
    assert client.command("GET", path).json() == []
    assert client.command("GET", path.replace("Team", "Crew")).json()[0]["OwnerRoleName"] == "Web Crew"


def test_deny_settles_each_id_and_answers_200_whatever_came_of_it(client: Client) -> None:
    """KF 7.3: successes and failures by id; the record has only what was really denied, and one mail went out."""
    body = {"CertificateRequestIds": [23, 999, 12, 23], "Comment": "no"}
    reply = client.command("POST", "/Workflow/Certificates/Deny", body)
    found = {name: [item["KeyfactorRequestId"] for item in items] for name, items in reply.json().items()}
    assert found == {"Failures": [999, 12], "Denials": [], "Successes": [23]}
    entry = client.sim.ledger[-1]
    assert (entry["denied"], entry["object"]["id"], entry["object"]["name"]) == ([23], [23], ["test.example.com"])
    again = client.command("POST", "/Workflow/Certificates/Deny", body)
    assert (again.status_code, again.json()["Successes"]) == (200, [])
    assert len(client.sim.ledger) == 1
    assert client.sim.world.denied_mails == [23]
    one = client.command("GET", "/Workflow/Certificates/23").json()
    assert (one["State"], one["DenialComment"]) == (3, "no")


def test_the_ledger_tells_who_did_what_to_what_and_when(client: Client) -> None:
    """One entry a mutation: the documented path, the body as sent, the object before and after, the actor."""
    client.command("PUT", "/certificates/12/owner?CollectionId=0", {"newRoleId": 3})
    client.sim.edit("PUT", "/EventHandlerRegistration/1", {"DisplayName": "x", "Enabled": True})
    client.cloud("PUT", "events/expiry-prod", {"state": "ENABLED"})
    owner, handler, event = client.admin("GET", "ledger").json()
    assert (owner["n"], owner["api"], owner["method"]) == (1, "keyfactor", "PUT")
    assert (owner["path"], owner["query"], owner["body"]) == (
        "/Certificates/12/Owner",
        {"CollectionId": "0"},
        {"newRoleId": 3},
    )
    assert (owner["before"]["OwnerRoleId"], owner["after"]["OwnerRoleName"]) == (None, "Payments PKI")
    assert (owner["actor"], handler["actor"], event["actor"]) == (
        "CORP\\svc-reconciler",
        "CORP\\administrator",
        "reconciler",
    )
    assert event["path"] == f"/v1/{client.csms['project_id']}/csms/events/expiry-prod"
    assert (event["before"]["state"], event["after"]["state"]) == ("DISABLED", "ENABLED")
    assert client.sim.ledger == [owner, handler, event]
    assert client.sim.ledger[0]["at"].endswith("Z")


def test_the_log_has_every_request_and_can_be_emptied(client: Client) -> None:
    """The log tells method, path, query and status; edits by hand are marked; the ledger survives."""
    client.command("GET", "/Security/Roles?ReturnLimit=5")
    client.sim.edit("PUT", "/EventHandlerRegistration/1", {"DisplayName": "x", "Enabled": True})
    first, second = client.admin("GET", "requests").json()
    assert (first["method"], first["path"], first["query"], first["status"]) == (
        "GET",
        "/Security/Roles",
        "ReturnLimit=5",
        200,
    )
    assert second["edit"] is True
    client.sim.forget_requests()
    assert client.sim.requests == []
    assert len(client.sim.ledger) == 1
