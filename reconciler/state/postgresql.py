"""The store in a PostgreSQL database, by psycopg: for several machines.

Nothing needs a session: each operation is one transaction with its settings inside it, so that a pooler may hand every
transaction to another connection (PgBouncer's transaction mode). No advisory lock, no prepared statement.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar
from urllib.parse import quote

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from reconciler.sanitize import escape_and_shorten
from reconciler.state.backend import Scope
from reconciler.state.schema import Row, SqlValue, Transaction, find_targets, list_statements
from reconciler.state.store_errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreUnreachable,
    StoreVanished,
)

T = TypeVar("T")
DEADLINE = 30.0
"""Seconds that one attempt of an operation may take, whatever the server does."""
_SLOT = re.compile(r":(\w+)")
_SCHEMA = "reconciler"
# One message of several statements. `set local` ends with the transaction, which is all that a pooler promises.
# A database that was told to lose its last commits (synchronous_commit off) is not obeyed.
_SETTINGS: Final = (
    f"set local search_path to {_SCHEMA}; set local statement_timeout to '20s'; set local lock_timeout to '10s'; "
    "select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'"
)
_BEGIN_WRITE: Final = f"begin; {_SETTINGS}"
# What several statements read is of one moment; who only reads is never in anybody's way.
_BEGIN_READ: Final = f"begin isolation level repeatable read read only; {_SETTINGS}"
_CONNECT: Final[dict[str, Any]] = {
    "autocommit": True,
    # psycopg would prepare a statement at its fifth use, on one of a pooler's connections.
    "prepare_threshold": None,
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "tcp_user_timeout": 20_000,
    "application_name": "reconciler",
}
_READ_ONLY = (errors.ReadOnlySqlTransaction, errors.InsufficientPrivilege)
_VANISHED = (errors.UndefinedTable, errors.InvalidSchemaName)


class _TimelyConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that waits for its server no longer than until `until`, by the monotonic clock."""

    until = float("inf")

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Go on with what talks to the server, as far as bytes allow; raises OperationalError at the deadline."""
        # A server that is stopped, and not dead, keeps its connections up and says nothing: psycopg waits for ever.
        remaining = max(0.0, self.until - time.monotonic())
        started = time.monotonic()
        try:
            return super().wait(gen, interval, remaining if timeout is None else min(timeout, remaining))
        except psycopg.Error:
            # psycopg's own word for a wait that was too long is private; the clock tells as well.
            if time.monotonic() - started < remaining:
                raise
            self.pgconn.finish()
            raise psycopg.OperationalError("no answer in time") from None


class _PostgresqlTransaction:
    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection

    def run(self, sql: str, **values: SqlValue) -> Sequence[Row]:
        """As `Transaction` has it; the other style of parameters is the only difference between the databases."""
        cursor = self._connection.execute(_SLOT.sub(r"%(\1)s", sql).encode(), values)
        return cursor.fetchall() if cursor.description else []


class PostgresqlBackend:
    """Tables in the schema `reconciler` of a database. `url` may hold a password, which no message shows."""

    keeps_bodies = True
    is_remote = False

    def __init__(self, url: str, *, deadline: float = DEADLINE) -> None:
        self._url, self._deadline = url, deadline
        # By libpq's own reading, which also takes `host=... password=...`; what it can't read, it would quote.
        try:
            parts = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            parts = {}
        passwords = [str(parts.get(name) or "") for name in ("password", "sslpassword")]
        self._secrets = [text for text in (url, *passwords, *(quote(word, safe="") for word in passwords)) if text]
        self._name = f"PostgreSQL at {escape_and_shorten(str(parts.get('host') or 'its default'))}"
        self._connection: _TimelyConnection | None = None

    @property
    def name(self) -> str:
        """As `Backend` has it."""
        return self._name

    def find(self) -> bool:
        """As `Backend` has it."""
        try:
            # Also False where a process was killed between the tables and the identity in them.
            return self.transact(lambda tx: bool(tx.run("select 1 from store")), Scope("find", writes=False))
        except StoreVanished:
            return False

    def create(self) -> None:
        """As `Backend` has it."""
        self.transact(_create_tables, Scope("create"))

    def list_targets(self) -> tuple[str, ...]:
        """As `Backend` has it."""
        return self.transact(find_targets, Scope("read", writes=False))

    def transact(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        """As `Backend` has it."""
        try:
            try:
                return self._transact_once(work, scope)
            except (psycopg.OperationalError, errors.SerializationFailure, errors.UniqueViolation):
                # An answer to `commit` that was lost leaves open whether it was done. Asking again is safe, since every
                # operation is; a connection that was dropped in between costs no more than this second try.
                self.close()
                return self._transact_once(work, scope)
        except psycopg.Error as error:
            self.close()
            raise self._explain(error) from None

    def close(self) -> None:
        """As `Backend` has it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _transact_once(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        until = time.monotonic() + self._deadline
        if self._connection is None:
            self._connection = _TimelyConnection.connect(self._url, **_CONNECT)
        connection = self._connection
        connection.until = until
        connection.execute(_BEGIN_WRITE if scope.writes else _BEGIN_READ)
        try:
            result = work(_PostgresqlTransaction(connection))
            connection.execute("commit")
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("rollback")
            raise
        return result

    def _explain(self, error: psycopg.Error) -> StoreError:
        match error:
            case errors.DiskFull():
                return StoreFull(self.name)
            case _ if isinstance(error, _READ_ONLY):
                return StoreReadOnly(self.name, self._show(error))
            case _ if isinstance(error, _VANISHED):
                return StoreVanished(self.name, f"its schema {_SCHEMA}")
            case errors.DataCorrupted() | errors.IndexCorrupted():
                return StoreDamaged(self.name, self._show(error))
        return StoreUnreachable(self.name, self._show(error))

    def _show(self, error: psycopg.Error) -> str:
        text = str(error).strip().partition("\n")[0]
        # libpq quotes parts of a URL that it can't read.
        is_about_url = isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None
        if not text or is_about_url or any(secret in text for secret in self._secrets):
            text = f"{type(error).__name__} {error.sqlstate or ''}".strip()
        return escape_and_shorten(text)


def _create_tables(transaction: Transaction) -> None:
    # `if not exists` alone lets two that create at once collide in the catalogue. This lock ends with the transaction.
    transaction.run("select pg_advisory_xact_lock(5984563420192)")
    transaction.run(f"create schema if not exists {_SCHEMA}")
    for statement in list_statements():
        transaction.run(statement)
