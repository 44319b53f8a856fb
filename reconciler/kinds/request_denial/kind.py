"""Denials of pending certificate requests: POST /Workflow/Certificates/Deny (version 1).

A denial is an act, not a state: it can't be undone, and the server answers 200 even when every id failed. Ids are
resolved when the plan is made, never afterwards, and each is ruled on by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StringConstraints, model_validator

from reconciler.diagnostics import Source
from reconciler.errors import Problem
from reconciler.kinds.conflicts import find_contested_objects
from reconciler.kinds.fields import Text, unmanaged_field
from reconciler.kinds.kind import ExportedDocument, Finding, Kind, Match, Meaning, Note, Run, Spec, Tally, Wanted
from reconciler.kinds.requirements import ListPermission, PermissionGrant, Permissions
from reconciler.kinds.stored_requests import check_expectation, check_request
from reconciler.model import Action, Call, Json, Path, Reply, Request, Risk, Ruling, Step, Tables
from reconciler.patterns import matches_pattern
from reconciler.payloads.members import pick_member
from reconciler.payloads.requests import (
    ATTRIBUTE_MEMBERS,
    DENIED,
    DENY_PATH,
    PENDING_PATH,
    STATE_NAMES,
    WAITING,
    extract_request_identity,
    read_denial_rulings,
    read_pending_requests,
    read_request_id,
    read_requests_by_id,
    rule_on_denial,
)
from reconciler.reader import Read

_WILDCARDS = frozenset("*?")
# Command documents no maximum for the list, and the call is not idempotent.
BATCH_SIZE = 10
"""Ids of one POST: what one lost answer can leave open."""


def _parse_day(value: Any) -> Any:
    """JSON has no dates, so text of the form 2027-01-31 is one."""
    try:
        # Since Python 3.11 fromisoformat also takes the basic form (20270131): the length shuts it out.
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2027-01-31") else value
    except ValueError:
        return value


class Attributes(BaseModel):
    """What a request must look like; letter case aside."""

    model_config = Spec.model_config

    common_name: Text = unmanaged_field("The requested common name.")
    requester: Text = unmanaged_field("Who asked, as DOMAIN\\user.")
    template: Text = unmanaged_field("The certificate template.")
    distinguished_name: Text = unmanaged_field("The requested distinguished name.")
    certificate_authority: Text = unmanaged_field("The certificate authority, as host\\logical name.")

    def list_attributes(self) -> dict[str, str]:
        """Return the declared attributes by manifest name."""
        attributes = self.model_dump(by_alias=True, exclude_unset=True, exclude={"id"})
        return {name: str(value) for name, value in attributes.items()}

    @model_validator(mode="after")
    def _check_not_empty(self) -> Attributes:
        if not self.list_attributes():
            names = ", ".join(ATTRIBUTE_MEMBERS)
            raise ValueError(
                f"gives no expected attribute; an id alone may be another request tomorrow; add one of {names}"
            )
        return self


class Expected(Attributes):
    """One request, by its id and at least one attribute that it must have."""

    # An int32, KeyfactorRequestId in the answer: neither a certificate's id nor the CA's own number.
    id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="Command's request id.")


class Pattern(Attributes):
    """Pending requests by pattern: `*` stands for anything, `?` for one character. All that are given must match."""


class RequestDenial(Spec):
    """Pending certificate requests that are to be denied, once and for all."""

    requests: Annotated[tuple[Expected, ...], Field(strict=False, min_length=1)] = unmanaged_field("Requests by id.")
    match: Pattern = unmanaged_field("Pending requests by pattern, resolved to ids when the plan is made.")
    comment: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = unmanaged_field(
        "Sent with the denial; a denied request alert may deliver it to the requester."
    )
    expires: Annotated[date, BeforeValidator(_parse_day)] = unmanaged_field(
        "From that day on (UTC) the document is inert and reported as such."
    )

    @model_validator(mode="after")
    def _check_one_choice(self) -> RequestDenial:
        if len(self.model_fields_set & {"requests", "match"}) != 1:
            raise ValueError("needs exactly one of requests and match; otherwise it is unclear which are meant")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, str]]:
        numbers = [entry.id for entry in self.declared().get("requests", ())]
        for index, number in enumerate(numbers):
            if number in numbers[:index]:
                yield ("requests", index, "id"), f"request {number} is listed twice; remove one"
        if self.pattern and all(set(value) <= _WILDCARDS for value in self.pattern.list_attributes().values()):
            reason = "matches whatever is pending, what is asked for tomorrow too, and a denial can't be undone"
            remedy = "add an attribute that says more than wildcards, such as the template, or list the requests by id"
            yield ("match",), f"{reason}; {remedy}"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        for index, entry in enumerate(self.declared().get("requests", ())):
            yield f"request {entry.id}", ("requests", index, "id")

    def size(self, tables: Tables) -> int:
        return len(self.declared().get("requests", ())) or 1

    def is_expired(self, today: date) -> bool:
        """True from the day on which the document expires."""
        return "expires" in self.model_fields_set and today >= self.expires

    @property
    def pattern(self) -> Pattern | None:
        """The pattern, where requests are chosen by one."""
        return self.match if "match" in self.model_fields_set else None


@dataclass(frozen=True, slots=True)
class LiveRequests:
    """Pending requests by id, what became of the declared ones that are not, and those of several documents."""

    pending: Mapping[int, Mapping[str, Json]]
    not_pending: Mapping[int, Mapping[str, Json]]
    authors: Mapping[int, tuple[str, ...]]


def _list_request_ids(spec: RequestDenial, pending_requests: Mapping[int, Mapping[str, Json]]) -> list[int]:
    """Return the ids that a document is about: the declared ones, or the pending ones that its pattern matches."""
    if spec.pattern is None:
        return [entry.id for entry in spec.requests]
    attributes = spec.pattern.list_attributes()
    return [
        number
        for number in sorted(pending_requests)
        if not _find_differences(attributes, pending_requests[number], matches_pattern)
    ]


def _locate_requests(
    spec: RequestDenial, pending_requests: Mapping[int, Mapping[str, Json]]
) -> Iterator[tuple[int, Path]]:
    for index, number in enumerate(_list_request_ids(spec, pending_requests)):
        yield number, ("spec", "match") if spec.pattern is not None else ("spec", "requests", index)


def _find_differences(
    attributes: Mapping[str, str], raw: Mapping[str, Json], is_equal: Callable[[str, str], bool]
) -> list[tuple[str, Json, str]]:
    """Return (attribute, live, expected) where they differ."""
    comparisons = ((name, pick_member(raw, ATTRIBUTE_MEMBERS[name]), value) for name, value in attributes.items())
    return [(name, live, value) for name, live, value in comparisons if not is_equal(value, str(live or ""))]


def _explain_unfit(spec: RequestDenial, number: int, raw: Mapping[str, Json] | None, state: int | None) -> str:
    """Say why a request is not denied; empty if it is pending and looks as the document expects."""
    if raw is None:
        return "is gone or not visible; correct the id or remove it"
    declared: Sequence[Expected] = spec.declared().get("requests", ())
    attributes: Mapping[str, str] = next((entry.list_attributes() for entry in declared if entry.id == number), {})
    differences = _find_differences(attributes, raw, lambda value, live: value.casefold() == live.casefold())
    # Before the state: after a restore from backup the id may stand for another request.
    if differences:
        details = ", ".join(f"{name} is {live!r}, not {value!r}" for name, live, value in differences)
        return f"is not the request that is meant: {details}; correct the document"
    if state != WAITING:
        state_name = STATE_NAMES.get(state or 0, f"in state {state}")
        return f"is {state_name}, no longer pending, and can't be denied; revoke what was issued, or remove the entry"
    return ""


def _refuse_request(document: Wanted, number: int, state: int | None, reason: str, source: Source) -> Match:
    state_name = None if state is None else STATE_NAMES.get(state, str(state))
    path, refusal = f"requests.{number}", f"request {number} {reason}"
    return Match(document, {path: state_name}, {path: "denied"}, (), f"request {number}", source, refusal)


def _build_batches(document: Wanted, rows: Sequence[Mapping[str, Json]]) -> Iterator[Match]:
    queue = iter(sorted(rows, key=read_request_id))
    while batch := tuple(islice(queue, BATCH_SIZE)):
        paths = [f"requests.{read_request_id(row)}" for row in batch]
        label = ", ".join(f"{read_request_id(row)} {pick_member(row, 'CommonName')}" for row in batch)
        yield Match(
            document, dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied"), batch, label, objects=len(batch)
        )


class RequestDenialKind(Kind[RequestDenial, LiveRequests]):
    """Requests are resolved to ids when the plan is made; one POST a batch."""

    spec: ClassVar[type[Spec]] = RequestDenial
    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        # As documented for 24.4 and later: requests are read with the permission for alerts.
        read=(ListPermission("pending requests", PENDING_PATH, "/monitoring/alerts/read/"),),
        write=(PermissionGrant(("/certificates/requests/manage/",)),),
    )
    # A denial can set off a denied request alert: the handlers get their declared state before it.
    after: ClassVar[tuple[str, ...]] = ("EventHandler",)
    example: ClassVar[str] = """\
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: no-test-names}
spec:
  requests: [{id: 23, commonName: test.example.com}]
  comment: Test names are not issued from production (PKI-123)
  expires: 2027-01-31
