"""Who gains and who loses rights: compared with looking at every cell of small worlds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.plans.rights_analysis import (
    ALL_RIGHTS,
    ESCALATIONS,
    explain_step_escalation,
    find_rights_changes,
)
from reconciler.rights import Principal, RightsChange, RightsWorld, RoleRights, RolesById, drop_redundant

LEAVES = sorted(
    {
        *ESCALATIONS,
        "/portal/read/",
        "/security/read/",
        "/reports/read/",
        "/certificates/collections/read/",
        "/certificates/collections/read/5/",
        "/certificates/collections/read/52/",
        "/pam/modify/3/",
        "/pam/read/",
    }
)
LEVELS = sorted({leaf[: end + 1] for leaf in LEAVES for end, sign in enumerate(leaf) if sign == "/"})
PEOPLE = [Principal("OAuthRole", f"p{number}", "Entra") for number in range(6)]


def draw_roles(chance: random.Random, count: int) -> dict[str, RoleRights]:
    """Return roles of any rights, redundant ones too, some of them within a narrower permission set."""
    roles = {}
    for number in range(count):
        bounds = None if chance.random() < 0.6 else frozenset(chance.sample(LEVELS, chance.randint(0, 6)))
        permissions = frozenset(chance.sample(LEVELS, chance.randint(0, 5)))
        roles[str(number)] = RoleRights(
            f"role {number}", permissions, frozenset(chance.sample(PEOPLE, chance.randint(0, 4))), "", bounds
        )
    return roles


def list_cells(roles: RolesById) -> set[tuple[Principal, str]]:
    """Return, cell by cell, who may do what: a role's permission covers it, and so does its set."""
    return {
        (person, leaf)
        for person in PEOPLE
        for leaf in LEAVES
        for role in roles.values()
        if person in role.principals
        and any(leaf.startswith(permission) for permission in role.permissions)
        and (role.bounds is None or any(leaf.startswith(bound) for bound in role.bounds))
    }


def is_escalating(leaf: str) -> bool:
    return any(leaf.startswith(permission) for permission in ESCALATIONS)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_the_analysis_tells_what_every_cell_shows(seed: int) -> None:
    """No cell is gained or lost that is not told, none is told that is not; escalation is told exactly where it is."""
    chance = random.Random(seed)
    before = draw_roles(chance, chance.randint(0, 5))
    after = {**before, **dict(chance.sample(list(draw_roles(chance, 6).items()), chance.randint(0, 3)))}
    old, new = list_cells(before), list_cells(after)

    changes = {change.principal: change for change in find_rights_changes(RightsWorld(before, after))}

    for person in PEOPLE:
        change = changes.get(person, RightsChange("", person, (), (), ()))
        mine_before, mine_after = ({leaf for who, leaf in cells if who == person} for cells in (old, new))
        assert _expand(change.gained) - mine_before == mine_after - mine_before
        assert _expand(change.lost) - mine_after == mine_before - mine_after
        assert _expand(change.remaining) == _expand(change.lost) & mine_after
        gained_cells = mine_after - mine_before
        assert bool(change.escalation) == (ALL_RIGHTS in change.gained or any(map(is_escalating, gained_cells)))
        assert set(change.roles) == {role.name for role in after.values() if person in role.principals} or not (
            change.gained or change.lost
        )
        assert (change.gained, change.lost) == (drop_redundant(change.gained), drop_redundant(change.lost))


def _expand(permissions: tuple[str, ...]) -> set[str]:
    return {leaf for leaf in LEAVES if any(leaf.startswith(permission) for permission in permissions)}


ANN, BOB = PEOPLE[:2]


def make_role(
    name: str, *permissions: str, holders: tuple[Principal, ...] = (ANN,), bounds: frozenset[str] | None = None
) -> RoleRights:
    return RoleRights(name, frozenset(permissions), frozenset(holders), "", bounds)


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost", "escalation"),
    [
        pytest.param([("/portal/read/",)], [()], (), ("/portal/read/",), (), id="a right is taken"),
        pytest.param([("/portal/",)], [("/portal/read/",)], (), ("/portal/",), (), id="a wider right is narrowed"),
        pytest.param([("/portal/read/",)], [("/portal/",)], ("/portal/",), (), (), id="a right is widened"),
        pytest.param([("/x/",), ("/",)], [(), ("/",)], None, None, None, id="kept through another role"),
        pytest.param([("/x/",), ()], [(), ("/x/",)], None, None, None, id="moved from one role to another"),
        pytest.param([()], [("/",)], ("/",), (), ("/",), id="every right"),
        pytest.param(
            [("/security/modify/",)], [("/security/",)], ("/security/",), (), (), id="a danger held before"
        ),
        pytest.param([()], [("/pam/modify/3/",)], ("/pam/modify/3/",), (), ("/pam/modify/3/",), id="part of a danger"),
        pytest.param(
            [()], [("/certificates/requests/",)], ("/certificates/requests/",), (), ("/certificates/requests/manage/",),
            id="a level above a danger",
        ),
    ],
)  # fmt: skip
def test_one_principal(
    before: list[tuple[str, ...]],
    after: list[tuple[str, ...]],
    gained: tuple[str, ...] | None,
    lost: tuple[str, ...] | None,
    escalation: tuple[str, ...] | None,
) -> None:
    """By what its roles held and will hold; None where nothing is told."""
    old, new = [{str(n): make_role(f"r{n}", *held) for n, held in enumerate(side)} for side in (before, after)]
    told = [(change.gained, change.lost, change.escalation) for change in find_rights_changes(RightsWorld(old, new))]
    assert told == ([] if gained is None else [(gained, lost, escalation)])


def test_a_permission_set_bounds_what_a_role_gives() -> None:
    """Moved to a narrower set a role gives less, although its permissions stay."""
    wide = make_role("r", "/portal/", "/pam/read/", bounds=frozenset({"/"}))
    narrow = make_role("r", "/portal/", "/pam/read/", bounds=frozenset({"/portal/read/"}))
    (change,) = find_rights_changes(RightsWorld({"1": wide}, {"1": narrow}))
    assert (change.lost, change.remaining) == (("/pam/read/", "/portal/"), ("/portal/read/",))


def test_the_greatest_changes_come_first() -> None:
    """Escalations before all, and every right before those; then by number, then by name."""
    cat, dan = PEOPLE[2:4]
    after = {
        "1": make_role("a", "/portal/read/", holders=(ANN,)),
        "2": make_role("b", "/portal/read/", "/reports/read/", holders=(BOB,)),
        "3": make_role("c", "/pam/modify/", holders=(cat,)),
        "4": make_role("d", "/", holders=(dan,)),
    }
    assert [change.principal for change in find_rights_changes(RightsWorld({}, after))] == [dan, cat, BOB, ANN]


def test_a_step_escalates_where_its_own_role_gives_the_right() -> None:
    """Another role of the same principal is not blamed."""
    after = {"1": make_role("a", "/pam/", holders=(ANN, BOB)), "2": make_role("b", "/portal/read/")}
    changes = find_rights_changes(RightsWorld({}, after))
    reason = explain_step_escalation(after["1"], changes)
    assert reason == "escalation: 2 principals gain /pam/modify/, and so may change where secrets are taken from"
    assert explain_step_escalation(after["2"], changes) == ""
