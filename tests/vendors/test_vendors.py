"""Every call of the vendors' clients comes out as the contract says."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vendors.containment import contained
from tests.vendors.row import Row, observe
from tests.vendors.table import ROWS


@pytest.fixture(autouse=True)
def apart() -> Iterator[None]:
    """Keep the clients from the user's home and from the network."""
    with contained():
        yield


@pytest.mark.no_cover
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.call)
def test_a_call_comes_out_as_the_contract_says(row: Row) -> None:
    """Against a simulator of its own, in its default settings."""
    assert observe(row) == row.value


def test_every_row_cites_the_contract() -> None:
    """A row without a source would prove nothing; two of one name could not be told apart."""
    assert all(row.source.startswith(("AU ", "CS ", "KF ")) for row in ROWS)
    assert len({row.call for row in ROWS}) == len(ROWS)


def test_the_clients_write_into_the_home_they_are_given_and_stay_on_this_machine() -> None:
    """The guard is below every HTTP library."""
    assert Path.home().name.startswith("vendors-")
    with socket.socket() as outside, pytest.raises(PermissionError, match=r"leave the machine: 192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 9))
    with pytest.raises(PermissionError, match=r"leave the machine: iam\.myhuaweicloud\.com"):
        socket.getaddrinfo("iam.myhuaweicloud.com", 443)
