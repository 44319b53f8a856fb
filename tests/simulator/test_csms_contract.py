"""The CSMS contract as a table: each row is one request, what must come back, and where that is written."""

# ruff: noqa: E501 - a row of a table is a line
from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.simulator.conftest import EVENT, Client

MEMBERS = {"name", "event_id", "event_types", "state", "create_time", "update_time", "notification"}
TOPIC: dict[str, str] = EVENT["notification"]


class Row(NamedTuple):
    """A request and its answer."""

    source: str
    method: str
    path: str
    status: int
    body: Any = None
    code: str = ""


ROWS = {
    "an event is created with 200": Row("CS 1", "POST", "events", 200, EVENT),
    "a name needs no more than 64 letters": Row("CS 1.2", "POST", "events", 400, {**EVENT, "name": "a" * 65}, "CSMS.0002"),
    "a name has no dot": Row("CS 1.2", "POST", "events", 400, {**EVENT, "name": "a.b"}, "CSMS.0002"),
    "a name has no blank": Row("CS 1.2", "POST", "events", 400, {**EVENT, "name": "a b"}, "CSMS.0002"),
    "a name is a string": Row("CS 7.15", "POST", "events", 400, {**EVENT, "name": 7}, "CSMS.0004"),
    "a state is upper case": Row("CS 1.2", "POST", "events", 400, {**EVENT, "state": "Enabled"}, "CSMS.0002"),
    "event types are of the enumeration": Row("CS 1.3", "POST", "events", 400, {**EVENT, "event_types": ["SECRET_EATEN"]}, "CSMS.0002"),
    "event types are unique": Row("seed 003", "POST", "events", 400, {**EVENT, "event_types": ["SECRET_ROTATED"] * 2}, "CSMS.0002"),
    "event types are at most twelve": Row("CS 1.2", "POST", "events", 400, {**EVENT, "event_types": [f"T{i}" for i in range(13)]}, "CSMS.0002"),
    "event types are a list": Row("CS 7.15", "POST", "events", 400, {**EVENT, "event_types": "SECRET_ROTATED"}, "CSMS.0004"),
    "a notification has three members": Row("CS 1.2", "POST", "events", 400, {**EVENT, "notification": {"target_type": "SMN"}}, "CSMS.0002"),
    "a target is an SMN topic": Row("CS 1.2", "POST", "events", 400, {**EVENT, "notification": {**TOPIC, "target_type": "EMAIL"}}, "CSMS.0002"),
    "a target's id has a pattern": Row("CS 1.2", "POST", "events", 400, {**EVENT, "notification": {**TOPIC, "target_id": "a b"}}, "CSMS.0002"),
    "a target's id needs be no URN": Row("CS 1.2", "POST", "events", 200, {**EVENT, "notification": {**TOPIC, "target_id": "demo-smn-id"}}),
    "a target's name has a pattern": Row("CS 1.2", "POST", "events", 400, {**EVENT, "notification": {**TOPIC, "target_name": "a.b"}}, "CSMS.0002"),
    "all four members are required": Row("CS 1.2", "POST", "events", 400, {"name": "x"}, "CSMS.0002"),
    "a name is taken once": Row("CS 7.4", "POST", "events", 400, {**EVENT, "name": "lifecycle"}, "CSMS.9001"),
    "an event is shown": Row("CS 1", "GET", "events/expiry-prod", 200),
    "an unknown event": Row("CS 7.7", "GET", "events/nothing", 404, code="CSMS.0005"),
    "an impossible name": Row("CS 1.1", "GET", "events/a%20b", 400, code="CSMS.0002"),
    "an event is updated with 200": Row("seed 003", "PUT", "events/expiry-prod", 200, {"state": "ENABLED"}),
    "an update changes no name": Row("CS 1.4", "PUT", "events/expiry-prod", 200, {"name": "other", "state": "ENABLED"}),
    "an update of an unknown event": Row("CS 7.7", "PUT", "events/nothing", 404, {"state": "ENABLED"}, "CSMS.0005"),
    "an update with half a notification": Row("seed 003", "PUT", "events/expiry-prod", 400, {"notification": {"target_id": "x"}}, "CSMS.0002"),
    "an update without a body": Row("CS 7.2", "PUT", "events/expiry-prod", 400, None, "CSMS.0004"),
    "an update that is no JSON": Row("CS 7.2", "PUT", "events/expiry-prod", 400, b"{", "CSMS.0004"),
    "an update that is no object": Row("CS 7.2", "PUT", "events/expiry-prod", 400, [], "CSMS.0004"),
    "an event is deleted with 204": Row("CS 1", "DELETE", "events/lifecycle", 204),
    "an unknown event can't be deleted": Row("CS 7.8", "DELETE", "events/nothing", 404, code="CSMS.0005"),
    "a referenced event can't be deleted": Row("CS 1.7", "DELETE", "events/rotation-audit", 400, code="CSMS.9003"),
    "events are listed": Row("CS 1.6", "GET", "events", 200),
    "a limit has four digits": Row("CS 1.6", "GET", "events?limit=10000", 400, code="CSMS.0002"),
    "records are listed": Row("CS 1.8", "GET", "notification-records", 200),
    "an unknown path is the gateway's": Row("CS 2.4", "GET", "nothing", 404, code="APIGW.0101"),
    "a method that is not offered is the gateway's": Row("CS 2.4", "PATCH", "events/expiry-prod", 404, code="APIGW.0101"),
    "another project": Row("CS 7.12", "GET", "/v1/ffffffffffffffffffffffffffffffff/csms/events", 403),
    "the accounts that one can use": Row("CS 3.2", "GET", "/v3/auth/domains", 200),
    "an account by its name": Row("CS 3.2", "GET", "/v3/auth/domains?name=other", 200),
    "the project's id by its name": Row("CS 6.1", "GET", "/v3/projects?name=cn-north-4", 200),
}  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_csms_answers_as_documented(name: str, client: Client) -> None:
    """Status, error code and the shape of the body are those of the source; what is refused changes nothing."""
    row = ROWS[name]
    raw = row.body if isinstance(row.body, bytes) else None
    reply = client.cloud(row.method, row.path, None if raw else row.body, raw=raw)
    assert reply.status_code == row.status, f"{row.source}: {reply.text}"
    assert ("X-Request-Id" in reply.headers) is not row.path.startswith("/v3/"), "CS 2.1"
    if row.status == 204:
        assert reply.content == b""
        return
    found = reply.json()
    if row.code.startswith("APIGW"):
        assert found["error_code"] == row.code
        assert found["request_id"] == reply.headers["X-Request-Id"]
    elif row.status >= 400:
        assert set(found) == {"error"}
        assert set(found["error"]) == {"error_code", "error_msg"}
        assert row.code in found["error"]["error_code"]
    elif "event" in found:
        assert set(found["event"]) == MEMBERS
    assert (client.sim.ledger == []) is (row.status >= 400 or row.method == "GET")


