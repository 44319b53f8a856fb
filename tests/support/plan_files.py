"""Plan files for the tests: one small plan, and a seal that anybody can compute."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256

import pytest

from reconciler.errors import StaleError
from reconciler.kinds.registry import KINDS, Registry
from reconciler.model import Bound, Json, Plan
from reconciler.plans.planfile import AgeLimit, PlanStamp, dump_plan, load_plan
from reconciler.plans.serial import render_members
from reconciler.plans.signatures import Sign
from tests.support.sample_plans import TODAY, handler, planned, registered

NOON = datetime.combine(TODAY, time(12), UTC)
STAMP = PlanStamp("0123456789abcdef" * 2, NOON, timedelta(days=1), "1.2.3")
STAMPED = {"format_version", "kind", "tool", "nonce", "created", "expires", "commit", "paths", "unmanaged"}
"""What a digest doesn't cover, since it differs in an equal plan, or is nothing that is approved."""
BOUNDS = {
    "command": Bound("keyfactor", "https://kf.example.com/KeyfactorAPI"),
    "csms": Bound("csms", "https://kms.cn-north-4.myhuaweicloud.com", "0123"),
}


def small() -> Plan:
    """Return a plan of one step."""
    made = planned([handler("a")], {"/EventHandlerRegistration": registered("A")})
    return replace(made, targets={"command": BOUNDS["command"]})


def dump(plan: Plan, now: datetime = NOON, sign: Sign | None = None) -> bytes:
    """Return the file of a plan, always with the same nonce."""
    return dump_plan(plan, STAMP._replace(created=now), sign)


def load(data: bytes, now: datetime | None = NOON, kinds: Registry = KINDS, file: str = "the plan") -> Plan:
    """Return the plan of a file as it is applied within a day; without a time, as it is shown."""
    return load_plan(data, kinds, file, age=AgeLimit(now, STAMP.max_age) if now else None).plan


def seal(shown: dict[str, Json]) -> bytes:
    """Seal any members as the tool would: a seal is no secret, so whoever can read this can do it."""
    tail = {"digest", "signature", "seal"}
    approved = {name: value for name, value in shown.items() if name not in STAMPED | tail}
    digest = sha256(b"reconciler plan digest 2\n" + render_file(approved)).hexdigest()
    first = {name: value for name, value in shown.items() if name in STAMPED}
    members = {**first, **approved, "digest": f"sha256:{digest}"}
    members |= {"signature": shown["signature"]} if "signature" in shown else {}
    mark = sha256(b"reconciler plan seal 2\n" + render_file(members)).hexdigest()
    return render_file({**members, "seal": f"sha256:{mark}"})


def render_file(members: dict[str, Json]) -> bytes:
    """Return members as a file has them: indented, and each step on a line of its own."""
    steps = members.get("steps")
    if not isinstance(steps, list) or not steps:
        return render_members(members).encode()
    before, behind = render_members({**members, "steps": []}).split('\n  "steps": []')
    texts = (json.dumps(step, separators=(",", ":"), allow_nan=False) for step in steps)
    lines = ",\n".join(f"    {text}" for text in texts).replace("\x7f", "\\u007f")
    return f'{before}\n  "steps": [\n{lines}\n  ]{behind}'.replace("##[", "\\u0023#[").encode()


def refused(data: bytes, now: datetime = NOON) -> str:
    """Return why a file is refused; the test fails if it is not."""
    with pytest.raises(StaleError) as caught:
        load(data, now, file="release.plan")
    (problem,) = caught.value.problems
    assert str(problem.source) == "release.plan"
    assert problem.message.count(";") >= 1
    return problem.message
