"""The bodies of a store that may hold none, on the machine that made them: what was pushed can't be taken back.

A file with the tables of the local store, of which the intents alone are used, and of those the bodies: all else that
is to be known stands in the store itself. A body that can't be kept, or is not here, costs a way back and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from reconciler.state.backend import Scope
from reconciler.state.intents import read_intents, record_intents
from reconciler.state.locations import has_store_file
from reconciler.state.records import Intent, PreviousObject
from reconciler.state.schema import Transaction
from reconciler.state.sqlite import SqliteBackend
from reconciler.state.store_errors import StoreError

T = TypeVar("T")


class LocalBodies:
    """Bodies in a folder, by target, run and number."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._backend = folder, SqliteBackend(folder)

    def keep(self, target: str, intents: Sequence[Intent], now: str) -> None:
        """Keep the bodies of intents that are durable already."""
        # Acts are claimed in the store alone.
        bodies = [intent._replace(acts=()) for intent in intents if intent.previous and intent.previous.body]
        if bodies:
            with suppress(StoreError):
                self._backend.create()
            self._ask(Scope("keep", target), lambda tx: record_intents(tx, target, bodies, now, with_bodies=True))

    def fill(self, target: str, run: str, intents: Sequence[Intent]) -> tuple[Intent, ...]:
        """Return the intents of a run, with the bodies that were kept here where they have none."""
        rows = self._ask(Scope("read", target, writes=False), lambda tx: read_intents(tx, target, run)) or ()
        kept = {row.number: row.previous for row in rows}
        return tuple(_take_body(intent, kept.get(intent.number)) for intent in intents)

    def forget(self, target: str, before: str) -> None:
        """Forget what is older than a time."""
        sql = "delete from intent where target = :target and at < :before"
        self._ask(Scope("prune", target), lambda tx: tx.run(sql, target=target, before=before))

    def close(self) -> None:
        """Let go of the file."""
        self._backend.close()

    def _ask(self, scope: Scope, work: Callable[[Transaction], T]) -> T | None:
        """Return the answer of the file; None where there is none, or none to be had."""
        if has_store_file(self._folder):
            with suppress(StoreError):
                return self._backend.transact(work, scope)
        return None


def _take_body(intent: Intent, kept: PreviousObject | None) -> Intent:
    was = intent.previous
    # The digest is the store's: what another repository remembers under the same name is another object.
    is_wanted = was is not None and not was.body and kept is not None and kept.digest == was.digest
    return intent._replace(previous=kept) if is_wanted else intent
