"""Plans and steps as JSON values, for files and journals: a format of its own, which no report's drawing can change.

A plan is {"unmanaged", "compared", "selection", "problems", "notes", "absences", "targets", "manifests",
"acknowledged", "steps"}, of which "acknowledged" is there if there is any, and
which a file puts among its own members (`sealing`); a step is {"address", "object", "subjects", "action", "risk",
"risk_reason", "source", "call", "changes", "base", "expect"} and, where it has no call, "refusal" and "obstacle". What
a step says of itself is for people and tools that read the file: who loads it works it out again (`stored_steps`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from sys import intern
from typing import Any

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.field_origins import FieldOrigin
from reconciler.model import Action, Bound, Call, Change, Coverage, Json, Obstacle, Plan, Request, Risk, Step, Subject
from reconciler.plans.stored_rights import decode_rights_change, encode_rights_change

PLAN_FORMAT_VERSION = "3.1"
"""The first number changes where older versions of the tool could misread a plan; otherwise members only join."""

# Azure Pipelines and TeamCity read `##[` and `##vso[` in a log as commands, and a plan file may be printed into one.
_CI_COMMAND = re.compile(r"##(?=\w*\[)")


def render_members(members: Mapping[str, Json]) -> str:
    """Return JSON text: ASCII, indented, in the order given, a line feed at the end. Raises ValueError for NaN."""
    return _escape_commands(json.dumps(members, indent=2, allow_nan=False, default=_convert_to_json)) + "\n"


def render_step(members: Json) -> str:
    """Return JSON text on one line, in the order given; raises ValueError for NaN."""
    # Measured: 10,000 steps that are indented take a second of CPU and twice the room, since Python's accelerator
    # writes only what is on one line.
    return _escape_commands(_STEP_ENCODER.encode(members))


def render_line(members: Mapping[str, Json]) -> str:
    """Return JSON text on one line, without its end: ASCII, members by name. Raises ValueError for NaN."""
    return _escape_commands(json.dumps(members, sort_keys=True, separators=(",", ":"), allow_nan=False))


def _escape_commands(text: str) -> str:
    # json leaves DEL as it is, and terminals may act on it.
    return (_CI_COMMAND.sub(r"\\u0023#", text) if "##" in text else text).replace("\x7f", "\\u007f")


_OF_THE_DAY = frozenset({"acknowledgement.ended", "acknowledgement.ends-soon", "waiver.ended", "waiver.ends-soon"})
"""The rules of notes that tell how far away a day is; the day itself stands with what is left alone until then."""


def encode_plan(plan: Plan) -> dict[str, Json]:
    """Return a plan's members; `decode_plan` gives back an equal one without notes of the day. None with gaps is saved.

    What is only true on a day is no part of what is approved: a plan made again tomorrow has the same digest.
    """
    acknowledged = [encode_step(step) for step in plan.acknowledged]
    return {
        "unmanaged": {kind: dict(counts) for kind, counts in plan.unmanaged.items()},
        "compared": plan.compared._asdict(),
        "selection": plan.selection,
        "problems": [encode_diagnostic(problem) for problem in plan.problems],
        "notes": [encode_diagnostic(note) for note in plan.notes if note.rule not in _OF_THE_DAY],
        "absences": [encode_diagnostic(absence) for absence in plan.absences],
        "targets": {name: bound._asdict() for name, bound in sorted(plan.targets.items())},
        "manifests": plan.manifests,
        **({"acknowledged": acknowledged} if acknowledged else {}),
        **({"rights": [encode_rights_change(change) for change in plan.rights]} if plan.rights else {}),
        "steps": EncodedSteps(plan.steps),
    }


class EncodedSteps(Sequence[Json]):
    """Steps as JSON values, each made when it is asked for: all at once would take ten times the room of a file."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def __len__(self) -> int:
        return len(self._steps)

    def __getitem__(self, index: Any) -> Any:
        return encode_step(self._steps[index])


def decode_plan(members: Mapping[str, Any], steps: Iterable[Step]) -> Plan:
    """Return the plan of `encode_plan` with these steps, each by `decode_step`.

    Raises KeyError, TypeError, ValueError or AttributeError for anything else.
    """
    return Plan(
        steps=tuple(steps),
        compared=Coverage(*(int(members["compared"][name]) for name in Coverage._fields)),
        problems=_decode_diagnostics(members["problems"]),
        notes=_decode_diagnostics(members["notes"]),
        absences=_decode_diagnostics(members["absences"]),
        acknowledged=tuple(decode_step(step) for step in members.get("acknowledged", ())),
        selection=members["selection"],
        targets={name: Bound(**bound) for name, bound in members["targets"].items()},
        manifests=members["manifests"],
        rights=tuple(decode_rights_change(change) for change in members.get("rights", ())),
        unmanaged={kind: _decode_counts(counts) for kind, counts in members.get("unmanaged", {}).items()},
    )


