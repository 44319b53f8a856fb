"""What a revision declared and the manifests no longer do: by document, and by object."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.engine.observe import observe
from reconciler.kinds.kind import Run, Wanted
from reconciler.kinds.registry import KINDS
from reconciler.plans.withdrawals import Withdrawal, find_existing_objects, find_withdrawals
from tests.support.sample_plans import TODAY, certificate, document, handler, registered
from tests.support.toy_reader import World

HANDLERS = "/EventHandlerRegistration"


def owners(name: str, *ids: int, **members: Any) -> Wanted:
    return document("CertificateOwner", name, {"owner": "R", "certificates": members or {"ids": list(ids)}})


def role(name: str, renamed_from: str = "") -> Wanted:
    return replace(document("SecurityRole", name, {"description": "d"}), renamed_from=renamed_from)


QUERY = {"query": 'IssuedCN -eq "a"'}
DENIAL = document("RequestDenial", "d", {"match": {"commonName": "*.test"}, "expires": TODAY})
CASES: dict[str, tuple[list[Wanted], list[Wanted], list[tuple[str, bool, tuple[str, ...]]]]] = {
    "nothing has changed": ([role("a"), owners("o", 1)], [role("a"), owners("o", 1)], []),
    "a document is gone": ([role("a"), role("b")], [role("b")], [("a", True, ("a",))]),
    "a name is spelt in another case": ([role("A")], [role("a")], []),
    "a role is renamed": ([role("a")], [role("b", "A")], []),
    "a label is another one": ([handler("x", class_name="C")], [handler("y", class_name="c")], []),
    "a document is about something else": (
        [handler("x", class_name="C")],
        [handler("x", class_name="D")],
        [("x", False, ("C",))],
    ),
    "objects are dropped": ([owners("o", 1, 2, 3)], [owners("o", 2)], [("o", False, ("id 1", "id 3"))]),
    "objects have moved": ([owners("o", 1, 2)], [owners("p", 1), owners("q", 2)], []),
    "some objects have moved": ([owners("o", 1, 2)], [owners("p", 1)], [("o", True, ("id 2",))]),
    "a query is gone": ([owners("o", **QUERY)], [owners("p", 1)], [("o", True, ())]),
    "a query has another name": ([owners("o", **QUERY)], [owners("p", **QUERY)], []),
    "a query is another one": ([owners("o", **QUERY)], [owners("o", query='IssuedCN -eq "b"')], []),
    "a pattern is gone": ([DENIAL], [], [("d", True, ())]),
    "another kind has the name": ([role("a")], [handler("a")], [("a", True, ("a",))]),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_no_longer_declared_is_named(case: str) -> None:
    """By what documents name, wherever it stands now."""
    former, declared, wanted = CASES[case]

    found = find_withdrawals(former, declared)

    assert [(one.address.name, one.is_whole, one.objects) for one in found] == wanted
    assert find_withdrawals(former, former) == []
    assert find_withdrawals(list(reversed(former)), list(reversed(declared))) == found


def test_another_target_declares_nothing_for_this_one() -> None:
    """The same name on two servers is two objects."""
    elsewhere = replace(role("a"), address=role("a").address._replace(target="other"))

    assert [one.address.target for one in find_withdrawals([role("a")], [elsewhere])] == ["command"]


def settle(former: list[Wanted], declared: list[Wanted], world: dict[str, Any]) -> list[Withdrawal]:
    run = Run.of_documents(TODAY, declared)
    live = observe(declared, {"command": World(world)}, run, KINDS).live
    return list(find_existing_objects(find_withdrawals(former, declared), live, declared, KINDS))


def test_what_still_exists_is_counted_where_it_was_read() -> None:
    """Of a kind of which nothing was read nobody knows."""
    gone = [handler("a"), handler("b"), role("r")]
    found = settle([*gone, handler("c")], [handler("c")], {HANDLERS: registered("A", "c")})

    assert [(one.address.name, one.existing) for one in found] == [("a", 1), ("b", 0), ("r", None)]


def test_a_certificate_that_goes_by_its_thumbprint_now_is_still_declared() -> None:
    """Two identities of one object, which only the server can tell; where it was not asked nobody knows."""
    former, many = owners("o", 1, 2), owners("m", *range(10, 40))
    now = owners("o", thumbprints=[f"{1:040X}"])
    world = {"/Security/Roles": [{"Id": 1, "Name": "R"}], "/Certificates": [certificate(1), certificate(2)]}

    assert [(one.objects, one.existing) for one in settle([former], [now, many], world)] == [(("id 2",), 1)]
    assert [(one.objects, one.existing) for one in settle([former], [now], world)] == [(("id 1", "id 2"), None)]
    both = owners("o", thumbprints=[f"{number:040X}" for number in (1, 2)])
    assert settle([former], [both, many], world) == []
