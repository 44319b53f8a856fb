"""A plan as a file: what is approved, and which plan of which time it is; `sealing` keeps the bytes together.

No clock is read here, and no random number is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias

from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import RefusedError, StaleError
from reconciler.kinds.registry import Registry
from reconciler.model import Bound, Json, Plan, Step
from reconciler.plans.sealing import PLAN_ANEW, digest_approved, parse_members, seal_members, split_file
from reconciler.plans.serial import PLAN_FORMAT_VERSION, decode_plan, decode_step, encode_plan
from reconciler.plans.signatures import PlanSignature, Sign
from reconciler.plans.stored_steps import check_kinds, find_misleading_steps
from reconciler.state.backend import format_time

CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far two machines' clocks may be apart: a plan from further ahead shows that one of them is wrong."""
_STAMP_PATTERNS = {
    "tool": r"[0-9A-Za-z.+-]{1,64}",
    "nonce": r"[0-9a-f]{32}",
    "created": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "expires": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    # Of SHA-1 or SHA-256, and a plus where files of the checkout were changed after it.
    "environment": r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?",
    "commit": r"(?:(?:[0-9a-f]{40}|[0-9a-f]{64})\+?)?",
}
Verify: TypeAlias = Callable[[bytes, PlanSignature | None], str]
"""Gets what was signed and the signature in the file, if any; returns who signed, "" if nobody that can be told.

Raises RefusedError for a signature that does not hold, and for none where one is required.
"""


class PlanStamp(NamedTuple):
    """What makes of an equal plan another file: who asks for it gives the random nonce, the time and the commit.

    `paths` are the manifests as they were named, none for those of the settings or of their `environment`.
    """

    nonce: str
    created: datetime
    max_age: timedelta
    tool: str
    commit: str = ""
    paths: Sequence[str] = ()
    environment: str = ""


class AgeLimit(NamedTuple):
    """When a plan is to be applied, and how old it may be then; `overrides` the end that it has of its own."""

    now: datetime
    max_age: timedelta
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """A plan as it came from a file; times are texts as records have them, and `digest` is that of what is approved.

    `commit` ends with a plus where the checkout had changes beside it. `signature` is the method of a signature in the
    file, whether it holds or not; `signed_by` is who signed it where that was verified.
    """

    plan: Plan
    nonce: str
    created: str
    expires: str
    digest: str
    tool: str
    commit: str = ""
    paths: tuple[str, ...] = ()
    signature: str = ""
    signed_by: str = ""
    environment: str = ""


def dump_plan(plan: Plan, stamp: PlanStamp, sign: Sign | None = None) -> bytes:
    """Return the file's bytes; `load_plan` gives back an equal plan."""
    return build_saved_plan(plan, stamp, sign)[0]


def build_saved_plan(plan: Plan, stamp: PlanStamp, sign: Sign | None = None) -> tuple[bytes, SavedPlan]:
    """Return the file's bytes, and what `load_plan` makes of them."""
    created, expires = format_time(stamp.created), format_time(stamp.created + stamp.max_age)
    first: dict[str, Json] = {
        "format_version": PLAN_FORMAT_VERSION,
        "kind": "Plan",
        "tool": stamp.tool,
        "nonce": stamp.nonce,
        "created": created,
        "expires": expires,
        "commit": stamp.commit,
        "paths": list(stamp.paths),
        **({"environment": stamp.environment} if stamp.environment else {}),
    }
    data, digest = seal_members(first | encode_plan(plan), sign)
    texts = (stamp.nonce, created, expires, digest, stamp.tool, stamp.commit)
    return data, SavedPlan(plan, *texts, tuple(stamp.paths), environment=stamp.environment)


def digest_plan(plan: Plan) -> str:
    """Return the digest that a file of this plan has, for a plan that is sent without one."""
    return digest_approved(encode_plan(plan))


