"""Every kind of fault: what the client meets, and what the server really did (the ledger)."""

from __future__ import annotations

import gzip
import http.client
import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from reconciler.simulator.http.faults import KINDS
from tests.simulator.conftest import Client

HANDLER = "/EventHandlerRegistration/1"
BODY = {"DisplayName": "new", "Enabled": True}
PATH = r"^/EventHandlerRegistration/1$"


def put(client: Client) -> requests.Response:
    """Change a handler."""
    return client.command("PUT", HANDLER, BODY)


REPLIES: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "a status before": ("status", {"status": 503}, 503, 0),
    "a status after": ("status_after", {"status": 500}, 500, 1),
    "an unusual success": ("status_after", {"status": 202}, 202, 1),
    "throttling": ("throttle", {}, 429, 0),
    "a redirect": ("redirect", {"location": "http://127.0.0.1:9/x", "status": 307}, 307, 0),
    "a login page instead": ("html", {}, 200, 0),
    "a login page after": ("html_after", {}, 200, 1),
    "another shape": ("wrong_shape", {"body": [1]}, 200, 1),
    "a repeated key": ("duplicate_key", {}, 200, 1),
    "a delay": ("delay", {"seconds": 0.05}, 200, 1),
    "a delay after": ("delay_after", {"seconds": 0.05}, 200, 1),
    "a slow drip": ("slow_drip", {"chunk": 20, "interval": 0.005}, 200, 1),
    "two deliveries": ("twice", {}, 200, 2),
    "a bomb": ("bomb", {"size": 1000}, 200, 1),
    "a token's end (Basic does not care)": ("expire_tokens", {}, 200, 1),
}


@pytest.mark.parametrize("name", REPLIES)
def test_a_fault_that_answers(name: str, client: Client) -> None:
    """The status is the fault's, the number of mutations tells whether the request was carried out; once only."""
    kind, params, status, done = REPLIES[name]
    client.sim.fault("PUT", PATH, kind, **params)
    assert put(client).status_code == status
    assert len(client.sim.ledger) == done
    assert client.sim.requests[-1]["status"] == status
    after = put(client)
    assert (after.status_code, after.json()["DisplayName"]) == (200, "new")
    assert len(client.sim.ledger) == done + 1


@pytest.mark.parametrize(("kind", "done"), [("drop", 0), ("drop_after", 1)])
def test_a_fault_that_drops_the_connection(kind: str, done: int, client: Client) -> None:
    """No answer comes; the ledger alone tells whether it was done; the log has status 0."""
    client.sim.fault("PUT", PATH, kind)
    with pytest.raises(requests.ConnectionError):
        put(client)
    assert len(client.sim.ledger) == done
    assert client.sim.requests[-1]["status"] == 0


def test_a_truncated_body_is_shorter_than_it_said(client: Client) -> None:
    """The length was announced, the last bytes never come."""
    client.sim.fault("PUT", PATH, "truncated", cut=5)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        put(client)
    assert len(client.sim.ledger) == 1


def test_what_the_spoiled_bodies_hold(client: Client) -> None:
    """A login page, another shape, a repeated key, a bomb: the bytes that a client must not trust."""
    client.sim.fault("PUT", PATH, "html_after")
    assert put(client).headers["Content-Type"].startswith("text/html")
    client.sim.fault("PUT", PATH, "wrong_shape", body={"Unexpected": 1})
    assert put(client).json() == {"Unexpected": 1}
    client.sim.fault("PUT", PATH, "duplicate_key")
    assert put(client).text.startswith('{"Id":1,"Id":1,"DisplayName"')
    client.sim.fault("PUT", PATH, "status", status=418, body="<x>", headers={"X-Y": "z"})
    reply = put(client)
    assert (reply.status_code, reply.text, reply.headers["X-Y"]) == (418, "<x>", "z")


def test_a_bomb_is_small_on_the_wire(client: Client) -> None:
    """A gzip body of a kilobyte unpacks to a megabyte."""
    client.sim.fault("GET", PATH, "bomb", size=1_000_000)
    reply = client.session.get(client.keyfactor["url"] + HANDLER, stream=True, timeout=60)
    packed = reply.raw.read(decode_content=False)
    assert len(packed) < 5_000
    assert len(gzip.decompress(packed)) == 1_000_002


@pytest.mark.parametrize("wait", [None, 1, "Sat, 01 Jan 2028 00:00:00 GMT"])
def test_throttling_has_each_apis_shape_and_a_retry_after_only_if_given(wait: Any, client: Client) -> None:
    """CS 2.4 APIGW.0308; CS 7.13: with and without Retry-After."""
    client.sim.fault(path="events", kind="throttle", retry_after=wait)
    reply = client.cloud("GET", "events")
    assert (reply.status_code, reply.json()["error_code"]) == (429, "APIGW.0308")
    assert reply.headers.get("Retry-After") == (None if wait is None else str(wait))


