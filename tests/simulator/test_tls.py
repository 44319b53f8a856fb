"""The simulator behind TLS, and temporary keys."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
import requests

from reconciler.simulator import Simulator
from tests.simulator.conftest import Client
from tests.support.tls_certificates import API, authority, issued, serving


def test_everything_works_behind_tls(tmp_path: Path) -> None:
    """The addresses, the ledger, and an edit by hand."""
    authority("api").cert_pem.write_to_path(tmp_path / "ca.pem")
    with Simulator(certificates=5, tls=serving(issued("api", API))) as simulator:
        told = simulator.credentials
        places = (told["url"], told["ledger"], told["keyfactor"]["token_url"], told["csms"]["iam_url"])
        assert all(place.startswith(f"https://{API}:") for place in places)
        status, _ = simulator.edit("PUT", "/EventHandlerRegistration/1", {"DisplayName": "By hand", "Enabled": True})
        assert status == 200
        ledger = requests.get(told["ledger"], verify=str(tmp_path / "ca.pem"), timeout=60).json()
        assert [entry["path"] for entry in ledger] == ["/EventHandlerRegistration/1"]


def test_who_never_shakes_hands_hinders_nobody() -> None:
    """Neither other clients nor the end."""
    with Simulator(certificates=1, tls=serving(issued("api", API))) as simulator:
        port = int(simulator.url.rpartition(":")[2])
        with socket.create_connection((API, port)) as mute, socket.create_connection((API, port)) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert simulator.edit("GET", "/Security/Roles")[0] == 200
            begun = time.monotonic()
            simulator.stop()
            assert time.monotonic() - begun < 60, "it would wait for ever"
            assert mute.recv(1) == b""


@pytest.mark.parametrize(
    ("token", "status", "words"),
    [
        ("right", 200, ""),
        ("", 401, "the security token is invalid"),
        ("made up", 401, "the security token is invalid"),
        ("another's", 401, "the security token is invalid"),
        ("expired", 401, "the security token has expired"),
    ],
)
def test_temporary_keys_are_worth_nothing_without_their_token(
    client: Client, token: str, status: int, words: str
) -> None:
    """Which every request has to carry."""
    lent, other = client.sim.temporary_keys(), client.sim.temporary_keys()
    if token == "expired":
        client.sim.expire_tokens()
    sent = {"right": lent["security_token"], "expired": lent["security_token"], "another's": other["security_token"]}
    headers = {"X-Security-Token": sent.get(token, token)} if token else {}
    reply = client.cloud("GET", "events", keys=(lent["access_key"], lent["secret_key"]), headers=headers)

    assert reply.status_code == status
    assert words in reply.text
