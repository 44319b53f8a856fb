"""Time that passes only where somebody waits: a wait of two minutes costs nothing, and is the same each time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class VirtualClock:
    """One clock for everything in a schedule: the runs, the server and the store."""

    def __init__(self) -> None:
        self.now = 1000.0

    def read(self) -> float:
        """Return monotonic seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += max(0.0, seconds)

    def read_date(self) -> datetime:
        """Return the time of day, in UTC."""
        return _EPOCH + timedelta(seconds=self.now)