def test_times_are_milliseconds_and_an_update_moves_one_of_them(client: Client) -> None:
    """CS 1.5: thirteen digits; event_id and create_time stay."""
    before = client.cloud("GET", "events/expiry-prod").json()["event"]
    after = client.cloud("PUT", "events/expiry-prod", {"state": "ENABLED"}).json()["event"]
    assert len(str(before["create_time"])) == 13
    assert (after["event_id"], after["create_time"]) == (before["event_id"], before["create_time"])
    assert after["update_time"] > before["update_time"]


def test_pages_follow_the_marker_until_one_is_empty(client: Client) -> None:
    """CS 1.6: marker is the last name of the page before, exclusive; the whole list is seen once, by name."""
    for i in range(7):
        assert client.cloud("POST", "events", {**EVENT, "name": f"e{i}"}).status_code == 200
    names: list[str] = []
    while True:
        page = client.cloud("GET", f"events?limit=3&marker={names[-1] if names else ''}").json()
        assert page["page_info"]["current_count"] == len(page["events"])
        if not page["events"]:
            break
        names += [event["name"] for event in page["events"]]
    assert names == sorted(names)
    assert len(names) == 10


def test_the_thirty_first_event_is_over_the_quota(client: Client) -> None:
    """CS 1.7: up to 30 events."""
    replies = [client.cloud("POST", "events", {**EVENT, "name": f"e{i}"}).status_code for i in range(28)]
    assert replies == [200] * 27 + [400]


def _password(secret: str, user: str = "reconciler", scope: Any = None) -> dict[str, Any]:
    identity = {"methods": ["password"], "password": {"user": {"name": user, "password": secret, "domain": {"name": "example"}}}}  # fmt: skip
    return {
        "auth": {"identity": identity, "scope": scope if scope is not None else {"project": {"name": "cn-north-4"}}}
    }


