"""Finding certificates in few requests: never one a certificate, never more than the whole list has pages."""

from __future__ import annotations

import random

import pytest

from reconciler.payloads.certificate_table import format_id_key
from reconciler.payloads.certificates import PAGE_SIZE, read_certificates
from tests.support.sample_plans import certificate
from tests.support.toy_reader import World

COSTS = {
    # rows on the server, keys wanted, rows that it gives a page: requests at most, what is told
    "twenty by one search": (30_000, 20, PAGE_SIZE, 1, ""),
    "more than twenty in one page": (900, 21, PAGE_SIZE, 1, ""),
    "more than twenty in two pages": (1_900, 30, PAGE_SIZE, 2, "all 1,900 certificates are read, in 2 pages"),
    "a few hundred of many by searches after the first page": (30_000, 200, PAGE_SIZE, 11, "by name, 20 a search"),
    "a few hundred of a list in small pages": (5_000, 200, 100, 11, "by name, 20 a search"),
    "most of them by the list": (5_000, 4_000, PAGE_SIZE, 5, "all 5,000 certificates are read, in 5 pages"),
    "most of them by a list in small pages": (5_000, 4_000, 100, 50, "all 5,000 certificates are read, in 50 pages"),
}


@pytest.mark.parametrize("row", COSTS.values(), ids=COSTS)
def test_certificates_are_found_in_few_requests(row: tuple[int, int, int, int, str]) -> None:
    """Never a GET a certificate, and never more requests than the whole list has pages."""
    rows, keys, page, most, words = row
    told: list[str] = []
    chance = random.Random(rows)
    numbers = chance.sample(range(1, rows + 1), keys)
    wanted = {f"{n:040X}" if at % 2 else format_id_key(n) for at, n in enumerate(numbers)}
    world = World({"/Certificates": [certificate(number) for number in range(1, rows + 1)]}, page)

    found = read_certificates(world, (), wanted, told.append).by_key

    assert len(told) == bool(words)
    assert words in "".join(told)
    assert set(found) == wanted
    assert all(len(kept) == 1 for kept in found.values())
    assert sorted(row.id for kept in found.values() for row in kept) == sorted(numbers)
    assert len(world.asked) <= most
    assert all(len(asked) < 2048 for asked in world.asked)


def test_missing_certificates_are_not_found() -> None:
    """What does not exist is absent from the answer, however many pages were read for it."""
    world = World({"/Certificates": [certificate(number) for number in range(1, 3_001)]}, PAGE_SIZE)

    found = read_certificates(world, (), [format_id_key(number) for number in range(2_900, 3_200)]).by_key

    assert sorted(found) == sorted(format_id_key(number) for number in range(2_900, 3_001))


def test_a_certificate_that_is_named_in_two_ways_is_found_once_each() -> None:
    """One document has its thumbprint, another its id, and two searches find it: still one certificate."""
    world = World({"/Certificates": [certificate(number) for number in range(1, 50_001)]}, PAGE_SIZE)
    others = [format_id_key(number) for number in range(40_000, 40_030)]

    found = read_certificates(world, (), [f"{45_000:040X}", *others, format_id_key(45_000)]).by_key

    assert len(world.asked) == 3
    assert [len(found[key]) for key in (f"{45_000:040X}", format_id_key(45_000))] == [1, 1]


def test_two_certificates_of_one_thumbprint_are_both_kept() -> None:
    """The document must be told, rather than one of them be taken."""
    twin = {**certificate(2), "Thumbprint": f"{1:040X}"}

    assert [
        row.id
        for row in read_certificates(World({"/Certificates": [certificate(1), twin]}), (), [f"{1:040X}"]).by_key[
            f"{1:040X}"
        ]
    ] == [1, 2]
