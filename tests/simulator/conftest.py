"""Both simulated APIs over real HTTP, and clients that say no more than a test wants them to say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from reconciler.simulator import Simulator
from reconciler.simulator.http.messages import HttpRequest
from reconciler.simulator.routing.signing import compute_signature
from reconciler.simulator.world.identities import Account

Json = Any
CLAIM_TYPES = ("User", "Group", "Computer", "OAuthOid", "OAuthRole", "OAuthSubject", "OAuthClientId")


class Client:
    """Calls a running simulator as the reconciler's account, by Basic and AK/SK, unless a test says otherwise."""

    def __init__(self, sim: Simulator) -> None:
        self.sim = sim
        self.session = requests.Session()
        self.session.trust_env = False
        self.keyfactor: dict[str, str] = sim.credentials["keyfactor"]
        self.csms: dict[str, str] = sim.credentials["csms"]

    def command(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        version: int | str | None = 1,
        headers: Mapping[str, str | None] | None = None,
        auth: tuple[str, str] | None = None,
        raw: bytes | None = None,
    ) -> requests.Response:
        """Call Command; a header of None is left out."""
        sent: dict[str, str | None] = {"x-keyfactor-requested-with": "APIClient", "Content-Type": "application/json"}
        if version is not None:
            sent["x-keyfactor-api-version"] = str(version)
        sent |= dict(headers or {})
        if "Authorization" not in sent:
            auth = auth or (self.keyfactor["username"], self.keyfactor["password"])
        data = raw if raw is not None else (None if body is None else json.dumps(body).encode())
        return self.session.request(
            method, self.keyfactor["url"] + path, data=data, headers=sent, auth=auth, allow_redirects=False, timeout=60
        )

    def cloud(
        self,
        method: str,
        path: str,
        body: Json = None,
        *,
        headers: dict[str, str] | None = None,
        at: datetime | None = None,
        keys: tuple[str, str] | None = None,
        raw: bytes | None = None,
        kind: str = "application/json",
    ) -> requests.Response:
        """Call CSMS or IAM, signed; a path without a slash is one of the project's own."""
        root = f"/v1/{self.csms['project_id']}/csms"
        path = path if path.startswith("/") else f"{root}/{path}"
        data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        url = self.sim.url
        sent = {"host": url.removeprefix("http://"), "content-type": kind}
        sent["x-sdk-date"] = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
        access, secret = keys or (self.csms["access_key"], self.csms["secret_key"])
        bare, _, query = path.partition("?")
        names = tuple(sorted(sent))
        mark = compute_signature(HttpRequest(method, bare, query, sent, data), names, secret)
        sent["Authorization"] = f"SDK-HMAC-SHA256 Access={access}, SignedHeaders={';'.join(names)}, Signature={mark}"
        sent |= headers or {}
        return self.session.request(method, url + path, data=data, headers=sent, allow_redirects=False, timeout=60)

    def role(self, role_id: int = 2) -> dict[str, Json]:
        """Read a role in version 2."""
        found: dict[str, Json] = self.command("GET", f"/Security/Roles/{role_id}", version=2).json()
        return found

    def role_body(self, role_id: int = 2, **changes: Json) -> dict[str, Json]:
        """Return the whole body that puts a role back as it is, with changes; `...` leaves a member out."""
        role = self.role(role_id)
        claims = [claim_body(claim) for claim in role["Claims"]]
        body = {**role, "Claims": claims, **changes}
        return {name: value for name, value in body.items() if value is not ...}

    def put_role(self, role_id: int = 2, **changes: Json) -> requests.Response:
        """Put a role back with changes."""
        return self.command("PUT", "/Security/Roles", self.role_body(role_id, **changes), version=2)

    def admin(self, method: str, path: str, body: Json = None) -> requests.Response:
        """Call /_sim/."""
        return self.session.request(method, f"{self.sim.url}/_sim/{path}", json=body, timeout=60)


def claim_body(claim: dict[str, Json]) -> dict[str, Json]:
    """Turn a claim as read into a claim as sent."""
    return {
        "ClaimType": CLAIM_TYPES.index(claim["ClaimType"]),
        "ClaimValue": claim["ClaimValue"],
        "ProviderAuthenticationScheme": claim["Provider"]["AuthenticationScheme"] if claim["Provider"] else "Entra",
        "Description": claim["Description"],
    }


EVENT: dict[str, Any] = {
    "name": "new-event",
    "event_types": ["SECRET_ROTATED", "SECRET_VERSION_CREATED"],
    "state": "ENABLED",
    "notification": {"target_type": "SMN", "target_id": "urn:smn:cn-north-4:p:t", "target_name": "t"},
}

LIMITED = ("CORP\\limited", "secret")


def limited(client: Client, *permissions: str, permission_set: str | None = None) -> int:
    """Give an account of its own a role with these permissions; returns the role's id."""
    world = client.sim.world
    key = (0, "corp\\limited", "active directory")
    world.users["corp\\limited"] = Account(*LIMITED, (key,))
    world.claims[900] = {
        "Id": 900,
        "ClaimType": 0,
        "ClaimValue": LIMITED[0],
        "ProviderAuthenticationScheme": "Active Directory",
        "Description": "",
    }
    world.roles[90] = {
        "Id": 90,
        "Name": "Limited",
        "Description": "",
        "EmailAddress": None,
        "Immutable": False,
        "PermissionSetId": permission_set or world.global_set_id,
        "Permissions": list(permissions),
        "Claims": [900],
        "Extra": {},
    }
    return 90


Start = Callable[..., Client]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start simulators with any settings; all are stopped at the end."""
    clients: list[Client] = []

    def start(**settings: Any) -> Client:
        sim = Simulator(**settings)
        sim.start()
        clients.append(Client(sim))
        return clients[-1]

    yield start
    for client in clients:
        client.session.close()
        client.sim.stop()


@pytest.fixture
def client(start: Start) -> Client:
    """A client of a simulator with the default settings."""
    return start()
