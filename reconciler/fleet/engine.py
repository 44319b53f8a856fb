"""What runs tasks, as a contract: processes on this machine, or an engine that is there. It guarantees nothing."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from reconciler.fleet.task import FleetTask


class TaskEngine(Protocol):
    """Runs tasks somewhere. An answer that doesn't come says nothing about whether a task ran: only the store does."""

    def count_slots(self, zone: str) -> int:
        """Return how many tasks of a zone can run at once now; "" is any place."""

    def submit(self, task: FleetTask, zone: str) -> Future[bytes]:
        """Begin a task; the future holds its answer, or why there is none. It is never begun twice on purpose."""

    def stop(self) -> None:
        """Let what is under way finish its step and end. From any thread."""

    def close(self) -> None:
        """Let go of everything."""
