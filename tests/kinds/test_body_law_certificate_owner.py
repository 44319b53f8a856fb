"""Base and changes give the body: nothing of an owner's request is kept from who reads the plan."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler.model import Json, Step
from tests.kinds.test_cases import CASES, offline, plan_case

OWNER_CASES = [path for path in CASES if path.parent.name == "CertificateOwner"]


def rebuild_body(step: Step) -> dict[str, Json]:
    """Return the body that the plan's own words make of the certificate as it was read."""
    owner: dict[str, Json] = {}
    for change in step.changes:
        assert change.path == "owner"
        owner = {"NewRoleName": change.after} if change.after is not None else {"NewRoleId": None}
    return owner


def read_shown_owner(step: Step) -> Json:
    """Return the present owner of the base as a plan shows it, where the new one has another name."""
    assert step.request
    base = step.request.base
    return base["OwnerRoleName"] or (base["OwnerRoleId"] and f"role {base['OwnerRoleId']}")


@pytest.mark.parametrize("path", OWNER_CASES, ids=lambda path: path.stem)
def test_base_and_changes_give_the_body(path: Path) -> None:
    """One change a certificate: from the owner that was read to the one that is sent."""
    plan = plan_case(path)
    for step in plan.steps if plan else ():
        if step.request is None or step.address.kind != "CertificateOwner":
            continue
        (change,) = step.changes
        shown = read_shown_owner(step)
        assert step.request.call.body == rebuild_body(step)
        assert change.before in (shown, f"{shown} (role {step.request.base['OwnerRoleId']})")
        assert change.before != change.after
        assert step.object == f"{step.request.base['Thumbprint']} (id {step.request.base['Id']})"
        assert step.request.call.path == f"/Certificates/{step.request.base['Id']}/Owner"
        (subject,) = step.subjects
        assert (subject.name, subject.path) == (step.request.base["Name"] or "(no name)", "")
        assert dict(subject.facts).get("expires") == step.request.base["Expires"]
        assert bool(step.request.call.body), "an empty body could be an accident"


def test_the_law_meets_every_way_of_saying_it() -> None:
    """A new owner, none, one that the run creates; certificates with an owner before, and without."""
    seen = set()
    for path in OWNER_CASES:
        if offline(yaml.safe_load(path.read_text("utf-8"))):
            continue
        plan = plan_case(path)
        for step in plan.steps if plan else ():
            if step.request and step.address.kind == "CertificateOwner":
                has_id = "OwnerRoleId" in step.request.expect
                seen.add((*step.request.call.body, step.request.base["OwnerRoleId"] is None, has_id))
    assert seen >= {
        ("NewRoleName", True, True),
        ("NewRoleName", False, True),
        ("NewRoleName", True, False),
        ("NewRoleId", False, True),
    }
