"""From where the settings say that the state is kept to the store that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_never

from reconciler.state.backend import Backend
from reconciler.state.locations import DatabaseState, GitState, LocalState, StateLocation, has_store_file
from reconciler.state.record_store import RecordStore
from reconciler.state.store_errors import RemoteUnknown

if TYPE_CHECKING:
    from reconciler.state.local_bodies import LocalBodies
    from reconciler.state.records import StoreExport
    from reconciler.state.store import Store
    from reconciler.state.store_import import ImportedStore


def open_store(location: StateLocation, *, env: Mapping[str, str], pinned: str = "", secret: str = "") -> Store:
    """Return the store that is there, or a new one if there is none and none is pinned.

    Bodies are encrypted with a key that comes from the `secret`, the settings' `state.key`. Raises StoreVanished and
    StoreForeign if `pinned`, the settings' `state.id`, is not what is found.
    """
    backend = _make_backend(location, env)
    try:
        return RecordStore(backend, pinned=pinned, secret=secret, bodies=_find_bodies(location))
    except BaseException:
        backend.close()
        raise


def find_store(location: StateLocation, *, env: Mapping[str, str], pinned: str = "", secret: str = "") -> Store | None:
    """Return the store that is there, for whoever only reads: None where there is none. Makes nothing.

    Raises as `open_store` does: where one is pinned and there is none, it has vanished.
    """
    # Before SQLite is imported: most commands only look.
    if not pinned and isinstance(location, LocalState) and not has_store_file(location.folder):
        return None
    backend = _make_backend(location, env)
    try:
        is_found = backend.find()
        if pinned or is_found:
            bodies = _find_bodies(location)
            return RecordStore(backend, pinned=pinned, secret=secret, is_found=is_found, bodies=bodies)
    except BaseException:
        backend.close()
        raise
    backend.close()
    return None


def import_store(
    location: StateLocation, exported: StoreExport, *, env: Mapping[str, str], pinned: str = "", secret: str = ""
) -> ImportedStore:
    """Record an export in a place where there are no records; raises as `import_records` does."""
    from reconciler.state.store_import import import_records  # noqa: PLC0415 - only one command needs it

    backend = _make_backend(location, env)
    try:
        return import_records(backend, exported, pinned=pinned, secret=secret)
    finally:
        backend.close()


def _find_bodies(location: StateLocation) -> LocalBodies | None:
    """Return what keeps the bodies that the store may not hold."""
    if not isinstance(location, GitState) or location.bodies is None:
        return None
    from reconciler.state.local_bodies import LocalBodies  # noqa: PLC0415 - the others do without

    return LocalBodies(location.bodies)


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
