"""Who may do what in Command: permissions, the Global permission set, and the rules of changing an owner."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.conftest import LIMITED, Client, limited

NEEDED = {
    ("PUT", "/Security/Roles"): "/security/modify/",
    ("GET", "/Security/Roles"): "/security/read/",
    ("PUT", "/EventHandlerRegistration/1"): "/monitoring/handlers/registration/modify/",
    ("GET", "/EventHandlerRegistration"): "/monitoring/handlers/registration/read/",
    ("GET", "/Workflow/Certificates/Pending"): "/monitoring/alerts/read/",
    ("POST", "/Workflow/Certificates/Deny"): "/certificates/requests/manage/",
    ("GET", "/Certificates"): "/certificates/collections/read/",
    ("GET", "/IdentityProviders"): "/identity_providers/read/",
}
BODIES: dict[str, Any] = {
    "/EventHandlerRegistration/1": {"DisplayName": "x", "Enabled": True},
    "/Workflow/Certificates/Deny": {"CertificateRequestIds": []},
}


@pytest.mark.parametrize(("method", "path"), NEEDED)
def test_a_caller_needs_the_permission_or_one_above_it(method: str, path: str, client: Client) -> None:
    """KF 4: 403 without, success with the very permission and with a level above, 403 with a sibling."""
    permission = NEEDED[method, path]
    version = 2 if "Roles" in path else 1
    body = client.role_body() if method == "PUT" and "Roles" in path else BODIES.get(path)
    above = "/".join(permission.split("/")[:2]) + "/"
    for held, status in (((), 403), ((permission,), 200), ((above,), 200), (("/",), 200), (("/portal/read/",), 403)):
        limited(client, *held)
        reply = client.command(method, path, body, version=version, auth=LIMITED)
        assert reply.status_code == status, held


def test_roles_are_written_only_with_the_permission_in_the_global_set(client: Client) -> None:
    """Seed 004: held in another permission set, /security/modify/ does not count."""
    other = next(guid for guid in client.sim.world.permission_sets if guid != client.sim.world.global_set_id)
    limited(client, "/security/", permission_set=other)
    assert client.command("GET", "/Security/Roles", version=2, auth=LIMITED).status_code == 200
    assert client.command("PUT", "/Security/Roles", client.role_body(), version=2, auth=LIMITED).status_code == 403
    assert client.sim.ledger == []


def test_a_caller_can_lock_itself_out(client: Client) -> None:
    """KF 1.6: nothing protects a caller from removing its own permission."""
    own = client.role(8)
    kept = [one for one in own["Permissions"] if one != "/security/modify/"]
    assert client.put_role(8, Permissions=kept).status_code == 200
    assert client.put_role(8).status_code == 403


CHANGE, EXPANDED = "/certificates/collections/change_owner/", "/certificates/expanded_change_owner/"
OWNER_RULES = {
    "change owner and both roles": ((CHANGE,), True, "", 204),
    "change owner without the new role": ((CHANGE,), False, "", 403),
    "expanded, with the roles' permission sets": ((EXPANDED, "/security/read/"), False, "", 204),
    "expanded without reading security": ((EXPANDED,), False, "", 403),
    "change owner of the collection": ((CHANGE + "4/",), True, "?CollectionId=4", 204),
    "change owner of a collection that the certificate is not in": ((CHANGE + "2/",), True, "?CollectionId=2", 403),
    "change owner of a collection that is not named": ((CHANGE + "4/",), True, "", 403),
    "change owner of the container": (("/certificate_stores/change_owner/1/",), True, "?ContainerId=1", 204),
    "the collection beats the container": (
        ("/certificate_stores/change_owner/1/",),
        True,
        "?ContainerId=1&CollectionId=4",
        403,
    ),
    "nothing": ((), True, "", 403),
}


@pytest.mark.parametrize("name", OWNER_RULES)
def test_who_may_change_an_owner(name: str, client: Client) -> None:
    """KF 6.3: change owner looks at the caller's roles and the owners, expanded change owner at permission sets."""
    permissions, member, query, status = OWNER_RULES[name]
    role_id = limited(client, *permissions)
    with client.sim.lock:
        world = client.sim.world
        world.certificates[11] = world.certificates[11]._replace(owner=None, template="CodeSigning")
    target = role_id if member else 3
    reply = client.command("PUT", f"/Certificates/11/Owner{query}", {"NewRoleId": target}, auth=LIMITED)
    assert reply.status_code == status
    assert len(client.sim.ledger) == (status == 204)


def test_change_owner_needs_the_present_owners_role_too(client: Client) -> None:
    """KF 6.3: giving away what one does not own is refused."""
    role_id = limited(client, CHANGE)
    with client.sim.lock:
        world = client.sim.world
        world.certificates[11] = world.certificates[11]._replace(owner=3)
    assert client.command("PUT", "/Certificates/11/Owner", {"NewRoleId": role_id}, auth=LIMITED).status_code == 403
