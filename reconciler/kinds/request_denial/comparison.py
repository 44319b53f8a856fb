"""Declared requests beside the pending ones: which are denied, in which batches, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from reconciler.diagnostics import Source
from reconciler.kinds.claimed_acts import ClaimedAct
from reconciler.kinds.kind import Match, Wanted
from reconciler.kinds.request_denial.matching import PatternMatches, find_matches
from reconciler.kinds.request_denial.spec import Expected, RequestDenial
from reconciler.model import Json, Obstacle, Path, Subject
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import (
    ATTRIBUTE_MEMBERS,
    NAMES_MEMBER,
    STATE_NAMES,
    WAITING,
    extract_request_identity,
    read_request_id,
)

# Command documents no maximum for the list, and the call is not idempotent.
BATCH_SIZE = 10
"""Ids of one POST: what one lost answer can leave open."""

_FACTS = {"requester": "Requester", "template": "Template", "authority": "CertificateAuthority"}
"""What a reviewer judges a request by, beside its name."""


@dataclass(frozen=True, slots=True)
class LiveRequests:
    """Pending requests by id, what became of the declared ones that are not, and those of several documents.

    `detailed` are pending ones that were read by their ids as well, and so have their alternative names.
    """

    pending: Mapping[int, Mapping[str, Json]]
    not_pending: Mapping[int, Mapping[str, Json]]
    detailed: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
    authors: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    def find_request(self, number: int) -> Mapping[str, Json] | None:
        """Return a request as read; None if it is gone or not visible."""
        return self.detailed.get(number) or self.pending.get(number) or self.not_pending.get(number)

    def read_state(self, number: int) -> int | None:
        """Return a request's state; None if it is gone or not visible."""
        state: int | None = pick_member(self.find_request(number) or {}, "State")
        return state

    def match_requests(self, spec: RequestDenial) -> PatternMatches:
        """Return what the pattern of a document finds."""
        return find_matches(spec.pattern.list_patterns() if spec.pattern else {}, self.pending, self.detailed)


def list_request_ids(spec: RequestDenial, live: LiveRequests) -> list[int]:
    """Return the ids that a document is about: the declared ones, or the pending ones that its pattern matches."""
    if spec.pattern is None:
        return [entry.id for entry in spec.requests]
    return list(live.match_requests(spec).numbers)


def locate_requests(spec: RequestDenial, live: LiveRequests) -> Iterator[tuple[int, Path]]:
    """Yield the ids that a document is about, each with the place that says so."""
    for index, number in enumerate(list_request_ids(spec, live)):
        yield number, ("spec", "match") if spec.pattern is not None else ("spec", "requests", index)


def _find_differences(attributes: Mapping[str, str], raw: Mapping[str, Json]) -> list[tuple[str, Json, str]]:
    """Return (attribute, live, expected) where they differ, letter case aside."""
    comparisons = ((name, pick_member(raw, ATTRIBUTE_MEMBERS[name]), value) for name, value in attributes.items())
    return [(name, live, value) for name, live, value in comparisons if value.casefold() != str(live or "").casefold()]


def name_act(number: int) -> str:
    """Return what the denial of a request is called in the memory of what was done, whichever document asks for it."""
    return f"deny/{number}"


def find_obstacle(
    document: Wanted[RequestDenial], number: int, live: LiveRequests, path: Path, claimed: Mapping[str, ClaimedAct]
) -> Match | None:
    """Return what keeps a request from being denied; None if it is pending and looks as the document expects.

    `claimed` are the acts that were done or may have been: none of them is done twice, whatever the request looks like.
    """
    reason = _explain_refusal(document.spec, number, live)
    obstacle = Obstacle.REFUSED if live.find_request(number) else Obstacle.ABSENT
    act = claimed.get(name_act(number))
    if not reason and act:
        reason = _explain_claim(act)
        obstacle = Obstacle.REFUSED if act.is_settled else Obstacle.UNSETTLED
        obstacle = Obstacle.HELD_BACK if act.is_under_way else obstacle
    if reason:
        return _refuse_request(document, number, live, reason, document.at(path), obstacle)
    return None


