"""What a test may look at to see a switch: each probe calls a simulator and returns what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.simulator.conftest import LIMITED, Client, limited

Probe = Callable[[Client], Any]


HANDLER = "/EventHandlerRegistration/3"


def status(method: str, path: str, body: Any = None, **more: Any) -> Probe:
    """Probe a call of Command for its status."""
    return lambda client: client.command(method, path, body, **more).status_code


def put_role(then: Callable[[Client, Any], Any], role_id: int = 2, **changes: Any) -> Probe:
    """Probe a PUT of a role."""
    return lambda client: then(client, client.put_role(role_id, **changes))


def code(_client: Client, reply: Any) -> int:
    """See the status."""
    return int(reply.status_code)


def member(name: str) -> Callable[[Client, Any], Any]:
    """See a member of the role as it is read afterwards."""
    return lambda client, _reply: client.role()[name]


def deny(ids: list[int], auth: tuple[str, str] | None = None) -> Callable[[Client], dict[str, Any]]:
    """Deny and return the answer."""

    def probe(client: Client) -> dict[str, Any]:
        found: dict[str, Any] = client.command(
            "POST", "/Workflow/Certificates/Deny", {"CertificateRequestIds": ids}, auth=auth
        ).json()
        return found

    return probe


def listed_under(ids: list[int]) -> Probe:
    """See in which list of Deny's answer the ids are."""
    return lambda client: "".join(name[0] for name, items in deny(ids)(client).items() for _ in items)


def lag(change: Callable[[Client], Any], read: Callable[[Client], Any], reads: int = 3) -> Probe:
    """See the reads that follow a change."""

    def probe(client: Client) -> list[Any]:
        change(client)
        return [read(client) for _ in range(reads)]

    return probe


def order(path: str) -> Probe:
    """See the ids of a query."""
    return lambda client: len(client.command("GET", path).json())


def role_with(**changes: Any) -> Probe:
    """See the status of creating a role."""
    body = {"Name": "New", "Description": "d", "PermissionSetId": "00000000-0000-0000-0000-000000000001", **changes}
    return status("POST", "/Security/Roles", {k: v for k, v in body.items() if v is not ...}, version=2)


def unmatched_owner(client: Client) -> int:
    """See whether expanded change owner counts."""
    limited(client, "/certificates/expanded_change_owner/", "/security/read/")
    with client.sim.lock:
        client.sim.world.certificates[11] = client.sim.world.certificates[11]._replace(owner=None)
    return client.command("PUT", "/Certificates/11/Owner", {"NewRoleId": 3}, auth=LIMITED).status_code


def same_owner(client: Client) -> int:
    """See how many history entries two equal changes leave."""
    for _ in range(2):
        client.command("PUT", "/Certificates/12/Owner", {"NewRoleId": 4})
    return len(client.command("GET", "/Certificates/12/History").json())


def hidden(client: Client) -> int:
    """See how a certificate outside the caller's collection is refused."""
    limited(client, "/certificates/collections/read/2/")
    return client.command("GET", "/Certificates/1?collectionId=2", auth=LIMITED).status_code


def listed_scopes(client: Client) -> list[list[str]]:
    """See which collections and containers are listed for who may read one of each."""
    limited(client, "/certificates/collections/read/2/", "/certificate_stores/read/1/")
    paths = ("/CertificateCollections", "/CertificateStoreContainers")
    return [[row["Name"] for row in client.command("GET", path, auth=LIMITED).json()] for path in paths]


def unpermitted_deny(client: Client) -> Any:
    """See what a caller without the permission gets."""
    limited(client, "/certificates/collections/change_owner/")
    body = {"CertificateRequestIds": [23]}
    reply = client.command("POST", "/Workflow/Certificates/Deny", body, auth=LIMITED)
    return len(reply.json()["Denials"]) if reply.status_code == 200 else reply.status_code


def forbidden(client: Client) -> str:
    """See the first letter of a 403's body."""
    limited(client)
    return client.command("GET", "/Security/Roles", auth=LIMITED).text[:1]


def unauthorized(client: Client) -> str:
    """See the first letter of a 401's body."""
    return client.command("GET", "/Security/Roles", auth=("x", "y")).text[:1]


