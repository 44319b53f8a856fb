"""A server that asks for fewer requests: reads wait together, as long as some of them are answered."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import UnreachableError
from reconciler.model import Call, Reply
from reconciler.transport.retry import RetryPolicy
from reconciler.transport.throttle import Throttle, ThrottlePolicy
from tests.support.api_targets import Time, command
from tests.support.raw_server import Asked, Scripted, answer


class FlowingTime(Time):
    """A clock that goes on by what is slept, in any thread."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.seconds += seconds


def make_throttle(time: Time, patience: float = 120.0, tell: Callable[[float], None] = lambda _pause: None) -> Throttle:
    policy = ThrottlePolicy(patience, tell)
    return Throttle(policy, clock=time.clock, sleep=time.sleep, jitter=lambda: 1.0, stopped=lambda: False)


def read(throttle: Throttle, time: Time, attempt: Callable[[], Reply]) -> Reply:
    return RetryPolicy(sleep=time.sleep, now=time.now, jitter=lambda: 1.0).read(attempt, throttle)


def busy(wish: str | None, status: int = 429) -> Reply:
    return Reply(status, {} if wish is None else {"retry-after": wish}, b"")


DONE = Reply(200, {}, b"")
PAUSES: dict[str, tuple[list[Reply], float]] = {
    "as long as the server says": ([busy("3"), busy("7")], 10.0),
    "longer each time where it does not": ([busy(None)] * 6, 1 + 2 + 4 + 8 + 8 + 8),
    "0 is believed once": ([busy("0")] * 3, 0 + 2 + 4),
    "a service that is busy and says so": ([busy("3", 503)] * 4, 12.0),
}


@pytest.mark.parametrize("clock", [Time, FlowingTime], ids=["stands", "flows"])
@pytest.mark.parametrize("row", PAUSES.values(), ids=PAUSES)
def test_a_read_waits_and_is_answered_in_the_end(row: tuple[list[Reply], float], clock: type[Time]) -> None:
    """More often than a failure is asked again, and said once: when it begins."""
    replies, waited = row
    time, told, queue = clock(), list[float](), [*replies, DONE]

    reply = read(make_throttle(time, tell=told.append), time, lambda: queue.pop(0))

    assert (reply, queue, sum(time.slept)) == (DONE, [], waited)
    assert len(told) == 1


@pytest.mark.parametrize("wish", [None, "0", "1", "60"])
@pytest.mark.parametrize("clock", [Time, FlowingTime], ids=["stands", "flows"])
def test_a_server_that_answers_nothing_is_not_waited_for_without_end(wish: str | None, clock: type[Time]) -> None:
    """Two minutes in vain are enough, and at the end it is asked as a server that fails; later reads don't wait."""
    time = clock()
    throttle = make_throttle(time)

    assert read(throttle, time, lambda: busy(wish)).status == 429
    waited = sum(time.slept)
    assert 120 <= waited < 120 + 8
    assert read(throttle, time, lambda: busy("0")).status == 429
    assert sum(time.slept) == waited


@given(st.lists(st.sampled_from([None, "0", "1", "5", "60"]), max_size=40), st.integers(1, 9))
def test_what_goes_on_is_waited_for_however_long_it_takes(wishes: list[str | None], every: int) -> None:
    """An answer now and then proves that it was not in vain."""
    time = FlowingTime()
    throttle = make_throttle(time, patience=600)

    for number, wish in enumerate(wishes):
        queue = [busy(wish)] * (number % every) + [DONE]
        assert read(throttle, time, lambda queue=queue: queue.pop(0)) is DONE  # type: ignore[misc]


def test_those_that_are_under_way_together_make_one_pause() -> None:
    """Eight are turned away at once: the next ones come after the pause, and it is as long as the longest wish."""
    time = FlowingTime()
    throttle = make_throttle(time)
    departures = [throttle.wait() for _ in range(8)]

    assert all(throttle.begin_pause(number, wish) for number, wish in zip(departures, [2, 5, 3, None] * 2, strict=True))
    throttle.wait()

    assert sum(time.slept) == 5.0


def test_all_reads_of_a_target_wait_for_one_pause_and_no_write_does() -> None:
    """Over HTTP: ten reads at once from a server that turns most of them away at first; nothing fails."""
    time, lock, turned_away = FlowingTime(), threading.Lock(), [12]

    def script(asked: Asked) -> bytes:
        with lock:
            turned_away[0] -= 1
            if asked.method == "GET" and turned_away[0] >= 0:
                return answer(429, b"slow down", {"Retry-After": "2"})
        return answer(200, {"Id": 1})

    with Scripted(script) as server, command(server.url, time=time, parallelism=4) as api:
        assert api.fresh.each([f"/{number}" for number in range(10)]) == [{"Id": 1}] * 10
        slept = len(time.slept)
        turned_away[0] = 1
        assert api.send(Call("command", "PUT", "/x", {})).status == 200
        assert len(time.slept) == slept
        assert len(server.asked) == 12 + 10 + 1


def test_without_a_throttle_a_wish_is_met_as_a_failure_is() -> None:
    """As doctor asks, who is to say what is wrong: three times."""
    time, queue = Time(), [busy("1")] * 3

    assert RetryPolicy(sleep=time.sleep, now=time.now).read(queue.pop).status == 429
    assert (queue, sum(time.slept)) == ([], 2.0)


def test_who_gives_up_says_what_the_server_said() -> None:
    with (
        Scripted(lambda asked: answer(429, b"busy", {"Retry-After": "60"})) as server,
        command(server.url) as api,
        pytest.raises(UnreachableError, match="429: busy"),
    ):
        api.read.get("/x")
    assert len(server.asked) == 3
