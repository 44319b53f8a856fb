"""A place for a store of each back end, and one PostgreSQL server for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.state.store import Store
from tests.support.postgresql_server import MISSING, PostgresqlServer, running_server
from tests.support.store_places import PLACES, StorePlace, close_all, make_place

_SAID: list[str] = []


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresqlServer]:
    """Run a server; without one, say so loudly."""
    with running_server() as server:
        if server is None:
            _SAID.append(MISSING)
            pytest.skip(MISSING)
        yield server


@pytest.fixture(autouse=True)
def _closed_stores() -> Iterator[None]:
    """Close what a test opened, the earlier the earlier ended."""
    yield
    close_all()


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StorePlace]:
    """An empty place, of each back end in turn."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    with make_place(request.param, tmp_path, server) as made:
        yield made


@pytest.fixture
def store(place: StorePlace) -> Store:
    """A new store, of each back end in turn."""
    return place.open()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was not shown: a skipped test is easily overlooked."""
    for text in _SAID:
        terminalreporter.write_line(text, red=True, bold=True)
