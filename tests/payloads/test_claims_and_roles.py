"""Claims, permissions and roles on the wire: laws rather than examples."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from reconciler.errors import CannotEncode, IncompleteError, StaleError
from reconciler.kinds.security_role.claim_index import ClaimIndex, check_sent_descriptions, read_claim_index
from reconciler.kinds.security_role.permissions import find_redundant_pairs
from reconciler.payloads.claims import (
    CLAIM_TYPES,
    ClaimKey,
    build_lookup_key,
    encode_claim,
    encode_live_claim,
    find_matching_claims,
    is_same_claim,
    is_same_claim_set,
    read_claim_key,
    read_sent_key,
)
from reconciler.payloads.roles import build_expected_role, build_writable_role, canonicalize_role, read_roles_by_id
from tests.support.sample_plans import role
from tests.support.toy_reader import World

# --- claims

VALUES = st.sampled_from(["x", "X", "y", "A\\x", "a\\X", "B\\x", "B\\y", "", "A\\", "\\x", "A\\B\\x"])
PROVIDERS = st.sampled_from(["Active Directory", "active directory", "Entra", "Okta"])
KEYS = st.builds(ClaimKey, st.sampled_from(CLAIM_TYPES), VALUES, PROVIDERS)
AD_KEYS = st.builds(ClaimKey, st.sampled_from(CLAIM_TYPES[:2]), VALUES, st.just("Active Directory"))


def read(key: ClaimKey, description: str | None = "d", *, number: bool = False) -> dict[str, Any]:
    """Return a claim as the server shows it, made without the code under test."""
    provider = {"Id": "0f7f", "AuthenticationScheme": key.provider, "DisplayName": "x"} if key.provider else None
    shown = {"Id": 3, "Description": description, "ClaimValue": key.value, "Provider": provider}
    return {**shown, "ClaimType": list(CLAIM_TYPES).index(key.type) if number else key.type}


def test_the_numbers_of_the_claim_types() -> None:
    """The contract's table; a shifted number would give somebody else the role."""
    assert dict(enumerate(CLAIM_TYPES)) == {
        0: "User", 1: "Group", 2: "Computer", 3: "OAuthOid", 4: "OAuthRole", 5: "OAuthSubject", 6: "OAuthClientId",
    }  # fmt: skip


@given(KEYS, st.text(max_size=5), st.booleans())
def test_what_is_read_and_sent_back_is_the_same_claim(key: ClaimKey, description: str, number: bool) -> None:
    """decode, encode, decode: nothing is lost between the two forms, whichever way the type is shown."""
    assume(key.value)
    sent = encode_live_claim(read(key, description, number=number))

    assert sent == {
        "ClaimType": list(CLAIM_TYPES).index(key.type),
        "ClaimValue": key.value,
        "ProviderAuthenticationScheme": key.provider,
        "Description": description,
    }
    assert read_sent_key(sent) == key
    assert read_claim_key(read(read_sent_key(sent))) == key


@given(st.text(max_size=8) | st.integers() | st.none() | st.booleans(), st.sampled_from(["", "Entra"]))
@example("oauthrole", "Entra")
@example(4, "Entra")
@example(-1, "Entra")
@example(7, "Entra")
@example(True, "Entra")
def test_a_claim_is_sent_back_as_it_is_or_not_at_all(kind: Any, provider: str) -> None:
    """No third behaviour: whatever type the server names, the claim survives or CannotEncode is raised."""
    raw = {"ClaimType": kind, "ClaimValue": "v", "Provider": {"AuthenticationScheme": provider}, "Description": None}
    by_number = isinstance(kind, int) and not isinstance(kind, bool) and kind in range(7)
    by_name = str(kind).casefold() in {name.casefold() for name in CLAIM_TYPES}
    if provider and (by_number or by_name):
        sent = encode_live_claim(raw)
        assert CLAIM_TYPES[sent["ClaimType"]].casefold() in {
            str(kind).casefold(),
            CLAIM_TYPES[kind].casefold() if by_number else "",
        }
        assert (sent["ClaimValue"], sent["ProviderAuthenticationScheme"], sent["Description"]) == ("v", provider, "")
    else:
        with pytest.raises(CannotEncode, match="; "):
            encode_live_claim(raw)


@pytest.mark.parametrize("provider", [None, {}, {"AuthenticationScheme": None}, {"AuthenticationScheme": ""}, "Entra"])
@pytest.mark.parametrize("kind", CLAIM_TYPES)
def test_a_claim_whose_provider_is_not_told_is_never_sent(kind: str, provider: Any) -> None:
    """Sent with an empty scheme it may be bound to another provider."""
    with pytest.raises(CannotEncode, match="names no provider"):
        encode_live_claim({"ClaimType": kind, "ClaimValue": "v", "Description": "d", "Provider": provider})


def test_an_unknown_type_is_never_sent() -> None:
    """PUT would remove it, since there is no number for it."""
    with pytest.raises(CannotEncode, match="'OAuthScope'"):
        encode_claim(ClaimKey("OAuthScope", "v", "Entra"), "d")


