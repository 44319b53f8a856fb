"""Just before and just after a write, for every kind: what moved, what is already so, what is read back."""

from __future__ import annotations

import pytest

from reconciler.engine.apply import apply
from reconciler.kinds.kind import Wanted
from reconciler.model import Json, Outcome, Verdict
from tests.support.sample_plans import GUID, certificate, document, event, handler, pending, planned, registered, role
from tests.support.scripted_servers import HANDLER, Server, answer

RAW = {
    "role": role(1, "R", Permissions=["/b/", "/a/"], Notes="x"),
    "certificate": certificate(7, "Old", OwnerRoleId=3, IssuedCN="a.example.com", NotAfter="2027-01-31T00:00:00Z"),
    "event": event("e"),
    "request": pending(5),
    "handler": registered("A")[0],
}
ROLE, CERTIFICATE, EVENT, REQUEST = (
    "/Security/Roles/1",
    "/Certificates/7",
    "/v1/0123/csms/events/e",
    "/Workflow/Certificates/5",
)
LISTS: dict[str, Json] = {
    "/Security/Roles": [{"Id": 1, "Name": "R"}, {"Id": 4, "Name": "New"}],
    "/Certificates": [RAW["certificate"]],
    "/v1/0123/csms/events": [RAW["event"]],
    "/Workflow/Certificates/Pending": [RAW["request"]],
    "/EventHandlerRegistration": [RAW["handler"]],
    ROLE: RAW["role"],
}
OWNER = document("CertificateOwner", "o", {"owner": "New", "certificates": {"ids": [7]}})
DENIAL = document("RequestDenial", "d", {"requests": [{"id": 5, "template": "Web"}]})
ROLE_DOCUMENT = document("SecurityRole", "R", {"description": "new"})
EVENT_DOCUMENT = document("SecretEvent", "e", {"state": "DISABLED"})
NEW_ROLE = document("SecurityRole", "S", {"description": "d", "permissionSet": GUID})
NEW_EVENT = document(
    "SecretEvent",
    "f",
    {
        "state": "ENABLED",
        "eventTypes": ["SECRET_DELETED"],
        "notification": {"targetType": "SMN", "targetId": "urn:smn:a", "targetName": "pki"},
    },
)


def before(wanted: Wanted, world: dict[str, Json]) -> Outcome:
    """Apply the plan made on LISTS in another world; the send would be seen by its answer."""
    server = Server(world, answer(400))

    (outcome,) = apply(planned([wanted], LISTS), server.seams())

    assert bool(server.sent) == (outcome.verdict is Verdict.NOT_APPLIED)
    return outcome


SAME: dict[str, tuple[Wanted, dict[str, Json]]] = {
    "a role whose lists come in another order": (ROLE_DOCUMENT, {ROLE: {**RAW["role"], "Permissions": ["/a/", "/b/"]}}),
    "a role whose GUID comes in another case": (
        ROLE_DOCUMENT,
        {ROLE: {**RAW["role"], "PermissionSetId": GUID.upper()}},
    ),
    "a certificate": (OWNER, {CERTIFICATE: {**RAW["certificate"], "KeyType": "more by id"}}),
    "a certificate whose days have no zone by id": (
        OWNER,
        {CERTIFICATE: {**RAW["certificate"], "NotAfter": "2027-01-31T00:00:00"}},
    ),
    "a certificate of which nothing but the owner is told by id": (
        OWNER,
        {CERTIFICATE: certificate(7, "Old", OwnerRoleId=3)},
    ),
    "an event whose times moved": (EVENT_DOCUMENT, {EVENT: {"event": {**RAW["event"], "update_time": 9}}}),
    "a request whose row index comes as a number": (DENIAL, {REQUEST: {**RAW["request"], "CARequestId": 105}}),
    "a handler": (handler("a"), {HANDLER: RAW["handler"]}),
    "a role that is still absent": (NEW_ROLE, {"/Security/Roles": LISTS["/Security/Roles"]}),
    "an event that is still absent": (NEW_EVENT, {}),
}


