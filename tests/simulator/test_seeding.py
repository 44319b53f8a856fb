"""What a test may put into the world that the API would not take today: real servers hold such things."""

from __future__ import annotations

from tests.simulator.conftest import Client, Start


def test_two_roles_may_differ_in_case_alone_where_names_are_sensitive(start: Start) -> None:
    """KF 1.6 ND: by name, an owner is exactly the one that is spelled so; by id, it is that one."""
    client = start(switches={"role_names": "sensitive"})
    body = {key: value for key, value in client.role_body(4).items() if key != "Id"} | {"Name": "web team"}
    assert client.command("POST", "/Security/Roles", body, version=2).json()["Id"] == 9
    for sent, owner in (
        ({"NewRoleName": "Web Team"}, 4),
        ({"NewRoleName": "web team"}, 9),
        ({"NewRoleId": 4}, 4),
        ({"NewRoleId": 9}, 9),
    ):
        assert client.command("PUT", "/Certificates/12/Owner", sent).status_code == 204
        row = client.command("GET", "/Certificates/12").json()
        assert (row["OwnerRoleId"], row["OwnerRoleName"]) == (owner, ("Web Team", "web team")[owner == 9])
    assert client.command("PUT", "/Certificates/12/Owner", {"NewRoleName": "WEB TEAM"}).status_code == 400


def test_a_role_may_have_a_name_that_ends_in_a_blank(client: Client) -> None:
    """It is listed, read, written back and found as owner under exactly that name."""
    number = client.sim.world.add_role("Web Team ", Description="d")
    assert client.role(number)["Name"] == "Web Team "
    assert client.put_role(number, EmailAddress="a@example.com").status_code == 200
    assert client.command("PUT", "/Certificates/12/Owner", {"NewRoleName": "Web Team "}).status_code == 204
    assert client.sim.world.certificates[12].owner == number


def test_a_role_may_have_no_description(client: Client) -> None:
    """Older than the rule that asks for one: it is shown, and can't be written back as it is."""
    for description in ("", None):
        number = client.sim.world.add_role(f"Old {description}", Description=description)
        assert client.role(number)["Description"] == description
        assert client.put_role(number).status_code == 400


def test_an_event_may_have_a_name_and_types_that_no_document_knows(client: Client) -> None:
    """It is listed, shown, and can be written back with its types; a type that nobody has is refused still."""
    world = client.sim.world
    world.add_event("nightly ", event_types=["SECRET_VERSION_NEAR_EXPIRY"])
    names = [event["name"] for event in client.cloud("GET", "events").json()["events"]]
    assert "nightly " in names
    found = client.cloud("GET", "events/nightly%20").json()["event"]
    assert found["event_types"] == ["SECRET_VERSION_NEAR_EXPIRY"]
    assert found["event_id"] != client.cloud("GET", "events/lifecycle").json()["event"]["event_id"]
    assert client.cloud("PUT", "events/nightly%20", {"event_types": found["event_types"]}).status_code == 200
    assert client.cloud("PUT", "events/nightly%20", {"event_types": ["SECRET_EATEN"]}).status_code == 400
    assert client.cloud("GET", "events/daily%20").status_code == 400


def test_a_request_may_have_any_names(client: Client) -> None:
    """Without its own alternative names it has its common name alone."""
    world = client.sim.world
    wildcard = world.add_request(CommonName="*.test.example.com")
    bare = world.add_request(CommonName=None, AltNames=[("dns", "a.example.com"), ("dns", "b.example.com")])
    assert client.command("GET", f"/Workflow/Certificates/{wildcard}").json()["SANs"] == ["*.test.example.com"]
    detail = client.command("GET", f"/Workflow/Certificates/{bare}").json()
    assert (detail["CommonName"], detail["SANs"]) == (None, ["a.example.com", "b.example.com"])
    assert len(client.command("GET", "/Workflow/Certificates/Pending").json()) == 14