def _token(old: str, scope: Any = None) -> dict[str, Any]:
    identity = {"methods": ["token"], "token": {"id": old}}
    return {"auth": {"identity": identity, "scope": scope or {"project": {"name": "cn-north-4"}}}}


def test_a_token_for_the_account_is_issued_and_refused_by_csms(client: Client) -> None:
    """CS 3.2: global services want such a token, DEW wants one for a project; a token gets another one."""
    url, events = (
        client.csms["iam_url"] + "/auth/tokens",
        f"{client.sim.url}/v1/{client.csms['project_id']}/csms/events",
    )
    reply = client.session.post(url, json=_password(client.csms["password"], scope={"domain": {"name": "example"}}), timeout=60)  # fmt: skip
    assert reply.status_code == 201
    told = reply.json()["token"]
    assert (told["domain"]["name"], told["methods"], "project" in told) == ("example", ["password"], False)
    token = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert client.session.get(events, headers=token, timeout=60).status_code == 403
    accounts = client.session.get(f"{client.csms['iam_url']}/auth/domains", headers=token, timeout=60).json()
    assert [(account["id"], account["name"]) for account in accounts["domains"]] == [(told["domain"]["id"], "example")]
    by_id = client.session.post(url, json=_password(client.csms["password"], scope={"domain": {"id": told["domain"]["id"]}}), timeout=60)  # fmt: skip
    assert by_id.status_code == 201
    again = client.session.post(url, json=_token(token["X-Auth-Token"]), timeout=60)
    assert (again.status_code, again.json()["token"]["methods"]) == (201, ["token"])
    assert again.json()["token"]["user"]["name"] == "reconciler"
    token = {"X-Auth-Token": again.headers["X-Subject-Token"]}
    assert client.session.get(events, headers=token, timeout=60).status_code == 200
    client.sim.expire_tokens()
    assert client.session.post(url, json=_token(token["X-Auth-Token"]), timeout=60).status_code == 401


def test_a_password_gets_a_project_scoped_token_that_csms_takes(client: Client) -> None:
    """CS 3.2: 201, the token in X-Subject-Token, the project's id in the body."""
    url = client.csms["iam_url"] + "/auth/tokens"
    reply = client.session.post(url, json=_password(client.csms["password"]), timeout=60)
    assert reply.status_code == 201
    assert reply.json()["token"]["project"]["id"] == client.csms["project_id"]
    token = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    events = f"{client.sim.url}/v1/{client.csms['project_id']}/csms/events"
    assert client.session.get(events, headers=token, timeout=60).status_code == 200
    client.sim.expire_tokens()
    expired = client.session.get(events, headers=token, timeout=60)
    assert (expired.status_code, expired.json()["error_code"]) == (401, "APIGW.0307")
    unknown = client.session.get(events, headers={"X-Auth-Token": "x" * 40}, timeout=60)
    assert (unknown.status_code, unknown.json()["error_code"]) == (401, "APIGW.0301")


def test_a_wrong_password_is_401_in_the_shape_of_iam(client: Client) -> None:
    """CS 2.1, third shape."""
    url = client.csms["iam_url"] + "/auth/tokens"
    for body, status in ((_password("x"), 401), (_password(client.csms["password"], "eve"), 401), (_password(client.csms["password"], scope={"domain": {"name": "other"}}), 401), (_password(client.csms["password"], scope={}), 401), (_token("x"), 401), ({"auth": {"identity": {"methods": ["token"]}}}, 400), ({"auth": []}, 400)):  # fmt: skip
        reply = client.session.post(url, json=body, timeout=60)
        assert reply.status_code == status
        assert set(reply.json()["error"]) == {"code", "message", "title"}


def test_six_failures_in_a_row_lock_the_access_key(client: Client) -> None:
    """CS 2.4: more than five failures lock the AK for five minutes; the right secret is refused too."""
    wrong = (client.csms["access_key"], "wrong")
    for _ in range(5):
        client.cloud("GET", "events", keys=wrong)
    assert client.cloud("GET", "events").status_code == 200
    for _ in range(6):
        client.cloud("GET", "events", keys=wrong)
    assert client.cloud("GET", "events").status_code == 401