@pytest.mark.parametrize(("wanted", "world"), SAME.values(), ids=SAME)
def test_it_is_sent_where_nothing_moved(wanted: Wanted, world: dict[str, Json]) -> None:
    """What the server does not tell apart is no movement."""
    assert before(wanted, world).verdict is Verdict.NOT_APPLIED


STALE: dict[str, tuple[Wanted, dict[str, Json], str]] = {
    "a role's permissions": (ROLE_DOCUMENT, {ROLE: {**RAW["role"], "Permissions": ["/a/"]}}, "(Permissions)"),
    "a role's member that nobody knows": (ROLE_DOCUMENT, {ROLE: {**RAW["role"], "Notes": "y"}}, "(Notes)"),
    "a role that became immutable": (ROLE_DOCUMENT, {ROLE: {**RAW["role"], "Immutable": True}}, "(Immutable)"),
    "two fields of a role": (
        ROLE_DOCUMENT,
        {ROLE: {**RAW["role"], "EmailAddress": "a@b", "Description": "theirs"}},
        "(Description, EmailAddress)",
    ),
    "a role that is gone": (ROLE_DOCUMENT, {}, "(it is gone)"),
    "a role that was created meanwhile": (
        NEW_ROLE,
        {"/Security/Roles": [{"Id": 9, "Name": "s"}], "/Security/Roles/9": role(9, "s", Description="theirs")},
        "(it exists now)",
    ),
    "an event that was created meanwhile": (
        NEW_EVENT,
        {"/v1/0123/csms/events/f": {"event": event("f", state="DISABLED")}},
        "(it exists now)",
    ),
    "an event that was deleted and created again": (
        EVENT_DOCUMENT,
        {EVENT: {"event": event("e", event_id="9f")}},
        "(event_id)",
    ),
    "a certificate that somebody else owns": (
        OWNER,
        {CERTIFICATE: {**certificate(7, "Third"), "OwnerRoleId": 6}},
        "(OwnerRoleId, OwnerRoleName)",
    ),
    "a certificate id that is another certificate": (
        OWNER,
        {CERTIFICATE: {**RAW["certificate"], "Thumbprint": "F" * 40}},
        "(Thumbprint)",
    ),
    "a certificate that is called otherwise than the plan says": (
        OWNER,
        {CERTIFICATE: {**RAW["certificate"], "IssuedCN": "b.example.com"}},
        "(Name)",
    ),
    "a certificate that ends on another day than the plan says": (
        OWNER,
        {CERTIFICATE: {**RAW["certificate"], "NotAfter": "2028-01-31T00:00:00Z"}},
        "(Expires)",
    ),
    "a certificate that is gone": (OWNER, {}, "(it is gone)"),
    "a request that was issued": (DENIAL, {REQUEST: {**RAW["request"], "State": 1}}, "(5)"),
    "a request id that is another request": (DENIAL, {REQUEST: {**RAW["request"], "Requester": "x"}}, "(5)"),
    "a request that is gone": (DENIAL, {}, "(5)"),
    "a handler that was renamed": (handler("a"), {HANDLER: {**RAW["handler"], "DisplayName": "x"}}, "(DisplayName)"),
    "a handler id that is another handler": (
        handler("a"),
        {HANDLER: {**RAW["handler"], "ClassName": "B"}},
        "(ClassName)",
    ),
}


@pytest.mark.parametrize(("wanted", "world", "moved"), STALE.values(), ids=STALE)
def test_nothing_is_sent_over_what_moved(wanted: Wanted, world: dict[str, Json], moved: str) -> None:
    """The body was built from another state; what moved is named."""
    outcome = before(wanted, world)

    assert outcome.verdict is Verdict.STALE
    assert f"nothing was sent: it changed since the plan was made {moved}; plan again" in outcome.detail


