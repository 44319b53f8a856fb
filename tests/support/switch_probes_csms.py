"""What a test may look at to see a switch of CSMS: each probe returns what came of its calls."""

from __future__ import annotations

from typing import Any

from reconciler.simulator.csms.iam import derive_iam_id
from tests.simulator.conftest import EVENT, Client
from tests.support.switch_probes import Probe


def cloud(method: str, path: str, body: Any = None, **more: Any) -> Probe:
    """Probe a call of CSMS for its status."""
    return lambda client: client.cloud(method, path, body, **more).status_code


def update_event(body: Any) -> Probe:
    """See an event after an update."""

    def probe(client: Client) -> list[Any]:
        event = client.cloud("PUT", "events/lifecycle", body).json()["event"]
        return [event["state"], event["event_types"], event["notification"] is not None]

    return probe


def pages(client: Client) -> list[str]:
    """See the names on the first two pages of two, by the server's own marker."""
    first = client.cloud("GET", "events?limit=2").json()
    marker = first["page_info"]["next_marker"]
    second = client.cloud("GET", f"events?limit=2&marker={marker}").json()
    return [event["name"] for event in first["events"] + second["events"]]


def extra_type(client: Client) -> Any:
    """See the event types before and after an update that does not send the extra one."""
    before = client.cloud("GET", "events/lifecycle").json()["event"]["event_types"]
    client.cloud("PUT", "events/lifecycle", {"event_types": ["SECRET_DELETED"]})
    return len(before), client.cloud("GET", "events/lifecycle").json()["event"]["event_types"]


def moved(client: Client) -> bool:
    """See whether update_time moves where nothing changes."""
    before = client.cloud("GET", "events/lifecycle").json()["event"]
    after = client.cloud("PUT", "events/lifecycle", {"state": before["state"]}).json()["event"]
    return bool(after["update_time"] != before["update_time"])


def iam_token(client: Client) -> Any:
    """See whether a fresh IAM token works."""
    issued = client.sim.world.iam_tokens.issue("x", client.sim.world.switches["csms_token_lifetime"])
    path = f"{client.sim.url}/v1/{client.csms['project_id']}/csms/events"
    return client.session.get(path, headers={"X-Auth-Token": issued}, timeout=60).status_code


def by_ids(client: Client) -> int:
    """See whether a user and an account may be called by their ids."""
    user = {"name": "reconciler", "password": client.csms["password"], "domain": {"id": derive_iam_id("example")}}
    identity = {"methods": ["password"], "password": {"user": user}}
    wanted = {"auth": {"identity": identity, "scope": {"project": {"id": client.csms["project_id"]}}}}
    return client.session.post(f"{client.csms['iam_url']}/auth/tokens", json=wanted, timeout=60).status_code


def locked(client: Client) -> int:
    """See whether the access key works after six failures."""
    for _ in range(6):
        client.cloud("GET", "events", keys=(client.csms["access_key"], "wrong"))
    return client.cloud("GET", "events").status_code


def over_quota(client: Client) -> int:
    """See how one event too many is refused."""
    client.sim.switch(csms_quota=0)
    return client.cloud("POST", "events", EVENT).status_code
