"""Why a change of a role deserves thought, in words: a clause without a subject, whatever changes and by how much."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.model import Json, ObjectSides, Risk
from reconciler.payloads.claims import ClaimKey

CLAIMS = [ClaimKey("OAuthRole", value, "Entra") for value in ("a", "b", "c")]
SHOWN = [claim._asdict() for claim in CLAIMS]
RIGHTS = ["/a/read/", "/b/read/", "/c/read/"]


def make_fields(claims: int, rights: int = 0) -> dict[str, Any]:
    """Return a role as it will be, held by so many claims and with so many rights."""
    return {"claims": frozenset(CLAIMS[:claims]), "permissions": frozenset(RIGHTS[:rights])}


# what changes, from what to what, in a role that will be like this: the reason
ROWS: list[tuple[str, Json, Json, dict[str, Any], str]] = [
    ("permissions", [], RIGHTS[:1], make_fields(2), "adds a right to 2 claims"),
    ("permissions", [], RIGHTS[:2], make_fields(1), "adds 2 rights to 1 claim"),
    ("permissions", RIGHTS[:1], RIGHTS[:2], make_fields(0), "adds a right to a role that no claim holds"),
    ("permissions", RIGHTS[:2], ["/", *RIGHTS[:2]], make_fields(1), "adds every right to 1 claim"),
    ("permissions", RIGHTS, RIGHTS[:1], make_fields(2), "takes 2 rights from 2 claims"),
    ("permissions", RIGHTS, [], make_fields(2), "takes all 3 rights from 2 claims"),
    ("permissions", RIGHTS[:1], [], make_fields(1), "takes the only right from 1 claim"),
    ("permissions", ["/"], [], make_fields(3), "takes every right from 3 claims"),
    ("permissions", RIGHTS[:1], RIGHTS[1:], make_fields(2), "adds 2 rights to 2 claims and takes a right from them"),
    ("permissions", ["/"], RIGHTS[1:], make_fields(1), "adds 2 rights to 1 claim and takes every right from it"),
    ("permissions", None, RIGHTS, make_fields(2), "adds 3 rights to 2 claims"),
    ("claims", [], SHOWN[:1], make_fields(1, 3), "gives 3 rights to 1 claim"),
    ("claims", SHOWN[:1], SHOWN, make_fields(3, 1), "gives a right to 2 claims"),
    ("claims", SHOWN[:1], SHOWN, make_fields(3), "gives a role without rights to 2 claims"),
    ("claims", None, SHOWN, make_fields(3, 2), "gives 2 rights to 3 claims"),
    ("claims", None, SHOWN, {**make_fields(3), "permissions": ["/"]}, "gives every right to 3 claims"),
    ("claims", SHOWN, SHOWN[:1], make_fields(1, 2), "takes 2 rights from 2 claims"),
    ("claims", SHOWN[:1], SHOWN[1:], make_fields(2, 2), "gives 2 rights to 2 claims and takes 2 rights from 1 claim"),
    ("claims", SHOWN[:1], SHOWN[1:], make_fields(2, 1), "gives a right to 2 claims and takes a right from 1 claim"),
    ("claims", SHOWN, [], make_fields(0, 1), "takes a right from 3 claims, and nobody holds the role any more"),
    ("permissionSet", "Global", "Other", make_fields(1), "changes what the role may hold at most"),
    ("name", "Old", "New", make_fields(1), "renames a role that others may know by its name"),
    ("permissionSet", None, "Global", make_fields(1), "bounds what a new role may hold"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "fields", "reason"), ROWS, ids=[row[-1] for row in ROWS])
def test_a_high_risk_has_its_reason(path: str, before: Json, after: Json, fields: dict[str, Any], reason: str) -> None:
    """Who gains or loses what, counted, where nothing else of the role changes."""
    is_claims = path == "claims"
    value = frozenset(ClaimKey(**claim) for claim in before or ()) if is_claims else before
    sides = ObjectSides(None if before is None else {**fields, path: value}, fields)

    assert KINDS["SecurityRole"].assess(path, before, after, sides) == (Risk.HIGH, reason)


# the role before, as it will be, what is said of its permissions, and of its claims
BOTH: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (make_fields(2, 1), make_fields(3, 2), "adds a right to 2 claims", "gives 2 rights to 1 claim"),
    (make_fields(3, 1), make_fields(2, 2), "adds a right to 2 claims", "takes a right from 1 claim"),
    (make_fields(3, 3), make_fields(1, 2), "takes a right from 1 claim", "takes 3 rights from 2 claims"),
    (
        make_fields(0, 1), make_fields(2, 2),
        "adds a right to a role whose holders are all new", "gives 2 rights to 2 claims",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("role", "new_role", "of_permissions", "of_claims"), BOTH)
def test_who_joins_or_leaves_is_counted_once(
    role: dict[str, Any], new_role: dict[str, Any], of_permissions: str, of_claims: str
) -> None:
    """Rights are added to those who keep the role; whoever joins gets all, whoever leaves loses what it had."""
    sides = ObjectSides(role, new_role)
    reasons = [
        KINDS["SecurityRole"].assess(path, show(role[path]), show(new_role[path]), sides).reason
        for path in ("permissions", "claims")
    ]

    assert reasons == [of_permissions, of_claims]


def show(members: frozenset[Any]) -> list[Json]:
    """Return a set as a plan shows it."""
    return [member._asdict() if isinstance(member, ClaimKey) else member for member in sorted(members)]


def test_what_is_not_known_is_not_counted() -> None:
    """Of a step that is refused only what its document declares is known."""
    rights, holders = ObjectSides({"permissions": []}, {"permissions": RIGHTS}), ObjectSides({}, {"claims": CLAIMS})

    assert (
        KINDS["SecurityRole"].assess("permissions", [], RIGHTS, rights).reason
        == "adds 3 rights to whoever holds the role"
    )
    assert KINDS["SecurityRole"].assess("claims", [], SHOWN, holders).reason == "gives the role's rights to 3 claims"


@pytest.mark.parametrize("path", ["description", "emailAddress", "claims.ops.description"])
def test_words_are_a_low_risk(path: str) -> None:
    """They give nobody anything."""
    assert KINDS["SecurityRole"].assess(path, "old", "new", ObjectSides({}, make_fields(1, 1))) == (Risk.LOW, "")
