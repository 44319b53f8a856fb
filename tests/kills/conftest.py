"""One fork server and one database server for all trials."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kills.scene import ForkServer
from tests.kills.tracing import MISSING as NO_STRACE
from tests.kills.tracing import can_trace
from tests.kills.trial import Bench, read_planned
from tests.support.postgresql_server import MISSING, running_server

_SAID: list[str] = []


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """What trials share; without a database."""
    if not can_trace():
        _SAID.append(NO_STRACE)
    with ForkServer() as forks:
        shared = Bench(forks, None)
        shared.planned = read_planned(shared)
        yield shared


@pytest.fixture(scope="session")
def database_bench(bench: Bench) -> Iterator[Bench]:
    """What trials share that need a database server."""
    with running_server() as server:
        if server is None:
            _SAID.append(MISSING)
            pytest.skip(MISSING)
        yield Bench(bench.forks, server, bench.planned)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end what was shown in a lesser way, or not at all."""
    for text in _SAID:
        terminalreporter.write_line(text, red=True, bold=True)
