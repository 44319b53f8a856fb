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

from reconciler.errors import Problem, Source
from reconciler.kinds.conflicts import contested
from reconciler.kinds.fields import Text, pick, unmanaged
from reconciler.kinds.kind import (
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
    Wanted,
)
from reconciler.kinds.requirements import Grant, Listing, Permissions
from reconciler.model import Action, Call, Json, Reply, Request, Risk, Step
from reconciler.patterns import matches_pattern
from reconciler.payloads.requests import (
    ATTRIBUTES,
    DENIED,
    DENY,
    PENDING,
    STATES,
    WAITING,
    answers,
    identity,
    pending,
    request_id,
    ruling,
    single,
)

_WILD = frozenset("*?")
# Command documents no maximum for the list, and the call is not idempotent.
BATCH = 10
"""Ids of one POST: what one lost answer can leave open."""


def _day(value: Any) -> Any:
    """JSON has no dates, so text of the form 2027-01-31 is one."""
    try:
        # Since Python 3.11 fromisoformat also takes the basic form (20270131): the length shuts it out.
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
            known = ", ".join(ATTRIBUTES)
            raise ValueError(
                f"gives no expected attribute; an id alone may be another request tomorrow; add one of {known}"
            )
        return self


class Expected(Attributes):
    """One request, by its id and at least one attribute that it must have."""

    # An int32, KeyfactorRequestId in the answer: neither a certificate's id nor the CA's own number.
    id: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] = Field(description="Command's request id.")


class Pattern(Attributes):
    """Pending requests by pattern: `*` stands for anything, `?` for one character. All that are given must match."""


