"""A plan as a file: the members of `serial`, sealed by a digest.

The digest covers every other byte of the file: it is recomputed, never believed, and the file must be exactly what the
tool writes, so that no edit goes unnoticed. There is no clock in it but the day, so equal input gives equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.errors import RefusedError, StaleError
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Json, Plan
from reconciler.plans.serial import PLAN_FORMAT_VERSION, decode_plan, encode_plan, render_members
from reconciler.plans.stored_steps import check_kinds, find_misleading_steps

MAX_AGE = timedelta(days=1)
"""A plan is applied on the day it was made or on the next (UTC): an approval does not keep."""

# Hashed first, so that no digest of the same bytes that was made for another purpose passes for a seal.
_DOMAIN = b"reconciler plan 1\n"
_MARKS = (b'"format_version"', b'"digest"', b'"planned_on"')
"""What a damaged plan still holds, and another file does not."""
_PLAN_ANEW = "make a new one with plan --out"
_DAMAGED = Explanation(
    "plan.damaged",
    "this is not a plan as it was written: its digest does not hold, so a byte of it was changed or lost",
    "nothing was done",
    _PLAN_ANEW,
)
_NO_PLAN = Explanation(
    "plan.no-plan",
    "this is no saved plan: nothing in it is what plan --out writes",
    "nothing was done",
    _PLAN_ANEW,
)


def dump_plan(plan: Plan, today: date) -> bytes:
    """Return the file's bytes; `load_plan` gives back an equal plan."""
    return _seal(encode_plan(plan, today))


def load_plan(data: bytes, today: date | None, kinds: Registry, file: str = "the plan") -> Plan:
    """Return the plan of a file; raises StaleError if a byte of it was changed, or if it is too old on that day.

    With no day its age does not matter: an old plan can be looked at, not applied.

    The seal is no signature: whoever can compute it can write what the tool never would. Raises StaleError for that,
    and RefusedError for steps whose request does something else than they say.
    """
    members = _unseal(data, file)
    try:
        planned_on, plan = date.fromisoformat(members["planned_on"]), decode_plan(members)
        check_kinds(plan, kinds)
        stated_risks = [step["risk"] for step in members["steps"]]
    except (KeyError, TypeError, ValueError, AttributeError):
        summary = "this is sealed as a plan, but it is not one that this version of the tool writes"
        raise StaleError(Diagnostic("plan.unreadable", Source(file), summary, "nothing was done", _PLAN_ANEW)) from None
    # abs(): a plan from the future is no better, since one of the two clocks is wrong, and nobody knows
    # which.
    if today is not None and abs(today - planned_on) > MAX_AGE:
        summary = f"the plan was made on {planned_on}, and today is {today}"
        reason = "what was approved then may not be meant now"
        raise StaleError(Diagnostic("plan.too-old", Source(file), summary, reason, "plan again"))
    if misleading := list(find_misleading_steps(plan, stated_risks, kinds, file)):
        raise RefusedError(*misleading)
    return plan


def read_plan_digest(data: bytes) -> str:
    """Return the digest that a plan file carries, for a person to compare."""
    return str(json.loads(data)["digest"])


def check_plan_targets(plan: Plan, bounds: Mapping[str, Bound], file: str = "the plan") -> None:
    """Raise RefusedError unless each target that the plan writes to is the very place it was made for."""
    problems = []
    for name in sorted({step.address.target for step in plan.steps}):
        # Staging's settings and production's may both call their target `command`.
        plan_bound, bound = plan.targets.get(name), bounds.get(name)
        if plan_bound != bound or plan_bound is None:
            setting = "is not in the settings" if bound is None else f"is {_describe_bound(bound)} in the settings"
            planned_place = _describe_bound(plan_bound) if plan_bound else "nothing"
            summary = f"the plan was made for {planned_place}, and target {name} {setting}"
            remedy = "use the settings it was made with, or plan again"
            problems.append(Diagnostic("plan.other-target", Source(file), summary, "nothing was sent", remedy))
    if problems:
        raise RefusedError(*problems)


def _describe_bound(bound: Bound) -> str:
    return f"{bound.url} project {bound.project}" if bound.project else bound.url


def _seal(members: Mapping[str, Json]) -> bytes:
    body = {name: value for name, value in members.items() if name != "digest"}
    unsealed = render_members(body).encode()
    return render_members({**body, "digest": "sha256:" + sha256(_DOMAIN + unsealed).hexdigest()}).encode()


def _unseal(data: bytes, file: str) -> dict[str, Any]:
    """Return the members of a plan file whose bytes are exactly those that the tool wrote."""
    try:
        members = json.loads(data)
        # All bytes are compared, not two digests: json.loads keeps the last of two equal names (RFC 8259, 4, leaves it
        # open) and reads UTF-16 as well, so a file could show its reviewer something else than it holds.
        is_sealed = isinstance(members, dict) and members.get("kind") == "Plan" and _seal(members) == data
    # Python's JSON parser recurses: a few kilobytes of brackets raise RecursionError.
    except (ValueError, RecursionError, UnicodeError):
        is_sealed = False
    if not is_sealed:
        explanation = _DAMAGED if any(mark in data for mark in _MARKS) else _NO_PLAN
        raise StaleError(explanation.locate(Source(file)))
    if str(members["format_version"]).split(".")[0] != PLAN_FORMAT_VERSION.split(".")[0]:
        summary = f"the plan has format {members['format_version']}, and this version reads {PLAN_FORMAT_VERSION}"
        raise StaleError(Diagnostic("plan.other-format", Source(file), summary, remedy="plan again with this version"))
    return dict(members)
