"""Denials of pending certificate requests: POST /Workflow/Certificates/Deny (version 1).

A denial is an act, not a state: it can't be undone, and the server answers 200 even when every id failed. Ids are
resolved when the plan is made, never afterwards, and each is ruled on by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from itertools import islice
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, Field, StrictInt, StringConstraints, model_validator

from reconciler.errors import IncompleteError, Problem, Source
from reconciler.model import Action, Call, Json, Reply, Request, Risk, Step, Verdict
from reconciler.resource import (
    Exported,
    Finding,
    Match,
    Note,
    Path,
    Read,
    Resource,
    Ruling,
    Run,
    Tables,
    Tally,
    Text,
    Wanted,
    pick,
    unmanaged,
)

_PENDING = "/Workflow/Certificates/Pending"
_DENY = "/Workflow/Certificates/Deny"
BATCH = 10
"""Ids of one POST: what one lost answer can leave open."""

_SHAPE = "the answer is not a certificate request; nothing can be concluded from it; check the endpoint"
_STATES = {0: "unknown", 1: "issued", 2: "revoked", 3: "denied", 4: "failed", 5: "pending"}
_DENIED, _WAITING = 3, 5
_WIRE = {
    "commonName": "CommonName",
    "requester": "Requester",
    "template": "Template",
    "distinguishedName": "DistinguishedName",
    "certificateAuthority": "CertificateAuthority",
}
_IDENTITY = ("Id", "CARequestId", "CommonName", "Requester", "Template", "CertificateAuthority", "State")
"""Members that say whether an id is still the same request."""


def _day(value: Any) -> Any:
    """JSON has no dates, so text of the form 2027-01-31 is one."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2027-01-31") else value
    except ValueError:
        return value


class Attributes(BaseModel):
    """What a request must look like; letter case aside."""

    model_config = Resource.model_config

    common_name: Text = unmanaged("The requested common name.")
    requester: Text = unmanaged("Who asked, as DOMAIN\\user.")
    template: Text = unmanaged("The certificate template.")
    distinguished_name: Text = unmanaged("The requested distinguished name.")
    certificate_authority: Text = unmanaged("The certificate authority, as host\\logical name.")

    def expected(self) -> dict[str, str]:
        """Return the declared attributes by manifest name."""
        dumped = self.model_dump(by_alias=True, exclude_unset=True, exclude={"id"})
        return {name: str(value) for name, value in dumped.items()}

    @model_validator(mode="after")
    def _says_something(self) -> Attributes:
        if not self.expected():
            known = ", ".join(_WIRE)
            raise ValueError(
                f"gives no expected attribute; an id alone may be another request tomorrow; add one of {known}"
            )
        return self


class Expected(Attributes):
    """One request, by its id and at least one attribute that it must have."""

    id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="Command's request id.")


class Pattern(Attributes):
    """Pending requests by pattern: `*` stands for anything, `?` for one character. All that are given must match."""