def _explain_claim(act: ClaimedAct) -> str:
    """Say why a request that is pending is not denied all the same."""
    if act.is_settled:
        return f"was denied before, by step {act.step}, and is pending all the same; nothing is denied twice"
    if act.is_under_way:
        return f"is being denied by another run, step {act.step}; plan again when that run has ended"
    return (
        f"may have been denied already: nobody knows what came of step {act.step}; look at the request, and say "
        f"`reconciler recover --settle {act.step} applied` or `not_applied`"
    )


def _explain_refusal(spec: RequestDenial, number: int, live: LiveRequests) -> str:
    """Say why a request is not denied; "" if it is."""
    if number in live.authors:
        return f"is denied by several documents: {', '.join(live.authors[number])}; remove it from all but one"
    raw, state = live.find_request(number), live.read_state(number)
    if raw is None:
        return "is gone or not visible; correct the id or remove it"
    declared: Sequence[Expected] = spec.declared().get("requests", ())
    attributes: Mapping[str, str] = next((entry.list_attributes() for entry in declared if entry.id == number), {})
    differences = _find_differences(attributes, raw)
    # Before the state: after a restore from backup the id may stand for another request.
    if differences:
        details = ", ".join(f"{name} is {value!r}, not {expected!r}" for name, value, expected in differences)
        return f"is not the request that is meant: {details}; correct the document"
    if state != WAITING:
        state_name = STATE_NAMES.get(state or 0, f"in state {state}")
        return f"is {state_name}, no longer pending, and can't be denied; revoke what was issued, or remove the entry"
    return ""


def describe_request(number: int, identity: Mapping[str, Json]) -> Subject:
    """Return a request as a reviewer knows it: the names that it asks for, who asks, and by which template."""
    names = [str(name) for name in identity.get(NAMES_MEMBER) or ()]
    facts = {name: pick_member(identity, member) for name, member in _FACTS.items()}
    texts = tuple((name, str(value)) for name, value in {**facts, "subjectAltName": ", ".join(names)}.items() if value)
    # A host's name tells people more than its address does.
    host_name = next((name for name in names if ":" not in name and any(map(str.isalpha, name))), "")
    name = str(pick_member(identity, "CommonName") or host_name or next(iter(names), ""))
    return Subject(name, texts, f"requests.{number}")


def label_batch(subjects: Sequence[Subject]) -> str:
    """Return what a batch is about, in short: the ids, each with the name that it asks for."""
    numbered_names = (f"{subject.path.partition('.')[2]} {subject.name}" for subject in subjects)
    return ", ".join(text.strip() for text in numbered_names)


def _refuse_request(
    document: Wanted, number: int, live: LiveRequests, reason: str, source: Source, obstacle: Obstacle
) -> Match:
    row, state = live.find_request(number), live.read_state(number)
    state_name = None if state is None else STATE_NAMES.get(state, str(state))
    path, refusal = f"requests.{number}", f"request {number} {reason}"
    return Match(
        document,
        {path: state_name},
        {path: "denied"},
        object=f"request {number}",
        source=source,
        refusal=refusal,
        subjects=(_describe_row(row or {"Id": number}),),
        obstacle=obstacle,
    )


def build_batches(document: Wanted, rows: Sequence[Mapping[str, Json]]) -> Iterator[Match]:
    """Yield the matches that deny these requests, a batch each, by id."""
    queue = iter(sorted(rows, key=read_request_id))
    while batch := tuple(islice(queue, BATCH_SIZE)):
        subjects = tuple(map(_describe_row, batch))
        paths = [subject.path for subject in subjects]
        before, after = dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied")
        yield Match(document, before, after, batch, label_batch(subjects), objects=len(batch), subjects=subjects)


def identify_request(row: Mapping[str, Json]) -> dict[str, Json]:
    """Return the identity of a request as read, its alternative names where the answer holds them."""
    return extract_request_identity(row, has_names=NAMES_MEMBER in row)


def _describe_row(row: Mapping[str, Json]) -> Subject:
    return describe_request(read_request_id(row), identify_request(row))
