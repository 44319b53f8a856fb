"""The ledger: every mutation that was really performed, in order. What was refused is not in it."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Protocol

from reconciler.simulator.http.messages import HttpRequest, Json


class PerformedCall(Protocol):
    """What the ledger takes of a call; `routing` has the whole of it, and stands above the world."""

    request: HttpRequest
    path: str
    sent: Json
    route: Any
    caller: Any


class Ledger:
    """Grows by one entry a mutation; the caller holds the world's lock. It is that of one place among others."""

    def __init__(self, place: str = "", everywhere: list[dict[str, Any]] | None = None) -> None:
        self._place = place
        self._entries: list[dict[str, Any]] = []
        self._everywhere = [] if everywhere is None else everywhere

    def open_place(self, place: str) -> Ledger:
        """Return the ledger of another place behind the same port; all count on together."""
        return Ledger(place, self._everywhere)

    def __len__(self) -> int:
        return len(self._entries)

    def record(
        self, call: PerformedCall, subject: dict[str, Json], before: Json, after: Json, **extra_members: Json
    ) -> None:
        """Add one mutation. `subject` is {"kind", "id", "name"}; `before` or `after` is None for nothing."""
        self._entries.append(
            {
                "n": len(self._everywhere) + 1,
                "place": self._place,
                "api": call.route.api,
                "method": call.request.method,
                "path": call.path,
                "query": dict(call.request.pairs()),
                "body": deepcopy(call.sent),
                "object": subject,
                # Copies, as the stores' dictionaries are changed in place by later requests.
                "before": deepcopy(before),
                "after": deepcopy(after),
                "actor": call.caller.name,
                "at": format_now(),
                **extra_members,
            }
        )
        self._everywhere.append(self._entries[-1])

    def copy_entries(self) -> list[dict[str, Any]]:
        """Return a copy of this place's entries, oldest first."""
        return deepcopy(self._entries)

    def copy_everything(self) -> list[dict[str, Any]]:
        """Return a copy of the entries of all places, oldest first."""
        return deepcopy(self._everywhere)


def format_now() -> str:
    """Return the time as entries have it: RFC 3339 in UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
