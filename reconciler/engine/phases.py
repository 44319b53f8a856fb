"""What a run goes through, for whoever watches it. Nobody does unless asked to, and that costs nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Facts: TypeAlias = dict[str, str | int]
"""What is told of a phase: names and numbers, never a value of an object."""


class PhaseObserver(Protocol):
    """Is told when a phase of a run begins and ends, and of each step that was carried out.

    A phase that begins in another thread is a part of the one in whose context its work was handed over.
    """

    def observe_phase(self, name: str, facts: Facts) -> AbstractContextManager[Facts]:
        """Return what stands around a phase; facts that are known at its end are added to what it gives."""

    def mark_time(self) -> int:
        """Return this moment, as `note_step` takes it."""

    def note_step(self, began: int, facts: Facts) -> None:
        """Take note of a step of the current phase, which ends now; others may be under way beside it."""


class NoObserver:
    """Whom a run has if nobody watches."""

    def observe_phase(self, name: str, facts: Facts) -> AbstractContextManager[Facts]:  # noqa: ARG002
        """Forget what is told."""
        return nullcontext(facts)

    def mark_time(self) -> int:
        """Return nothing of use."""
        return 0

    def note_step(self, began: int, facts: Facts) -> None:
        """Forget what is told."""


UNOBSERVED = NoObserver()


def watch_read(phases: PhaseObserver, key: tuple[str, str], size: int, read: Callable[[], T]) -> T:
    """Read what exists of a target and a kind, by `key`, of which so many objects are declared; raises what it does."""
    with phases.observe_phase("read", {"target": key[0], "kind": key[1], "objects": size}):
        return read()
