"""For how long runs are remembered."""

from __future__ import annotations

from datetime import timedelta

from reconciler.state.backend import WallClock, format_time, read_clock
from reconciler.state.store import Store


def prune_store(
    store: Store, target: str, keep_days: float | None, *, keep_runs: int = 0, clock: WallClock = read_clock
) -> int:
    """Forget the runs on a target that ended more days ago than these, but for the latest `keep_runs`; say how many.

    None is for ever, as the settings' `keep` has it. What is open stays, and so do acts: see `Store.prune`.
    """
    if keep_days is None:
        return 0
    return store.prune(target, before=format_time(clock() - timedelta(days=keep_days)), keep=keep_runs)
