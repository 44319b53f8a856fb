"""The records as files of a tree, and back: what the git back end pushes, and runs its operations on.

    store.json                the identity, in every ref
    targets/<target>.json     in the store's own ref: which targets have one of theirs
    lease.json  drift.json
    nonces/<digest>.json
    acts/<2 hex>/<digest>.json
    open/<run>.json           a run of which something is open, with its intents and results
    runs/<yyyymm>/<run>.json  one of which nothing is; read for history alone, so that the rest stays small

A file holds rows by table, one a line, so that git stores small differences as such.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TypeVar

from reconciler.state.schema import TABLES, Transaction, fits_columns, insert_rows, list_columns
from reconciler.state.sqlite import SqliteTransaction, make_tables
from reconciler.state.store_errors import StoreDamaged

T = TypeVar("T")
CLOSED_RUNS = "runs/"
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")


def run_on_files(
    files: Mapping[str, bytes], work: Callable[[Transaction], T], store: str
) -> tuple[T, dict[str, bytes]]:
    """Return what the work returns on the records in these files, and the files that there are after it."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        transaction = SqliteTransaction(connection)
        make_tables(transaction)
        transaction.run("begin")
        for path, data in files.items():
            _load_file(transaction, path, data, store)
        result = work(transaction)
        return result, _dump_files(transaction)


def _load_file(transaction: Transaction, path: str, data: bytes, store: str) -> None:
    try:
        tables = json.loads(data)
        # The names of columns become part of a statement.
        is_sound = tables.keys() <= TABLES.keys() and all(
            fits_columns(table, row) for table, rows in tables.items() for row in rows
        )
        for table, rows in tables.items() if is_sound else ():
            insert_rows(transaction, table, rows)
    # Whatever is wrong with a file that everybody with write access can change.
    except (ValueError, TypeError, AttributeError, sqlite3.Error, RecursionError):
        is_sound = False
    if not is_sound:
        raise StoreDamaged(store, f"its file {path} is not as it was written")


def _dump_files(transaction: Transaction) -> dict[str, bytes]:
    files: dict[str, dict[str, list[dict[str, object]]]] = defaultdict(lambda: defaultdict(list))
    closed = _find_closed_runs(transaction)
    for table in TABLES:
        columns = list_columns(table)
        # The names are this package's own.
        for row in transaction.run(f"select {', '.join(columns)} from {table} order by {', '.join(columns[:5])}"):  # noqa: S608
            path = _find_path(table, dict(zip(columns, row, strict=True)), closed)
            if path:
                files[path][table].append(dict(zip(columns, row, strict=True)))
    return {path: _write_file(tables) for path, tables in files.items()}


def _find_closed_runs(transaction: Transaction) -> dict[str, str]:
    """Return the month in which each run began of which nothing is open."""
    rows = transaction.run(
        "select id, started from run where ended <> '' "
        "and not exists (select 1 from intent where intent.run = run.id and intent.unsettled = 1)"
    )
    return {str(run): str(started)[:7].replace("-", "") for run, started in rows}


def _find_path(table: str, row: Mapping[str, object], closed: Mapping[str, str]) -> str:
    """Return the file of a row; "" for one that is no record."""
    path = ""
    match table:
        case "store" | "drift":
            path = f"{table}.json"
        case "known_target":
            path = f"targets/{_make_name(str(row['target']))}.json"
        case "lease":
            # A row without a run is a lock that an operation took.
            path = "lease.json" if row["run"] else ""
        case "nonce":
            path = f"nonces/{_make_digest(str(row['nonce']))}.json"
        case "act":
            digest = _make_digest(str(row["key"]))
            path = f"acts/{digest[:2]}/{digest}.json"
        case _:
            run = str(row["id"] if table == "run" else row["run"])
            path = f"{CLOSED_RUNS}{closed[run]}" if run in closed else "open"
            path += f"/{_make_name(run)}.json"
    return path


def _write_file(tables: Mapping[str, list[dict[str, object]]]) -> bytes:
    parts = []
    for table, rows in sorted(tables.items()):
        lines = ",\n".join(json.dumps(row, sort_keys=True, separators=(",", ":")) for row in rows)
        parts.append(f"{json.dumps(table)}:[\n{lines}\n]")
    return ("{" + ",\n".join(parts) + "}\n").encode()


def _make_name(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else _make_digest(text)


def _make_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:40]
