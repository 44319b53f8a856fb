"""The store in one SQLite file, by the standard library: the default, for one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from reconciler.state import private_folder
from reconciler.state.backend import Scope
from reconciler.state.locations import STORE_FILE_NAME, has_store_file
from reconciler.state.records import FORMAT
from reconciler.state.schema import Row, SqlValue, Transaction, find_targets, list_statements
from reconciler.state.store_errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreachable,
    StoreVanished,
)

T = TypeVar("T")
APPLICATION_ID = 0x5265636E
"""`Recn`: says of a file that it is such a store (https://sqlite.org/pragma.html#pragma_application_id)."""
_BUSY_SECONDS = 10.0
_STRICT = " strict"

# Primary result codes: https://sqlite.org/rescode.html.
_MEANINGS: Final[dict[int, Callable[[str, str], StoreError]]] = {
    sqlite3.SQLITE_FULL: lambda store, _: StoreFull(store),
    sqlite3.SQLITE_READONLY: lambda store, _: StoreReadOnly(store, "the file is read-only"),
    sqlite3.SQLITE_CANTOPEN: lambda store, _: StoreReadOnly(store, "it can't be opened"),
    sqlite3.SQLITE_PERM: lambda store, _: StoreReadOnly(store, "it can't be opened"),
    sqlite3.SQLITE_CORRUPT: StoreDamaged,
    sqlite3.SQLITE_NOTADB: StoreDamaged,
    sqlite3.SQLITE_ERROR: StoreDamaged,
    sqlite3.SQLITE_BUSY: lambda store, _: StoreUnreachable(
        store, f"another process has been writing for {_BUSY_SECONDS:.0f} seconds"
    ),
}


class SqliteTransaction:
    """Statements on a connection in a transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def run(self, sql: str, **values: SqlValue) -> Sequence[Row]:
        """As `Transaction` has it."""
        return self._connection.execute(sql, values).fetchall()


class SqliteBackend:
    """A file in a folder of its own. `network_accepted` lets it lie on a network file system."""

    keeps_bodies = True
    is_remote = False

    def __init__(self, folder: Path, *, network_accepted: bool = False) -> None:
        self._folder, self._path = folder, folder / STORE_FILE_NAME
        self._network_accepted = network_accepted
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """As `Backend` has it."""
        return str(self._path)

    def find(self) -> bool:
        """As `Backend` has it."""
        if not has_store_file(self._folder):
            return False
        self._check_place()
        try:
            return self._has_identity(self._connect())
        except sqlite3.Error as error:
            raise self._explain(error) from None

    def create(self) -> None:
        """As `Backend` has it."""
        private_folder.prepare_folder(self._folder)
        private_folder.create_private_file(self._path)
        self._check_place()
        self.transact(_create_tables, Scope("create"))

    def list_targets(self) -> tuple[str, ...]:
        """As `Backend` has it."""
        return self.transact(find_targets, Scope("read", writes=False))

    def transact(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        """As `Backend` has it."""
        self._check_presence()
        try:
            return self._transact_once(work, scope)
        except sqlite3.Error as error:
            # A database can't keep a reserve inside itself: with a full disk even `delete` has no room for its journal.
            full = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL
            if not (full and scope.essential and private_folder.free_reserve(self._folder)):
                raise self._explain(error) from None
        try:
            return self._transact_once(work, scope)
        except sqlite3.Error as error:
            raise self._explain(error) from None

    def close(self) -> None:
        """As `Backend` has it."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _check_place(self) -> None:
        private_folder.prepare_folder(self._folder)
        if not self._network_accepted:
            private_folder.check_file_system(self._folder)
        private_folder.check_private_file(self._path)

    def _check_presence(self) -> None:
        """Raise StoreVanished if the file that is open is no longer the one of that name."""
        # An open file that was deleted takes every write, and they are gone when it is closed.
        if self._file is None:
            return
        try:
            information = self._path.stat()
        except OSError:
            raise StoreVanished(self.name, "the file") from None
        if (information.st_dev, information.st_ino) != self._file:
            raise StoreVanished(self.name, "the file that was open")

    def _connect(self) -> sqlite3.Connection:
        if self._connection is None:
            # Python would begin deferred transactions by itself, which fail at their first write if another was first.
            connection = sqlite3.connect(
                f"{self._path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                self._set_up(connection)
            except BaseException:
                connection.close()
                raise
            information = self._path.stat()
            self._connection, self._file = connection, (information.st_dev, information.st_ino)
            private_folder.make_reserve(self._folder)
        return self._connection

    def _set_up(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("pragma user_version").fetchone()[0]
        owner = connection.execute("pragma application_id").fetchone()[0]
        if owner not in (0, APPLICATION_ID) or (owner == 0 and version):
            raise StoreDamaged(self.name, "it is the database of another program")
        if version > FORMAT:
            raise StoreTooNew(self.name, version)
        # One file at rest, which can be copied whole; `extra` syncs the folder too once the journal is gone, so that a
        # commit survives the loss of power. Write-ahead logs need memory that a network file system can't share.
        connection.execute("pragma journal_mode = delete")
        connection.execute("pragma synchronous = extra")
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma trusted_schema = off")

    def _has_identity(self, connection: sqlite3.Connection) -> bool:
        tables = connection.execute("select 1 from sqlite_master where name = 'store'").fetchall()
        # A process that was killed while it made the store left an empty one.
        return bool(tables) and bool(connection.execute("select 1 from store").fetchall())

    def _transact_once(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        connection = self._connect()
        # `immediate` for all that writes: whoever reads first and then writes could not wait for another writer.
        connection.execute("begin immediate" if scope.writes else "begin")
        try:
            result = work(SqliteTransaction(connection))
            connection.execute("commit")
        except BaseException:
            # Some errors, such as a full disk, end the transaction by themselves.
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("rollback")
            raise
        return result

    def _explain(self, error: sqlite3.Error) -> StoreError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code in _MEANINGS:
            return _MEANINGS[code](self.name, str(error))
        # An error of the device leaves open what reached it: https://sqlite.org/rescode.html#ioerr.
        return StoreUnreachable(self.name, str(error))


def make_tables(transaction: Transaction) -> None:
    """Make the tables as SQLite has them: with types that it checks."""
    for statement in list_statements(suffix=_STRICT):
        # Indexes have no such suffix; `list_statements` adds it to tables alone.
        transaction.run(statement)


def _create_tables(transaction: Transaction) -> None:
    make_tables(transaction)
    # pragma takes no parameters; both are numbers of this package.
    transaction.run(f"pragma application_id = {APPLICATION_ID}")
    transaction.run(f"pragma user_version = {FORMAT}")
