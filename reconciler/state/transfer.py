"""A store as a text that another back end can take: JSON lines, the same bytes whichever back end they come from.

    {"format": 1, "kind": "StateExport", "store": {...}, "targets": [...], ...}     the identity, which moves along
    {"row": {...}, "table": "lease", "target": "..."}                               one line a record
    {"records": 12, "sha256": "..."}                                                of every byte before this line

Rows are in the order of their target, their table and their key: by code points, since databases sort as they like.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from reconciler.state.records import FORMAT, StoreExport, StoreIdentity
from reconciler.state.schema import (
    STORE_TABLES,
    TABLES,
    SqlValue,
    Transaction,
    fits_columns,
    insert_rows,
    list_columns,
    list_key,
)
from reconciler.state.store_errors import ExportDamaged, StoreOccupied, StoreTooNew

_KIND: Final = "StateExport"
_RECORD_TABLES: Final = tuple(table for table in TABLES if table not in STORE_TABLES)


class ExportedBody(NamedTuple):
    """The body of an object before a step, and which step that is."""

    run: str
    number: int
    text: str


def encode_export(exported: StoreExport) -> str:
    """Return the text of an export; equal stores have equal texts."""
    targets = exported.targets
    head = {"kind": _KIND, "format": FORMAT, "store": exported.identity._asdict(), "targets": sorted(targets)}
    lines = [_write_line(head), *(line for target in sorted(targets) for line in targets[target])]
    text = "".join(f"{line}\n" for line in lines)
    return text + _write_line({"records": exported.record_count, "sha256": _digest(text)}) + "\n"


def decode_export(text: str) -> StoreExport:
    """Return what an export holds; raises ExportDamaged, and StoreTooNew for a format of later."""
    body, _, last = text.removesuffix("\n").rpartition("\n")
    body += "\n"
    foot, (first, *lines) = _read_line(last), body.removesuffix("\n").split("\n")
    head = _read_line(first)
    if head.get("kind") != _KIND:
        raise ExportDamaged("its first line is not that of one")
    if not isinstance(head.get("format"), int) or head["format"] > FORMAT:
        raise StoreTooNew("the export", int(head.get("format", 0)))
    # Before anything in it is believed.
    if foot.get("sha256") != _digest(body):
        raise ExportDamaged("its digest does not hold")
    try:
        identity = _read_identity(head["store"])
        targets: dict[str, list[str]] = {target: [] for target in head["targets"]}
        for line in lines:
            targets[_read_line(line)["target"]].append(line)
    except (KeyError, TypeError):
        raise ExportDamaged("its lines are not those of one") from None
    return StoreExport(identity, {target: tuple(rows) for target, rows in targets.items()})


def dump_records(transaction: Transaction, target: str) -> tuple[str, ...]:
    """Return the lines of all that is remembered of a target."""
    return tuple(line for table in _RECORD_TABLES for line in _dump_table(transaction, table, target))


def load_records(transaction: Transaction, target: str, lines: Sequence[str], store: str) -> None:
    """Record what these lines say of a target that has no records, or these; raises StoreOccupied, ExportDamaged."""
    present = dump_records(transaction, target)
    if present and _list_bare_rows(present) != _list_bare_rows(lines):
        raise StoreOccupied(store, f"has records of target {target} already")
    if present:
        return
    rows: dict[str, list[dict[str, SqlValue]]] = {}
    for table, row in map(_read_record, lines):
        rows.setdefault(table, []).append(row)
    for table, records in rows.items():
        insert_rows(transaction, table, records)
    # What a back end took otherwise than it was said is not what was exported.
    if dump_records(transaction, target) != tuple(lines):
        raise ExportDamaged(f"its records of target {target} can't be written as they are")


def replace_body(line: str, body: str) -> str:
    """Return the line of an intent with another body."""
    record = _read_line(line)
    return _write_line({**record, "row": {**record["row"], "body": body}})


def find_exported_body(line: str) -> ExportedBody | None:
    """Return the body in a line, if it is about an intent that has one; raises ExportDamaged."""
    table, row = _read_record(line)
    if table != "intent" or not row["body"]:
        return None
    return ExportedBody(str(row["run"]), int(row["number"] or 0), str(row["body"]))


def _dump_table(transaction: Transaction, table: str, target: str) -> Iterator[str]:
    columns = list_columns(table)
    # A lease without a run is a lock that an operation took. The names are this package's own.
    condition = " and run <> ''" if table == "lease" else ""
    sql = f"select {', '.join(columns)} from {table} where target = :target{condition}"  # noqa: S608
    rows = (dict(zip(columns, row, strict=True)) for row in transaction.run(sql, target=target))
    ordered = sorted(rows, key=lambda row: _write_key(table, row))
    return (_write_line({"table": table, "target": target, "row": row}) for row in ordered)


def _read_identity(members: Mapping[str, Any]) -> StoreIdentity:
    identity = StoreIdentity(**members)
    types = (type(identity.id), type(identity.format), type(identity.created), type(identity.declared))
    if types != (str, int, str, bool):
        raise TypeError
    return identity


def _read_record(line: str) -> tuple[str, dict[str, SqlValue]]:
    record = _read_line(line)
    table, row = record.get("table"), record.get("row")
    if table not in _RECORD_TABLES or not isinstance(row, dict) or row.get("target") != record.get("target"):
        raise ExportDamaged("a line of it is no record")
    # A column that is wanting or too many is another format, whatever the first line says.
    if not fits_columns(table, row):
        raise ExportDamaged(f"a record of its table {table} is not as one is written")
    return table, row


def _write_key(table: str, row: Mapping[str, SqlValue]) -> str:
    return json.dumps([row[column] for column in list_key(table)])


def _list_bare_rows(lines: Sequence[str]) -> list[str]:
    """Return lines without bodies: those may be encrypted anew each time."""
    return [replace_body(line, "") if find_exported_body(line) else line for line in lines]


def _read_line(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise ExportDamaged("a line of it is not JSON") from None
    if not isinstance(record, dict):
        raise ExportDamaged("a line of it is no record")
    return record


def _write_line(record: Mapping[str, object]) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
