"""100,000 certificates: started in a moment, paged in a blink, and the same for the same seed."""

from __future__ import annotations

import time
from functools import partial

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.world.seed import build_starting_world
from reconciler.simulator.world.switches import Switches
from tests.simulator.conftest import Client, Start
from tests.support.cpu_time import cost

ALL = "/Certificates?ReturnLimit=1000&includeRevoked=true&includeExpired=true&PageReturned="


@pytest.mark.no_cover
def test_a_hundred_thousand_certificates_start_and_page_in_proportion(start: Start) -> None:
    """Three times as many cost about three times as much to make, and a page of 1,000 the same wherever it lies."""
    some, _ = cost(lambda: start(certificates=33_333))
    all_, client = cost(lambda: start(certificates=100_000))
    assert all_ < 15 * some
    seen: set[int] = set()
    times = []
    for page in (1, 2, 3, 98, 99, 100, 101):
        ask = partial(client.command, "GET", f"{ALL}{page}")
        seconds, reply = cost(ask, times=3, clock=time.process_time)  # the server is another thread
        times.append(seconds)
        assert reply.headers["x-total-count"] == "100000"
        seen |= {row["Id"] for row in reply.json()}
    assert len(seen) == 6_000
    assert max(seen) == 100_000
    assert min(times[3:6]) < 5 * min(times[1:3])


@pytest.mark.no_cover
def test_a_query_over_all_of_them_is_remembered(start: Start) -> None:
    """The second page of a filtered list does not filter again, and a change of an owner makes it do so."""
    client = start(certificates=20_000)
    path = "/Certificates?ReturnLimit=10&QueryString=OwnerRoleName -eq NULL"
    before = int(client.command("GET", path).headers["x-total-count"])
    assert client.command("GET", path + "&PageReturned=2").headers["x-total-count"] == str(before)
    unowned = client.command("GET", path).json()[0]["Id"]
    assert client.command("PUT", f"/Certificates/{unowned}/Owner", {"NewRoleId": 3}).status_code == 204
    assert int(client.command("GET", path).headers["x-total-count"]) == before - 1


def test_a_row_that_was_shown_is_shown_as_it_is_now(client: Client) -> None:
    """Rows are serialised once, until they change: by a request or by a test that replaces one."""
    path = "/Certificates?QueryString=CertId -eq 12"
    assert client.command("GET", path).json()[0]["OwnerRoleId"] is None
    client.command("PUT", "/Certificates/12/Owner", {"NewRoleId": 3})
    assert client.command("GET", path).json()[0]["OwnerRoleId"] == 3
    with client.sim.lock:
        world = client.sim.world
        world.certificates[12] = world.certificates[12]._replace(cn="other.example.com")
    assert client.command("GET", path).json()[0]["IssuedCN"] == "other.example.com"


@pytest.mark.no_cover
def test_certificates_are_found_by_thumbprint_without_a_scan(start: Start) -> None:
    """A list of thumbprints comes back whole, whatever its case."""
    client = start(certificates=20_000)
    with client.sim.lock:
        thumbprints = [client.sim.world.certificates[i].thumbprint for i in range(100, 160)]
    query = " OR ".join(f'Thumbprint -eq "{one.lower()}"' for one in thumbprints)
    reply = client.command(
        "GET", f"/Certificates?ReturnLimit=100&includeRevoked=true&includeExpired=true&QueryString={query}"
    )
    assert [row["Thumbprint"] for row in reply.json()] == thumbprints


def test_the_world_follows_from_the_seed() -> None:
    """Equal seeds, equal worlds; another seed, other thumbprints."""
    one, same, other = (build_starting_world(300, seed, Switches()) for seed in (1, 1, 2))
    assert dict(one.certificates) == dict(same.certificates)
    assert (one.roles, one.claims, one.requests, one.events) == (same.roles, same.claims, same.requests, same.events)
    assert one.certificates[1].thumbprint != other.certificates[1].thumbprint


def test_the_world_is_believable() -> None:
    """What stories are told about: roles, request 23, the payments' names, owned and unowned, expired and revoked."""
    world = build_starting_world(200, 1, Switches())
    names = {role["Name"] for role in world.roles.values()}
    assert {"Administrator", "PKI Operators", "Payments PKI", "Auditors", "Web Team"} <= names
    assert [role["Name"] for role in world.roles.values() if role["Immutable"]] == ["Administrator"]
    request = world.requests[23]
    assert (request["CommonName"], request["Template"], request["Requester"], request["State"]) == (
        "test.example.com",
        "WebServer",
        "CORP\\alice",
        5,
    )
    assert sum(one["State"] == 5 for one in world.requests.values()) == 12
    rows = list(world.certificates.values())
    assert sum(str(row.cn).endswith(".pay.example.com") for row in rows) > 20
    now = time.time()
    assert (
        min(
            sum(row.state == 2 for row in rows),
            sum(row.not_after < now for row in rows),
            sum(row.owner is None for row in rows),
        )
        > 5
    )
    assert len(world.handlers) == 5
    assert "CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger" in {h["ClassName"] for h in world.handlers.values()}
    assert set(world.events) == {"expiry-prod", "rotation-audit", "lifecycle"}


def test_latency_is_that_of_a_request() -> None:
    """Each API request waits that long; /_sim/ does not."""
    with Simulator(certificates=5, latency_ms=60) as sim:
        assert sim.edit("GET", "/Permissions")[0] == 200
        client = Client(sim)
        begin = time.perf_counter()
        client.command("GET", "/Permissions")
        assert time.perf_counter() - begin >= 0.06
        client.session.close()
