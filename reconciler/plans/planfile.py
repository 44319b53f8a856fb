"""A plan as a file: the JSON that `plan --format json` shows, with what applying it needs, sealed by a digest.

Added members: {"kind": "Plan", "planned_on", "targets", "manifests", "digest"}, and in each step "base" and "expect".
The digest covers every other byte of the file: it is recomputed, never believed, and the file must be exactly what the
tool writes, so that no edit goes unnoticed. There is no clock in it but the day, so equal input gives equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from reconciler.diagnostics import Address, Source
from reconciler.errors import Exit, Problem, RefusedError, StaleError
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Bound, Call, Change, Coverage, Json, Plan, Request, Risk, Step
from reconciler.reports.json_document import FORMAT_VERSION, build_report, encode_step, render_json

MAX_AGE = timedelta(days=1)
"""A plan is applied on the day it was made or on the next (UTC): an approval does not keep."""

# Hashed first, so that no digest of the same bytes that was made for another purpose passes for a
# seal.
_DOMAIN = b"reconciler plan 1\n"
_MARKS = (b'"format_version"', b'"digest"', b'"planned_on"')
"""What a damaged plan still holds, and another file does not."""


def dump_plan(plan: Plan, today: date) -> bytes:
    """Return the file's bytes; `load_plan` gives back an equal plan."""
    members = build_report("plan", Exit.CHANGES if plan.steps else Exit.OK, plan)
    members["steps"] = [_encode_step(step) for step in plan.steps]
    members |= {
        "kind": "Plan",
        "planned_on": today.isoformat(),
        "targets": {name: bound._asdict() for name, bound in sorted(plan.targets.items())},
        "manifests": plan.manifests,
    }
    return _seal_members(members)


def load_plan(data: bytes, today: date | None, file: str = "the plan") -> Plan:
    """Return the plan of a file; raises StaleError if a byte of it was changed, or if it is too old on that day.

    With no day its age does not matter: an old plan can be looked at, not applied.

    The seal is no signature: whoever can compute it can write what the tool never would, and that is refused as well.
    """
    members = _unseal_members(data, file)
    try:
        planned_on, plan = date.fromisoformat(members["planned_on"]), _read_plan(members)
    except (KeyError, TypeError, ValueError, AttributeError):
        reason = "this is sealed as a plan, but it is not one that this version of the tool writes"
        raise StaleError(Problem(Source(file), f"{reason}; nothing was sent; make a new one with plan --out")) from None
    # abs(): a plan from the future is no better, since one of the two clocks is wrong, and nobody knows
    # which.
    if today is not None and abs(today - planned_on) > MAX_AGE:
        reason = f"the plan was made on {planned_on}, and today is {today}; what was approved then may not be meant now"
        raise StaleError(Problem(Source(file), f"{reason}; plan again"))
    return plan


def _read_plan(members: Mapping[str, Any]) -> Plan:
    return Plan(
        steps=tuple(_read_step(step) for step in members["steps"]),
        compared=Coverage(**members["compared"]),
        notes=tuple(Problem(_parse_source(note["source"]), note["message"]) for note in members["notes"]),
        selection=members["selection"],
        targets={name: Bound(**bound) for name, bound in members["targets"].items()},
        manifests=members["manifests"],
    )


def read_plan_digest(data: bytes) -> str:
    """Return the digest that a plan file carries, for a person to compare."""
    return str(json.loads(data)["digest"])


def check_plan_targets(plan: Plan, bounds: Mapping[str, Bound], file: str = "the plan") -> None:
    """Raise RefusedError unless each target that the plan writes to is the very place it was made for."""
    problems = []
    for name in sorted({step.address.target for step in plan.steps}):
        planned, configured = plan.targets.get(name), bounds.get(name)
        # Staging's settings and production's may both call their target `command`.
        if planned != configured or planned is None:
            difference = (
                "is not in the settings" if configured is None else f"is {_describe_bound(configured)} in the settings"
            )
            planned_text = _describe_bound(planned) if planned else "nothing"
            reason = f"the plan was made for {planned_text}, and target {name} {difference}; nothing was sent"
            problems.append(Problem(Source(file), f"{reason}; use the settings it was made with, or plan again"))
    if problems:
        raise RefusedError(*problems)


def _describe_bound(bound: Bound) -> str:
    return f"{bound.url} project {bound.project}" if bound.project else bound.url


def _seal_members(members: Mapping[str, Json]) -> bytes:
    body = {name: value for name, value in members.items() if name != "digest"}
    plain = render_json(body).encode()
    return render_json({**body, "digest": "sha256:" + sha256(_DOMAIN + plain).hexdigest()}).encode()


def _unseal_members(data: bytes, file: str) -> dict[str, Any]:
    """Return the members of a plan file whose bytes are exactly those that the tool wrote."""
    try:
        members = json.loads(data)
        # All bytes are compared, not two digests: json.loads keeps the last of two equal names (RFC 8259, 4,
        # leaves it open) and reads UTF-16 as well, so a file could show its reviewer something else than it
        # holds.
        is_sealed = isinstance(members, dict) and members.get("kind") == "Plan" and _seal_members(members) == data
    # Python's JSON parser recurses: a few kilobytes of brackets raise RecursionError.
    except (ValueError, RecursionError, UnicodeError):
        is_sealed = False
    if not is_sealed:
        reason = "this is not a plan as it was written: its digest does not hold, so a byte of it was changed or lost"
        if not any(mark in data for mark in _MARKS):
            reason = "this is no saved plan: nothing in it is what plan --out writes"
        raise StaleError(Problem(Source(file), f"{reason}; nothing was sent; make a new one with plan --out"))
    if str(members["format_version"]).split(".")[0] != FORMAT_VERSION.split(".")[0]:
        reason = f"the plan has format {members['format_version']}, and this version reads {FORMAT_VERSION}"
        raise StaleError(Problem(Source(file), f"{reason}; plan again with this version"))
    return dict(members)


def _encode_step(step: Step) -> dict[str, Json]:
    members = encode_step(step)
    if step.request is not None:
        members |= {"base": step.request.base, "expect": step.request.expect}
    return members


def _read_step(members: Mapping[str, Any]) -> Step:
    address = Address(**members["address"])
    if address.kind not in KINDS:
        raise ValueError(f"no kind is called {address.kind}")
    changes = tuple(
        Change(change["path"], change["before"], change["after"], Risk(change["risk"])) for change in members["changes"]
    )
    return Step(
        address=address,
        action=Action(members["action"]),
        source=_parse_source(members["source"]),
        changes=changes,
        request=_read_request(address.target, members) if members["call"] else None,
        object=members["object"],
        refusal=members.get("refusal", ""),
    )


def _read_request(target: str, members: Mapping[str, Any]) -> Request:
    call_members = members["call"]
    # Whoever can write the file can seal it as well: without this a plan could hold a DELETE.
    if call_members["method"] not in {"PUT", "POST"}:
        raise ValueError(f"no step is a {call_members['method']}")
    # RFC 8259 gives members no order, but Python's json keeps the file's, and that is the one that was
    # sealed.
    query = tuple(call_members["query"].items())
    unsent_call = Call(
        target, call_members["method"], call_members["path"], call_members["body"], query, call_members["version"]
    )
    return Request(unsent_call, members["base"], members["expect"])


def _parse_source(text: str) -> Source:
    """Undo str(Source): the file's own name may hold colons."""
    parts = text.rsplit(":", 2)
    # isdigit() alone takes a superscript two, which int() refuses.
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts[1:]):
        return Source(parts[0], int(parts[1]), int(parts[2]))
    return Source(text)
