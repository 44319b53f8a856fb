"""Who changed what differs, as far as the audit trails tell: the best evidence for each field, with its grade. Pure.

It is a hint and never more: it changes no plan and no exit code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import NamedTuple

from reconciler.kinds.trail_names import Trail, TrailNames
from reconciler.model import Change, Json, Step
from reconciler.payloads.trail_entries import DELETED, TrailEntry, list_leaves

SLACK = timedelta(minutes=5)
"""What two clocks may differ by."""


class Grade(StrEnum):
    """What a piece of evidence is worth.

    `exact`: the trail names the object and this field, and left in it what was found. `likely`: it names the object,
    and nothing more of it can be shown. `none`: nobody is named.
    """

    EXACT = "exact"
    LIKELY = "likely"
    NONE = "none"


class TrailEvidence(NamedTuple):
    """Who changed a field, when and how; `reason` says what keeps it from being exact."""

    grade: Grade
    actor: str = ""
    time: str = ""
    operation: str = ""
    address: str = ""
    trail: str = ""
    entry: str = ""
    reason: str = ""


class TrailWindow(NamedTuple):
    """From when until when a change can have been made."""

    begin: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        """Say whether it can have been then, by either clock."""
        return self.begin - SLACK <= moment <= self.end + SLACK


class TrailSubject(NamedTuple):
    """What a step is about, as a trail may call it: by id and by any of some folded names."""

    id: str
    names: frozenset[str]


def name_trail_subject(step: Step) -> TrailSubject:
    """Return what a step is about; its id is in the request that puts it right."""
    object_names = {step.object, *step.object.split(), *(subject.name for subject in step.subjects)}
    names = frozenset(name.casefold() for name in {step.address.name, *object_names} if name)
    if step.request is None:
        return TrailSubject("", names)
    body_id = step.request.call.body.get("Id")
    path_ids = [part for part in step.request.call.path.split("/") if part.isdecimal()]
    return TrailSubject(str(body_id) if isinstance(body_id, int) else (path_ids[:1] or [""])[0], names)


def attribute_change(
    step: Step, change: Change, names: TrailNames, entries: Iterable[TrailEntry], window: TrailWindow
) -> TrailEvidence | None:
    """Return the best evidence among the entries of one trail; None where none names the object."""
    field = change.path.partition(".")[0]
    members = frozenset(names.members.get(field, ()))
    likely: TrailEvidence | None = None
    for entry, is_certain in _select_entries(step, names, entries, window):
        doubt = "" if is_certain else _ANOTHER_NAME
        if step.finds_nothing:
            return _make_evidence(entry, names.trail, doubt)
        other_value = "" if field in names.opaque else _explain_other_value(entry, members, change)
        if entry.changed is None:
            if members.isdisjoint(entry.values):
                likely = likely or _make_evidence(entry, names.trail, _FIELDS_UNTOLD)
            elif other_value:
                # What came after it, if anything did, left what was found.
                return likely or _make_evidence(entry, names.trail, other_value)
            else:
                likely = _make_evidence(entry, names.trail, _FIELDS_UNTOLD)
        elif members & entry.changed:
            doubt = doubt or other_value
            return likely if doubt and likely else _make_evidence(entry, names.trail, doubt)
    return likely


def attribute_request(step: Step, change: Change) -> TrailEvidence | None:
    """Return who asked for the certificate whose request is pending, though it is declared as denied.

    None for a change that is about no request.
    """
    subject = next((subject for subject in step.subjects if subject.path == change.path), None)
    if subject is None:
        return None
    requester, number = dict(subject.facts).get("requester", ""), subject.path.partition(".")[2]
    if not requester:
        return TrailEvidence(
            Grade.NONE, trail=Trail.REQUEST, entry=number, reason="the request does not say who made it"
        )
    return TrailEvidence(Grade.EXACT, requester, operation="Requested", trail=Trail.REQUEST, entry=number)


def _select_entries(
    step: Step, names: TrailNames, entries: Iterable[TrailEntry], window: TrailWindow
) -> Iterator[tuple[TrailEntry, bool]]:
    """Yield what can be about the change, the newest first, each with whether it is certainly about the object."""
    subject = name_trail_subject(step)
    ordered = sorted(entries, key=_order_entry, reverse=True)
    for entry in ordered:
        if entry.entity not in names.entities or not window.holds(entry.moment):
            continue
        if (entry.operation == DELETED) is not step.finds_nothing:
            continue
        if (likeness := _recognise(entry, subject, names)) is not _Likeness.OTHER:
            yield entry, likeness is _Likeness.CERTAIN


class _Likeness(Enum):
    """Whether an entry is about an object: certainly, perhaps, or about another one."""

    CERTAIN = auto()
    DOUBTFUL = auto()
    OTHER = auto()


def _recognise(entry: TrailEntry, subject: TrailSubject, names: TrailNames) -> _Likeness:
    # What is read of one certificate's history is about no other.
    if entry.worded:
        return _Likeness.CERTAIN
    if subject.id and entry.object_ids:
        return _Likeness.CERTAIN if subject.id in entry.object_ids else _Likeness.OTHER
    if names.unique_names and entry.names & subject.names:
        return _Likeness.CERTAIN
    # An id beside another name may be a number of the entry's own.
    return _Likeness.DOUBTFUL if subject.id and subject.id in entry.reference else _Likeness.OTHER


def _order_entry(entry: TrailEntry) -> tuple[datetime, int]:
    # A history has whole seconds; where its ids are numbers, they go on counting within one.
    return entry.moment, int(entry.id) if entry.id.isdecimal() and len(entry.id) < _MOST_DIGITS else 0


def _explain_other_value(entry: TrailEntry, members: frozenset[str], change: Change) -> str:
    """Return why what an entry left in a field is not what was found there; "" where it is."""
    left = frozenset().union(*(entry.values.get(member, frozenset()) for member in members))
    leaves = frozenset(list_leaves(change.before))
    if entry.worded:
        is_named = bool(leaves) and all(any(leaf in sentence for sentence in left) for leaf in leaves)
        return "" if is_named else "it does not say which value was set"
    is_whole = "." not in change.path and _is_plain(change.before)
    return "" if (left == leaves if is_whole else leaves <= left) else _ANOTHER_VALUE


def _is_plain(value: Json) -> bool:
    """Say whether a value is a text or a list of texts, of which a trail must have exactly these."""
    parts = value if isinstance(value, list | tuple | frozenset) else [value]
    return all(part is None or isinstance(part, str | bool | int) for part in parts)


def _make_evidence(entry: TrailEntry, trail: Trail, reason: str) -> TrailEvidence:
    reason = reason or ("" if entry.actor else "it names nobody")
    grade = Grade.LIKELY if reason else Grade.EXACT
    return TrailEvidence(grade, entry.actor, entry.time, entry.operation, entry.address, trail, entry.id, reason)


_MOST_DIGITS = 20
"""Of an id that is a number."""
_FIELDS_UNTOLD = "it does not say which fields were changed"
_ANOTHER_VALUE = "it set another value than the one found: somebody changed it since, without an entry"
_ANOTHER_NAME = "it has the object's id beside another name"
