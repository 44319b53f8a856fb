"""What a plan may not do: limits, protection, approval by risk."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Source
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Call, Change, Coverage, Plan, Request, Risk, Step, Subject
from reconciler.patterns import matches_pattern
from reconciler.plans.guards import find_refusals, find_unapproved, list_withheld_steps
from tests.support.problems import make_problem
from tests.support.sample_plans import certificate, document, handler, pending, planned, registered, role


def step(
    kind: str, name: str = "x", shown: str = "", weight: int = 1, risk: Risk = Risk.LOW, refusal: str = ""
) -> Step:
    """Return a step by hand; a denial with as many changes as it weighs, each about a request. Refused, it is empty."""
    changes = tuple(Change(f"requests.{number}", "pending", "denied", risk) for number in range(weight))
    is_denial = kind == "RequestDenial"
    action = Action.DENY if is_denial else Action.UPDATE
    request = None if refusal else Request(Call("command", "PUT", "/x", {}), {}, {})
    subjects = tuple(Subject("", (), change.path) for change in changes) if is_denial else ()
    source = Source("a.yaml", 3, 1)
    return Step(Address("command", kind, name), action, source, changes, request, shown, refusal, subjects)


def plan_of(*steps: Step) -> Plan:
    return Plan(steps, Coverage(len(steps), len(steps)))


def test_a_plan_within_its_limits_is_not_refused() -> None:
    """Nothing is said where nothing is wrong."""
    assert find_refusals(plan_of(step("SecurityRole")), {}, [], KINDS) == ()
    assert find_refusals(plan_of(), {"SecurityRole": 0}, ["*"], KINDS) == ()


@pytest.mark.parametrize(("kind", "limit"), [(kind, 500 if kind == "CertificateOwner" else 10) for kind in KINDS])
def test_the_limits_that_hold_by_default(kind: str, limit: int) -> None:
    """10 for every kind, 500 for owners: that many pass, and one more does not."""
    assert find_refusals(plan_of(*[step(kind)] * limit), {}, [], KINDS) == ()

    (problem,) = find_refusals(plan_of(*[step(kind)] * (limit + 1)), {}, [], KINDS)

    assert f"would change {limit + 1} objects of kind {kind}, and the limit is {limit};" in problem.message
    assert f"limits: {{{kind}: {{changes: {limit + 1}}}}}" in problem.message
    assert str(problem.source) == "reconciler.yaml"


@pytest.mark.parametrize(
    ("limit", "changes", "refused"), [(0, 1, True), (1, 1, False), (1, 2, True), (20, 20, False), (20, 21, True)]
)
def test_a_limit_of_the_settings(limit: int, changes: int, refused: bool) -> None:
    """The settings may widen a limit or narrow it, to nothing even."""
    found = find_refusals(
        plan_of(*[step("SecretEvent")] * changes), {"SecretEvent": limit}, [], KINDS, Source("other.yaml")
    )

    assert bool(found) is refused
    assert [problem.source.file for problem in found] == ["other.yaml"] * refused


def test_each_kind_has_its_own_limit() -> None:
    """A wide limit of one kind gives nothing to another, and an unknown one to none."""
    steps = [*[step("SecurityRole")] * 11, *[step("EventHandler")] * 10]

    found = find_refusals(plan_of(*steps), {"EventHandler": 9, "CertificateOwner": 999, "Nonsense": 999}, [], KINDS)

    assert [problem.message.split(", and")[0] for problem in found] == [
        "this run would change 10 objects of kind EventHandler",
        "this run would change 11 objects of kind SecurityRole",
    ]


def test_denials_count_by_request() -> None:
    """A batch is one call but ten denials; a limit on calls would let a hundred pass."""
    assert find_refusals(plan_of(step("RequestDenial", weight=10)), {}, [], KINDS) == ()

    (problem,) = find_refusals(plan_of(step("RequestDenial", weight=10), step("RequestDenial")), {}, [], KINDS)

    assert "would change 11 objects of kind RequestDenial" in problem.message


def test_owners_count_by_certificate_and_roles_by_role() -> None:
    """Two fields of one object are one change, two certificates of one document are two."""
    wanted = [
        document("SecurityRole", "R", {"description": "new", "clear": ["emailAddress"]}),
        document("CertificateOwner", "o", {"owner": "R", "certificates": {"ids": [1, 2]}}),
    ]
    world = {
        "/Security/Roles": [{"Id": 1, "Name": "R"}],
        "/Security/Roles/1": role(1, "R", EmailAddress="a@b"),
        "/Certificates": [certificate(1), certificate(2)],
    }

    made = planned(wanted, world)

    assert find_refusals(made, {"SecurityRole": 1, "CertificateOwner": 2}, [], KINDS) == ()
    assert len(find_refusals(made, {"SecurityRole": 0, "CertificateOwner": 1}, [], KINDS)) == 2


PROTECTED = {
    "by the document's name": ("EventHandler/denied", True),
    "by a pattern": ("EventHandler/den*", True),
    "whatever the letter case": ("eventhandler/DENIED", True),
    "by the live object's name": ("EventHandler/CSS.Denied.Logger", True),
    "by a pattern on the live object's name": ("EventHandler/css.*", True),
    "by the live object as it is shown": ("EventHandler/CSS.Denied.Logger (id 1)", True),
    "by everything of the kind": ("EventHandler/*", True),
    "by everything": ("*", True),
    "not by a part of the name": ("EventHandler/denie", False),
    "not by another kind": ("SecurityRole/denied", False),
    "not by the name alone": ("denied", False),
}


@pytest.mark.parametrize(("pattern", "refused"), PROTECTED.values(), ids=PROTECTED)
def test_protection(pattern: str, refused: bool) -> None:
    """A document can't escape a pattern by being named otherwise than the object that it changes."""
    wanted = handler("denied", class_name="css.denied.logger")
    made = planned([wanted], {"/EventHandlerRegistration": registered("CSS.Denied.Logger")})

    found = find_refusals(made, {}, ["SecurityRole/Administrator*", pattern], KINDS)

    assert bool(found) is refused
    for problem in found:
        assert problem.source == wanted.source
        assert f"EventHandler/denied is protected by {pattern!r}" in problem.message