SAME = {
    "equal": ("User", "CORP\\ann", "User", "CORP\\ann", True),
    "letter case of an account": ("User", "corp\\ANN", "User", "CORP\\ann", True),
    "a domain on one side only": ("Group", "ops", "Group", "CORP\\ops", True),
    "a machine account": ("Computer", "WEB1$", "Computer", "corp\\web1$", True),
    "another domain": ("User", "LAB\\ann", "User", "CORP\\ann", False),
    "another account": ("User", "CORP\\ann", "User", "CORP\\bob", False),
    "another type": ("User", "CORP\\ann", "Group", "CORP\\ann", False),
    "letter case of an OAuth value": ("OAuthRole", "Ops", "OAuthRole", "ops", False),
    "a backslash in an OAuth value": ("OAuthRole", "a\\b", "OAuthRole", "b", False),
}


@pytest.mark.parametrize("row", SAME.values(), ids=SAME)
def test_same(row: tuple[str, str, str, str, bool]) -> None:
    """Only Active Directory values are folded; nothing else is taken for the same."""
    one, other = ClaimKey(row[0], row[1], "P"), ClaimKey(row[2], row[3], "p")

    assert is_same_claim(one, other) is row[4]
    assert not is_same_claim(one, other._replace(provider="Q"))


@given(KEYS, KEYS)
def test_same_is_reflexive_and_symmetric(one: ClaimKey, other: ClaimKey) -> None:
    """It makes no difference which side is live and which declared."""
    assert is_same_claim(one, one)
    assert is_same_claim(one, other) == is_same_claim(other, one)


@given(st.lists(AD_KEYS, max_size=5), st.lists(AD_KEYS, max_size=5), st.randoms())
@example(
    [ClaimKey("User", v, "A") for v in ("x", "A\\x")], [ClaimKey("User", v, "A") for v in ("A\\x", "B\\x")], random
)
def test_same_set_knows_neither_sides_nor_order(some: list[ClaimKey], others: list[ClaimKey], chance: Any) -> None:
    """Sets are the same or not, whichever is given first and however they are ordered."""
    found = is_same_claim_set(some, others)

    assert is_same_claim_set(others, some) is found
    assert is_same_claim_set(chance.sample(some, len(some)), chance.sample(others, len(others))) is found
    assert is_same_claim_set(some, some)
    assert not is_same_claim_set([*some, ClaimKey("OAuthRole", "z", "A")], others)
    if found:
        assert len(some) == len(others)
        assert all(any(is_same_claim(one, other) for other in others) for one in some)


@given(AD_KEYS, st.lists(AD_KEYS, max_size=5))
def test_partners_prefers_the_very_claim(key: ClaimKey, claims: list[ClaimKey]) -> None:
    """A value with its domain is never ambiguous where the server holds exactly it."""
    found = find_matching_claims(key, claims)

    assert all(is_same_claim(key, claim) for claim in found)
    assert bool(found) == any(is_same_claim(key, claim) for claim in claims)
    assert set(find_matching_claims(key, [*claims, key])) >= {key}
    assert all(claim.value.casefold() == key.value.casefold() for claim in find_matching_claims(key, [*claims, key]))


@given(KEYS, st.lists(KEYS, max_size=6))
def test_claims_that_are_defined_are_found_as_among_all(key: ClaimKey, known: list[ClaimKey]) -> None:
    """The index leaves out none that `partners` finds; equal ones come all, by id."""
    rows = [{**read(one), "Id": number} for number, one in enumerate(known)]

    found = ClaimIndex(rows).find_claims(key)

    assert {read_claim_key(raw) for raw in found} == set(find_matching_claims(key, known))
    assert [raw["Id"] for raw in found] == [
        n for n, one in enumerate(known) if one in set(find_matching_claims(key, known))
    ]
    assert all(build_lookup_key(read_claim_key(raw)) == build_lookup_key(key) for raw in found)


def test_equal_claims_come_by_their_numbers() -> None:
    """However the server lists them, so that two readings choose the same."""
    rows = [{**read(ClaimKey("OAuthRole", "x", "Entra")), "Id": number} for number in (10, None, 9, 100)]

    found = ClaimIndex(rows).find_claims(ClaimKey("OAuthRole", "x", "Entra"))

    assert [raw["Id"] for raw in found] == [9, 10, 100, None]


@pytest.mark.parametrize("gone", ["Id", "Description", "ClaimType", "ClaimValue", "Provider"])
def test_rows_that_are_no_claims_are_not_trusted(gone: str) -> None:
    """A claim that isn't recognised would be taken for a new one, and lose its description."""
    row = {name: value for name, value in read(ClaimKey("OAuthRole", "x", "Entra")).items() if name != gone}

    with pytest.raises(IncompleteError, match=f"has no {gone}; a claim that"):
        read_claim_index(World({"/Security/Claims": [row]}))


