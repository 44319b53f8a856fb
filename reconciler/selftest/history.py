"""What happened in one schedule, as facts in order: all that the oracle knows.

The facts come from what stands around the tool: its server, its store, the way between them, and what it reported. None
is taken from how the tool came to it. `ledger` in a fact is how many mutations the server had performed by then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.errors import Exit
from reconciler.model import Json, Verdict


class PlannedWrite(NamedTuple):
    """One request of a plan. `call` identifies method, path and every member of the body; `acts` can't be undone."""

    number: int
    target: str
    address: str
    method: str
    call: str
    acts: tuple[str, ...] = ()

    @property
    def subject(self) -> tuple[str, str]:
        """What it is about: a document, of which each certificate has a path of its own."""
        return self.address, self.call.split(" ")[2]


class PlanMade(NamedTuple):
    """A run made a plan, or took a saved one, which has a nonce.

    `first` and `last` are how old and how new what it was made on may be.
    """

    run: str
    writes: tuple[PlannedWrite, ...]
    first: int
    last: int
    nonce: str = ""


class ReadAnswered(NamedTuple):
    """A run was shown what the server had after `ledger` mutations; a stale answer is of an earlier time than now."""

    run: str
    path: str
    ledger: int


class StoreTouched(NamedTuple):
    """A run asked the store for something: what it had read of the server before is of an earlier step."""

    run: str


class IntentStored(NamedTuple):
    """An intent became durable."""

    run: str
    number: int


class ResultStored(NamedTuple):
    """What came of a step, or of one act of it, became durable: applied, not_applied, unknown."""

    run: str
    number: int
    act: str
    outcome: str


class LeaseStored(NamedTuple):
    """The lease of a target came to be a run's; "" is nobody's."""

    target: str
    run: str


class WriteSent(NamedTuple):
    """A run sent a write. `is_doubtful` where the run could not know from what came back that nothing was done."""

    run: str
    call: str
    ledger: int
    is_doubtful: bool


class WriteLanded(NamedTuple):
    """The server carried a write of a run out, as these mutations: `first` up to, and without, `last`."""

    run: str
    call: str
    first: int
    last: int


class StepVerdict(NamedTuple):
    """What a report says of one step: as a whole, and of each of its acts where it has some."""

    number: int
    verdict: Verdict
    acts: Mapping[str, Verdict] = {}


class RunReported(NamedTuple):
    """A run ended and said so; one that was killed never does. `fault` is a bug of the tool, in its own words."""

    run: str
    command: str
    exit: Exit
    verdicts: tuple[StepVerdict, ...]
    ledger: int
    unsettled: int = 0
    fault: str = ""


class PersonSettled(NamedTuple):
    """A person said what became of an act."""

    act: str


Fact = (
    PlanMade
    | ReadAnswered
    | StoreTouched
    | IntentStored
    | ResultStored
    | LeaseStored
    | WriteSent
    | WriteLanded
    | RunReported
    | PersonSettled
)


class Mutation(NamedTuple):
    """One entry of the server's own ledger. `subject` is what it is about; `is_ours` that it came with our login."""

    call: str
    subject: str
    before: Json
    after: Json
    is_ours: bool
    acts: tuple[str, ...] = ()


class StoredResult(NamedTuple):
    """What the store says in the end of a step, or of one act of it: applied, not_applied, unknown."""

    run: str
    number: int
    act: str
    outcome: str


class Violation(NamedTuple):
    """Something that must never be: which rule of the oracle it breaks, in which run, and what."""

    rule: str
    run: str
    detail: str


@dataclass
class History:
    """The facts of one schedule, growing; `timeline` is the same for people, and what two runs are compared by."""

    facts: list[Fact] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    fired: dict[str, int] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        """Add a fact."""
        self.facts.append(fact)

    def list_reads(self, run: str, start: int) -> list[ReadAnswered]:
        """Return the reads of a run from a fact on."""
        return [fact for fact in self.facts[start:] if isinstance(fact, ReadAnswered) and fact.run == run]

    def note_fault(self, kind: str) -> None:
        """Count a fault that took place."""
        self.fired[kind] = self.fired.get(kind, 0) + 1


class Evidence(NamedTuple):
    """What the oracle is handed once nothing can happen any more."""

    facts: Sequence[Fact]
    ledger: Sequence[Mutation]
    results: Sequence[StoredResult] = ()


def identify_call(api: str, method: str, path: str, body: Any) -> str:
    """Return what makes two requests the same: the API, method, path, and every member of the body."""
    return f"{api} {method} {path} {json.dumps(body, sort_keys=True, separators=(',', ':'))}"
