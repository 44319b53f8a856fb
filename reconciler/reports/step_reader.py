"""Steps of a JSON report as they were reported: what each is, what became of it, how long it has differed, by whom.

Every function raises KeyError, TypeError, ValueError or AttributeError for what the tool never writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Source
from reconciler.model import Action, Call, Change, Json, Obstacle, Request, Risk, Step, Verdict
from reconciler.plans.attribution import Grade, TrailEvidence
from reconciler.plans.drift_items import ClearedDifference, DriftAge, DriftStatus, StepDrift
from reconciler.plans.masking import MaskedOutcome, MaskedStep
from reconciler.plans.serial import decode_origin, decode_subject, parse_source


class StepRecord(NamedTuple):
    """A step of a report with all that is told of it; `evidence` has a place for each change."""

    step: MaskedStep
    outcome: MaskedOutcome | None
    drift: StepDrift | None
    evidence: tuple[TrailEvidence | None, ...]


def read_text(value: Json) -> str:
    """Return a text."""
    if not isinstance(value, str):
        raise TypeError("a text is due")
    return value


def read_count(value: Json) -> int:
    """Return a number of things."""
    # bool is a kind of int to Python.
    if type(value) is not int or value < 0:
        raise TypeError("a count is due")
    return value


def read_list(value: Json) -> Sequence[Any]:
    """Return a list."""
    if not isinstance(value, list):
        raise TypeError("a list is due")
    return value


def read_source(value: Json) -> Source:
    """Return a place."""
    text = read_text(value)
    source = parse_source(text)
    # A file may be called a:01:2.
    return source if str(source) == text else Source(text)


def read_address(value: Json) -> Address:
    """Return what a document is called."""
    return Address(*map(read_text, (value["target"], value["kind"], value["name"])))


def decode_reported_step(members: Mapping[str, Any]) -> StepRecord:
    """Return a step of `encode_reported_step`."""
    changes = read_list(members["changes"])
    # What was masked when the report was made needs no secret to be shown again.
    step = MaskedStep(_decode_step(members, changes))
    evidence = tuple(_decode_evidence(change["blame"]) if "blame" in change else None for change in changes)
    return StepRecord(step, _decode_outcome(step, members, changes), _decode_step_drift(members, changes), evidence)


def _decode_step(members: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> Step:
    address = read_address(members["address"])
    return Step(
        address=address,
        action=Action(members["action"]),
        source=read_source(members["source"]),
        changes=tuple(map(_decode_change, changes)),
        request=_decode_request(address.target, members["call"]) if members["call"] is not None else None,
        object=read_text(members["object"]),
        refusal=read_text(members.get("refusal", "")),
        subjects=tuple(map(decode_subject, read_list(members["subjects"]))),
        obstacle=Obstacle(members.get("obstacle", Obstacle.REFUSED)),
        deferral=_decode_deferral(members.get("drift", {})),
        escalation=read_text(members.get("escalation", "")),
    )


def decode_age(members: Mapping[str, Any]) -> DriftAge | None:
    """Return how long something has differed; None where only an acknowledgement is told."""
    if "since" not in members:
        return None
    return DriftAge(DriftStatus(members["status"]), read_text(members["since"]), read_count(members["runs"]))


def decode_cleared(members: Mapping[str, Any]) -> ClearedDifference:
    """Return a difference that is gone."""
    address, runs = read_address(members["address"]), read_count(members["runs"])
    object_name, path, since = map(read_text, (members["object"], members["path"], members["since"]))
    return ClearedDifference(address, object_name, path, since, runs)


def _decode_change(members: Mapping[str, Any]) -> Change:
    path, reason = read_text(members["path"]), read_text(members["risk_reason"])
    names = tuple((member, read_text(name)) for member, name in members.get("names", {}).items())
    origin = decode_origin(members["origin"]) if "origin" in members else None
    return Change(path, members["before"], members["after"], Risk(members["risk"]), reason, origin, names)


def _decode_request(target: str, call: Mapping[str, Any]) -> Request:
    if call["method"] not in {"PUT", "POST"}:
        raise ValueError("no step is sent so")
    query = tuple((name, read_text(value)) for name, value in call["query"].items())
    body, version = dict(call["body"]), read_count(call["version"])
    unsent_call = Call(target, call["method"], read_text(call["path"]), body, query, version)
    # A report has neither: it is for people, and nothing is sent by it.
    return Request(unsent_call, base=None, expect=None)


def _decode_deferral(members: Mapping[str, Any]) -> Deferral | None:
    if "acknowledgement" not in members:
        return None
    name, reason = read_text(members["acknowledgement"]), read_text(members["reason"])
    return Deferral(name, read_source(members["manifest"]), date.fromisoformat(members["until"]), reason)


def _decode_outcome(
    step: MaskedStep, members: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]
) -> MaskedOutcome | None:
    if members["verdict"] is None:
        return None
    # Only of a batch that the server split is something known of each change.
    verdicts = tuple(Verdict(change["verdict"]) for change in changes if "verdict" in change)
    if verdicts and len(verdicts) < len(changes):
        raise ValueError("the outcome of a change is missing")
    return MaskedOutcome(step, Verdict(members["verdict"]), read_text(members["detail"]), verdicts)


def _decode_step_drift(members: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]) -> StepDrift | None:
    age = decode_age(members.get("drift", {}))
    if age is None:
        return None
    return StepDrift(age, tuple(decode_age(change.get("drift", {})) for change in changes))


def _decode_evidence(members: Mapping[str, Any]) -> TrailEvidence:
    texts = [read_text(members[name]) for name in TrailEvidence._fields[1:]]
    return TrailEvidence(Grade(members["grade"]), *texts)
