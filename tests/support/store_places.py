"""Places for stores, one for each back end: the same tests run on each of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from reconciler.state.locations import DatabaseState, GitState, LocalState, StateLocation
from reconciler.state.open_store import open_store
from reconciler.state.records import (
    Intent,
    IntentKind,
    IntentResult,
    PlanNonce,
    RunHolder,
    RunRecord,
    SettledAs,
    SettledBy,
    identify_target,
)
from reconciler.state.store import Store
from tests.support.git_server import make_bare, run_git, serving
from tests.support.postgresql_server import PostgresqlServer


class _HasClose(Protocol):
    def close(self) -> None: ...


Closable = TypeVar("Closable", bound=_HasClose)
PLACES = ("sqlite", "postgresql", "git file")
"""A repository over HTTP is one more, `git http`; it takes its time."""
TARGET = identify_target("keyfactor", "https://keyfactor.example.com/KeyfactorAPI")
OTHER_TARGET = identify_target("csms", "https://kms.example.com", "p" * 32)
LATER = PlanNonce("nonce-1", "2999-01-01T00:00:00.000Z")
ENV = {"PATH": os.defpath, "HOME": "/nonexistent"}


_OPENED = ExitStack()


def open_at(location: StateLocation, *, env: Mapping[str, str] = ENV, pinned: str = "", secret: str = "") -> Store:
    """Open a store, which `close_all` closes."""
    return keep(open_store(location, env=env, pinned=pinned, secret=secret))


def keep(thing: Closable) -> Closable:
    """Return something that `close_all` closes."""
    _OPENED.callback(thing.close)
    return thing


def close_all() -> None:
    """Close everything that was opened here."""
    _OPENED.close()


@dataclass
class StorePlace:
    """Where a store is; `open` opens it once more, as another process would; `vanish` takes it away."""

    location: StateLocation
    vanish: Callable[[], None]

    def open(self, pinned: str = "", secret: str = "") -> Store:
        """Open the store; it is closed at the end."""
        return open_at(self.location, pinned=pinned, secret=secret)


@contextmanager
def make_place(name: str, folder: Path, server: PostgresqlServer | None) -> Iterator[StorePlace]:
    """Make an empty place of one back end."""
    with ExitStack() as stack:
        location, vanish = _make_location(name, folder, server, stack)
        yield StorePlace(location, vanish)


def _make_location(
    name: str, folder: Path, server: PostgresqlServer | None, stack: ExitStack
) -> tuple[StateLocation, Callable[[], None]]:
    if name == "sqlite":
        return LocalState(folder / "state"), (folder / "state/store.sqlite3").unlink
    if name == "postgresql":
        assert server
        # A new database for each test would take longer than most tests.
        run_sql(server.url(), "alter database postgres reset all")
        run_sql(server.url(), "drop schema if exists reconciler cascade")
        return DatabaseState(server.url()), lambda: run_sql(server.url(), "drop schema reconciler cascade")
    bare = make_bare(folder / "remote.git")
    url = stack.enter_context(serving(bare)).url if name == "git http" else f"file://{bare}"
    return GitState(folder, url), lambda: delete_refs(bare)


def run_sql(url: str, sql: str) -> None:
    """Run one statement as the administrator of a database."""
    # A rival of the tests starts faster without it.
    import psycopg  # noqa: PLC0415

    # Whatever a test has made of the database.
    with psycopg.connect(url, autocommit=True, options="-c default_transaction_read_only=off") as connection:
        connection.execute(sql.encode())


def list_refs(bare: Path) -> list[str]:
    """Return the names of all refs."""
    return run_git("for-each-ref", "--format=%(refname)", folder=bare).split()


def delete_refs(bare: Path) -> None:
    """Do what a mirror does to refs that it does not know."""
    for ref in list_refs(bare):
        run_git("update-ref", "-d", ref, folder=bare)


def make_run(name: str, target: str = TARGET, commit: str = "", plan: str = "") -> RunRecord:
    """Return a run that begins."""
    return RunRecord(name, target, "apply", "1.0", RunHolder("host-1", actor="ada"), commit, plan)


def make_intent(run: str, number: int, *acts: str, **values: object) -> Intent:
    """Return an intent, irreversible if it has acts."""
    kind = IntentKind.IRREVERSIBLE if acts else IntentKind.REPEATABLE
    method = "POST" if acts else "PUT"
    return Intent(run, number, f"Kind/{number}", method, f"/{number}", "sha-r", "sha-b", kind, acts, **values)  # type: ignore[arg-type]


def make_result(run: str, number: int, outcome: SettledAs = SettledAs.APPLIED, act: str = "") -> IntentResult:
    """Return a result as the run itself says it."""
    return IntentResult(run, number, outcome, SettledBy.ANSWER, run, act=act)