def test_a_partial_deny_settles_some_and_answers_nobody(client: Client) -> None:
    """Reliability B19: the first n are denied, the rest is pending, the connection is gone."""
    client.sim.fault("POST", "Deny", "partial_deny", n=2)
    with pytest.raises(requests.ConnectionError):
        client.command("POST", "/Workflow/Certificates/Deny", {"CertificateRequestIds": [23, 24, 25, 26]})
    assert client.sim.ledger[-1]["denied"] == [23, 24]
    assert [client.sim.world.requests[i]["State"] for i in (23, 24, 25, 26)] == [3, 3, 5, 5]


def test_a_ghost_lands_after_some_more_requests(client: Client) -> None:
    """Reliability A5: the connection is closed, the write comes later."""
    client.sim.fault("PUT", PATH, "ghost", requests=2)
    with pytest.raises(requests.ConnectionError):
        put(client)
    assert client.command("GET", HANDLER).json()["DisplayName"] == "Denied request logger"
    assert client.command("GET", HANDLER).json()["DisplayName"] == "new"
    assert len(client.sim.ledger) == 1


def test_a_ghost_lands_after_some_time(client: Client) -> None:
    """The same, by the clock: not before."""
    client.sim.fault("PUT", PATH, "ghost", seconds=0.2)
    begun = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        put(client)
    deadline = time.monotonic() + 60
    while not client.sim.ledger and time.monotonic() < deadline:
        time.sleep(0.01)
    assert time.monotonic() - begun >= 0.2
    assert len(client.sim.ledger) == 1


@pytest.mark.parametrize(
    ("kind", "read", "held"), [("edit", "by hand", "by hand"), ("edit_after", "Denied request logger", "by hand")]
)
def test_an_edit_by_hand_comes_between(kind: str, read: str, held: str, client: Client) -> None:
    """Reliability C1 to C3: somebody edits just before or just after a read, as an administrator."""
    edit = {"DisplayName": "by hand", "Enabled": True}
    client.sim.fault("GET", PATH, kind, call=lambda: client.sim.edit("PUT", HANDLER, edit))
    assert client.command("GET", HANDLER).json()["DisplayName"] == read
    assert client.command("GET", HANDLER).json()["DisplayName"] == held
    assert client.sim.ledger[0]["actor"] == "CORP\\administrator"


def test_faults_are_injected_and_cleared_over_http(client: Client) -> None:
    """POST and DELETE /_sim/faults; parameters stand beside the rest or in `params`; an edit is described."""
    edit = {"method": "PUT", "path": HANDLER, "body": {"DisplayName": "by hand", "Enabled": True}}
    assert client.admin("POST", "faults", {"method": "GET", "path": PATH, "kind": "edit", "edit": edit}).json() == {
        "id": 1
    }
    assert client.command("GET", HANDLER).json()["DisplayName"] == "by hand"
    client.admin("POST", "faults", {"path": PATH, "kind": "status", "times": 0, "params": {"status": 502}})
    assert [client.command("GET", HANDLER).status_code for _ in range(3)] == [502] * 3
    client.admin("DELETE", "faults")
    assert client.command("GET", HANDLER).status_code == 200
    wrongs: tuple[Any, ...] = (
        {"kind": "nothing"},
        {"kind": "drop", "colour": 1},
        {},
        [],
        {"kind": "drop", "path": "("},
    )
    for wrong in wrongs:
        assert client.admin("POST", "faults", wrong).status_code == 400


def test_a_fault_fires_on_the_nth_request_and_so_many_times(client: Client) -> None:
    """nth and times count the requests that match."""
    client.sim.fault("GET", PATH, "status", nth=2, times=2, status=500)
    assert [client.command("GET", HANDLER).status_code for _ in range(5)] == [200, 500, 500, 200, 200]
    client.sim.fault("GET", PATH, "status", times=0)
    client.sim.clear_faults()
    assert client.command("GET", HANDLER).status_code == 200
    assert client.command("GET", "/EventHandlerRegistration").status_code == 200


def test_faults_spare_an_edit_by_hand(client: Client) -> None:
    """Somebody in the portal meets none of them."""
    client.sim.fault(path=".*", kind="drop", times=0)
    assert client.sim.edit("PUT", HANDLER, BODY)[0] == 200


def test_a_sudden_end_meets_the_next_request_on_the_connection(client: Client) -> None:
    """Reliability A9: the answer did not say that the connection would close."""
    client.sim.fault("GET", "healthcheck|Roles", "close")
    connection = http.client.HTTPConnection(client.sim.url.removeprefix("http://"), timeout=60)
    connection.request("GET", "/KeyfactorAPI/Security/Roles")
    reply = connection.getresponse()
    reply.read()
    assert reply.getheader("Connection") is None
    connection.sock.settimeout(60)
    assert connection.sock.recv(1) == b""
    connection.close()


def test_every_kind_is_tested_here() -> None:
    """A kind without a test is a promise without a proof."""
    text = json.dumps(list(REPLIES.values())) + Path(__file__).read_text()
    assert [kind for kind in KINDS if text.count(f'"{kind}"') == 0] == []


def test_a_kind_or_parameter_that_is_not_declared_is_refused(client: Client) -> None:
    """The message lists what there is."""
    with pytest.raises(ValueError, match="no fault is called quake; known are status, throttle"):
        client.sim.fault(kind="quake")
    with pytest.raises(ValueError, match="fault delay has no parameter second; it has seconds"):
        client.sim.fault(kind="delay", second=1)
