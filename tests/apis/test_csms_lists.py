"""CSMS's lists by marker: complete on every reading of the documents, and always with an end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import IncompleteError
from tests.support.api_targets import EVENTS, csms
from tests.support.raw_server import Asked, Scripted, answer


def lister(
    names: list[str], *, inclusive: bool = False, next_marker: str = "always", clamp: int = 1000
) -> Callable[[Asked], bytes]:
    """Answer as CSMS may: the marker's own row again or not, `next_marker` always, never, or not on the last page.

    "undescribed" pages have no page_info at all.
    """
    ordered = sorted(names)

    def script(asked: Asked) -> bytes:
        marker, limit = asked.query.get("marker", ""), min(int(asked.query["limit"]), clamp)
        left = [name for name in ordered if name > marker or (inclusive and name == marker)]
        page = left[:limit]
        info: dict[str, Any] = {"current_count": len(page)}
        if page and (next_marker == "always" or (next_marker == "until the last" and len(left) > limit)):
            info["next_marker"] = page[-1]
        described = {} if next_marker == "undescribed" else {"page_info": info}
        return answer(200, {"events": [{"name": name} for name in page], **described})

    return script


SMALL_PAGES = st.tuples(st.integers(2, 40), st.sampled_from(["always", "undescribed", "until the last"]))
DEFAULT_PAGES = st.tuples(st.integers(50, 70), st.sampled_from(["always", "never", "undescribed", "until the last"]))


@given(count=st.integers(0, 120), paging=SMALL_PAGES | DEFAULT_PAGES, inclusive=st.booleans())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_reading_of_the_documents_gives_every_event_once(
    count: int, paging: tuple[int, str], inclusive: bool
) -> None:
    clamp, next_marker = paging
    names = [f"event-{number:03}" for number in range(count)]
    script = lister(names, inclusive=inclusive, next_marker=next_marker, clamp=clamp)
    with Scripted(script) as server, csms(server.url) as api:
        assert [row["name"] for row in api.read.rows(EVENTS, key="name")] == names
    assert len(server.asked) <= count + 3


@pytest.mark.parametrize(("count", "requests"), [(0, 1), (3, 1), (49, 1), (50, 2), (60, 2)])
def test_a_short_page_that_names_no_next_marker_is_the_last(count: int, requests: int) -> None:
    names = [f"event-{number:03}" for number in range(count)]
    with Scripted(lister(names, next_marker="until the last")) as server, csms(server.url) as api:
        assert len(api.read.rows(EVENTS, key="name")) == count
    assert len(server.asked) == requests


def test_a_server_that_ignores_the_marker_is_believed_as_long_as_its_page_is_not_full() -> None:
    events = {"events": [{"name": "a"}, {"name": "b"}]}
    with Scripted(lambda asked: answer(200, events)) as server, csms(server.url) as api:
        assert [row["name"] for row in api.read.rows(EVENTS, key="name")] == ["a", "b"]
    assert len(server.asked) == 2


def test_a_server_that_names_the_same_marker_again_is_asked_by_the_last_name() -> None:
    def script(asked: Asked) -> bytes:
        page = {"": ["a"], "a": ["b"], "b": ["c"]}.get(asked.query.get("marker", ""), [])
        return answer(200, {"events": [{"name": name} for name in page], "page_info": {"next_marker": "a"}})

    with Scripted(script) as server, csms(server.url) as api:
        assert [row["name"] for row in api.read.rows(EVENTS, key="name")] == ["a", "b", "c"]
    assert [asked.query.get("marker") for asked in server.asked] == [None, "a", "b", "c"]


def test_marker_columns_and_pages() -> None:
    with Scripted(lister(["a", "b", "c"], clamp=2)) as server, csms(server.url) as api:
        assert [page.rows for page in api.read.pages(EVENTS, key="name", columns=("name", "x"))] == [
            [("a", None), ("b", None)],
            [("c", None)],
        ]
    assert [asked.query.get("marker") for asked in server.asked] == [None, "b", "c"]


def test_no_events_at_all_is_one_empty_page() -> None:
    with Scripted(lister([])) as server, csms(server.url) as api:
        assert [tuple(page) for page in api.read.pages(EVENTS, key="name")] == [([], None)]
    assert len(server.asked) == 1


def full(asked: Asked) -> bytes:
    return answer(200, {"events": [{"name": f"e{number}"} for number in range(200)]})


def endless(asked: Asked) -> bytes:
    return answer(200, {"events": [{"name": f"e{asked.number}"}], "page_info": {"next_marker": f"e{asked.number}"}})


HOSTILE: dict[str, tuple[Callable[[Asked], bytes], str]] = {
    "the same full page for ever": (full, "same full page"),
    "new events for ever": (endless, "does not end within"),
    "a bare list": (lambda asked: answer(200, []), "not an object"),
    "no list": (lambda asked: answer(200, {"secrets": []}), "no list of events"),
    "strings": (lambda asked: answer(200, {"events": ["a"]}), "no list of events"),
    "a nameless event": (lambda asked: answer(200, {"events": [{"event_id": "x"}]}), "no usable name"),
    "twins on one page": (lambda asked: answer(200, {"events": [{"name": "a"}, {"name": "a"}]}), "came twice"),
    "an unknown API": (
        lambda asked: answer(404, {"error_code": "APIGW.0101", "error_msg": "no such API"}),
        "404: APIGW.0101: no such API",
    ),
}


@pytest.mark.parametrize(("script", "words"), HOSTILE.values(), ids=HOSTILE)
def test_a_list_that_proves_nothing_is_incomplete_and_ends(script: Callable[[Asked], bytes], words: str) -> None:
    with Scripted(script) as server, csms(server.url) as api, pytest.raises(IncompleteError) as caught:
        api.read.rows(EVENTS, key="name")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "absent"),
    [
        (404, {"error": {"error_code": "CSMS.0005", "error_msg": "gone"}}, True),
        (404, b"", True),
        (400, {"error": {"error_code": "CSMS.0005", "error_msg": "does not exist"}}, True),
        (400, {"error": {"error_code": "CSMS.0002", "error_msg": "invalid"}}, False),
        (404, {"error_code": "APIGW.0101", "error_msg": "no such API"}, False),
        (404, {"error_code": "APIG.0103", "error_msg": "no backend"}, False),
    ],
)
def test_only_the_service_itself_can_say_that_an_event_is_absent(status: int, body: Any, absent: bool) -> None:
    with Scripted(lambda asked: answer(status, body)) as server, csms(server.url) as api:
        if absent:
            assert api.read.get(f"{EVENTS}/x") is None
        else:
            with pytest.raises(IncompleteError):
                api.read.get(f"{EVENTS}/x")