UNCHANGED: dict[str, tuple[Wanted, dict[str, Json]]] = {
    "a role": (ROLE_DOCUMENT, {ROLE: {**RAW["role"], "Description": "new"}}),
    "a role that somebody created just so": (
        NEW_ROLE,
        {"/Security/Roles": [{"Id": 9, "Name": "S"}], "/Security/Roles/9": role(9, "S")},
    ),
    "an owner whose name is spelled otherwise": (OWNER, {CERTIFICATE: certificate(7, "NEW")}),
    "a denied request": (DENIAL, {REQUEST: {**RAW["request"], "State": 3}}),
    "an event": (EVENT_DOCUMENT, {EVENT: {"event": event("e", state="DISABLED", update_time=1)}}),
    "a handler": (handler("a"), {HANDLER: {**RAW["handler"], "Enabled": True}}),
}


@pytest.mark.parametrize(("wanted", "world"), UNCHANGED.values(), ids=UNCHANGED)
def test_nothing_is_sent_for_what_is_already_so(wanted: Wanted, world: dict[str, Json]) -> None:
    """A plan that is applied twice writes once."""
    outcome = before(wanted, world)

    assert (outcome.verdict, outcome.detail) == (Verdict.UNCHANGED, "it is already as wanted; nothing was sent")


VERIFIED: dict[str, tuple[Wanted, dict[str, Json], Verdict]] = {
    "a role created with the account resolved": (
        document(
            "SecurityRole",
            "S",
            {
                "description": "d",
                "permissionSet": GUID,
                "claims": [{"type": "User", "value": "ann", "provider": "Active Directory"}],
            },
        ),
        {
            "/Security/Roles": [{"Id": 9, "Name": "S"}],
            "/Security/Roles/9": role(
                9,
                "S",
                Claims=[
                    {
                        "ClaimType": "User",
                        "ClaimValue": "CORP\\Ann",
                        "Provider": {"AuthenticationScheme": "Active Directory"},
                    },
                ],
            ),
        },
        Verdict.APPLIED,
    ),
    "a role created without its claim": (
        document(
            "SecurityRole",
            "S",
            {
                "description": "d",
                "permissionSet": GUID,
                "claims": [{"type": "OAuthRole", "value": "v", "provider": "Entra"}],
            },
        ),
        {"/Security/Roles": [{"Id": 9, "Name": "S"}], "/Security/Roles/9": role(9, "S")},
        Verdict.UNKNOWN,
    ),
    "a role changed, and something it should have kept": (
        ROLE_DOCUMENT,
        {ROLE: {**RAW["role"], "Description": "new", "Notes": None}},
        Verdict.UNKNOWN,
    ),
    "an owner changed": (OWNER, {CERTIFICATE: certificate(7, "new")}, Verdict.APPLIED),
    "an owner changed to the namesake of the one that was meant": (
        OWNER,
        {CERTIFICATE: certificate(7, "New", OwnerRoleId=9)},
        Verdict.UNKNOWN,
    ),
    "an event created": (NEW_EVENT, {"/v1/0123/csms/events/f": {"event": event("f")}}, Verdict.APPLIED),
    "an event whose notification was dropped": (
        EVENT_DOCUMENT,
        {EVENT: {"event": event("e", state="DISABLED", notification={"target_type": "SMN"})}},
        Verdict.UNKNOWN,
    ),
}


@pytest.mark.parametrize(("wanted", "effect", "verdict"), VERIFIED.values(), ids=VERIFIED)
def test_applied_is_said_of_the_whole_object_read_back(
    wanted: Wanted, effect: dict[str, Json], verdict: Verdict
) -> None:
    """Not of the declared fields alone: what a write was not to touch is looked at too."""
    world = {**LISTS, CERTIFICATE: RAW["certificate"], EVENT: {"event": RAW["event"]}}
    server = Server(world, effect=effect)

    (outcome,) = apply(planned([wanted], LISTS), server.seams())

    assert outcome.verdict is verdict
    assert len(server.sent) == 1
