"""Plan files for the tests: one small plan, and a seal that anybody can compute."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256

import pytest

from reconciler.errors import StaleError
from reconciler.kinds.registry import KINDS
from reconciler.model import Bound, Json, Plan
from reconciler.plans.planfile import load_plan
from reconciler.plans.serial import render_members
from tests.support.sample_plans import TODAY, handler, planned, registered

BOUNDS = {
    "command": Bound("keyfactor", "https://kf.example.com/KeyfactorAPI"),
    "csms": Bound("csms", "https://kms.cn-north-4.myhuaweicloud.com", "0123"),
}


def small() -> Plan:
    """Return a plan of one step."""
    made = planned([handler("a")], {"/EventHandlerRegistration": registered("A")})
    return replace(made, targets={"command": BOUNDS["command"]})


def seal(shown: dict[str, Json]) -> bytes:
    """Seal any members as the tool would: the digest is no secret, so whoever can read this can do it."""
    body = {name: value for name, value in shown.items() if name != "digest"}
    mark = sha256(b"reconciler plan 1\n" + render_members(body).encode()).hexdigest()
    return render_members({**body, "digest": f"sha256:{mark}"}).encode()


def refused(data: bytes, today: date = TODAY) -> str:
    """Return why a file is refused; the test fails if it is not."""
    with pytest.raises(StaleError) as caught:
        load_plan(data, today, KINDS, "release.plan")
    (problem,) = caught.value.problems
    assert str(problem.source) == "release.plan"
    assert problem.message.count(";") >= 1
    return problem.message
