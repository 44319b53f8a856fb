"""The nouns: frozen values, no I/O.

A `Plan` is a tuple of `Step`s; a step is one unsent HTTP request (`Call`), the reason for it (`Change`s), its author
(`Source`) and what must hold before (`base`) and after (`expect`) it is sent. An `Outcome` says what became of a step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from reconciler.coverage import DocumentCoverage, UnmanagedCounts
from reconciler.deferrals import Deferral
from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.errors import Exit
from reconciler.field_origins import FieldOrigin
from reconciler.rights import RightsChange

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""

Query: TypeAlias = tuple[tuple[str, str], ...]
"""Query parameters in the order in which they are sent, not yet percent-encoded."""

Path = tuple[str | int, ...]
"""A place inside a document, as pydantic gives it: ("spec", "claims", 0, "type")."""


class Table(NamedTuple):
    """A CSV file beside a manifest, as plain columns of equal length; row i stands on line `lines[i]` of `file`."""

    file: str
    lines: Sequence[int]
    columns: Mapping[str, Sequence[str]]


CellForm = Callable[[str], str]
"""Brings a cell of a table, as somebody's tool wrote it, into the form that is read."""
Tables = Mapping[str, Table]
"""A document's tables by the field that names the file."""


class Action(StrEnum):
    """What a step does to its object, as a reviewer says it."""

    CREATE = "create"
    UPDATE = "update"
    CLEAR = "clear"
    DENY = "deny"

    @property
    def meaning(self) -> str:
        """What it does, in words."""
        return _ACTION_MEANINGS[self]


_ACTION_MEANINGS = {
    Action.CREATE: "makes an object that is not there",
    Action.UPDATE: "changes fields of an object that is there",
    Action.CLEAR: "empties fields, as the manifest says in words",
    Action.DENY: "denies pending certificate requests, which can't be undone",
}


class Risk(StrEnum):
    """How much thought a change deserves. The kind decides; a manifest can't lower it."""

    LOW = "low"
    HIGH = "high"
    IRREVERSIBLE = "irreversible"

    @property
    def rank(self) -> int:
        """0 for low, 2 for irreversible: for `max`."""
        # A StrEnum compares as text, where "high" is less than "low".
        return _RISK_RANKS[self]

    @property
    def meaning(self) -> str:
        """What it asks of a reviewer, in words."""
        return _RISK_MEANINGS[self]


_RISK_RANKS = {risk: rank for rank, risk in enumerate(Risk)}
_RISK_MEANINGS = {
    Risk.LOW: "can be taken back, and lets nobody in or out",
    Risk.HIGH: "changes what somebody may do or is told, or touches very many objects; its reason stands beside it",
    Risk.IRREVERSIBLE: "can't be taken back by anybody",
}


class Obstacle(StrEnum):
    """Why a step has no request: of itself, for something else in the run, for want of an object, or left unsettled."""

    REFUSED = "refused"
    HELD_BACK = "held_back"
    ABSENT = "absent"
    UNSETTLED = "unsettled"


class RiskAssessment(NamedTuple):
    """How much thought a change deserves, and why, as a clause without a subject ("adds a right to 2 claims")."""

    risk: Risk
    reason: str = ""


class ObjectSides(NamedTuple):
    """An object as it is and as it will be, by manifest field; `before` is None where nothing exists."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class Change(NamedTuple):
    """One field that differs. `path` starts with the manifest's field name; a set is a sorted list on both sides.

    `reason` says why its risk is not low; `origin` is known of what layers declare, `names` of members with an id.
    """

    path: str
    before: Json
    after: Json
    risk: Risk
    reason: str = ""
    origin: FieldOrigin | None = None
    names: tuple[tuple[str, str], ...] = ()


class Subject(NamedTuple):
    """What a step is about, as people call it: a certificate's common name, the host that a request asks for.

    `path` is that of the one change that is about it, "" where all of the step's are. `facts` are what else a reviewer
    judges by, as (name, text): when the certificate expires, who asked.
    """

    name: str
    facts: tuple[tuple[str, str], ...] = ()
    path: str = ""


class Call(NamedTuple):
    """One unsent request. The tool never deletes, so no other method type-checks.

    `path` is relative to the target's URL and percent-encoded; `version` is Command's x-keyfactor-api-version (ignored
    by CSMS); `body` is sent as compact JSON with exactly these members in this order.
    """

    target: str
    method: Literal["PUT", "POST"]
    path: str
    body: Mapping[str, Json]
    query: Query = ()
    version: int = 1


class Reply(NamedTuple):
    """What a server answered. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def request_id(self) -> str:
        """What the server calls the request, "" if it doesn't say."""
        # API gateways, Huawei's among them, and many proxies before Command say it in this header.
        return self.headers.get("x-request-id", "")


class LoggedOut(Exception):
    """A server refused the credentials of a write, and did nothing.

    `renewable` says that the next request will have others, `advice` what is worth a look.
    """

    def __init__(self, reply: Reply, *, renewable: bool, advice: str) -> None:
        super().__init__(f"the credentials were refused ({reply.status}); {advice}")
        self.reply, self.renewable, self.advice = reply, renewable, advice


