"""Base and changes give the body of a handler: what has no change goes back byte for byte as it was read."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.kinds.registry import KINDS
from reconciler.model import Json, Step
from tests.kinds.test_cases import CASES, plan_case
from tests.support.sample_plans import document, planned

HANDLER_CASES = [path for path in CASES if path.parent.name == "EventHandler"]
MEMBERS = {"displayName": "DisplayName", "enabled": "Enabled"}


def rebuild_body(step: Step) -> dict[str, Json]:
    """Return the body that the plan's own words make of the handler as it was read."""
    assert step.request
    changes = {change.path: change.after for change in step.changes}
    assert changes.keys() <= MEMBERS.keys()
    return {member: changes.get(field, step.request.base[member]) for field, member in MEMBERS.items()}


@pytest.mark.parametrize("path", HANDLER_CASES, ids=lambda path: path.stem)
def test_base_and_changes_give_the_body(path: Path) -> None:
    """Both members, the one without a change as it was read, null and empty text included."""
    plan = plan_case(path)
    for step in plan.steps if plan else ():
        if step.request:
            assert list(step.request.call.body.items()) == list(rebuild_body(step).items())
            assert all(change.before == step.request.base[MEMBERS[change.path]] for change in step.changes)
            assert step.request.call.path == f"/EventHandlerRegistration/{step.request.base['Id']}"
            assert step.object == f"{step.request.base['ClassName']} (id {step.request.base['Id']})"


def test_the_law_meets_every_way_of_saying_it() -> None:
    """Each field by itself, both, an emptied name, and names that were null and empty."""
    plans = [plan_case(path) for path in HANDLER_CASES]
    steps = [step for plan in plans if plan for step in plan.steps if step.request]

    assert {tuple(change.path for change in step.changes) for step in steps} == {
        ("displayName",), ("enabled",), ("displayName", "enabled")
    }  # fmt: skip
    assert {None, ""} <= {step.request.base["DisplayName"] for step in steps if step.request}
    assert None in {change.after for step in steps for change in step.changes}


# what a name is set to, the name that is read back, what does not hold
READ_BACK: list[tuple[dict[str, Json], str | None, tuple[str, ...]]] = [
    ({"clear": ["displayName"]}, None, ()),
    ({"clear": ["displayName"]}, "", ()),
    ({"clear": ["displayName"]}, "Old", ("DisplayName",)),
    ({"displayName": "New"}, "New", ()),
    ({"displayName": "New"}, None, ("DisplayName",)),
    ({"displayName": "New"}, "", ("DisplayName",)),
]


@pytest.mark.parametrize(("spec", "name", "unmet"), READ_BACK)
def test_an_emptied_name_may_be_kept_in_two_ways(
    spec: dict[str, Json], name: str | None, unmet: tuple[str, ...]
) -> None:
    """Null and empty text are no name, and no name is not the one that was declared."""
    row = {"Id": 1, "ClassName": "A", "DisplayName": "Old", "Enabled": True}
    wanted = document("EventHandler", "a", {"className": "A", **spec})
    (step,) = planned([wanted], {"/EventHandlerRegistration": [row]}).steps

    assert KINDS["EventHandler"].unmet(step, {**row, "DisplayName": name}) == unmet
