"""Differences over time, in a transaction: what a drift run sees for the first time, again, or no longer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reconciler.state.records import DriftItem, DriftNews, DriftRecord
from reconciler.state.schema import Row, Transaction

_DRIFT = (
    "select address, path, value, first_run, first_seen, last_run, last_seen, cleared, cleared_run from drift "
    "where target = :target order by address, path, first_seen, value"
)


def record_drift(
    transaction: Transaction, target: str, run: str, items: Sequence[DriftItem], compared: Collection[str], now: str
) -> DriftNews:
    """Record what a run saw, and return the news. Said again by the same run, they are the same news."""
    for item in items:
        # A difference that was cleared and is back starts a new life; one that stood goes on with its own.
        transaction.run(
            "insert into drift (target, address, path, value, first_run, first_seen, last_run, last_seen, "
            "cleared_run, cleared) values (:target, :address, :path, :value, :run, :now, :run, :now, '', '') "
            "on conflict (target, address, path, value) do update set "
            "first_run = case when drift.cleared = '' then drift.first_run else excluded.first_run end, "
            "first_seen = case when drift.cleared = '' then drift.first_seen else excluded.first_seen end, "
            "last_seen = case when drift.cleared = '' and drift.last_run = excluded.last_run then drift.last_seen "
            "else excluded.last_seen end, last_run = excluded.last_run, cleared_run = '', cleared = ''",
            target=target,
            address=item.address,
            path=item.path,
            value=item.value,
            run=run,
            now=now,
        )
    for address in sorted(compared):
        transaction.run(
            "update drift set cleared_run = :run, cleared = :now "
            "where target = :target and address = :address and cleared = '' and last_run <> :run",
            run=run,
            now=now,
            target=target,
            address=address,
        )
    return _sort_news(transaction.run(_DRIFT, target=target), run)


def read_drift(transaction: Transaction, target: str) -> tuple[DriftRecord, ...]:
    """Return every difference that is remembered."""
    return tuple(map(_make_record, transaction.run(_DRIFT, target=target)))


def _sort_news(rows: Sequence[Row], run: str) -> DriftNews:
    seen = [record for record in map(_make_record, rows) if not record.cleared and record.last_run == run]
    gone = [_make_record(row) for row in rows if row[-1] == run]
    first = [record for record in seen if record.first_run == run]
    fields_seen, fields_gone = set(map(_find_field, seen)), set(map(_find_field, gone))
    return DriftNews(
        new=tuple(record for record in first if _find_field(record) not in fields_gone),
        known=tuple(record for record in seen if record.first_run != run),
        changed=tuple(record for record in first if _find_field(record) in fields_gone),
        cleared=tuple(record for record in gone if _find_field(record) not in fields_seen),
    )


def _find_field(record: DriftRecord) -> tuple[str, str]:
    return record.item.address, record.item.path


def _make_record(row: Row) -> DriftRecord:
    address, path, value, first_run, first_seen, last_run, last_seen, cleared, _ = map(str, row)
    return DriftRecord(DriftItem(address, path, value), first_run, first_seen, last_run, last_seen, cleared)