class Request(NamedTuple):
    """A call with the state it was built from and the state that it must lead to.

    `base` and `expect` are canonical forms (sets sorted, cases folded where the server folds them), so that `==` means
    "the same to the server". `base` is None where the object must be absent.
    """

    call: Call
    base: Json
    expect: Json


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that apply will do, why, and who asked. Without a request it is only reported.

    `refusal` says then why, in words, and `obstacle` of which sort that is; `deferral` is there if it is left alone.
    `escalation` says who may do more by it than the changes themselves tell: all roles have to be seen for it.
    """

    address: Address
    action: Action
    source: Source
    changes: tuple[Change, ...]
    request: Request | None
    object: str = ""
    refusal: str = ""
    subjects: tuple[Subject, ...] = ()
    obstacle: Obstacle = Obstacle.REFUSED
    deferral: Deferral | None = None
    escalation: str = ""

    @property
    def finds_nothing(self) -> bool:
        """True where nothing exists on the server that it is about."""
        return self.action is Action.CREATE or (bool(self.refusal) and self.obstacle is Obstacle.ABSENT)

    @property
    def risk(self) -> Risk:
        """The highest risk among the changes."""
        risks = {change.risk for change in self.changes} | ({Risk.HIGH} if self.escalation else set())
        # Measured: reports ask seven times a step, and most steps have a single change.
        return risks.pop() if len(risks) == 1 else max(risks, key=lambda risk: risk.rank, default=Risk.LOW)

    @property
    def risk_reason(self) -> str:
        """Why the risk is what it is: the reasons of the changes that have it, each once."""
        risk = self.risk
        reasons = [change.reason for change in self.changes if change.risk is risk]
        return "; ".join(dict.fromkeys(filter(None, (*reasons, self.escalation))))

    @property
    def weight(self) -> int:
        """How many objects it touches, as the limits count them: a batch of denials counts each request."""
        return max(1, len(self._own_subjects))

    def pick_object_verdicts(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """Return, of one verdict a change, those of the changes that stand for an object each."""
        paths = {subject.path for subject in self._own_subjects}
        return tuple(verdict for change, verdict in zip(self.changes, verdicts, strict=False) if change.path in paths)

    @property
    def _own_subjects(self) -> tuple[Subject, ...]:
        return tuple(subject for subject in self.subjects if subject.path)


class Coverage(NamedTuple):
    """How many of the declared objects were compared with a live one."""

    objects: int
    of: int


class Gap(NamedTuple):
    """Something that could not be read, and the exit code that its cause has when nothing else could be either."""

    problem: Diagnostic
    cause: Exit


class Bound(NamedTuple):
    """What a plan is bound to: it can only be applied to the same API at the same place."""

    api: str
    url: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they run, and how complete the comparison behind them was.

    `problems` are faults of the manifests that only the live state shows, each of which holds its own document back;
    `gaps` are things that could not be read; `notes` are told and change nothing (an expired denial). `absences` are
    differences that have no step, since their document wants them told alone, `acknowledged` those that are left alone
    until a day, as steps without a request. `selection` is empty for a whole run. `compared_addresses` are what was
    compared whole; a saved plan holds neither them nor `documents`. `unmanaged` is told, and nothing that is approved;
    `rights` are.
    """

    steps: tuple[Step, ...]
    compared: Coverage
    problems: tuple[Diagnostic, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    selection: str = ""
    targets: Mapping[str, Bound] = field(default_factory=dict)
    manifests: str = ""
    absences: tuple[Diagnostic, ...] = ()
    acknowledged: tuple[Step, ...] = ()
    unmanaged: UnmanagedCounts = field(default_factory=dict)
    rights: tuple[RightsChange, ...] = ()
    compared_addresses: frozenset[Address] = field(default=frozenset(), compare=False, repr=False)
    documents: tuple[DocumentCoverage, ...] = field(default=(), compare=False, repr=False)

    @property
    def complete(self) -> bool:
        """True if every selected object was compared."""
        return not self.gaps and not self.problems

    @property
    def sendable_steps(self) -> tuple[Step, ...]:
        """The steps that have a request; the others are only reported."""
        return tuple(step for step in self.steps if step.request)


class Verdict(StrEnum):
    """How a step ended. Only `applied` changed a server for certain; `unknown` may have."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    NOT_APPLIED = "not_applied"
    STALE = "stale"
    # A request that timed out may take effect after a read has shown the old state: silence is no
    # failure.
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"

    @property
    def meaning(self) -> str:
        """What it says of the server, in words."""
        return _VERDICT_MEANINGS[self]


_VERDICT_MEANINGS = {
    Verdict.APPLIED: "done, and confirmed by reading back",
    Verdict.UNCHANGED: "nothing had to be done any more",
    Verdict.NOT_APPLIED: "definitely not done",
    Verdict.STALE: "not sent: the object is no longer the one that the request was built from",
    Verdict.UNKNOWN: "sent, and whether it was done can't be told",
    Verdict.NOT_REACHED: "not sent: a step before it did not succeed, or somebody stopped the run",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step: one verdict, and one for each change where a batch was split by the server.

    `cause` is the exit code of what kept it from being sent: no answer, credentials, something unreadable. `request_id`
    is what the server's answer to the write calls it, where it does.
    """

    step: Step
    verdict: Verdict
    detail: str = ""
    verdicts: tuple[Verdict, ...] = ()
    cause: Exit | None = None
    request_id: str = ""


class Ruling(NamedTuple):
    """What became of one change, and why."""

    verdict: Verdict
    detail: str = ""
