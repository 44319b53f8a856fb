"""Names of certificates and of requests: the common name, the alternative ones, and those that have no common name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import Client, Start

BARE, NAMED = 30, 7
"""Certificates of the starting world: one without a common name, one that is called as most are."""
WAITING = 35
"""A pending request without a common name."""


def row_of(client: Client, number: int) -> dict[str, Any]:
    found: list[dict[str, Any]] = client.command("GET", f"/Certificates?QueryString=CertId -eq {number}").json()
    return found[0]


@pytest.mark.parametrize(
    ("number", "names"),
    [
        (NAMED, [(2, "portal.pay.example.com"), (2, "pay.example.com")]),
        (1, [(2, "api.pay.example.com")]),
        (BARE, [(2, "cards.ops.example.com"), (7, "10.20.0.30")]),
    ],
)
def test_alternative_names_are_in_the_list_and_by_id(number: int, names: list[tuple[int, str]], client: Client) -> None:
    """KF 6.1: SubjectAltNameElements, the type a number."""
    for row in (row_of(client, number), client.command("GET", f"/Certificates/{number}").json()):
        assert [(name["Type"], name["Value"]) for name in row["SubjectAltNameElements"]] == names


def test_a_certificate_without_a_common_name_is_shown_found_and_sorted(client: Client) -> None:
    """KF 0.4: null has to be expected; its subject has no CN, and NULL finds it."""
    assert row_of(client, BARE)["IssuedCN"] is None
    assert row_of(client, BARE)["IssuedDN"] == "OU=Web,O=Example Corp,C=DE"
    found = client.command("GET", "/Certificates?QueryString=IssuedCN -eq NULL").json()
    assert [row["Id"] for row in found] == [BARE]
    assert client.command("GET", "/Certificates?SortField=IssuedCN&ReturnLimit=1").json()[0]["Id"] == BARE
    assert client.command("PUT", f"/Certificates/{BARE}/Owner", {"NewRoleId": 3}).status_code == 204


def test_dates_have_their_zone_unless_the_switch_takes_it_at_any_time(start: Start) -> None:
    """Rows are kept as they were written; a switch turned in between must show all the same."""
    client = start()
    dates = ("ImportDate", "NotBefore", "NotAfter")
    assert {row_of(client, NAMED)[date][-1] for date in dates} == {"Z"}
    client.sim.switch(certificate_dates="no_zone")
    assert {len(row_of(client, NAMED)[date]) for date in dates} == {len("2026-01-01T00:00:00")}


def test_a_requests_alternative_names_are_told_by_id_alone(client: Client) -> None:
    """KF 7.2: the rows of the lists have neither SANs nor SubjectAltNames."""
    rows = client.command("GET", "/Workflow/Certificates/Pending").json()
    row = next(row for row in rows if row["Id"] == WAITING)
    assert (row["CommonName"], row["DistinguishedName"]) == (None, "O=Example Corp,C=DE")
    assert "SANs" not in row
    detail = client.command("GET", f"/Workflow/Certificates/{WAITING}").json()
    assert detail["SANs"] == ["agent.ops.example.com", "10.20.0.35"]
    assert detail["SubjectAltNames"][1] == {"Type": "ip", "Value": "10.20.0.35"}
    assert client.command("POST", "/Workflow/Certificates/Deny", {"CertificateRequestIds": [WAITING]}).json()[
        "Successes"
    ]
