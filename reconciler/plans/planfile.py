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

from reconciler.errors import Exit, Problem, RefusedError, Source, StaleError
from reconciler.kinds.registry import KINDS
from reconciler.model import Action, Address, Bound, Call, Change, Compared, Json, Plan, Request, Risk, Step
from reconciler.reports.json_document import FORMAT_VERSION, document, render, step_json

MAX_AGE = timedelta(days=1)
"""A plan is applied on the day it was made or on the next (UTC): an approval does not keep."""

# Hashed first, so that no digest of the same bytes that was made for another purpose passes for a
# seal.
_DOMAIN = b"reconciler plan 1\n"
_MARKS = (b'"format_version"', b'"digest"', b'"planned_on"')
"""What a damaged plan still holds, and another file does not."""


def dump(plan: Plan, today: date) -> bytes:
    """Return the file's bytes; `load` gives back an equal plan."""
    shown = document("plan", Exit.CHANGES if plan.steps else Exit.OK, plan)
    shown["steps"] = [_step(step) for step in plan.steps]
    shown |= {
        "kind": "Plan",
        "planned_on": today.isoformat(),
        "targets": {name: bound._asdict() for name, bound in sorted(plan.targets.items())},
        "manifests": plan.manifests,
    }
    return _seal(shown)


def load(data: bytes, today: date | None, file: str = "the plan") -> Plan:
    """Return the plan of a file; raises StaleError if a byte of it was changed, or if it is too old on that day.

    With no day its age does not matter: an old plan can be looked at, not applied.

    The seal is no signature: whoever can compute it can write what the tool never would, and that is refused as well.
    """
    shown = _unsealed(data, file)
    try:
        planned_on, plan = date.fromisoformat(shown["planned_on"]), _read_plan(shown)
    except (KeyError, TypeError, ValueError, AttributeError):
        why = "this is sealed as a plan, but it is not one that this version of the tool writes"
        raise StaleError(Problem(Source(file), f"{why}; nothing was sent; make a new one with plan --out")) from None
    # abs(): a plan from the future is no better, since one of the two clocks is wrong, and nobody knows
    # which.
    if today is not None and abs(today - planned_on) > MAX_AGE:
        why = f"the plan was made on {planned_on}, and today is {today}; what was approved then may not be meant now"
        raise StaleError(Problem(Source(file), f"{why}; plan again"))
    return plan


def _read_plan(shown: Mapping[str, Any]) -> Plan:
    return Plan(
        steps=tuple(_read_step(step) for step in shown["steps"]),
        compared=Compared(**shown["compared"]),
        notes=tuple(Problem(_source(note["source"]), note["message"]) for note in shown["notes"]),
        selection=shown["selection"],
        targets={name: Bound(**bound) for name, bound in shown["targets"].items()},
        manifests=shown["manifests"],
    )


def digest(data: bytes) -> str:
    """Return the digest that a plan file carries, for a person to compare."""
    return str(json.loads(data)["digest"])


def check_targets(plan: Plan, bounds: Mapping[str, Bound], file: str = "the plan") -> None:
    """Raise RefusedError unless each target that the plan writes to is the very place it was made for."""
    problems = []
    for name in sorted({step.address.target for step in plan.steps}):
        made_for, here = plan.targets.get(name), bounds.get(name)
        # Staging's settings and production's may both call their target `command`.
        if made_for != here or made_for is None:
            there = "is not in the settings" if here is None else f"is {_place(here)} in the settings"
            was = _place(made_for) if made_for else "nothing"
            why = f"the plan was made for {was}, and target {name} {there}; nothing was sent"
            problems.append(Problem(Source(file), f"{why}; use the settings it was made with, or plan again"))
    if problems:
        raise RefusedError(*problems)


def _place(bound: Bound) -> str:
    return f"{bound.url} project {bound.project}" if bound.project else bound.url


def _seal(shown: Mapping[str, Json]) -> bytes:
    body = {name: value for name, value in shown.items() if name != "digest"}
    plain = render(body).encode()
    return render({**body, "digest": "sha256:" + sha256(_DOMAIN + plain).hexdigest()}).encode()


def _unsealed(data: bytes, file: str) -> dict[str, Any]:
    """Return the members of a plan file whose bytes are exactly those that the tool wrote."""
    try:
        shown = json.loads(data)
        # All bytes are compared, not two digests: json.loads keeps the last of two equal names (RFC 8259, 4,
        # leaves it open) and reads UTF-16 as well, so a file could show its reviewer something else than it
        # holds.
        sealed = isinstance(shown, dict) and shown.get("kind") == "Plan" and _seal(shown) == data
    # Python's JSON parser recurses: a few kilobytes of brackets raise RecursionError.
    except (ValueError, RecursionError, UnicodeError):
        sealed = False
    if not sealed:
        why = "this is not a plan as it was written: its digest does not hold, so a byte of it was changed or lost"
        if not any(mark in data for mark in _MARKS):
            why = "this is no saved plan: nothing in it is what plan --out writes"
        raise StaleError(Problem(Source(file), f"{why}; nothing was sent; make a new one with plan --out"))
    if str(shown["format_version"]).split(".")[0] != FORMAT_VERSION.split(".")[0]:
        why = f"the plan has format {shown['format_version']}, and this version reads {FORMAT_VERSION}"
        raise StaleError(Problem(Source(file), f"{why}; plan again with this version"))
    return dict(shown)


def _step(step: Step) -> dict[str, Json]:
    shown = step_json(step)
    if step.request is not None:
        shown |= {"base": step.request.base, "expect": step.request.expect}
    return shown


def _read_step(shown: Mapping[str, Any]) -> Step:
    address = Address(**shown["address"])
    if address.kind not in KINDS:
        raise ValueError(f"no kind is called {address.kind}")
    changes = tuple(Change(one["path"], one["before"], one["after"], Risk(one["risk"])) for one in shown["changes"])
    return Step(
        address=address,
        action=Action(shown["action"]),
        source=_source(shown["source"]),
        changes=changes,
        request=_read_request(address.target, shown) if shown["call"] else None,
        object=shown["object"],
        refusal=shown.get("refusal", ""),
    )


def _read_request(target: str, shown: Mapping[str, Any]) -> Request:
    call = shown["call"]
    # Whoever can write the file can seal it as well: without this a plan could hold a DELETE.
    if call["method"] not in {"PUT", "POST"}:
        raise ValueError(f"no step is a {call['method']}")
    # RFC 8259 gives members no order, but Python's json keeps the file's, and that is the one that was
    # sealed.
    query = tuple(call["query"].items())
    sent = Call(target, call["method"], call["path"], call["body"], query, call["version"])
    return Request(sent, shown["base"], shown["expect"])


def _source(text: str) -> Source:
    """Undo str(Source): the file's own name may hold colons."""
    parts = text.rsplit(":", 2)
    # isdigit() alone takes a superscript two, which int() refuses.
    if len(parts) == 3 and all(part.isascii() and part.isdigit() for part in parts[1:]):
        return Source(parts[0], int(parts[1]), int(parts[2]))
    return Source(text)
