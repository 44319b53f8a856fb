"""Since when a field can have been changed: since the last run that saw it in sync, as far as the memory goes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from reconciler.plans.attribution import TrailWindow
from reconciler.state.records import DriftItem, DriftRecord

UNKNOWN_AGE = timedelta(days=7)
"""How far back is looked where no run is known that saw it in sync."""


def find_window(item: DriftItem | None, records: Iterable[DriftRecord], now: datetime) -> TrailWindow:
    """Return when a difference can have come about; `records` are what was remembered before this run."""
    own = [record for record in records if item and record.item.address == item.address]
    present = next((record for record in own if record.item == item and not record.cleared), None)
    end = _parse_moment(present.first_seen) if present else now
    moments = [
        moment
        for record in own
        if item and record.item.object == item.object
        # A run that saw something else of the object saw this as declared.
        for text in (record.cleared, record.first_seen, record.last_seen)
        if text and (moment := _parse_moment(text)) < end and not _covers(record, item, moment)
    ]
    return TrailWindow(max([*moments, end - UNKNOWN_AGE]), end)


def _covers(record: DriftRecord, item: DriftItem, moment: datetime) -> bool:
    """Say whether this very field differed then."""
    is_same_field = record.item.field == item.field
    return is_same_field and not (record.cleared and moment >= _parse_moment(record.cleared))


def _parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
