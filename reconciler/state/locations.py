"""Where a store can be: what the settings say, as values that cost nothing to import."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple, TypeAlias


class LocalState(NamedTuple):
    """A folder of this machine."""

    folder: Path
    network_accepted: bool = False

    def describe(self) -> str:
        """Return what people call it."""
        return str(self.folder / STORE_FILE_NAME)


class DatabaseState(NamedTuple):
    """A PostgreSQL database; `url` may hold a password, and so it is not shown."""

    url: str

    def __repr__(self) -> str:
        return "DatabaseState(***)"

    def describe(self) -> str:
        """Return what people call it."""
        return "PostgreSQL"


class GitState(NamedTuple):
    """Refs below `ref` at a remote, by the name that it has in the checkout around `folder`, or by its URL.

    `bodies` is a folder of this machine for what may not be pushed; None for nowhere.
    """

    folder: Path
    remote: str = "origin"
    ref: str = "refs/reconciler"
    bodies: Path | None = None

    def describe(self) -> str:
        """Return what people call it, without what may be a login in a URL."""
        return f"git {self.ref}"


STORE_FILE_NAME = "store.sqlite3"
"""The file in the folder of a local store."""


def has_store_file(folder: Path) -> bool:
    """Say whether a folder has a local store, or what stands in its place."""
    return os.path.lexists(folder / STORE_FILE_NAME)


StateLocation: TypeAlias = LocalState | DatabaseState | GitState
