"""Base and changes give the body: a denial's ids, its comment and who asked are all in the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model import Json, Step
from tests.kinds.test_cases import CASES, plan_case

DENIAL_CASES = [path for path in CASES if path.parent.name == "RequestDenial"]
FACTS = {"requester": "Requester", "template": "Template", "authority": "CertificateAuthority"}


def rebuild_body(step: Step) -> dict[str, Json]:
    """Return the body that the plan's own words make of the requests as they were read."""
    assert step.request
    denied = [change for change in step.changes if change.path != "comment"]
    assert all((change.before, change.after) == ("pending", "denied") for change in denied)
    comments = [change.after for change in step.changes if change.path == "comment"]
    ids = [step.request.base[change.path.removeprefix("requests.")]["Id"] for change in denied]
    return {"CertificateRequestIds": ids, **({"Comment": comments[0]} if comments else {})}


def list_steps() -> list[Step]:
    plans = [plan_case(path) for path in DENIAL_CASES]
    return [step for plan in plans if plan for step in plan.steps if step.request]


@pytest.mark.parametrize("path", DENIAL_CASES, ids=lambda path: path.stem)
def test_base_and_changes_give_the_body(path: Path) -> None:
    """A change an id, and one for the comment, which may be mailed to the requester."""
    plan = plan_case(path)
    for step in plan.steps if plan else ():
        if step.request:
            assert list(step.request.call.body.items()) == list(rebuild_body(step).items())
            assert step.request.call.query == ()


@pytest.mark.parametrize("path", DENIAL_CASES, ids=lambda path: path.stem)
def test_who_asked_and_by_which_template_is_said_of_each_request(path: Path) -> None:
    """A reviewer judges by them, whether the request is denied or the step refused."""
    plan = plan_case(path)
    for step in plan.steps if plan else ():
        paths = [change.path for change in step.changes if change.path != "comment"]
        assert [subject.path for subject in step.subjects] == paths
        for subject, row in zip(step.subjects, step.request.base.values() if step.request else (), strict=False):
            facts = dict(subject.facts)
            assert {name: facts.get(name) for name in FACTS} == {
                name: row[member] or None for name, member in FACTS.items()
            }
            assert subject.name in ([row["CommonName"]] if row["CommonName"] else row.get("SANs") or [""])


def test_the_law_meets_every_way_of_saying_it() -> None:
    """With a comment and without, one request and several, one that has its alternative names alone."""
    steps = list_steps()

    assert {"Comment" in step.request.call.body for step in steps if step.request} == {True, False}
    assert {len(step.subjects) > 1 for step in steps} == {True, False}
    assert any("SANs" in row for step in steps if step.request for row in step.request.base.values())
