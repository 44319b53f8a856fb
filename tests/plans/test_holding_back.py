"""What is wrong with one object is that object's trouble: its step stays visible and unsent, and all else goes on."""

from __future__ import annotations

from reconciler.model import Action, Json, Obstacle, Plan
from tests.support.sample_plans import GUID, certificate, document, handler, pending, planned, registered, role

ROLES: dict[str, Json] = {
    "/Security/Roles": [{"Id": 4, "Name": "Readers"}],
    "/Security/Roles/4": role(4, "Readers"),
    "/Certificates": [certificate(12)],
    "/PermissionSets": [{"Id": GUID, "Name": "Global"}],
    "/Security/Claims": [],
}


def sent(plan: Plan) -> list[str]:
    """Return the documents whose steps are sent."""
    return [step.address.name for step in plan.sendable_steps]


def refusals(plan: Plan) -> dict[str, str]:
    """Return why the others are not."""
    return {step.address.name: step.refusal for step in plan.steps if not step.request}


def test_a_problem_holds_back_its_own_document_alone() -> None:
    """The class that is not registered stops nothing else, and the plan is not complete."""
    made = planned(
        [handler("gone", line=2), handler("there", line=9)], {"/EventHandlerRegistration": registered("there")}
    )

    assert sent(made) == ["there"]
    assert [problem.source.line for problem in made.problems] == [2]
    assert not made.complete


def test_what_a_problem_holds_back_is_shown_all_the_same() -> None:
    """One certificate of a document is not to be told apart; the difference of the other one is not hidden."""
    thumbprints = {"thumbprints": [f"{number:040X}" for number in (12, 13)]}
    owners = document("CertificateOwner", "o", {"owner": "Readers", "certificates": thumbprints})
    twins = [certificate(13), {**certificate(13), "Id": 14}, certificate(12)]

    made = planned([owners], {**ROLES, "/Certificates": twins})

    assert made.problems
    assert all("held back, since its document has a problem" in reason for reason in refusals(made).values())
    assert {step.obstacle for step in made.steps} == {Obstacle.HELD_BACK}
    assert [step.changes[0].after for step in made.steps] == ["Readers"]


def test_what_needs_an_object_that_is_held_back_is_held_back_too() -> None:
    """A certificate is not given to a role that this run can't create; it is told which one."""
    new_role = document("SecurityRole", "New", {"description": "d"}, line=3)
    owners = document("CertificateOwner", "o", {"owner": "New", "certificates": {"ids": [12]}}, line=9)

    made = planned([new_role, owners], ROLES)

    assert sent(made) == []
    assert refusals(made) == {
        "New": "role 'New' does not exist or is not visible, and creating it needs permissionSet",
        "o": "held back, since it needs SecurityRole/New, which is held back too",
    }
    assert {step.obstacle for step in made.steps} == {Obstacle.HELD_BACK}


def test_what_needs_an_object_that_is_created_goes_on() -> None:
    """The role comes first; the certificate follows."""
    new_role = document("SecurityRole", "New", {"description": "d", "permissionSet": "Global"}, line=3)
    owners = document("CertificateOwner", "o", {"owner": "New", "certificates": {"ids": [12]}}, line=9)

    made = planned([new_role, owners], ROLES)

    assert [(step.address.name, step.action) for step in made.sendable_steps] == [
        ("New", Action.CREATE),
        ("o", Action.UPDATE),
    ]


def test_one_refused_object_does_not_hold_back_its_document() -> None:
    """Of two requests one is no longer what was meant: the other one is denied."""
    denial = document(
        "RequestDenial", "d", {"requests": [{"id": 1, "template": "Web"}, {"id": 2, "template": "Other"}]}
    )

    made = planned([denial], {"/Workflow/Certificates/Pending": [pending(1), pending(2)]})

    assert [step.request.call.body["CertificateRequestIds"] for step in made.sendable_steps if step.request] == [[1]]
    assert [step.object for step in made.steps if not step.request] == ["request 2"]
