"""The contract once more where it meets the transport: git over its own HTTP back end."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.state import test_contract
from tests.support.store_places import StorePlace, make_place

CASES: list[Callable[..., None]] = [
    test_contract.test_a_store_is_made_once_and_is_the_same_for_everybody,
    test_contract.test_a_store_that_vanished_is_no_fresh_start,
    test_contract.test_a_lease_is_taken_over_only_as_it_was_seen,
    test_contract.test_whoever_was_overtaken_writes_nothing_more,
    test_contract.test_every_operation_said_twice_is_done_once,
]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[StorePlace]:
    """An empty repository behind a server."""
    with make_place("git http", tmp_path, None) as made:
        yield made


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__.removeprefix("test_"))
def test_it_holds_over_http(case: Callable[..., None], place: StorePlace) -> None:
    (wanted,) = inspect.signature(case).parameters
    case(place if wanted == "place" else place.open())
