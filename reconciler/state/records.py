"""What is remembered: one frozen record type each.

Nothing here is secret: identifiers, digests, and words that whoever writes a record has masked. The one exception is
`PreviousObject.body`, which is kept by stores that only this tool's users read, and never pushed.

Every record belongs to a target, by `identify_target`: the name that the settings give it may change, its server not.
Times are UTC, `2026-11-28T20:19:40.123Z`, by the clock of whoever wrote them: shown to people, and the age by which is
pruned, but never what decides who holds a lease.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

FORMAT = 1
"""The format of the records that this version writes; a store of a higher one is left alone."""


def identify_target(api: str, url: str, project: str = "") -> str:
    """Return the id of a target: a digest of its API, the origin of its URL and its project, 16 hex digits.

    The API's own part of the path is left out: one server under two of them is one server to hold a lock on. Where
    there are no projects, what stands before it tells apart servers that share a host, as behind an ingress.
    """
    parts = urlsplit(url)
    place = "" if project else parts.path.rstrip("/").rpartition("/")[0].lower()
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    members = [api, parts.scheme, (parts.hostname or "").lower(), port, project, *([place] if place else [])]
    text = json.dumps(members)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def make_record_id() -> str:
    """Return a new id that nobody else has: for runs, results and stores."""
    return secrets.token_hex(16)


def make_run_id(started: str) -> str:
    """Return a new id of a run: its time, so that ids sort and people can tell them apart, and what nobody else has."""
    return f"{started[:19].replace('-', '').replace(':', '')}-{secrets.token_hex(4)}"


class StoreIdentity(NamedTuple):
    """Which store this is. `declared` says that `state init` made it, or that somebody said so of one that was there.

    A store that came into being on the way may stand in the place of one that vanished.
    """

    id: str
    format: int
    created: str
    declared: bool

    def allows_irreversible(self, pinned: str) -> bool:
        """Say whether its silence about an act proves that there was none; `pinned` is `state.id` of the settings."""
        return self.id == pinned if pinned else self.declared


class StoreExport(NamedTuple):
    """Everything that a store holds: its identity, and of each target the lines that `transfer` writes, in order."""

    identity: StoreIdentity
    targets: Mapping[str, tuple[str, ...]]

    @property
    def record_count(self) -> int:
        """How many records there are."""
        return sum(map(len, self.targets.values()))


class RunHolder(NamedTuple):
    """Who runs: enough for a person to find them, and for the same machine to tell that they are gone.

    `machine` is a digest that is the same until the next boot; `started` is the process's start as the kernel has it.
    """

    host: str
    machine: str = ""
    process: int = 0
    started: str = ""
    actor: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a command on one target. What it became (`ended`, `exit`, `counts`) is empty until its release."""

    id: str
    target: str
    command: str
    tool: str
    holder: RunHolder
    commit: str = ""
    plan: str = ""
    started: str = ""
    ended: str = ""
    exit: int | None = None
    counts: dict[str, int] = field(default_factory=dict)


class PlanNonce(NamedTuple):
    """A saved plan's one use. `expires` is the plan's own end; the record outlives it."""

    nonce: str
    expires: str


class Lease(NamedTuple):
    """The right to write to one target. `fence` grows with each claim, `beat` with each renewal.

    `since` is when it was claimed. There is no time of expiry: a taker watches for the pair of fence and beat to stand
    still, by its own monotonic clock (`lease_watch`), so that no two clocks are ever compared.
    """

    target: str
    run: str
    fence: int
    beat: int
    since: str
    holder: RunHolder


class IntentKind(StrEnum):
    """What a successor may conclude from an intent without a result."""

    REPEATABLE = "repeatable"
    CREATE = "create"
    IRREVERSIBLE = "irreversible"


class PreviousObject(NamedTuple):
    """The object before a step, for history and undo. Without a `body` only its digest is kept here.

    `body` is JSON: what the step showed, with each field before and after, masked. A store that is pushed to a
    repository drops every body unless there is a key to encrypt it with, since what was pushed can't be taken back.
    `key` is the id of the key that a body needs which is there, and can't be read with the settings' key.
    """

    digest: str
    body: str = ""
    key: str = ""