def swap_claim(client: Client) -> bool:
    """See whether a claim survives that no role holds any more."""
    client.put_role(Claims=[])
    return 4 in client.sim.world.claims


def described(client: Client) -> str:
    """See a claim's description after a role carried another."""
    claims = [{**claim, "Description": "other"} for claim in client.role_body()["Claims"]]
    client.put_role(Claims=claims)
    return str(client.sim.world.claims[4]["Description"])


def described_late(client: Client) -> list[str]:
    """See the descriptions read after a change (whose own answer is the first)."""
    reply = client.command("PUT", "/Security/Claims", {"Id": 4, "Description": "other"})
    return [
        reply.json()["Description"],
        *(client.command("GET", "/Security/Claims/4").json()["Description"] for _ in range(2)),
    ]


def directory_value(client: Client) -> str:
    """See an Active Directory claim's value."""
    with client.sim.lock:
        client.sim.world.claims[3]["ClaimValue"] = "Pki-Ops"
    return str(client.role()["Claims"][0]["ClaimValue"])


def provider(client: Client) -> Any:
    """See the scheme of an Entra claim."""
    found = client.role()["Claims"][1]["Provider"]
    return found and found["AuthenticationScheme"]


def delete_owner(client: Client) -> Any:
    """See what deleting an owning role does."""
    reply = client.command("DELETE", "/Security/Roles/3")
    owned = sum(row.owner == 3 for row in client.sim.world.certificates.values())
    return reply.status_code, owned > 0


def unknown_member(client: Client) -> Any:
    """See what becomes of a member that no table knows."""
    reply = client.put_role(Colour="red")
    return client.role().get("Colour") if reply.status_code == 200 else reply.status_code


def notes(client: Client) -> Any:
    """See the extra member before, after a PUT that sends it, after one that does not."""
    before = client.role().get("Notes")
    client.put_role()
    kept = client.role().get("Notes")
    client.put_role(Notes=...)
    return before, kept, client.role().get("Notes")


def stored_name(client: Client) -> str:
    """See a description after it was stored."""
    client.put_role(Description="  Cafe\u0301 with a long name that goes on and on  ")
    return str(client.role()["Description"])


def order_of_permissions(client: Client) -> list[str]:
    """See the order of three permissions."""
    client.put_role(Permissions=["/portal/read/", "/auditing/read/", "/reports/read/"])
    return [one[1] for one in client.role()["Permissions"]]


def token(scope: str = "") -> Probe:
    """See the token endpoint's answer."""

    def probe(client: Client) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_id": "reconciler",
            "client_secret": client.keyfactor["client_secret"],
            "scope": scope,
        }
        reply = client.session.post(client.keyfactor["token_url"], data=form, timeout=60)
        return reply.json()["expires_in"] if reply.status_code == 200 else reply.status_code

    return probe


def described_role(client: Client) -> str:
    """See a role's description."""
    return str(client.role()["Description"])


def put_role_v1_without_set(client: Client) -> tuple[int, str]:
    """See the status of a version 1 PUT of a role that is not in Global, and the beginning of its set after it."""
    shown = client.command("GET", "/Security/Roles/7", version=1).json()
    del shown["PermissionSetId"]
    reply = client.command("PUT", "/Security/Roles", shown, version=1)
    return reply.status_code, client.role(7)["PermissionSetId"][:2]


def owner_after(body: Any) -> Probe:
    """See the owner after a change, or its refusal."""

    def probe(client: Client) -> Any:
        reply = client.command("PUT", "/Certificates/12/Owner", body)
        return client.sim.world.certificates[12].owner if reply.status_code == 204 else reply.status_code

    return probe


def owner_kept_by(body: Any) -> Probe:
    """See the status of a change to a certificate that has an owner, and the owner after it."""

    def probe(client: Client) -> Any:
        client.command("PUT", "/Certificates/12/Owner", {"NewRoleId": 4})
        status = client.command("PUT", "/Certificates/12/Owner", body).status_code
        return status, client.sim.world.certificates[12].owner

    return probe


def handler_after(body: Any) -> Probe:
    """See a handler after a change."""
    return lambda client: [client.command("PUT", HANDLER, body).json()[name] for name in ("DisplayName", "Enabled")]