class RequestDenial(Resource):
    """Pending certificate requests that are to be denied, once and for all."""

    api: ClassVar[str] = "keyfactor"
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

    requests: Annotated[tuple[Expected, ...], Field(strict=False, min_length=1)] = unmanaged("Requests by id.")
    match: Pattern = unmanaged("Pending requests by pattern, resolved to ids when the plan is made.")
    comment: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = unmanaged(
        "Sent with the denial; a denied request alert may deliver it to the requester."
    )
    expires: Annotated[date, BeforeValidator(_day)] = unmanaged(
        "From that day on (UTC) the document is inert and reported as such."
    )

    @model_validator(mode="after")
    def _one_way(self) -> RequestDenial:
        if len(self.model_fields_set & {"requests", "match"}) != 1:
            raise ValueError("needs exactly one of requests and match; otherwise it is unclear which are meant")
        return self

    def check(self, name: str, tables: Tables) -> Iterator[tuple[Path, str]]:
        numbers = [one.id for one in self.declared().get("requests", ())]
        for index, number in enumerate(numbers):
            if number in numbers[:index]:
                yield ("requests", index, "id"), f"request {number} is listed twice; remove one"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        for index, one in enumerate(self.declared().get("requests", ())):
            yield f"request {one.id}", ("requests", index, "id")

    def size(self, tables: Tables) -> int:
        return len(self.declared().get("requests", ())) or 1

    def inert(self, today: date) -> bool:
        """True from the day on which the document expires."""
        return "expires" in self.model_fields_set and today >= self.expires

    @classmethod
    def observe(cls, read: Read, wanted: Sequence[Wanted], run: Run) -> Live:
        """One list of what is pending; a declared id that is not in it is read singly, to learn what became of it."""
        active = [spec for one in wanted if not (spec := _spec(one)).inert(run.today)]
        if not active:
            return Live({}, {})
        pending = {_id(row, _PENDING): row for row in read.rows(_PENDING)}
        numbers = (one.id for spec in active for one in spec.declared().get("requests", ()))
        gone = sorted({number for number in numbers if number not in pending})
        found = read.each([f"/Workflow/Certificates/{number}" for number in gone])
        if not all(isinstance(raw, Mapping) for raw in found if raw is not None):
            raise IncompleteError(Problem(Source("GET /Workflow/Certificates"), _SHAPE))
        return Live(pending, {number: raw for number, raw in zip(gone, found, strict=True) if raw is not None})

    @classmethod
    def compare(cls, wanted: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        spec = _spec(wanted)
        if spec.inert(run.today):
            told = f"expired on {spec.expires.isoformat()} and is inert; nothing is denied for it; remove the document"
            yield Note(Problem(wanted.source, told))
            return
        chosen = _by_pattern(spec.match, live) if "match" in spec.model_fields_set else None
        if chosen is not None:
            yield from _batches(wanted, chosen) if chosen else [Tally(1)]
            return
        denied, due = 0, []
        for index, one in enumerate(spec.requests):
            raw = live.pending.get(one.id) or live.others.get(one.id)
            state = _state(live, one.id)
            if state == _DENIED:
                denied += 1
            elif why := _unfit(one, raw, state):
                yield _refused(wanted, one.id, state, why, wanted.at(("spec", "requests", index)))
            else:
                due.append(raw)
        if denied:
            yield Tally(denied)
        yield from _batches(wanted, due)

    @classmethod
    def action(cls, match: Match) -> Action:
        return Action.DENY

    @classmethod
    def request(cls, match: Match) -> Request:
        spec = _spec(match.wanted)
        numbers = [_id(raw, _PENDING) for raw in match.found]
        body: dict[str, Json] = {"CertificateRequestIds": numbers}
        if "comment" in spec.model_fields_set:
            body["Comment"] = spec.comment
        base = {str(_id(raw, _PENDING)): _identity(raw) for raw in match.found}
        expect = dict.fromkeys((str(number) for number in numbers), _DENIED)
        return Request(Call(match.wanted.address.target, "POST", _DENY, body), base, expect)

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """Nothing brings a denied request back."""
        return Risk.IRREVERSIBLE

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        numbers = list(step.request.base) if step.request else []
        found = read.each([f"/Workflow/Certificates/{number}" for number in numbers])
        return {number: _identity(raw) for number, raw in zip(numbers, found, strict=True) if raw is not None}

    @classmethod
    def unmet(cls, step: Step, live: Json) -> tuple[str, ...]:
        expect = step.request.expect if step.request else {}
        return tuple(f"request {number}" for number in expect if live.get(number, {}).get("State") != _DENIED)

    @classmethod
    def settle(cls, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Each id by itself: the server's list that holds it, and what reading it says."""
        numbers = list(step.request.expect) if step.request else []
        said = _answers(reply) if reply else {}
        return tuple(_ruling(number, said.get(number, []), live.get(number)) for number in numbers)

    @classmethod
    def export(cls, read: Read) -> Iterator[Exported]:
        """Nothing: a denial is an act, not a state to be kept."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Live:
    """Pending requests by id, and what became of the declared ones that are not pending."""

    pending: Mapping[int, Mapping[str, Json]]
    others: Mapping[int, Mapping[str, Json]]


def _spec(wanted: Wanted) -> RequestDenial:
    if not isinstance(wanted.resource, RequestDenial):
        raise TypeError(f"{wanted.address} is not a RequestDenial")
    return wanted.resource


def _id(row: Mapping[str, Json], path: str) -> int:
    number = pick(row, "Id")
    if not isinstance(number, int):
        raise IncompleteError(Problem(Source(f"GET {path}"), "a request without Id; it can't be told which one it is"))
    return number


def _state(live: Live, number: int) -> int | None:
    if number in live.pending:
        return _WAITING
    return pick(live.others[number], "State") if number in live.others else None


def _identity(raw: Json) -> dict[str, Json]:
    """Return what makes a request the same one; the CA's row index is text in some versions and a number in others."""
    if not isinstance(raw, Mapping):
        raise IncompleteError(Problem(Source(f"GET {_PENDING}"), _SHAPE))
    return {name: str(pick(raw, name)) if name == "CARequestId" else pick(raw, name) for name in _IDENTITY}


def _unfit(one: Expected, raw: Mapping[str, Json] | None, state: int | None) -> str:
    """Say why a request is not denied; empty if it is pending and looks as the document expects."""
    if raw is None:
        return "is gone or not visible; correct the id or remove it"
    differing = [
        f"{name} is {pick(raw, _WIRE[name])!r}, not {value!r}"
        for name, value in one.expected().items()
        if str(pick(raw, _WIRE[name]) or "").casefold() != value.casefold()
    ]
    if differing:
        return f"is not the request that is meant: {', '.join(differing)}; correct the document"
    if state != _WAITING:
        word = _STATES.get(state or 0, f"in state {state}")
        return f"is {word}, no longer pending, and can't be denied; revoke what was issued, or remove the entry"
    return ""


def _refused(wanted: Wanted, number: int, state: int | None, why: str, source: Source) -> Match:
    word = None if state is None else _STATES.get(state, str(state))
    path, reason = f"requests.{number}", f"request {number} {why}"
    return Match(wanted, {path: word}, {path: "denied"}, (), f"request {number}", source, reason)


def _by_pattern(pattern: Pattern, live: Live) -> list[Mapping[str, Json]]:
    expected = {_WIRE[name]: _glob(value) for name, value in pattern.expected().items()}
    return [
        live.pending[number]
        for number in sorted(live.pending)
        if all(fnmatchcase(str(pick(live.pending[number], n) or "").casefold(), v) for n, v in expected.items())
    ]


def _glob(pattern: str) -> str:
    """Only `*` and `?` are special: a bracket stands for itself."""
    return pattern.casefold().replace("[", "[[]")


def _batches(wanted: Wanted, rows: Sequence[Mapping[str, Json]]) -> Iterator[Match]:
    left = iter(sorted(rows, key=lambda row: _id(row, _PENDING)))
    while batch := tuple(islice(left, BATCH)):
        paths = [f"requests.{_id(row, _PENDING)}" for row in batch]
        shown = ", ".join(f"{_id(row, _PENDING)} {pick(row, 'CommonName')}" for row in batch)
        yield Match(
            wanted, dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied"), batch, shown, objects=len(batch)
        )


def _answers(reply: Reply) -> dict[str, list[Ruling]]:
    """Return what the answer says of each id: one ruling for every list that holds it."""
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    said: dict[str, list[Ruling]] = {}
    for name, verdict, reason in _LISTS:
        items = pick(body, name) if isinstance(body, Mapping) else None
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                comment = str(pick(item, "Comment") or "")
                number = str(pick(item, "KeyfactorRequestId"))
                said.setdefault(number, []).append(Ruling(verdict, f"{reason}: {comment}" if comment else reason))
    return said


_LISTS = (
    ("Successes", Verdict.APPLIED, ""),
    ("Failures", Verdict.NOT_APPLIED, "the server could not deny it"),
    ("Denials", Verdict.NOT_APPLIED, "the server did not permit it; the account needs /certificates/requests/manage/"),
)


def _ruling(number: str, said: Sequence[Ruling], live: Mapping[str, Json] | None) -> Ruling:
    """Reading decides; a failure that the answer states is only believed while the request does not read as denied."""
    denied = live is not None and live.get("State") == _DENIED
    verdicts = {ruling.verdict for ruling in said}
    if verdicts == {Verdict.NOT_APPLIED}:
        reason = said[0].detail
        return Ruling(Verdict.UNKNOWN, f"{reason}, yet it reads as denied") if denied else said[0]
    if denied:
        return Ruling(Verdict.APPLIED, "" if verdicts else "the answer does not name it; it reads as denied")
    if len(verdicts) > 1:
        return Ruling(Verdict.UNKNOWN, f"request {number} stands in several lists of the answer")
    word = "reported as denied" if verdicts else "not named in the answer"
    return Ruling(Verdict.UNKNOWN, f"request {number} is {word}, but does not read as denied")