class RequestDenial(Resource):
    """Pending certificate requests that are to be denied, once and for all."""

    api: ClassVar[str] = "keyfactor"
    requires: ClassVar[Permissions] = Permissions(
        # As documented for 24.4 and later: requests are read with the permission for alerts.
        read=(Listing("pending requests", PENDING, "/monitoring/alerts/read/"),),
        write=(Grant(("/certificates/requests/manage/",)),),
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
        if self.pattern and all(set(value) <= _WILD for value in self.pattern.expected().values()):
            why = "matches whatever is pending, what is asked for tomorrow too, and a denial can't be undone"
            mend = "add an attribute that says more than wildcards, such as the template, or list the requests by id"
            yield ("match",), f"{why}; {mend}"

    def identities(self, name: str, tables: Tables) -> Iterator[tuple[str, Path]]:
        for index, one in enumerate(self.declared().get("requests", ())):
            yield f"request {one.id}", ("requests", index, "id")

    def size(self, tables: Tables) -> int:
        return len(self.declared().get("requests", ())) or 1

    def inert(self, today: date) -> bool:
        """True from the day on which the document expires."""
        return "expires" in self.model_fields_set and today >= self.expires

    @property
    def pattern(self) -> Pattern | None:
        """The pattern, where requests are chosen by one."""
        return self.match if "match" in self.model_fields_set else None

    @classmethod
    def observe(cls, read: Read, wanted: Sequence[Wanted], run: Run) -> Live:
        """One list of what is pending; a declared id that is not in it is read singly, to learn what became of it."""
        active = [one for one in wanted if not _spec(one).inert(run.today)]
        if not active:
            return Live({}, {}, {})
        waiting = pending(read)
        named = {one.id for wanted in active for one in _spec(wanted).declared().get("requests", ())}
        assigned = ((number, one) for one in active for number in _chosen(_spec(one), waiting))
        return Live(waiting, single(read, sorted(named - waiting.keys())), contested(assigned))

    @classmethod
    def compare(cls, wanted: Wanted, live: Any, run: Run) -> Iterator[Finding]:
        spec = _spec(wanted)
        if spec.inert(run.today):
            told = f"expired on {spec.expires.isoformat()} and is inert; nothing is denied for it; remove the document"
            yield Note(Problem(wanted.source, told))
            return
        denied, due = 0, []
        for number, place in _places(spec, live.pending):
            raw = live.pending.get(number) or live.others.get(number)
            state = WAITING if number in live.pending else pick(raw or {}, "State")
            if state == DENIED:
                denied += 1
            elif number in live.authors:
                why = f"request {number} is denied by several documents: {', '.join(live.authors[number])}"
                yield Problem(wanted.at(place), f"{why}; it can only be denied once; remove it from all but one")
            elif why := _unfit(spec, number, raw, state):
                yield _refused(wanted, number, state, why, wanted.at(place))
            else:
                due.append(raw)
        if denied or (not due and spec.pattern is not None):
            yield Tally(denied or 1)
        yield from _batches(wanted, due)

    @classmethod
    def action(cls, match: Match) -> Action:
        return Action.DENY

    @classmethod
    def request(cls, match: Match) -> Request:
        spec = _spec(match.wanted)
        numbers = [request_id(raw) for raw in match.found]
        body: dict[str, Json] = {"CertificateRequestIds": numbers}
        if "comment" in spec.model_fields_set:
            body["Comment"] = spec.comment
        # Keyed by text: a saved plan is JSON, whose member names are strings (RFC 8259, section 4).
        base = {str(request_id(raw)): identity(raw) for raw in match.found}
        expect = dict.fromkeys((str(number) for number in numbers), DENIED)
        return Request(Call(match.wanted.address.target, "POST", DENY, body), base, expect)

    @classmethod
    def risk(cls, path: str, before: Json, after: Json) -> Risk:
        """Nothing brings a denied request back."""
        return Risk.IRREVERSIBLE

    @classmethod
    def reread(cls, read: Read, step: Step) -> Json:
        numbers = list(step.request.base) if step.request else []
        return {str(number): identity(raw) for number, raw in single(read, numbers).items()}

    @classmethod
    def unmet(cls, step: Step, live: Json) -> tuple[str, ...]:
        expect = step.request.expect if step.request else {}
        return tuple(f"request {number}" for number in expect if live.get(number, {}).get("State") != DENIED)

    @classmethod
    def settle(cls, step: Step, reply: Reply | None, live: Json) -> tuple[Ruling, ...]:
        """Each id by itself: the server's list that holds it, and what reading it says."""
        numbers = list(step.request.expect) if step.request else []
        said = answers(reply) if reply else None
        return tuple(
            ruling(number, None if said is None else said.get(number, []), live.get(number)) for number in numbers
        )

    @classmethod
    def export(cls, read: Read) -> Iterator[Exported]:
        """Nothing: a denial is an act, not a state to be kept."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Live:
    """Pending requests by id, what became of the declared ones that are not, and those of several documents."""

    pending: Mapping[int, Mapping[str, Json]]
    others: Mapping[int, Mapping[str, Json]]
    authors: Mapping[int, tuple[str, ...]]


def _spec(wanted: Wanted) -> RequestDenial:
    if not isinstance(wanted.resource, RequestDenial):
        raise TypeError(f"{wanted.address} is not a RequestDenial")
    return wanted.resource


def _chosen(spec: RequestDenial, waiting: Mapping[int, Mapping[str, Json]]) -> list[int]:
    """Return the ids that a document is about: the declared ones, or the pending ones that its pattern matches."""
    if spec.pattern is None:
        return [one.id for one in spec.requests]
    expected = spec.pattern.expected()
    return [number for number in sorted(waiting) if not _differing(expected, waiting[number], matches_pattern)]


def _places(spec: RequestDenial, waiting: Mapping[int, Mapping[str, Json]]) -> Iterator[tuple[int, Path]]:
    for index, number in enumerate(_chosen(spec, waiting)):
        yield number, ("spec", "match") if spec.pattern is not None else ("spec", "requests", index)


def _differing(
    expected: Mapping[str, str], raw: Mapping[str, Json], equal: Callable[[str, str], bool]
) -> list[tuple[str, Json, str]]:
    """Return (attribute, live, expected) where they differ."""
    found = ((name, pick(raw, ATTRIBUTES[name]), value) for name, value in expected.items())
    return [(name, live, value) for name, live, value in found if not equal(value, str(live or ""))]


def _unfit(spec: RequestDenial, number: int, raw: Mapping[str, Json] | None, state: int | None) -> str:
    """Say why a request is not denied; empty if it is pending and looks as the document expects."""
    if raw is None:
        return "is gone or not visible; correct the id or remove it"
    declared: Sequence[Expected] = spec.declared().get("requests", ())
    expected: Mapping[str, str] = next((one.expected() for one in declared if one.id == number), {})
    differing = _differing(expected, raw, lambda value, live: value.casefold() == live.casefold())
    # Before the state: after a restore from backup the id may stand for another request.
    if differing:
        told = ", ".join(f"{name} is {live!r}, not {value!r}" for name, live, value in differing)
        return f"is not the request that is meant: {told}; correct the document"
    if state != WAITING:
        word = STATES.get(state or 0, f"in state {state}")
        return f"is {word}, no longer pending, and can't be denied; revoke what was issued, or remove the entry"
    return ""


def _refused(wanted: Wanted, number: int, state: int | None, why: str, source: Source) -> Match:
    word = None if state is None else STATES.get(state, str(state))
    path, reason = f"requests.{number}", f"request {number} {why}"
    return Match(wanted, {path: word}, {path: "denied"}, (), f"request {number}", source, reason)


def _batches(wanted: Wanted, rows: Sequence[Mapping[str, Json]]) -> Iterator[Match]:
    left = iter(sorted(rows, key=request_id))
    while batch := tuple(islice(left, BATCH)):
        paths = [f"requests.{request_id(row)}" for row in batch]
        shown = ", ".join(f"{request_id(row)} {pick(row, 'CommonName')}" for row in batch)
        yield Match(
            wanted, dict.fromkeys(paths, "pending"), dict.fromkeys(paths, "denied"), batch, shown, objects=len(batch)
        )
