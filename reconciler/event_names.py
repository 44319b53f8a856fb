"""What people can ask to be told of, as the settings name it."""

from __future__ import annotations

from enum import StrEnum


class RunEventName(StrEnum):
    """What a run may have to tell people who don't read its report."""

    DRIFT_NEW = "drift.new"
    DRIFT_CLEARED = "drift.cleared"
    APPLY_FAILED = "apply.failed"
    APPLY_UNKNOWN = "apply.unknown"
    LOCK_STALE = "lock.stale"
