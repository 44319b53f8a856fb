"""The cap on requests a second, and how many reads are under way at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model import Call
from reconciler.transport.rate_limit import RateLimiter
from tests.support.api_targets import Time, command
from tests.support.concurrency import Crowd
from tests.support.raw_server import Scripted, answer


class Moving:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@given(rate=st.floats(0.1, 1000), gaps=st.lists(st.floats(0, 3), min_size=2, max_size=40))
def test_in_no_second_are_there_more_than_the_rate_and_one(rate: float, gaps: list[float]) -> None:
    """Whatever the pauses between the requests are, a quiet time saves nothing up."""
    time = Moving()
    pace = RateLimiter(rate, time.clock, time.sleep, lambda: False)
    left = []
    for gap in gaps:
        time.seconds += gap
        pace.wait()
        left.append(time.seconds)
    for begin in left:
        assert sum(begin <= moment < begin + 1 - 1e-6 for moment in left) <= rate + 1


def test_without_a_cap_nothing_waits_and_a_stop_ends_the_waiting() -> None:
    """Ctrl-C is not held up by requests that wait for their turn."""
    time, slept = Moving(), list[float]()
    free = RateLimiter(0, time.clock, slept.append, lambda: False)
    for _ in range(5):
        free.wait()
    assert slept == []
    stopped = RateLimiter(0.1, time.clock, slept.append, lambda: len(slept) >= 2)
    stopped.wait()
    stopped.wait()
    assert slept == [0.5, 0.5]


def test_reads_and_writes_of_a_target_share_one_cap() -> None:
    """Two a second: after the first each waits another half second of a clock that stands still."""
    time = Time()
    with Scripted(lambda asked: answer(200, {"Id": 1})) as server, command(server.url, time=time, rate=2.0) as api:
        api.read.get("/a")
        api.send(Call("command", "PUT", "/a", {}))
        api.fresh.get("/a")
        api.send(Call("command", "POST", "/b", {}))
    assert len(server.asked) == 4
    assert sum(time.slept) == pytest.approx(0.5 + 1.0 + 1.5)
    assert set(time.slept) == {0.5}


@pytest.mark.parametrize("parallelism", [1, 3])
def test_no_more_reads_are_under_way_than_the_settings_allow(parallelism: int) -> None:
    """And as many as that really are, once the first has shown that the credentials are taken, of all kinds."""
    crowd = Crowd(lambda _asked: answer(200, {"Id": 1}), parallelism, lambda asked: asked.number > 1)
    with Scripted(crowd) as server, command(server.url, parallelism=parallelism) as api:
        api.read.get("/first")
        kinds = [api.pools.kinds.submit(api.fresh.get, f"/{number}") for number in range(5)]
        api.read.each([f"/{number}" for number in range(9)])
        assert [kind.result() for kind in kinds] == [{"Id": 1}] * 5
    assert crowd.most == parallelism
    assert server.connections <= parallelism


@pytest.mark.parametrize("writers", [1, 8])
def test_writes_under_way_at_once_have_a_connection_each(writers: int) -> None:
    """None is closed with another's, and none is used for a second write."""
    crowd = Crowd(lambda _asked: answer(200, {}), writers)
    calls = [Call("command", "PUT", f"/{number}", {}) for number in range(2 * writers)]
    with (
        Scripted(crowd) as server,
        command(server.url, writes=writers) as api,
        ThreadPoolExecutor(writers) as pool,
    ):
        replies = list(pool.map(api.send, calls))
    assert [reply.status for reply in replies] == [200] * len(calls)
    assert crowd.most == writers
    assert server.connections == len(calls)
