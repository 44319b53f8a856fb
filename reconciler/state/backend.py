"""What a back end is: a place where one function over one transaction is carried out, durably or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

from reconciler.state.schema import Transaction

T = TypeVar("T")
WallClock: TypeAlias = Callable[[], datetime]


class Scope(NamedTuple):
    """What an operation needs. `label` names it for a log; `target` is "" for what is about the store itself.

    `history` says that it looks at runs of which nothing is open. `essential` are the results of what was sent already:
    for them a reserve is used up, if the store has one.
    """

    label: str
    target: str = ""
    writes: bool = True
    history: bool = False
    essential: bool = False


class Backend(Protocol):
    """A database, a file or a repository. All of it raises the `StoreError`s about the store itself.

    The work that is handed to `transact` may be run several times, on newer states, until one run of it is durable; so
    it does nothing but talk to its transaction. What it raises ends the transaction with nothing done.
    """

    @property
    def name(self) -> str:
        """What messages call it; no secret is in it."""

    @property
    def keeps_bodies(self) -> bool:
        """Whether it may hold the bodies of objects."""

    @property
    def is_remote(self) -> bool:
        """Whether a transaction takes seconds."""

    def find(self) -> bool:
        """Say whether there is a store."""

    def create(self) -> None:
        """Make the place for one; harmless where there is one already."""

    def list_targets(self) -> tuple[str, ...]:
        """Return the ids of the targets of which anything is recorded, in order."""

    def transact(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        """Return what the work returns, once what it wrote is durable."""

    def close(self) -> None:
        """Let go of everything; harmless when said twice."""


def read_clock() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def format_time(moment: datetime) -> str:
    """Return a time as records have it: UTC, to the millisecond, so that the order of texts is the order of times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
