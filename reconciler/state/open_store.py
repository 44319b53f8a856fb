"""From where the settings say that the state is kept to the store that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from reconciler.state.backend import Backend
from reconciler.state.locations import DatabaseState, GitState, LocalState, StateLocation
from reconciler.state.record_store import RecordStore
from reconciler.state.store_errors import RemoteUnknown

if TYPE_CHECKING:
    from reconciler.state.store import Store


def open_store(location: StateLocation, *, env: Mapping[str, str], pinned: str = "") -> Store:
    """Return the store that is there, or a new one if there is none and none is pinned.

    Raises StoreVanished and StoreForeign if `pinned`, the settings' `state.id`, is not what is found.
    """
    backend = _make_backend(location, env)
    try:
        return RecordStore(backend, pinned=pinned)
    except BaseException:
        backend.close()
        raise


def _make_backend(location: StateLocation, env: Mapping[str, str]) -> Backend:
    # Each imports what only it needs: SQLite costs 10 ms, psycopg 150.
    match location:
        case LocalState():
            from reconciler.state.sqlite import SqliteBackend  # noqa: PLC0415

            return SqliteBackend(location.folder, network_accepted=location.network_accepted)
        case DatabaseState():
            try:
                from reconciler.state.postgresql import PostgresqlBackend  # noqa: PLC0415
            except ImportError:
                remedy = "pip install 'pki-reconciler[postgres]'"
                raise RemoteUnknown("psycopg, which PostgreSQL is reached with, can't be imported", remedy) from None
            return PostgresqlBackend(location.url)
        case GitState():
            from reconciler.state.git import GitBackend  # noqa: PLC0415
            from reconciler.state.git_process import GitProgram  # noqa: PLC0415

            return GitBackend(GitProgram(location.folder, location.remote, env), location.ref)
    assert_never(location)
