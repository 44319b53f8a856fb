"""Credentials of Command: Basic, Bearer, the token endpoint, and what a body must call itself."""

from __future__ import annotations

import base64

from tests.simulator.conftest import Client


def test_a_wrong_password_and_an_unknown_token_are_401_and_change_nothing(client: Client) -> None:
    """KF 0.7: the body of a 401 may be empty."""
    basic = base64.b64encode(b"CORP\\svc-reconciler:wrong").decode()
    for header in (f"Basic {basic}", "Bearer nothing", "Basic !!!", "Negotiate x", None):
        reply = client.command("DELETE", "/Security/Roles/7", headers={"Authorization": header}, auth=None)
        assert reply.status_code == 401
        assert reply.content == b""
    assert 7 in client.sim.world.roles
    assert client.sim.ledger == []


def test_the_content_type_of_a_body_must_be_json(client: Client) -> None:
    """KF 0.2 lists the JSON types; a form is none."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.command("PUT", "/EventHandlerRegistration/1", {"Enabled": True}, headers=form).status_code == 415
    patch = {"Content-Type": "application/json-patch+json; charset=utf-8"}
    assert client.command("PUT", "/EventHandlerRegistration/1", {"Enabled": True}, headers=patch).status_code == 200


def test_a_token_is_had_for_a_client_secret_in_the_body_or_as_basic(client: Client) -> None:
    """KF 8.3 and RFC 6749: form-encoded, client_credentials, 401 for a wrong secret."""
    url, keyfactor = client.keyfactor["token_url"], client.keyfactor
    form = {"grant_type": "client_credentials"}
    credentials = {"client_id": keyfactor["client_id"], "client_secret": keyfactor["client_secret"]}
    in_body = client.session.post(url, data={**form, **credentials}, timeout=60)
    as_basic = client.session.post(
        url, data=form, auth=(keyfactor["client_id"], keyfactor["client_secret"]), timeout=60
    )
    for reply in (in_body, as_basic):
        assert reply.status_code == 200
        assert reply.json()["expires_in"] == 3600
        bearer = {"Authorization": f"Bearer {reply.json()['access_token']}"}
        assert client.command("GET", "/Security/Roles", headers=bearer).status_code == 200
    assert client.session.post(url, data={**form, **credentials, "client_secret": "x"}, timeout=60).status_code == 401
    assert client.session.post(url, data={**credentials, "grant_type": "password"}, timeout=60).status_code == 400
    assert client.session.post(url, json={**form, **credentials}, timeout=60).status_code == 400
    assert client.session.get(url, timeout=60).status_code == 405


def test_tokens_expire_when_they_are_told_to(client: Client) -> None:
    """Reliability F3: every token handed out so far is refused, a new one works."""
    keyfactor = client.keyfactor
    form = {
        "grant_type": "client_credentials",
        "client_id": keyfactor["client_id"],
        "client_secret": keyfactor["client_secret"],
    }

    def bearer() -> dict[str, str | None]:
        token = client.session.post(keyfactor["token_url"], data=form, timeout=60).json()["access_token"]
        return {"Authorization": f"Bearer {token}"}

    old = bearer()
    client.sim.expire_tokens()
    assert client.command("GET", "/Security/Roles", headers=old).status_code == 401
    assert client.command("GET", "/Security/Roles", headers=bearer()).status_code == 200