def encode_step(step: Step) -> dict[str, Json]:
    """Return one step; `decode_step` gives back an equal one. Raises ValueError for a repeated query parameter."""
    members: dict[str, Json] = {
        "address": step.address._asdict(),
        "object": step.object,
        "subjects": [encode_subject(subject) for subject in step.subjects],
        "action": step.action.value,
        "risk": step.risk.value,
        "risk_reason": step.risk_reason,
        "source": str(step.source),
        "call": encode_call(step.request.call) if step.request else None,
        "changes": [encode_stored_change(change) for change in step.changes],
    }
    members |= {"escalation": step.escalation} if step.escalation else {}
    members |= {"refusal": step.refusal, "obstacle": step.obstacle.value} if step.refusal else {}
    members |= {"acknowledgement": encode_deferral(step.deferral)} if step.deferral else {}
    return members | ({"base": step.request.base, "expect": step.request.expect} if step.request else {})


def encode_stored_change(change: Change) -> dict[str, Json]:
    """Return a change; `decode_change` gives back an equal one."""
    path, before, after, risk, reason, origin, names = change
    members = {"path": path, "before": before, "after": after, "risk": risk.value, "reason": reason}
    # Hardly any change has either: a plan of 100,000 owners would say a hundred thousand times that it has none.
    members |= {"origin": encode_origin(origin)} if origin else {}
    return members | ({"names": dict(names)} if names else {})


def decode_step(members: Mapping[str, Any]) -> Step:
    """Return the step of `encode_step`; raises as `decode_plan` does."""
    address = _share_address(**members["address"])
    escalation = members.get("escalation", "")
    _check_texts(*address, members["object"], members["source"], escalation)
    return Step(
        address=address,
        action=Action(members["action"]),
        source=parse_source(members["source"]),
        changes=tuple(decode_change(change) for change in members["changes"]),
        request=_decode_request(address.target, members) if members["call"] else None,
        object=members["object"],
        refusal=members.get("refusal", ""),
        subjects=tuple(decode_subject(subject) for subject in members["subjects"]),
        obstacle=Obstacle(members.get("obstacle", Obstacle.REFUSED)),
        deferral=_decode_deferral(members["acknowledgement"]) if "acknowledgement" in members else None,
        escalation=escalation,
    )


def encode_origin(origin: FieldOrigin) -> dict[str, Json]:
    """Return which line decided a field, and which ones it overrides, the nearest first."""
    return {"source": str(origin.source), "overridden": [str(source) for source in origin.overridden]}


def decode_origin(members: Mapping[str, Any]) -> FieldOrigin:
    """Return the origin of `encode_origin`; raises as `decode_plan` does."""
    _check_texts(members["source"], *members["overridden"])
    return _share_origin(members["source"], *members["overridden"])


# Of a document of 100,000 certificates one line decides.
@lru_cache(maxsize=4096)
def _share_origin(source: str, *overridden: str) -> FieldOrigin:
    return FieldOrigin(parse_source(source), tuple(map(parse_source, overridden)))


def encode_deferral(deferral: Deferral) -> dict[str, Json]:
    """Return until when something is left alone, and by which document."""
    return {
        "name": deferral.name,
        "source": str(deferral.source),
        "until": deferral.until.isoformat(),
        "reason": deferral.reason,
        "fields": list(deferral.fields),
    }


def _decode_deferral(members: Mapping[str, Any]) -> Deferral:
    name, reason, fields = members["name"], members["reason"], tuple(members["fields"])
    _check_texts(name, reason, *fields)
    until = date.fromisoformat(members["until"])
    return Deferral(name, parse_source(members["source"]), until, reason, fields)


@lru_cache(maxsize=256)
def _share_address(target: str, kind: str, name: str) -> Address:
    # A document of 100,000 certificates is the address of as many steps.
    return Address(target, kind, name)


def _check_texts(*values: Any) -> None:
    for value in values:
        if not isinstance(value, str):
            raise TypeError("what a step is called, is about and changes is told in texts")


def _share_texts(value: Any) -> Any:
    """Return a text, or an object of some, so that what many steps have in common is in memory once."""
    if isinstance(value, dict):
        return {
            intern(name): intern(member) if type(member) is str else _share_texts(member)
            for name, member in value.items()
        }
    return intern(value) if type(value) is str else value