@pytest.mark.parametrize("provider", ["", "unknown", "Unknown"])
def test_a_claim_of_a_provider_that_is_not_told_may_be_any(provider: str) -> None:
    """Whether it is the one in question can't be known, unless another one surely is."""
    wanted = ClaimKey("OAuthRole", "x", "Entra")
    twin, itself = read(wanted._replace(provider=provider)), read(wanted)

    assert "(id 3), which may be the one to add; its description" in ClaimIndex([twin]).explain_uncertainty(
        wanted, has_description=True
    )
    assert ClaimIndex([twin, itself]).explain_uncertainty(wanted, has_description=True) == ""
    assert ClaimIndex([twin]).explain_uncertainty(wanted._replace(value="y"), has_description=True) == ""


def test_a_claim_of_a_provider_that_the_server_never_names_may_be_one_that_it_names_otherwise() -> None:
    """Unless some claim is returned with the declared name, or the document says the description itself."""
    wanted = ClaimKey("OAuthRole", "x", "Entra")
    twin, other = read(wanted._replace(provider="EntraID")), read(wanted._replace(value="y"))

    assert "'EntraID' as that of its OAuthRole claim 'x' (id 3)" in ClaimIndex([twin]).explain_uncertainty(
        wanted, has_description=False
    )
    assert ClaimIndex([twin]).explain_uncertainty(wanted, has_description=True) == ""
    assert ClaimIndex([twin, other]).explain_uncertainty(wanted, has_description=False) == ""
    assert ClaimIndex([other]).explain_uncertainty(wanted._replace(value="z"), has_description=False) == ""


def test_a_role_s_claims_are_read_again_only_where_one_joins() -> None:
    """What the role holds is part of the role as it is read."""
    key = ClaimKey("OAuthRole", "x", "Entra")
    world = World({"/Security/Claims": [read(key, "now")]})

    check_sent_descriptions(world, [encode_claim(key, "then")], [key])
    assert world.asked == []
    check_sent_descriptions(world, [encode_claim(key, "now")], [])
    with pytest.raises(StaleError, match=r"claim x \(id 3\) is described as 'now' by now, not 'then'"):
        check_sent_descriptions(world, [encode_claim(key, "then")], [])


# --- permissions

SEGMENTS = st.sampled_from(["a", "ab", "a_b", "b", "5"])
PERMISSIONS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "".join(f"{part}/" for part in parts))


def naive(permissions: Iterable[str]) -> set[str]:
    """Return what the server would call redundant: a string that another one begins."""
    held = set(permissions)
    return {one for one in held if any(one != other and one.startswith(other) for other in held)}


@given(st.lists(PERMISSIONS, max_size=8))
@example(["/", "/a/"])
@example(["/a/", "/ab/"])
def test_redundant_is_what_begins_another(permissions: list[str]) -> None:
    """As the contract says it: a string grants every permission that starts with it, whole segments."""
    found = list(find_redundant_pairs(permissions))

    assert {child for child, _ in found} == naive(permissions)
    assert all(child.startswith(parent) and child != parent and parent in permissions for child, parent in found)
    assert found == sorted(found)
    assert len({child for child, _ in found}) == len(found)


# --- roles

BAD_ROLES = {
    "no claims (version 1)": {"Id": 1, "Name": "R", "Permissions": [], "Identities": []},
    "no permissions": {"Id": 1, "Name": "R", "Claims": []},
    "claims that are null": role(1, "R", Claims=None),
    "claims that are not objects": role(1, "R", Claims=["x"]),
    "permissions that are not text": role(1, "R", Permissions=[{"Area": "x"}]),
    "permissions as one text": role(1, "R", Permissions="/"),
    "no id": {**role(1, "R"), "Id": None},
    "no name": {**role(1, "R"), "Name": None},
    "a list": [role(1, "R")],
    "text": "R",
    "an empty object": {},
}


@pytest.mark.parametrize("raw", BAD_ROLES.values(), ids=BAD_ROLES)
def test_an_answer_that_is_no_role_is_not_trusted(raw: Any) -> None:
    """Writing over what is not shown would clear it."""
    with pytest.raises(IncompleteError, match="not a version 2 role"):
        read_roles_by_id(World({"/Security/Roles/1": raw}), [1])


def test_a_role_is_written_back_without_what_is_read_only() -> None:
    """Immutable can't be written; a member of a later version can and is kept, whatever the letter case."""
    raw = {**role(1, "R"), "Notes": {"a": [1]}, "immutable": True}

    assert build_writable_role(raw) == {
        **{n: v for n, v in role(1, "R").items() if n != "Immutable"},
        "Notes": {"a": [1]},
    }
    assert canonicalize_role(raw)["Notes"] == {"a": [1]}


def test_a_role_that_is_sent_back_unchanged_is_expected_as_it_is() -> None:
    """The state before and the state to come are comparable, claims aside: these are compared by key."""
    raw = role(1, "R", Description="", EmailAddress="", Permissions=["/b/", "/a/"], PermissionSetId="ABC", Extra=1)
    body = build_writable_role(raw)

    want, base = build_expected_role(body), canonicalize_role(raw)

    assert {name: base[name] for name in want} == want
    assert (want["Description"], want["EmailAddress"], want["PermissionSetId"]) == (None, None, "abc")
    assert want["Permissions"] == ["/a/", "/b/"]
