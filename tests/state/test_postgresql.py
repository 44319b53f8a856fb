"""PostgreSQL where it is more than a database: a server that dies, answers that get lost, poolers, rights."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from reconciler.state import postgresql as postgresql_module
from reconciler.state.backend import Scope
from reconciler.state.locations import DatabaseState
from reconciler.state.postgresql import PostgresqlBackend
from reconciler.state.record_store import RecordStore
from reconciler.state.records import FORMAT
from reconciler.state.store_errors import StoreDamaged, StoreReadOnly, StoreTooNew, StoreUnreachable
from tests.support.listening import Listener
from tests.support.postgresql_server import PostgresqlServer, running_server
from tests.support.store_places import TARGET, keep, make_intent, make_place, make_result, make_run, open_at, run_sql


@pytest.fixture
def url(postgresql: PostgresqlServer, tmp_path: Path) -> Iterator[str]:
    """A new database."""
    with make_place("postgresql", tmp_path, postgresql) as place:
        assert isinstance(place.location, DatabaseState)
        yield place.location.url


def drop_connections(url: str) -> None:
    """End every connection but our own, as a server that is restarted or a pooler that is full does."""
    run_sql(url, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and "
                 "datname = current_database()")  # fmt: skip


def test_no_operation_needs_the_connection_of_the_one_before(url: str) -> None:
    """As behind PgBouncer in transaction mode: each transaction may come to another connection of the server."""
    store = open_at(DatabaseState(url))
    lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
    for number in range(2, 9):
        drop_connections(url)
        store.intend(lease, [make_intent("run-1", number)])
        lease = store.renew(lease, [make_result("run-1", number)])
    assert [left.intent.number for left in store.list_open(TARGET)] == [1]


def test_nothing_is_left_on_a_connection(url: str) -> None:
    """No prepared statement, no advisory lock, no setting that outlives its transaction."""
    backend = PostgresqlBackend(url)
    store = keep(RecordStore(backend))
    lease = store.claim(make_run("run-1"))
    for _ in range(8):
        lease = store.renew(lease)
    connection = backend._connection
    assert connection
    assert connection.execute("select count(*) from pg_prepared_statements").fetchone() == (0,)
    assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
    assert connection.execute("show search_path").fetchone() == ('"$user", public',)
    assert connection.execute("show statement_timeout").fetchone() == ("0",)


def test_a_commit_is_durable_whatever_the_database_was_told(url: str) -> None:
    run_sql(
        url, "do $$ begin execute format('alter database %I set synchronous_commit to off', current_database()); end $$"
    )
    backend = keep(PostgresqlBackend(url))
    backend.create()
    scope = Scope("look")
    assert list(backend.transact(lambda tx: tx.run("select current_setting('synchronous_commit')"), scope)) == [("on",)]


class LossyProxy:
    """Stands before a server's socket; `lose_commit` drops the connection instead of the answer to the next commit."""

    def __init__(self, folder: Path, server: PostgresqlServer) -> None:
        self.folder, self.lose_commit = folder, False
        self._server = str(server.folder / ".s.PGSQL.5432")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / ".s.PGSQL.5432"))
        listener.listen()
        self._listener = Listener(self._carry, listener)

    def close(self) -> None:
        self._listener.close()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._server)
            loses: list[bool] = []
            back = threading.Thread(target=self._pump, args=(server, client, loses, False))
            back.start()
            self._pump(client, server, loses, True)
            back.join()

    def _pump(self, source: socket.socket, sink: socket.socket, loses: list[bool], asks: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asks and self.lose_commit and b"commit\0" in data:
                    self.lose_commit = False
                    loses.append(True)
                if not asks and loses:
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def test_a_commit_whose_answer_is_lost_is_asked_for_again_and_done_once(url: str, postgresql: PostgresqlServer) -> None:
    with tempfile.TemporaryDirectory(prefix="reconciler-proxy-") as name:
        proxy = LossyProxy(Path(name), postgresql)
        store = open_at(DatabaseState(url.replace(str(postgresql.folder), name)))
        act, result = make_intent("run-1", 2, "deny/1"), make_result("run-1", 1)
        proxy.lose_commit = True
        lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
        assert not proxy.lose_commit
        steps: list[Callable[[], object]] = [
            lambda: store.intend(lease, [act]),
            lambda: store.settle(lease, [result]),
            lambda: store.renew(lease),
        ]
        for step in steps:
            proxy.lose_commit = True
            step()
            assert not proxy.lose_commit
        history = store.read_run(TARGET, "run-1")
        assert history
        assert (len(history.intents), len(history.results), len(store.list_acts(TARGET, ["deny/1"]))) == (2, 1, 1)
        held = store.read_lease(TARGET)
        assert held
        assert (held.fence, held.beat) == (1, 1)
        store.close()
        proxy.close()


def test_a_server_that_dies_is_told_and_what_was_committed_is_there() -> None:
    with running_server() as server:
        if server is None:
            pytest.skip("no PostgreSQL")
        store = open_at(DatabaseState(server.url()))
        lease = store.claim(make_run("run-1"), intents=[make_intent("run-1", 1)])
        server.kill()
        with pytest.raises(StoreUnreachable, match="nothing is sent") as caught:
            store.settle(lease, [make_result("run-1", 1)])
        assert caught.value.exit == 12
        server.start()
        assert [left.intent.number for left in store.list_open(TARGET)] == [1]
        store.settle(lease, [make_result("run-1", 1)])
        assert store.list_open(TARGET) == ()


def test_a_server_that_is_stopped_and_says_nothing_is_given_up(url: str) -> None:
    """Its connections stay up, so that neither TCP nor a time-out of the server's own ends the wait."""
    backend = PostgresqlBackend(url, deadline=0.5)
    store = keep(RecordStore(backend))
    lease = store.claim(make_run("run-1"))
    assert backend._connection
    worker = backend._connection.info.backend_pid
    os.kill(worker, signal.SIGSTOP)
    before = time.monotonic()
    try:
        # The second try gets a worker of its own; the row is not locked, since the first never began.
        assert store.renew(lease).beat == 1
        assert 0.4 < time.monotonic() - before < 10
    finally:
        os.kill(worker, signal.SIGCONT)


def test_a_role_that_may_not_write_is_told(url: str) -> None:
    open_at(DatabaseState(url))
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        run_sql(url, "create role reader login")
    run_sql(url, "grant usage on schema reconciler to reader")
    run_sql(url, "grant select on all tables in schema reconciler to reader")
    store = open_at(DatabaseState(url.replace("reconciler@", "reader@", 1)))
    assert store.list_open(TARGET) == ()
    with pytest.raises(StoreReadOnly, match="permission denied for table lease"):
        store.claim(make_run("run-1"))
    run_sql(url, "do $$ begin execute format('alter database %I set default_transaction_read_only to on', "
                 "current_database()); end $$")  # fmt: skip
    with pytest.raises(StoreReadOnly, match="read-only transaction"):
        open_at(DatabaseState(url)).claim(make_run("run-1"))


def test_a_newer_format_and_a_missing_table_are_told(url: str) -> None:
    open_at(DatabaseState(url))
    run_sql(url, f"update reconciler.store set format = {FORMAT + 1}")
    with pytest.raises(StoreTooNew):
        open_at(DatabaseState(url))


SECRET = "hunter2-canary"
BAD_URLS = {
    "nobody listens": f"postgresql://u:{SECRET}@127.0.0.1:9/x",
    "no such host": f"postgresql://u:{SECRET}@db.invalid/x",
    "no URL": f"postgresql://u:{SECRET}@[::1/x?{SECRET}",
    "an unknown option": f"postgresql://u:{SECRET}@127.0.0.1:9/x?{SECRET}={SECRET}",
    "key and value": f"host=127.0.0.1 port=9 password={SECRET}",
    "key and nothing": f"host=127.0.0.1 {SECRET}",
}


@pytest.mark.parametrize("case", BAD_URLS)
def test_no_message_shows_the_password(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    location = DatabaseState(BAD_URLS[case])
    with pytest.raises(StoreUnreachable) as caught:
        open_at(location)
    chain = [caught.value, caught.value.__cause__]
    assert SECRET not in "".join(map(str, [*chain, location, repr(location), caught.value.explanation]))


def test_what_is_damaged_is_told() -> None:
    backend = PostgresqlBackend("postgresql://h/x")
    assert isinstance(backend._explain(psycopg.errors.DataCorrupted("bad page")), StoreDamaged)
    assert postgresql_module.DEADLINE <= 30
