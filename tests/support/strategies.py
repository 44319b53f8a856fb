"""Worlds and documents drawn at random, for laws that hold whatever they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from reconciler.kinds.kind import Wanted
from reconciler.model import Json
from tests.support.sample_plans import GUID, certificate, document, event, pending

World = dict[str, Json]

OTHER_GUID = GUID[:-1] + "2"
WORDS = st.sampled_from(["d", "new words", "é"])
EMAILS = st.sampled_from(["a@example.com", "b@example.com"])


def _irredundant(held: set[str]) -> list[str]:
    return sorted(one for one in held if not any(one != other and one.startswith(other) for other in held))


def permissions(least: int = 0) -> st.SearchStrategy[list[str]]:
    """Permissions that the server takes together."""
    known = st.sampled_from(["/a/", "/a/b/", "/a/b/5/", "/c/read/", "/c/modify/"])
    return st.sets(known, min_size=least, max_size=4).map(_irredundant)


EXTRA = st.dictionaries(  # an unknown list may be an ordered one, so it is kept as it comes: one member has no order
    st.sampled_from(["Notes", "OwnerGroup", "zz"]), st.none() | st.integers() | st.lists(WORDS, max_size=1)
)
AD = st.tuples(
    st.sampled_from(["User", "Group"]),
    st.sampled_from(["ann", "CORP\\ann", "corp\\Bob", "LAB\\ann"]),
    st.just("Active Directory"),
)
OAUTH = st.tuples(
    st.sampled_from(["OAuthRole", "OAuthOid"]), st.sampled_from(["r", "R", "s"]), st.sampled_from(["Entra", "Okta"])
)


def _folded(claim: tuple[str, str, str]) -> tuple[str, ...]:
    """Return what two claims must not share to stand in one list; accounts are told apart by their names here."""
    return (claim[0], claim[1].casefold().rpartition("\\")[2]) if claim[2] == "Active Directory" else claim


def claims_(least: int = 0) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    """Claims that may stand in one list."""
    return st.lists(AD | OAUTH, unique_by=_folded, min_size=least, max_size=4)


@st.composite
def live_roles(draw: st.DrawFn, number: int) -> dict[str, Json]:
    """Draw a role as a server may show it, members of a later version included; accounts have their domain."""
    claims = [
        {
            "Id": at,
            "ClaimType": kind,
            "ClaimValue": value if "\\" in value or not provider.startswith("Active") else f"CORP\\{value}",
            "Description": draw(st.none() | WORDS),
            "Provider": {"AuthenticationScheme": provider},
        }
        for at, (kind, value, provider) in enumerate(draw(claims_()))
    ]
    return {
        "Id": number,
        "Name": f"Role {number}",
        "Description": draw(WORDS),
        "EmailAddress": draw(st.none() | st.just("") | EMAILS),
        "Immutable": draw(st.integers(0, 9)) == 0,
        "PermissionSetId": draw(st.sampled_from([GUID, OTHER_GUID.upper()])),
        "Permissions": draw(permissions()),
        "Claims": claims,
        **draw(EXTRA),
    }


@st.composite
def role_specs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a random part of what can be declared of a role."""
    claims = draw(claims_(1))
    whole: dict[str, Any] = {
        "description": draw(WORDS),
        "emailAddress": draw(EMAILS),
        "permissionSet": draw(st.sampled_from([GUID, OTHER_GUID, "Global", "other"])),
        "permissions": draw(permissions(1)),
        "claims": [{"type": kind, "value": value, "provider": provider} for kind, value, provider in claims],
    }
    said = draw(st.sets(st.sampled_from(list(whole)), max_size=5))
    spec = {name: whole[name] for name in whole if name in said}
    clear = [name for name in ("emailAddress", "permissions", "claims") if name not in said and draw(st.booleans())]
    additive = [name for name in ("permissions", "claims") if name in said and draw(st.booleans())]
    spec |= {name: value for name, value in (("clear", clear), ("additive", additive)) if value}
    return spec if set(spec) - {"additive"} else {"description": "d"}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Wanted], World]:
    """Draw a world of every kind, and documents about parts of it and about what isn't there."""
    roles = [draw(live_roles(number)) for number in range(1, 1 + draw(st.integers(1, 2)))]
    owners = st.none() | st.sampled_from([role["Name"] for role in roles])
    types = st.sets(
        st.sampled_from(["SECRET_DELETED", "SECRET_ROTATED", "SECRET_VERSION_NEAR_EXPIRY"]), min_size=1
    ).map(sorted)
    states = st.sampled_from(["ENABLED", "DISABLED"])
    world: World = {
        "/Security/Roles": [{"Id": role["Id"], "Name": role["Name"]} for role in roles],
        **{f"/Security/Roles/{role['Id']}": role for role in roles},
        "/PermissionSets": [{"Id": GUID, "Name": "Global"}, {"Id": OTHER_GUID, "Name": "Other"}],
        "/Security/Claims": draw(live_roles(0))["Claims"],
        "/EventHandlerRegistration": [
            {
                "Id": number,
                "ClassName": f"H{number}",
                "DisplayName": draw(st.none() | WORDS),
                "Enabled": draw(st.booleans()),
            }
            for number in (1, 2)
        ],
        "/Certificates": [certificate(number, draw(owners)) for number in (7, 8, 9, 10)],
        "/Workflow/Certificates/Pending": [
            pending(number, Template=draw(st.sampled_from("AB"))) for number in (3, 4, 5)
        ],
        "/v1/0123/csms/events": [event(name, state=draw(states), event_types=draw(types)) for name in ("e", "f")],
    }
    live = {role["Id"] for role in roles}
    wanted = [
        *(_role(draw, number, live) for number in (1, 2, 3) if draw(st.booleans())),
        *(_handler(draw, number) for number in (1, 2) if draw(st.booleans())),
        *_owners(draw, ["role 1", *(role["Name"] for role in roles)]),
        *_denials(draw),
        *(_event(draw, name, live=name == "e") for name in ("e", "g") if draw(st.booleans())),
    ]
    return wanted, world


