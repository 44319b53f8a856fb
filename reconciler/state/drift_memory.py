"""Differences over time: what a drift run sees for the first time, again, or no longer.

Several runs may look at once, and record in another order than they looked. Which of two sights is the newer can't be
told then, so what one of them recorded while another was looking stands until the next run.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from reconciler.state.records import DriftItem, DriftNews, DriftRecord
from reconciler.state.schema import Row, Transaction

_DRIFT = (
    "select address, path, value, object, first_run, first_seen, last_run, last_seen, runs, cleared, cleared_run "
    "from drift where target = :target order by address, object, path, first_seen, value"
)


class DriftSight(NamedTuple):
    """What one run saw: the differences, and the addresses that it compared. It looked from `started` until `now`."""

    run: str
    items: frozenset[DriftItem]
    compared: frozenset[str]
    started: str
    now: str

    def overlaps(self, moment: str) -> bool:
        """Say whether what was recorded at that moment was recorded while this run was looking."""
        return bool(self.started) and moment > self.started


def record_drift(transaction: Transaction, target: str, sight: DriftSight) -> DriftNews:
    """Record what a run saw, and return the news. Said again by the same run, they are the same news."""
    before = {record.item: record for record in read_drift(transaction, target)}
    after = merge_sight(before, sight)
    for item, record in after.items():
        if record != before.get(item):
            _write_record(transaction, target, record)
    return sort_news(after.values(), sight)


def read_drift(transaction: Transaction, target: str) -> tuple[DriftRecord, ...]:
    """Return every difference that is remembered."""
    return tuple(map(_make_record, transaction.run(_DRIFT, target=target)))


def prune_drift(transaction: Transaction, target: str, before: str) -> None:
    """Forget the differences that no run has seen since a time."""
    transaction.run("delete from drift where target = :target and last_seen < :before", target=target, before=before)


def merge_sight(records: Mapping[DriftItem, DriftRecord], sight: DriftSight) -> dict[DriftItem, DriftRecord]:
    """Return what is remembered once a sight has joined it. Pure."""
    fields = {item.field for item in sight.items}
    twins = {record.item.forget_acknowledgement(): record for record in records.values() if not record.cleared}
    merged = {
        item: record if item in sight.items else _miss_record(record, sight, fields) for item, record in records.items()
    }
    return merged | {
        item: _see_item(item, records.get(item), sight, twins.get(item.forget_acknowledgement()))
        for item in sorted(sight.items, key=_order)
    }


def sort_news(records: Collection[DriftRecord], sight: DriftSight) -> DriftNews:
    """Return what a merged sight has to tell, in the order of fields."""
    ordered = sorted(records, key=lambda record: _order(record.item))
    seen = [record for record in ordered if record.item in sight.items]
    gone = [record for record in ordered if record.item not in sight.items and record.cleared_run == sight.run]
    other_values = {record.item.field for record in ordered if _has_other_value(record, sight)}
    first = [record for record in seen if record.first_run == sight.run]
    fields = {item.field for item in sight.items}
    return DriftNews(
        new=tuple(record for record in first if record.item.field not in other_values),
        known=tuple(record for record in seen if record.first_run != sight.run),
        changed=tuple(record for record in first if record.item.field in other_values),
        cleared=tuple(record for record in gone if record.item.field not in fields),
    )


def _order(item: DriftItem) -> tuple[str, ...]:
    return (*item.field, item.value)


def _has_other_value(record: DriftRecord, sight: DriftSight) -> bool:
    """Say whether a record is of what was there until this run saw something else in its place."""
    # Whether it was left alone is no other value: a difference that no longer is counts as new.
    item = record.item.forget_acknowledgement()
    is_seen = item in sight.items or item.acknowledge() in sight.items
    return not is_seen and (not record.cleared or record.cleared_run == sight.run)


def _see_item(
    item: DriftItem, record: DriftRecord | None, sight: DriftSight, twin: DriftRecord | None = None
) -> DriftRecord:
    """Return a record with a sight; `twin` is that of the same difference with or without an acknowledgement."""
    if record and (record.last_run == sight.run if not record.cleared else sight.overlaps(record.cleared)):
        return record
    if record and not record.cleared:
        return record._replace(last_run=sight.run, last_seen=sight.now, runs=record.runs + 1)
    if twin and twin.item != item:
        return DriftRecord(item, sight.run, twin.first_seen, sight.run, sight.now, twin.runs + 1)
    # A difference that was cleared and is back begins a new life.
    return DriftRecord(item, sight.run, sight.now, sight.run, sight.now)


def _miss_record(record: DriftRecord, sight: DriftSight, fields: Collection[tuple[str, str, str]]) -> DriftRecord:
    """Return a record of what a run did not see. That clears it only where the run looked, or saw another value."""
    is_looked_at = record.item.address in sight.compared or record.item.field in fields
    if record.cleared or not is_looked_at or record.last_run == sight.run or sight.overlaps(record.last_seen):
        return record
    return record._replace(cleared=sight.now, cleared_run=sight.run)


def _write_record(transaction: Transaction, target: str, record: DriftRecord) -> None:
    item = record.item
    transaction.run(
        "insert into drift (target, address, object, path, value, first_run, first_seen, last_run, last_seen, runs, "
        "cleared, cleared_run) values (:target, :address, :object, :path, :value, :first_run, :first_seen, :last_run, "
        ":last_seen, :runs, :cleared, :cleared_run) on conflict (target, address, object, path, value) do update set "
        "first_run = excluded.first_run, first_seen = excluded.first_seen, last_run = excluded.last_run, "
        "last_seen = excluded.last_seen, runs = excluded.runs, cleared = excluded.cleared, "
        "cleared_run = excluded.cleared_run",
        target=target,
        address=item.address,
        object=item.object,
        path=item.path,
        value=item.value,
        first_run=record.first_run,
        first_seen=record.first_seen,
        last_run=record.last_run,
        last_seen=record.last_seen,
        runs=record.runs,
        cleared=record.cleared,
        cleared_run=record.cleared_run,
    )


def _make_record(row: Row) -> DriftRecord:
    address, path, value, object_ = map(str, row[:4])
    first_run, first_seen, last_run, last_seen, runs, cleared, cleared_run = map(str, row[4:])
    item = DriftItem(address, path, value, object_)
    return DriftRecord(item, first_run, first_seen, last_run, last_seen, int(runs), cleared, cleared_run)
