"""Sending a read again: how often, how long apart, and never a write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import NoReply, UnreachableError
from reconciler.model import Call, LoggedOut, Reply
from reconciler.transport.retry import RetryPolicy, parse_retry_after
from reconciler.transport.transport import UnusableReply
from tests.support.api_targets import Time, command
from tests.support.raw_server import Scripted, answer

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def patience(time: Time, budget: int = 60) -> RetryPolicy:
    return RetryPolicy(sleep=time.sleep, now=time.now, jitter=lambda: 1.0, budget=budget)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("60", 60.0),
        ("1000000", 60.0),
        ("9" * 5000, 60.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30.0),
        ("Sun, 22 Nov 2036 12:00:30 GMT", 60.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("", None),
        ("Sun, 99 Nov 2026 12:00:30 GMT", None),
        ("Sun, 22 Nov 99999 12:00:30 GMT", None),
    ],
)
def test_a_servers_wish_is_bounded_and_nonsense_is_ignored(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


@given(st.text())
def test_no_header_whatever_breaks_the_reading_or_hangs_a_job(text: str) -> None:
    found = parse_retry_after(text, NOW)
    assert found is None or 0 <= found <= 60


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_read_is_asked_three_times(status: int) -> None:
    time, wish = Time(), {} if status == 503 else {"Retry-After": "3"}
    with (
        Scripted(lambda asked: answer(status, b"busy", wish if asked.number == 1 else {})) as server,
        command(server.url, time=time) as api,
        pytest.raises(UnreachableError, match=f"{status}: busy"),
    ):
        api.read.get("/x")
    assert len(server.asked) == 3
    assert (3.0 if wish else 0.0) <= sum(time.slept) <= 5.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 301, 501, 505])
def test_an_answer_that_time_will_not_change_is_asked_for_once(status: int) -> None:
    replies = [Reply(status, {}, b"")]
    assert patience(Time()).read(replies.pop).status == status
    assert replies == []


def test_silence_is_met_with_more_patience_and_then_success_counts() -> None:
    time = Time()
    with (
        Scripted(lambda asked: b"" if asked.number < 3 else answer(200, {"Id": 1})) as server,
        command(server.url, time=time) as api,
    ):
        assert api.read.get("/x") == {"Id": 1}
    assert len(server.asked) == 3
    assert 0 <= sum(time.slept) <= 3.0


def test_an_answer_that_can_not_be_taken_is_not_asked_for_again() -> None:
    asked = []

    def attempt() -> Reply:
        asked.append(1)
        raise UnusableReply("too large")

    with pytest.raises(UnusableReply):
        patience(Time()).read(attempt)
    assert len(asked) == 1


def test_one_budget_bounds_the_retries_of_a_whole_run() -> None:
    time, asked = Time(), []

    def attempt() -> Reply:
        asked.append(1)
        raise NoReply("nothing", sent=True)

    patient = patience(time, budget=5)
    for _ in range(50):
        with pytest.raises(NoReply):
            patient.read(attempt)
    assert len(asked) == 50 + 5


def test_waits_double_below_a_ceiling_and_are_spread_by_jitter() -> None:
    time = Time()
    with pytest.raises(NoReply):
        patience(time).read(lambda: (_ for _ in ()).throw(NoReply("nothing", sent=False)))
    assert time.slept == [0.5, 0.5, 0.5, 0.5, 0.5, 0.5], "1, then 2 seconds, looking now and then whether to stop"
    lucky = Time()
    with pytest.raises(NoReply):
        RetryPolicy(sleep=lucky.sleep, now=lucky.now, jitter=lambda: 0.0).read(
            lambda: (_ for _ in ()).throw(NoReply("nothing", sent=False))
        )
    assert lucky.slept == []


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 400, 403])
def test_a_write_is_sent_once_whatever_the_answer(method: Literal["PUT", "POST"], status: int) -> None:
    with Scripted(lambda asked: answer(status, b"{}", {"Retry-After": "0"})) as server, command(server.url) as api:
        reply = api.send(Call("command", method, "/x", {"a": 1}))
    assert reply.status == status
    assert len(server.asked) == 1


def test_a_write_whose_credentials_nothing_renews_is_sent_once() -> None:
    """And whoever asked for it learns what to look at."""
    with (
        Scripted(lambda asked: answer(401)) as server,
        command(server.url) as api,
        pytest.raises(LoggedOut, match="the token may have expired") as refused,
    ):
        api.send(Call("command", "PUT", "/x", {}))
    assert (refused.value.renewable, len(server.asked)) == (False, 1)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_write_that_meets_silence_is_sent_once(method: Literal["PUT", "POST"]) -> None:
    with Scripted(lambda asked: b"") as server, command(server.url) as api, pytest.raises(NoReply) as caught:
        api.send(Call("command", method, "/x", {"a": 1}))
    assert caught.value.sent is True
    assert len(server.asked) == 1
