"""The tables, and the one SQL that all back ends run.

The text is the same for SQLite and PostgreSQL: named parameters, text and integers, `on conflict`, no types of either.
The git back end runs it on a database in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias

SqlValue: TypeAlias = str | int | None
Row: TypeAlias = tuple[SqlValue, ...]

TABLES: Final[dict[str, str]] = {
    "store": "one integer primary key, id text not null, format integer not null, created text not null, "
    "declared integer not null",
    "known_target": "target text primary key, since text not null",
    "lease": "target text primary key, run text not null, fence integer not null, beat integer not null, "
    "since text not null, holder text not null, held integer not null",
    "nonce": "target text not null, nonce text not null, run text not null, expires text not null, "
    "primary key (target, nonce)",
    "run": "target text not null, id text not null, command text not null, tool text not null, "
    "holder text not null, revision text not null, plan text not null, started text not null, ended text not null, "
    "exit integer, counts text not null, primary key (target, id)",
    "intent": "run text not null, number integer not null, target text not null, step text not null, "
    "method text not null, path text not null, request text not null, base text not null, trace text not null, "
    "kind text not null, "
    "acts text not null, previous text not null, body text not null, at text not null, unsettled integer not null, "
    "primary key (target, run, number)",
    "result": "id text primary key, run text not null, number integer not null, target text not null, "
    "rank integer not null, outcome text not null, via text not null, by_run text not null, detail text not null, "
    "act text not null, request_id text not null, at text not null",
    "act": "target text not null, key text not null, run text not null, number integer not null, at text not null, "
    "outcome text not null, primary key (target, key, run, number)",
    "drift": "target text not null, address text not null, object text not null, path text not null, "
    "value text not null, first_run text not null, first_seen text not null, last_run text not null, "
    "last_seen text not null, runs integer not null, cleared text not null, cleared_run text not null, "
    "primary key (target, address, object, path, value)",
}
"""Columns by table. An empty text says that there is nothing, so that equal rows compare as equal everywhere."""

INDEXES: Final = (
    "create index if not exists open_intent on intent (target, unsettled, at)",
    "create index if not exists run_by_time on run (target, started)",
    "create index if not exists result_of_intent on result (target, run, number, rank)",
)


STORE_TABLES: Final = frozenset({"store", "known_target"})
"""What is about the store; all other rows belong to a target."""


_ROWS_AT_ONCE: Final = 100
"""Rows of one statement: each is a round trip over a network, and no database takes any number of values."""


class Transaction(Protocol):
    """What an operation gets: all that it runs becomes durable together, or nothing does."""

    def run(self, sql: str, **values: SqlValue) -> Sequence[Row]:
        """Run one statement, with `:name` for each value, and return its rows."""


def find_targets(transaction: Transaction) -> tuple[str, ...]:
    """Return the targets of which there are records, in a database that holds those of all targets."""
    tables = [table for table in TABLES if table not in STORE_TABLES]
    # A lease without a run is a lock that an operation took. The names are this module's own.
    queries = [f"select target from {table}" + " where run <> ''" * (table == "lease") for table in tables]  # noqa: S608
    return tuple(sorted(str(target) for (target,) in transaction.run(" union ".join(queries))))


def list_columns(table: str) -> list[str]:
    """Return the names of a table's columns, in order."""
    definitions = TABLES[table].split("primary key (")[0].split(", ")
    return [definition.split(" ")[0] for definition in definitions if definition]


def fits_columns(table: str, row: Mapping[str, object]) -> bool:
    """Say whether a row has exactly the columns of a table, with values of their types."""
    definitions = TABLES[table].split("primary key (")[0].split(", ")
    columns = dict(definition.split(" ", 1) for definition in definitions if definition)
    return row.keys() == columns.keys() and all(_fits(columns[name], value) for name, value in row.items())


def list_key(table: str) -> list[str]:
    """Return the names of the columns that tell the rows of a table apart."""
    columns, _, key = TABLES[table].partition("primary key (")
    return key.rstrip(")").split(", ") if key else [columns.split(" ")[0]]


def list_statements(*, suffix: str = "") -> list[str]:
    """Return what makes the tables; harmless where they are there. `suffix` is what one database adds to a table."""
    tables = [f"create table if not exists {name} ({columns}){suffix}" for name, columns in TABLES.items()]
    return [*tables, *INDEXES]


def _fits(definition: str, value: object) -> bool:
    if value is None:
        return "not null" not in definition and "primary key" not in definition
    return isinstance(value, int if definition.startswith("integer") else str) and not isinstance(value, bool)


def insert_row(transaction: Transaction, table: str, /, **values: SqlValue) -> None:
    """Insert a row unless one with its key is there, which leaves that one as it is."""
    insert_rows(transaction, table, [values])


def insert_rows(transaction: Transaction, table: str, rows: Sequence[Mapping[str, SqlValue]]) -> None:
    """Insert rows of the same columns, each as `insert_row` does."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        chunk = rows[start : start + _ROWS_AT_ONCE]
        slots = (", ".join(f":{name}_{number}" for name in row) for number, row in enumerate(chunk))
        values = {f"{name}_{number}": value for number, row in enumerate(chunk) for name, value in row.items()}
        # The names of tables and columns are this module's own; every value is a parameter.
        sql = f"insert into {table} ({', '.join(rows[0])}) values ({'), ('.join(slots)}) on conflict do nothing"  # noqa: S608
        transaction.run(sql, **values)