def load_plan(
    data: bytes,
    kinds: Registry,
    file: str = "the plan",
    *,
    age: AgeLimit | None = None,
    verify: Verify = lambda _data, _signature: "",
) -> SavedPlan:
    """Return the plan of a file; raises StaleError if a byte of it was changed, or if it is too old.

    Without a limit its age does not matter: an old plan can be looked at, not applied. What `verify` raises ends it
    before a member is parsed.

    Neither seal nor signature says what a plan does: raises StaleError for what the tool never writes, and RefusedError
    for steps whose request does something else than they say.
    """
    unsigned, signature = split_file(data, file)
    signed_by = verify(unsigned, signature)
    del unsigned  # as large as the file
    members = parse_members(data, file)
    del data  # as large as the steps that are read now
    try:
        steps, stated_risks = _part_stated_steps([_decode_stated_step(step) for step in members["steps"]])
        saved_plan = _decode_members(members, steps, signature, signed_by)
        check_kinds(saved_plan.plan, kinds)
        created, expires = (datetime.fromisoformat(text) for text in (saved_plan.created, saved_plan.expires))
    except (KeyError, TypeError, ValueError, AttributeError):
        summary = "this is sealed as a plan, but it is not one that this version of the tool writes"
        raise StaleError(Diagnostic("plan.unreadable", Source(file), summary, "nothing was done", PLAN_ANEW)) from None
    if age is not None:
        _check_age(created, expires, age, file)
        if age.overrides:
            # Whoever keeps the nonce keeps it as long as the plan could be applied with this.
            saved_plan = replace(saved_plan, expires=format_time(max(expires, created + age.max_age)))
    if misleading := list(find_misleading_steps(saved_plan.plan, stated_risks, kinds, file)):
        raise RefusedError(*misleading)
    return saved_plan


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


def _check_age(created: datetime, expires: datetime, age: AgeLimit, file: str) -> None:
    """Raise StaleError for a plan that is too old, and for one from the future: nobody knows which clock is wrong."""
    reason, remedy = "what was approved then may not be meant now", "plan again"
    if created - age.now > CLOCK_TOLERANCE:
        summary = f"the plan was made at {format_time(created)}, and by the clock here it is {format_time(age.now)}"
        reason, remedy = "one of the two clocks is wrong", "set the clocks of both machines, and plan again"
    elif age.now - created > age.max_age:
        summary = f"the plan was made at {format_time(created)}, more than {_format_age(age.max_age)} ago"
    elif not age.overrides and age.now > expires:
        summary = f"the plan was made at {format_time(created)} and could be applied until {format_time(expires)}"
    else:
        return
    raise StaleError(Diagnostic("plan.too-old", Source(file), summary, reason, remedy))


def _format_age(age: timedelta) -> str:
    minutes = int(age.total_seconds()) // 60
    return f"{minutes} minutes" if minutes % 60 else f"{minutes // 60} hours"


def _describe_bound(bound: Bound) -> str:
    return f"{bound.url} project {bound.project}" if bound.project else bound.url


def _decode_stated_step(members: Json) -> tuple[Step, str] | None:
    """Return a step and what its risk is called; None for what the tool never writes.

    It raises nothing, since a file that was changed further down is told as that.
    """
    try:
        return decode_step(members), members["risk"]
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _part_stated_steps(stated_steps: Sequence[tuple[Step, str] | None]) -> tuple[list[Step], list[str]]:
    """Raises TypeError where one of them is None."""
    pairs = [pair for pair in stated_steps if pair]
    if len(pairs) < len(stated_steps):
        raise TypeError("a step is not as the tool writes it")
    return [step for step, _ in pairs], [risk for _, risk in pairs]


def _decode_members(
    members: Mapping[str, Any], steps: Sequence[Step], signature: PlanSignature | None, signed_by: str
) -> SavedPlan:
    """Raises what `decode_plan` raises."""
    # Only a plan that was made for one names an environment.
    texts = {"environment": "", **members}
    for name, pattern in _STAMP_PATTERNS.items():
        if not re.fullmatch(pattern, texts[name], re.ASCII):
            raise ValueError(f"{name} is not as the tool writes it")
    if not all(isinstance(path, str) for path in members["paths"]):
        raise TypeError("a path is text")
    stamp = {name: texts[name] for name in _STAMP_PATTERNS}
    paths, method = tuple(members["paths"]), signature.method if signature else ""
    plan = decode_plan(members, steps)
    return SavedPlan(plan, **stamp, digest=members["digest"], paths=paths, signature=method, signed_by=signed_by)
