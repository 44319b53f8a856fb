"""A path that nobody serves: which there are, what is like it first."""

from __future__ import annotations

import pytest

from reconciler.simulator.openapi import ROUTES
from tests.simulator.conftest import Client


@pytest.mark.parametrize(
    ("method", "path", "first"),
    [
        ("GET", "/Security/Role", "GET /Security/Roles,"),
        ("PUT", "/Certificate/12/Owner", "PUT /Certificates/{id}/Owner,"),
        ("GET", "/identity/providers", "GET /IdentityProviders,"),
        ("POST", "/Workflow/Certificates/Denies", "POST /Workflow/Certificates/Deny,"),
        ("GET", "/" + "x" * 8000, "GET /"),
    ],
)
def test_command_lists_what_it_has(method: str, path: str, first: str, client: Client) -> None:
    """All of it, by likeness, in a body without an error code; who has not signed in is told nothing."""
    reply = client.command(method, path, {} if method != "GET" else None)
    assert reply.status_code == 404
    assert set(reply.json()) == {"Message"}
    listed = reply.json()["Message"].partition("the simulator has ")[2]
    assert listed.startswith(first)
    assert len(listed.split(", ")) == len({(one.method, one.path) for one in ROUTES if one.api == "keyfactor"})
    assert client.command(method, path, auth=("CORP\\nobody", "x")).content == b""


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("event", "GET /v1/{project_id}/csms/events,"),
        ("/v3/auth/token", "POST /v3/auth/tokens,"),
        ("/v3/auth/domain", "GET /v3/auth/domains,"),
    ],
)
def test_the_gateway_lists_what_is_behind_it(path: str, first: str, client: Client) -> None:
    """Beside its own sentence and code (CS 2.4)."""
    reply = client.cloud("POST" if "token" in path else "GET", path)
    assert (reply.status_code, reply.json()["error_code"]) == (404, "APIGW.0101")
    assert reply.json()["error_msg"].partition("the simulator has ")[2].startswith(first)


def test_beyond_both_apis_all_operations_are_listed_with_their_prefix(client: Client) -> None:
    """A wrong address is told as what it may have been meant for."""
    reply = client.session.get(f"{client.sim.url}/KeyfactorApis/Security/Roles", timeout=60)
    assert reply.status_code == 404
    assert "has GET /KeyfactorAPI/Security/Roles, " in reply.json()["Message"]
    assert "POST /v3/auth/tokens" in reply.json()["Message"]
