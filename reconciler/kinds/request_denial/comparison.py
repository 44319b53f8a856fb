"""Declared requests beside the pending ones: which are denied, in which batches, and why the others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from reconciler.diagnostics import Diagnostic, Source
from reconciler.kinds.kind import Match, Wanted
from reconciler.kinds.request_denial.spec import Expected, RequestDenial
from reconciler.model import Json, Path, Subject
from reconciler.patterns import matches_pattern
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import (
    ATTRIBUTE_MEMBERS,
    STATE_NAMES,
    WAITING,
    read_request_id,
)

# Command documents no maximum for the list, and the call is not idempotent.
BATCH_SIZE = 10
"""Ids of one POST: what one lost answer can leave open."""

_FACTS = {"requester": "Requester", "template": "Template", "authority": "CertificateAuthority"}
"""What a reviewer judges a request by, beside its name."""


@dataclass(frozen=True, slots=True)
class LiveRequests:
    """Pending requests by id, what became of the declared ones that are not, and those of several documents."""

    pending: Mapping[int, Mapping[str, Json]]
    not_pending: Mapping[int, Mapping[str, Json]]
    authors: Mapping[int, tuple[str, ...]]

    def find_request(self, number: int) -> Mapping[str, Json] | None:
        """Return a request as read; None if it is gone or not visible."""
        return self.pending.get(number) or self.not_pending.get(number)

    def read_state(self, number: int) -> int | None:
        """Return a request's state; one of the pending list is pending, whatever its row says."""
        state: int | None = WAITING if number in self.pending else pick_member(self.find_request(number) or {}, "State")
        return state


def list_request_ids(spec: RequestDenial, pending_requests: Mapping[int, Mapping[str, Json]]) -> list[int]:
    """Return the ids that a document is about: the declared ones, or the pending ones that its pattern matches."""
    if spec.pattern is None:
        return [entry.id for entry in spec.requests]
    attributes = spec.pattern.list_attributes()
    return [
        number
        for number in sorted(pending_requests)
        if not _find_differences(attributes, pending_requests[number], matches_pattern)
    ]


def locate_requests(
    spec: RequestDenial, pending_requests: Mapping[int, Mapping[str, Json]]
) -> Iterator[tuple[int, Path]]:
    """Yield the ids that a document is about, each with the place that says so."""
    for index, number in enumerate(list_request_ids(spec, pending_requests)):
        yield number, ("spec", "match") if spec.pattern is not None else ("spec", "requests", index)


def _find_differences(
    attributes: Mapping[str, str], raw: Mapping[str, Json], is_equal: Callable[[str, str], bool]
) -> list[tuple[str, Json, str]]:
    """Return (attribute, live, expected) where they differ."""
    comparisons = ((name, pick_member(raw, ATTRIBUTE_MEMBERS[name]), value) for name, value in attributes.items())
    return [(name, live, value) for name, live, value in comparisons if not is_equal(value, str(live or ""))]


def find_obstacle(
    document: Wanted[RequestDenial], number: int, live: LiveRequests, path: Path
) -> Diagnostic | Match | None:
    """Return what keeps a request from being denied; None if it is pending and looks as the document expects."""
    if number in live.authors:
        return Diagnostic(
            "live.contested",
            document.at(path),
            f"request {number} is denied by several documents: {', '.join(live.authors[number])}",
            "it can only be denied once",
            "remove it from all but one",
            address=document.address,
        )
    if reason := _explain_refusal(document.spec, number, live):
        return _refuse_request(document, number, live, reason, document.at(path))
    return None


def _explain_refusal(spec: RequestDenial, number: int, live: LiveRequests) -> str:
    """Say why a request is not denied; "" if it is."""
    raw, state = live.find_request(number), live.read_state(number)
    if raw is None:
        return "is gone or not visible; correct the id or remove it"
    declared: Sequence[Expected] = spec.declared().get("requests", ())
    attributes: Mapping[str, str] = next((entry.list_attributes() for entry in declared if entry.id == number), {})
    differences = _find_differences(attributes, raw, lambda value, text: value.casefold() == text.casefold())
    # Before the state: after a restore from backup the id may stand for another request.
    if differences:
        details = ", ".join(f"{name} is {value!r}, not {expected!r}" for name, value, expected in differences)
        return f"is not the request that is meant: {details}; correct the document"
    if state != WAITING:
        state_name = STATE_NAMES.get(state or 0, f"in state {state}")
        return f"is {state_name}, no longer pending, and can't be denied; revoke what was issued, or remove the entry"
    return ""


def describe_request(number: int, identity: Mapping[str, Json]) -> Subject:
    """Return a request as a reviewer knows it: the name that it asks for, who asks, and by which template."""
    facts = {name: pick_member(identity, member) for name, member in _FACTS.items()}
    texts = tuple((name, str(value)) for name, value in facts.items() if value)
    return Subject(str(pick_member(identity, "CommonName") or ""), texts, f"requests.{number}")


def _refuse_request(document: Wanted, number: int, live: LiveRequests, reason: str, source: Source) -> Match:
    state = live.read_state(number)
    state_name = None if state is None else STATE_NAMES.get(state, str(state))
    path, refusal = f"requests.{number}", f"request {number} {reason}"
    subjects = (describe_request(number, live.find_request(number) or {}),)
    label = f"request {number}"
    return Match(document, {path: state_name}, {path: "denied"}, (), label, source, refusal, subjects=subjects)


def build_batches(document: Wanted, rows: Sequence[Mapping[str, Json]]) -> Iterator[Match]:
    """Yield the matches that deny these requests, a batch each, by id."""
    queue = iter(sorted(rows, key=read_request_id))
    while batch := tuple(islice(queue, BATCH_SIZE)):
        paths = [f"requests.{read_request_id(row)}" for row in batch]
        label = ", ".join(f"{read_request_id(row)} {pick_member(row, 'CommonName')}" for row in batch)
        subjects = tuple(describe_request(read_request_id(row), row) for row in batch)
        before, after = dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied")
        yield Match(document, before, after, batch, label, objects=len(batch), subjects=subjects)
