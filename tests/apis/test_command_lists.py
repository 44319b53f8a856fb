"""Command's lists: every row once, with proof, in as few requests as the server allows."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import IncompleteError, UnreachableError
from tests.support.api_targets import command
from tests.support.concurrency import Crowd
from tests.support.raw_server import Asked, Scripted, answer

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover


def rows(count: int, start: int = 1) -> list[dict[str, Any]]:
    return [{"Id": number, "Name": f"role {number}", "Wide": {"x": [number]}} for number in range(start, start + count)]


def lister(
    held: list[dict[str, Any]], *, clamp: int = 10_000, counted: bool = True, literal: bool = False
) -> Callable[[Asked], bytes]:
    """Answer as Command does: 1-based pages of at most `clamp` rows, with or without a count.

    A `literal` server clamps what it gives but skips as many rows as the limit that was asked for says.
    """

    def script(asked: Asked) -> bytes:
        said = int(asked.query["ReturnLimit"])
        limit = min(said, clamp)
        start = (int(asked.query["PageReturned"]) - 1) * (said if literal else limit)
        return answer(200, held[start : start + limit], {"x-total-count": str(len(held))} if counted else {})

    return script


def ids(found: list[Any]) -> list[int]:
    return [row["Id"] for row in found]


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 999, 1000, 1001, 2000, 3456])
def test_a_counted_list_takes_exactly_as_many_requests_as_pages(count: int) -> None:
    with Scripted(lister(rows(count))) as server, command(server.url) as api:
        assert ids(api.read.rows("/Security/Roles", version=2)) == list(range(1, count + 1))
    assert len(server.asked) == max(1, ceil(count / 1000))
    assert {asked.headers["x-keyfactor-api-version"] for asked in server.asked} == {"2"}
    assert {asked.headers["x-keyfactor-requested-with"] for asked in server.asked} == {"APIClient"}


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (1, 2), (50, 2), (1000, 2), (1001, 3), (2000, 3)])
def test_an_uncounted_list_is_read_until_an_empty_page(count: int, requests: int) -> None:
    with Scripted(lister(rows(count), counted=False)) as server, command(server.url) as api:
        assert ids(api.read.rows("/X")) == list(range(1, count + 1))
    assert len(server.asked) == requests


@given(count=st.integers(0, 400), clamp=st.integers(1, 150), counted=st.booleans(), literal=st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_page_size_whatever_loses_or_repeats_a_row(count: int, clamp: int, counted: bool, literal: bool) -> None:
    with (
        Scripted(lister(rows(count), clamp=clamp, counted=counted, literal=literal)) as server,
        command(server.url) as api,
    ):
        assert ids(api.read.rows("/X")) == list(range(1, count + 1))
    if counted:
        assert len(server.asked) == max(1, ceil(count / clamp))


def test_the_callers_query_and_the_target_travel_with_every_page() -> None:
    with Scripted(lister(rows(1500))) as server, command(server.url) as api:
        api.read.rows("/Certificates", query=(("QueryString", 'CN -eq "a&b+c"'), ("SortField", "CertId")))
    assert {asked.query["QueryString"] for asked in server.asked} == {'CN -eq "a&b+c"'}
    assert {asked.path for asked in server.asked} == {"/KeyfactorAPI/Certificates"}


def answer_searches(asked: Asked) -> bytes:
    """Find as many rows as a search asks for, 20 a page."""
    count = int(asked.query["QueryString"])
    return lister(rows(count), clamp=20)(asked) if count else answer(400, b"no")


SEARCHES = [(("QueryString", str(count)),) for count in (5, 50, 1, 20, 21, 7, 3, 45)]


def test_searches_that_are_under_way_together_give_what_they_give_one_by_one() -> None:
    """In their order, those of several pages too; never more at once than is allowed, and as many as that."""
    crowd = Crowd(answer_searches, 4, lambda asked: asked.query["PageReturned"] == "1" and asked.number > 1)
    with Scripted(crowd) as server, command(server.url, parallelism=4) as api:
        list(api.read.pages("/X", query=SEARCHES[0]))
        api.read.begin_pages("/X", SEARCHES)
        together = [ids(list(page.rows)) for query in SEARCHES for page in api.read.pages("/X", query=query)]
        one_by_one = [ids(list(page.rows)) for query in SEARCHES for page in api.fresh.pages("/X", query=query)]
    assert together == one_by_one
    assert crowd.most == 4
    assert len(server.asked) == 1 + 2 * len(one_by_one)


def test_a_search_that_fails_is_told_as_if_one_had_followed_the_other() -> None:
    """And no more are asked for than were under way beside it; what nobody has said is read as ever."""
    queries = [(("QueryString", str(count)), ("a", str(number))) for number, count in enumerate([5, 50, 0] + [7] * 30)]
    with Scripted(answer_searches) as server, command(server.url, parallelism=4) as api:
        list(api.read.pages("/X", query=SEARCHES[0]))
        api.read.begin_pages("/X", queries)
        assert [len(page.rows) for query in queries[:2] for page in api.read.pages("/X", query=query)] == [
            5,
            20,
            20,
            10,
        ]
        with pytest.raises(IncompleteError, match="400"):
            list(api.read.pages("/X", query=queries[2]))
        assert len(list(api.read.pages("/X", query=SEARCHES[1]))) == 3
    assert len(server.asked) <= 1 + 4 + 1 + 4 + 3


def test_nothing_is_asked_for_ahead_before_the_credentials_were_taken_or_to_look_again() -> None:
    with Scripted(answer_searches) as server, command(server.url, parallelism=4) as api:
        api.read.begin_pages("/X", SEARCHES)
        assert len(list(api.read.pages("/X", query=SEARCHES[0]))) == 1
        api.fresh.begin_pages("/X", SEARCHES)
        assert len(list(api.fresh.pages("/X", query=SEARCHES[2]))) == 1
        assert len(server.asked) == 2


def test_a_list_is_read_once_in_a_run_and_fresh_every_time() -> None:
    with Scripted(lister(rows(3))) as server, command(server.url) as api:
        first, again = api.read.rows("/X"), api.read.rows("/X")
        assert first == again
        assert len(server.asked) == 1
        api.read.rows("/X", version=2)
        api.read.rows("/X", query=(("a", "b"),))
        assert len(server.asked) == 3
        api.fresh.rows("/X")
        api.fresh.rows("/X")
        assert len(server.asked) == 5


def test_many_who_ask_at_once_share_one_reading() -> None:
    def slow(asked: Asked) -> bytes:
        time.sleep(0.1)
        return answer(200, rows(2), {"x-total-count": "2"})

    with Scripted(slow) as server, command(server.url) as api:
        threads = [threading.Thread(target=api.read.rows, args=("/X",)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.asked) == 1


def test_what_could_not_be_read_is_not_asked_for_again() -> None:
    with Scripted(lambda asked: answer(400, b"no")) as server, command(server.url) as api:
        for _ in range(3):
            with pytest.raises(IncompleteError):
                api.read.rows("/X")
    assert len(server.asked) == 1


def test_pages_come_in_order_and_only_the_first_is_fetched_unasked() -> None:
    with Scripted(lister(rows(5000))) as server, command(server.url) as api:
        pages = api.read.pages("/X")
        first = next(pages)
        time.sleep(0.05)
        assert (len(server.asked), first.total, len(first.rows)) == (1, 5000, 1000)
        rest = list(pages)
    assert [page.rows[0]["Id"] for page in rest] == [1001, 2001, 3001, 4001]


def test_later_pages_are_under_way_together_but_never_more_than_allowed() -> None:
    crowd = Crowd(lister(rows(20_000)), 4, lambda asked: asked.query["PageReturned"] != "1")
    with Scripted(crowd) as server, command(server.url, parallelism=4) as api:
        assert sum(len(page.rows) for page in api.read.pages("/X", columns=("Id",))) == 20_000
    assert crowd.most == 4


def test_a_reader_that_stops_early_stops_the_fetching() -> None:
    with Scripted(lister(rows(30_000))) as server, command(server.url, parallelism=2) as api:
        pages = api.read.pages("/X", columns=("Id",))
        next(pages), next(pages)
        assert isinstance(pages, Generator)
        pages.close()
        time.sleep(0.2)
    assert len(server.asked) <= 5


@pytest.mark.parametrize(
    ("last_page", "summary"),
    [
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"Id":8,"Name":"a","Name":"b","Wide":{"x":[8]}}]', "twice"),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"Id":8,"Name":"role 8","Wide":{"x":[1e999]}}]', "too large"),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"Id":8,"Name":"\xff","Wide":{"x":[8]}}]', "not UTF-8"),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"Id":true,"Name":"","Wide":{"x":[8]}}]', "no usable Id"),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"Id":6,"Name":"","Wide":{"x":[8]}}]', "came twice"),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},{"name":"spelled","id":8,"Wide":{}}]', "no usable Id"),
        (b'[{"id":7,"name":"role 7","wide":{"x":[7]}},{"id":8,"name":"role 8","wide":{"x":[8]}}]', ""),
        (b'[{"Id":7,"Name":"role 7","Wide":{"x":[7]}},\n {"Id":8,"Name":"role \\u0038","Wide":null}]', ""),
    ],
)
def test_a_page_behind_others_is_read_as_strictly_as_the_first(last_page: bytes, summary: str) -> None:
    """The pages before it have taught the reader what rows look like: see `page_shape`."""

    def script(asked: Asked) -> bytes:
        is_last = asked.query["PageReturned"] == "4"
        number = 2 * int(asked.query["PageReturned"]) - 1
        page = json.dumps(rows(2, number), separators=(",", ":")).encode()
        return answer(200, last_page if is_last else page, {"x-total-count": "8"})

    with Scripted(script) as server, command(server.url, parallelism=1) as api:
        if summary:
            with pytest.raises(IncompleteError, match=summary):
                list(api.read.pages("/X", columns=("Name", "Id")))
        else:
            pages = list(api.read.pages("/X", columns=("Name", "Id")))
            assert [row for page in pages for row in page.rows] == [(f"role {n}", n) for n in range(1, 9)]


def test_columns_are_plain_tuples_in_the_order_asked_for_however_the_server_spells_them() -> None:
    held = [{"id": 1, "ownerRoleId": 7, "x": 1}, {"id": 2}]
    with Scripted(lister(held)) as server, command(server.url) as api:
        (page,) = api.read.pages("/X", columns=("OwnerRoleId", "Id"))
    assert page.rows == [(7, 1), (None, 2)]


def shifting(passes: list[list[list[dict[str, Any]]]], totals: list[int]) -> Callable[[Asked], bytes]:
    """Answer each pass over a list with its own pages; a pass begins with page 1, the last one is repeated."""
    turn = -1

    def script(asked: Asked) -> bytes:
        nonlocal turn
        number = int(asked.query["PageReturned"])
        turn += number == 1
        at = min(turn, len(passes) - 1)
        pages = passes[at]
        return answer(200, pages[number - 1] if number <= len(pages) else [], {"x-total-count": str(totals[at])})

    return script


def test_a_row_that_moved_between_pages_restarts_the_list_and_none_is_lost_or_told_twice() -> None:
    moved = [[*rows(2, 1)], [*rows(2, 2)]]  # a row was inserted: row 2 slid to the second page, row 4 is not seen
    settled = [rows(2, 0), rows(2, 2), rows(1, 4)]
    with Scripted(shifting([moved, settled], [4, 5])) as server, command(server.url, parallelism=1) as api:
        found = [row["Id"] for page in api.read.pages("/X") for row in page.rows]
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert len(found) == len(set(found))
    with Scripted(shifting([moved, settled], [4, 5])) as server, command(server.url, parallelism=1) as api:
        assert ids(api.read.rows("/X")) == [0, 1, 2, 3, 4]


def test_a_total_that_changes_restarts_the_list() -> None:
    def script(asked: Asked) -> bytes:
        start = (int(asked.query["PageReturned"]) - 1) * 2
        total = "4" if len(server.asked) < 2 else "5"
        return answer(200, rows(5)[start : start + 2], {"x-total-count": total})

    with Scripted(script) as server, command(server.url, parallelism=1) as api:
        assert ids(api.read.rows("/X")) == [1, 2, 3, 4, 5]


HOSTILE: dict[str, tuple[Callable[[Asked], bytes], str]] = {
    "the same page for ever": (lambda asked: answer(200, rows(1000)), "came twice"),
    "the same page for ever, counted": (lambda asked: answer(200, rows(5), {"x-total-count": "50"}), "came twice"),
    "fewer rows than counted": (shifting([[rows(5), rows(3, 6)]], [10]), "counts 10 rows and gave 8"),
    "more rows than counted": (lambda asked: answer(200, rows(5), {"x-total-count": "3"}), "counts 3 rows and gave 5"),
    "no row of those counted": (lambda asked: answer(200, [], {"x-total-count": "3"}), "counts 3 rows and gave 0"),
    "a count that is none": (lambda asked: answer(200, rows(5), {"x-total-count": "many"}), "not a number"),
    "a negative count": (lambda asked: answer(200, rows(5), {"x-total-count": "-5"}), "not a number"),
    "a count without end": (lambda asked: answer(200, rows(5), {"x-total-count": "999999999"}), "more than 10000"),
    "an object": (lambda asked: answer(200, {"Items": rows(5)}), "not a list"),
    "numbers": (lambda asked: answer(200, [1, 2]), "not a list of objects"),
    "null": (lambda asked: answer(200, b"null"), "not a list"),
    "rows without keys": (lambda asked: answer(200, [{"Name": "x"}]), "no usable Id"),
    "keys that are lists": (lambda asked: answer(200, [{"Id": [1]}]), "no usable Id"),
    "keys that are true": (lambda asked: answer(200, [{"Id": True}]), "no usable Id"),
    "a login page": (lambda asked: answer(200, b"<html>Sign in"), "web page"),
    "nothing": (lambda asked: answer(200, b""), "empty"),
    "no content": (lambda asked: answer(204, b""), "204"),
    "not found": (lambda asked: answer(404, {"Message": "no"}), "404: no"),
    "a redirect": (
        lambda asked: answer(302, b"", {"Location": "https://u:p@evil.example.com/x"}),
        "to evil.example.com",
    ),
}


@pytest.mark.parametrize(("script", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_list_that_does_not_add_up_is_incomplete_and_ends(script: Callable[[Asked], bytes], words: str) -> None:
    with (
        Scripted(script) as server,
        command(server.url, parallelism=1) as api,
        pytest.raises(IncompleteError) as caught,
    ):
        api.read.rows("/X")
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"command GET {server.url}/KeyfactorAPI/X: ")
    assert len(server.asked) <= 12


def test_every_cut_of_a_list_is_noticed() -> None:
    """Whatever a broken connection leaves of a body, rows that are missing never look absent."""
    whole = answer(200, rows(3), {"x-total-count": "3"})
    begin = whole.index(b"\r\n\r\n") + 4
    for keep in range(begin, len(whole), 7):
        sized = whole[:keep].replace(b"Content-Length", b"content-length")
        unsized = sized[: sized.index(b"content-length")] + b"Connection: close\r\n\r\n" + sized[begin:]
        for cut in (sized, unsized):
            script = partial(_said, cut)
            with (
                Scripted(script) as server,
                command(server.url) as api,
                pytest.raises((IncompleteError, UnreachableError)),
            ):
                api.read.rows("/X")


def _said(given: bytes, _asked: Asked) -> bytes:
    return given