def test_protection_covers_what_would_be_created() -> None:
    """A role that does not exist yet is protected by its document's name."""
    wanted = document(
        "SecurityRole", "Administrators", {"description": "d", "permissionSet": "0" * 8 + "-0000-4000-8000-" + "0" * 12}
    )

    (problem,) = find_refusals(planned([wanted], {"/Security/Roles": []}), {}, ["SecurityRole/Administrator*"], KINDS)

    assert "is protected" in problem.message


def test_protection_of_what_is_in_sync_refuses_nothing() -> None:
    """A protected object may stand in the manifests as long as it is as declared."""
    made = planned([handler("denied")], {"/EventHandlerRegistration": registered("denied", enabled=True)})

    assert find_refusals(made, {}, ["*"], KINDS) == ()


def test_what_a_kind_refused_is_withheld_with_its_reason() -> None:
    """The place is the entry of the document, the reason the kind's own; the run goes on."""
    wanted = document("RequestDenial", "d", {"requests": [{"id": 1, "commonName": "other"}]})
    made = planned([wanted], {"/Workflow/Certificates/Pending": [pending(1)]})

    (problem,) = list_withheld_steps(made)

    assert find_refusals(made, {}, [], KINDS) == ()
    assert problem.message.startswith("RequestDenial/d: request 1 is not the request that is meant")


def test_all_reasons_come_at_once() -> None:
    """Refusals are told together, sorted, each once."""
    bad = step("SecurityRole")

    found = find_refusals(plan_of(bad, bad), {"SecurityRole": 1}, ["SecurityRole/x"], KINDS)

    assert found == tuple(sorted(set(found)))
    assert [problem.message.split(";")[0] for problem in found] == [
        "SecurityRole/x is protected by 'SecurityRole/x'",
        "this run would change 2 objects of kind SecurityRole, and the limit is 1",
    ]


def test_what_is_not_sent_exceeds_nothing() -> None:
    """A step that is refused counts for no limit and needs no approval; protected is protected."""
    made = plan_of(*[step("SecurityRole", risk=HIGH, refusal="immutable; leave it")] * 11)

    assert find_refusals(made, {}, [], KINDS) == ()
    assert len(find_refusals(made, {}, ["SecurityRole/x"], KINDS)) == 1
    assert find_unapproved(made, {LOW}) == ()
    assert {problem.message for problem in list_withheld_steps(made)} == {"SecurityRole/x: immutable; leave it"}


LOW, HIGH, FINAL = Risk
APPROVALS = [
    (set(Risk), []),
    ({LOW, HIGH}, ["irreversible"]),
    ({LOW}, ["high", "irreversible"]),
    ({HIGH}, ["low", "irreversible"]),
    (set(), ["low", "high", "irreversible"]),
]


@pytest.mark.parametrize(("approved", "missing"), APPROVALS)
def test_unapproved(approved: set[Risk], missing: list[str]) -> None:
    """Each step whose risk was not approved; approving a higher risk does not approve a lower one."""
    made = plan_of(*(step("SecurityRole", f"{risk}", risk=risk) for risk in Risk))

    found = find_unapproved(made, approved)

    given = ",".join(risk for risk in Risk if risk in approved) or "nothing"
    assert found == tuple(
        make_problem(
            Source("a.yaml", 3, 1),
            f"SecurityRole/{risk} is {risk}, and only {given} was approved; add {risk} to --approve",
        )
        for risk in missing
    )


def test_a_step_is_as_risky_as_its_riskiest_change() -> None:
    """Approving the low risk of one field does not approve the high risk of another."""
    mixed = replace(step("SecurityRole"), changes=(Change("a", 1, 2, LOW), Change("b", 1, 2, HIGH)))

    assert find_unapproved(plan_of(mixed), {LOW}) != ()
    assert find_unapproved(plan_of(mixed), {HIGH}) == ()


@example("SecurityRole/*")
@example("*/a")
@example("security*")
@example("?ecurityRole/a")
@example("SecurityRole/[*]")
@example("")
@given(st.text("*?[]/sSeEcC", max_size=6))
def test_a_pattern_that_can_not_name_a_kind_fits_none_of_its_objects(pattern: str) -> None:
    """Which patterns a kind has to be held against is told without its objects: one that fits would be missed."""
    made = plan_of(step("SecurityRole", "a", "a (id 7)"))

    is_protected = bool(find_refusals(made, {}, [pattern], KINDS))
    assert is_protected == any(matches_pattern(pattern, f"SecurityRole/{name}") for name in ("a", "a (id 7)"))
