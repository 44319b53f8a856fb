"""The store's records in one database in memory, which all runs of a schedule share and which outlives each of them.

It is the same SQL as that of the real back ends; that those keep it through kills, full disks and lost answers is shown
where they are tested. Here each transaction is a channel where something may go wrong.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from reconciler.selftest.history import History, IntentStored, LeaseStored, ResultStored, StoredResult
from reconciler.state.backend import Scope
from reconciler.state.schema import Transaction, find_targets
from reconciler.state.sqlite import SqliteTransaction, make_tables

T = TypeVar("T")
_LAST_RESULTS = (
    "select run, number, act, outcome, max(rank) from result "
    "group by target, run, number, act order by target, run, number, act"
)


class SharedRecords:
    """The database, and what became durable in it as facts of a history."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._last_intent = self._last_result = 0
        self._leases: dict[str, str] = {}

    @contextmanager
    def begin(self, scope: Scope) -> Iterator[Transaction]:
        """Yield a transaction that is durable afterwards, or was never there if something is raised."""
        self._connection.execute("begin")
        try:
            yield SqliteTransaction(self._connection)
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")
        if scope.writes:
            self._note_changes()

    def has_tables(self) -> bool:
        """Say whether the tables were made."""
        return bool(self._connection.execute("select 1 from sqlite_master where name = 'store'").fetchall())

    def has_identity(self) -> bool:
        """Say whether there is a whole store: a process that was killed while it made one left an empty one."""
        return self.has_tables() and bool(self._connection.execute("select 1 from store").fetchall())

    def list_results(self) -> list[StoredResult]:
        """Return the last result of each step, or of each act."""
        return [StoredResult(*row[:4]) for row in self._connection.execute(_LAST_RESULTS)]

    def count_edges(self) -> dict[str, int]:
        """Return how often which outcome became known in which way."""
        rows = self._connection.execute("select via, outcome, count(*) from result group by via, outcome").fetchall()
        return {f"{via}: {outcome}": number for via, outcome, number in rows}

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def _note_changes(self) -> None:
        intents = self._connection.execute(
            "select rowid, run, number from intent where rowid > ? order by rowid", (self._last_intent,)
        )
        for row, run, number in intents.fetchall():
            self._last_intent = row
            self._history.add(IntentStored(run, number))
        results = self._connection.execute(
            "select rowid, run, number, act, outcome from result where rowid > ? order by rowid", (self._last_result,)
        )
        for row, run, number, act, outcome in results.fetchall():
            self._last_result = row
            self._history.add(ResultStored(run, number, act, outcome))
        for target, run, is_held in self._connection.execute("select target, run, held from lease").fetchall():
            holder = run if is_held else ""
            if self._leases.get(target, "") != holder:
                self._leases[target] = holder
                self._history.add(LeaseStored(target, holder))


class MemoryBackend:
    """As `Backend` has it, for one run. `around` is a context in which each transaction takes place."""

    keeps_bodies = True
    name = "the store in memory"

    def __init__(
        self, records: SharedRecords, around: Callable[[Scope], Callable[[], None]], *, is_remote: bool = False
    ) -> None:
        self._records, self._around, self.is_remote = records, around, is_remote

    def find(self) -> bool:
        """As `Backend` has it."""
        return self._records.has_identity()

    def create(self) -> None:
        """As `Backend` has it."""
        self.transact(make_tables, Scope("create"))

    def list_targets(self) -> tuple[str, ...]:
        """As `Backend` has it."""
        return self.transact(find_targets, Scope("read", writes=False))

    def transact(self, work: Callable[[Transaction], T], scope: Scope) -> T:
        """As `Backend` has it: what goes wrong does so before anything is there, or after all of it is."""
        finish = self._around(scope)
        with self._records.begin(scope) as transaction:
            result = work(transaction)
        finish()
        return result

    def close(self) -> None:
        """As `Backend` has it."""