def _some(draw: st.DrawFn, whole: Mapping[str, Any]) -> dict[str, Any]:
    said = draw(st.sets(st.sampled_from(list(whole)), min_size=1))
    return {name: value for name, value in whole.items() if name in said}


def _role(draw: st.DrawFn, number: int, live: set[int]) -> Wanted:
    """Draw a document about a role; nearly always with what creating it needs, where it isn't there."""
    needed = {} if number in live or draw(st.integers(0, 9)) == 0 else {"description": "d", "permissionSet": "Global"}
    return document("SecurityRole", f"ROLE {number}", draw(role_specs()) | needed, number)


def _handler(draw: st.DrawFn, number: int) -> Wanted:
    spec = _some(draw, {"displayName": draw(WORDS), "enabled": draw(st.booleans())})
    return document("EventHandler", f"h{number}", {"className": f"h{number}", **spec}, 10 + number)


def _owners(draw: st.DrawFn, names: list[str]) -> list[Wanted]:
    ways = [{"ids": [7, 8]}, {"thumbprints": [f"{9:040x}"]}]
    to = [draw(st.just({"clear": ["owner"]}) | st.sampled_from(names).map(lambda name: {"owner": name})) for _ in ways]
    return [
        document("CertificateOwner", f"o{at}", {**owner, "certificates": way}, 20 + at)
        for at, (owner, way) in enumerate(zip(to, ways, strict=True))
        if draw(st.booleans())
    ]


def _denials(draw: st.DrawFn) -> list[Wanted]:
    specs: list[dict[str, Any]] = [
        {"match": {"template": "A"}},
        {"requests": [{"id": 3, "template": "A"}, {"id": 99, "template": "A"}]},
    ]
    return [document("RequestDenial", "d", draw(st.sampled_from(specs)), 30)] if draw(st.booleans()) else []


def _event(draw: st.DrawFn, name: str, live: bool) -> Wanted:
    told = {"targetType": "SMN", "targetId": "urn:smn:b", "targetName": "pki"}
    named = {"topic": "pki"}
    whole = {"state": "DISABLED", "eventTypes": ["SECRET_ROTATED", "SECRET_VERSION_CREATED"]}
    whole["notification"] = draw(st.sampled_from([told, named]))
    some = draw(st.sampled_from([_some(draw, told), named]))
    spec = _some(draw, whole | {"notification": some}) if live else whole
    if "eventTypes" in spec and draw(st.booleans()):
        spec = {**spec, "additive": ["eventTypes"]}
    return document("SecretEvent", name, spec, 40 + ord(name[0]))