"""

    def observe(self, read: Read, documents: Sequence[Wanted[RequestDenial]], run: Run) -> LiveRequests:
        """One list of what is pending; a declared id that is not in it is read singly, to learn what became of it."""
        active = [document for document in documents if not document.resource.is_expired(run.today)]
        if not active:
            return LiveRequests({}, {}, {})
        pending_requests = read_pending_requests(read)
        declared_ids = {entry.id for document in active for entry in document.resource.declared().get("requests", ())}
        assignments = (
            (number, document)
            for document in active
            for number in _list_request_ids(document.resource, pending_requests)
        )
        return LiveRequests(
            pending_requests,
            read_requests_by_id(read, sorted(declared_ids - pending_requests.keys())),
            find_contested_objects(assignments),
        )

    def compare(self, document: Wanted[RequestDenial], live: LiveRequests, run: Run) -> Iterator[Finding]:
        spec = document.resource
        if spec.is_expired(run.today):
            message = (
                f"expired on {spec.expires.isoformat()} and is inert; nothing is denied for it; remove the document"
            )
            yield Note(Problem(document.source, message))
            return
        denied_count = 0
        due_requests: list[Mapping[str, Json]] = []
        for number, path in _locate_requests(spec, live.pending):
            raw = live.pending.get(number) or live.not_pending.get(number)
            state = WAITING if number in live.pending else pick_member(raw or {}, "State")
            if state == DENIED:
                denied_count += 1
            elif number in live.authors:
                reason = f"request {number} is denied by several documents: {', '.join(live.authors[number])}"
                yield Problem(document.at(path), f"{reason}; it can only be denied once; remove it from all but one")
            elif reason := _explain_unfit(spec, number, raw, state):
                yield _refuse_request(document, number, state, reason, document.at(path))
            elif raw is not None:
                due_requests.append(raw)
        if denied_count or (not due_requests and spec.pattern is not None):
            yield Tally(denied_count or 1)
        yield from _build_batches(document, due_requests)

    def encode(self, match: Match[RequestDenial]) -> Request:
        spec = match.wanted.resource
        numbers = [read_request_id(raw) for raw in match.found]
        body: dict[str, Json] = {"CertificateRequestIds": numbers}
        if "comment" in spec.model_fields_set:
            body["Comment"] = spec.comment
        # Keyed by text: a saved plan is JSON, whose member names are strings (RFC 8259, section 4).
        base = {str(read_request_id(raw)): extract_request_identity(raw) for raw in match.found}
        expect = dict.fromkeys((str(number) for number in numbers), DENIED)
        return Request(Call(match.wanted.address.target, "POST", DENY_PATH, body), base, expect)

    def choose_action(self, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> Action:
        return Action.DENY

    def explain(self, request: Request) -> Meaning:
        """A batch: each id was pending when the plan was made, and is to be denied."""
        call, base = request.call, request.base
        numbers = call.body["CertificateRequestIds"]
        comment = ("Comment",) if "Comment" in call.body else ()
        check_request(call, "POST", DENY_PATH, members=("CertificateRequestIds", *comment))
        check_expectation(request, dict.fromkeys(map(str, numbers), DENIED))
        if list(base) != [str(number) for number in numbers] or any(row["State"] != WAITING for row in base.values()):
            raise ValueError("it denies requests that were not pending when the plan was made")
        paths = [f"requests.{number}" for number in numbers]
        label = ", ".join(f"{number} {base[str(number)]['CommonName']}" for number in numbers)
        return Meaning(dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied"), label)

    def risk(self, path: str, before: Json, after: Json) -> Risk:
        """Nothing brings a denied request back."""
        return Risk.IRREVERSIBLE

    def reread(self, read: Read, step: Step) -> Json:
        numbers = list(step.request.base) if step.request else []
        return {
            str(number): extract_request_identity(raw) for number, raw in read_requests_by_id(read, numbers).items()
        }

    def unmet(self, step: Step, live: Json) -> tuple[str, ...]:
        expect = step.request.expect if step.request else {}
        return tuple(f"request {number}" for number in expect if live.get(number, {}).get("State") != DENIED)

    def settle(self, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Each id by itself: the server's list that holds it, and what reading it says."""
        numbers = list(step.request.expect) if step.request else []
        rulings = read_denial_rulings(reply) if reply else None
        return tuple(
            rule_on_denial(number, None if rulings is None else rulings.get(number, []), live.get(number))
            for number in numbers
        )

    def export(self, read: Read) -> Iterator[ExportedDocument]:
        """Nothing: a denial is an act, not a state to be kept."""
        yield from ()


KIND = RequestDenialKind()