class Intent(NamedTuple):
    """A request that is about to be sent. Its first byte leaves only after this is durable.

    `step` is KIND/NAME; `request` and `base` are digests, of what is sent and of what it was built on. `trace` says how
    the object is found again and recognised, in ids and digests alone: with it any machine can settle the intent.
    `acts` names each irreversible act in it, such as `deny/4711`: none of them is ever done twice, whichever run asks.
    """

    run: str
    number: int
    step: str
    method: str
    path: str
    request: str
    base: str
    kind: IntentKind = IntentKind.REPEATABLE
    acts: tuple[str, ...] = ()
    previous: PreviousObject | None = None
    trace: str = ""


class SettledAs(StrEnum):
    """What became of a request. `unknown` stays open until a person or a later read settles it."""

    APPLIED = "applied"
    NOT_APPLIED = "not_applied"
    UNKNOWN = "unknown"


class SettledBy(StrEnum):
    """How that is known."""

    ANSWER = "answer"
    READ = "read"
    LATER_RUN = "later_run"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class IntentResult:
    """What came of an intent, or of one act of it. Appended, never changed: the last one counts.

    `id` makes writing it again harmless. `detail` is masked and holds no body; `by_run` is the run that found out.
    """

    run: str
    number: int
    outcome: SettledAs
    via: SettledBy
    by_run: str
    detail: str = ""
    act: str = ""
    request_id: str = ""
    at: str = ""
    id: str = field(default_factory=make_record_id)


class ActRecord(NamedTuple):
    """An irreversible act that was claimed by an intent. Never deleted; `outcome` is None until there is a result."""

    target: str
    key: str
    run: str
    number: int
    at: str
    outcome: SettledAs | None = None

    @property
    def forbids(self) -> bool:
        """Whether the act may have been done, so that nobody does it again. Only a certain `not_applied` frees it."""
        return self.outcome is not SettledAs.NOT_APPLIED


class OpenIntent(NamedTuple):
    """An intent of which not everything is known; `unsettled` are the acts concerned, "" standing for the whole."""

    intent: Intent
    unsettled: tuple[str, ...]
    last: IntentResult | None
    at: str


MARKER_PREFIX = "!"
"""What the address of a drift item begins with that is no difference: what runs remember for each other beside them."""
_ACKNOWLEDGED = "acknowledged:"


class DriftItem(NamedTuple):
    """One difference as a drift run saw it. Its identity is all of it: `value` is the digest of what was found.

    While a difference is acknowledged it has another value, so that its end is news.
    `address` is KIND/NAME; `object` tells the objects of one document apart, and is empty where it has but one. An
    empty `path` stands for an object that is not there.
    """

    address: str
    path: str
    value: str
    object: str = ""

    @property
    def is_marker(self) -> bool:
        """Whether it is no difference of an object."""
        return self.address.startswith(MARKER_PREFIX)

    @property
    def is_acknowledged(self) -> bool:
        """True for a difference that was left alone until a day."""
        return self.value.startswith(_ACKNOWLEDGED)

    def acknowledge(self) -> DriftItem:
        """Return the same difference, left alone."""
        return self._replace(value=f"{_ACKNOWLEDGED}{self.value}")

    def forget_acknowledgement(self) -> DriftItem:
        """Return the same difference as it is where nobody leaves it alone."""
        return self._replace(value=self.value.removeprefix(_ACKNOWLEDGED))

    @property
    def field(self) -> tuple[str, str, str]:
        """What can have one value at a time."""
        return self.address, self.object, self.path


class DriftRecord(NamedTuple):
    """A difference with its life: the runs that saw it first and last, when, and how many did (`runs`).

    `cleared` is when a run, `cleared_run`, found it gone; one that comes back after that begins a new life.
    """

    item: DriftItem
    first_run: str
    first_seen: str
    last_run: str
    last_seen: str
    runs: int = 1
    cleared: str = ""
    cleared_run: str = ""


class DriftNews(NamedTuple):
    """What a drift run has to tell. `changed` are differences of which an earlier value was known."""

    new: tuple[DriftRecord, ...]
    known: tuple[DriftRecord, ...]
    changed: tuple[DriftRecord, ...]
    cleared: tuple[DriftRecord, ...]


class RunHistory(NamedTuple):
    """A run with everything that it intended and what came of it, in order; `times` are those of the intents."""

    run: RunRecord
    intents: tuple[Intent, ...]
    results: tuple[IntentResult, ...]
    times: tuple[str, ...] = ()