# Of the types too, since 1 and True are equal to Python, and are no equal JSON.
@lru_cache(maxsize=256, typed=True)
def _share_change(path: str, before: str | None, after: str | None, risk: str, reason: str) -> Change:
    return Change(path, before, after, Risk(risk), reason)


@lru_cache(maxsize=4096)
def _share_facts(*facts: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    return facts


def encode_subject(subject: Subject) -> dict[str, Json]:
    """Return what a step is about."""
    return {"name": subject.name, "facts": dict(subject.facts), "path": subject.path}


def encode_call(call: Call) -> dict[str, Json]:
    """Return one unsent request; its target is the step's. Raises ValueError for a repeated query parameter."""
    query = dict(call.query)
    # A JSON object names each member once: RFC 8259, section 4.
    if len(query) != len(call.query):
        raise ValueError(f"a query parameter is repeated in {call.method} {call.path}")
    return {"method": call.method, "path": call.path, "query": query, "body": call.body, "version": call.version}


def encode_diagnostic(diagnostic: Diagnostic) -> dict[str, Json]:
    """Return what is told, with its parts."""
    members = {
        "rule": diagnostic.rule,
        "severity": diagnostic.severity.value,
        "source": str(diagnostic.source),
        "summary": diagnostic.summary,
        "reason": diagnostic.reason,
        "remedy": diagnostic.remedy,
    }
    return members | ({"address": diagnostic.address._asdict()} if diagnostic.address else {})


def decode_diagnostic(members: Mapping[str, Any]) -> Diagnostic:
    """Return the diagnostic of `encode_diagnostic`; raises as `decode_plan` does."""
    texts = {name: members[name] for name in ("rule", "summary", "reason", "remedy")}
    return Diagnostic(
        **texts,
        source=parse_source(members["source"]),
        severity=Severity(members["severity"]),
        address=Address(**members["address"]) if "address" in members else None,
    )


def _decode_counts(counts: Mapping[str, Any]) -> dict[str, int]:
    # bool is a kind of int to Python.
    if not all(type(count) is int and count >= 0 for count in counts.values()):
        raise TypeError("a count is a number")
    return dict(counts)


def _decode_diagnostics(rows: Sequence[Mapping[str, Any]]) -> tuple[Diagnostic, ...]:
    return tuple(decode_diagnostic(members) for members in rows)


def decode_change(members: Mapping[str, Any]) -> Change:
    """Return a change; raises as `decode_plan` does."""
    path, before, after, reason = members["path"], members["before"], members["after"], members["reason"]
    names, origin = members.get("names", {}), members.get("origin")
    _check_texts(path, reason, *names.values())
    if not names and not origin and isinstance(before, str | None) and isinstance(after, str | None):
        return _share_change(path, before, after, members["risk"], reason)
    change = Change(intern(path), _share_texts(before), _share_texts(after), Risk(members["risk"]), intern(reason))
    return change._replace(names=tuple(sorted(names.items())), origin=decode_origin(origin) if origin else None)


def decode_subject(members: Mapping[str, Any]) -> Subject:
    """Return the subject of `encode_subject`; raises as `decode_plan` does."""
    facts = members["facts"]
    _check_texts(members["name"], members["path"], *facts.values())
    return Subject(intern(members["name"]), _share_facts(*facts.items()), intern(members["path"]))


def _decode_request(target: str, members: Mapping[str, Any]) -> Request:
    call = members["call"]
    # Whoever can compute the digest could write a DELETE.
    if call["method"] not in {"PUT", "POST"}:
        raise ValueError(f"no step is a {call['method']}")
    # 1.0 equals 1, and is another header.
    if type(call["version"]) is not int or not isinstance(call["path"], str):
        raise TypeError("a path is text, and a version a whole number")
    # RFC 8259 gives members no order, but Python's json keeps the file's, and that is the one that was sealed.
    query = tuple(call["query"].items())
    unsent_call = Call(target, call["method"], call["path"], _share_texts(call["body"]), query, call["version"])
    return Request(unsent_call, _share_texts(members["base"]), _share_texts(members["expect"]))


def parse_source(text: str) -> Source:
    """Undo str(Source): the file's own name may hold colons."""
    parts = text.rsplit(":", 2)
    # isdigit() alone takes a superscript two, which int() refuses.
    if len(parts) == 3 and (digits := parts[1] + parts[2]).isascii() and digits.isdigit() and all(parts[1:]):
        return Source(intern(parts[0]), int(parts[1]), int(parts[2]))
    return Source(text)


def _convert_to_json(value: Any) -> Json:
    """Give json what it doesn't know: read-only mappings."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


# Nothing that was parsed, and nothing that is frozen, holds itself.
_STEP_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False, default=_convert_to_json)
