"""An identity provider that fails, and tokens that come and go: when a login is worth another try."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.apis.auth.token_cache import TokenCache, TokenGrant
from reconciler.apis.connect import Api
from reconciler.errors import UnreachableError
from tests.support.api_targets import PASSWORD, Time, command, csms, oauth
from tests.support.raw_server import Asked, Scripted, answer
from tests.support.rejecting_server import Moody, outcome

TRIES = 3
"""How often a provider that fails is asked before it is left alone."""
FAILURES: dict[str, tuple[Callable[[Asked], bytes], str]] = {
    "503": (lambda asked: answer(503, b""), "fails (503) although it was asked again;"),
    "520": (lambda asked: answer(520, b""), "fails (520) although it was asked again;"),
    "429": (lambda asked: answer(429, b""), "fails (429) although it was asked again;"),
    "silence": (lambda asked: b"", "closed before"),
}
MENDED = answer(200, {"access_token": "a-token-of-a-second-try"}, {"X-Subject-Token": "a-token-of-a-second-try"})
LOGINS: dict[str, Callable[[str, Time], Api]] = {
    "OAuth": lambda url, time: command(url, oauth(url), time=time),
    "IAM": lambda url, time: csms(url, PASSWORD, time=time),
}


def test_a_token_that_failed_a_request_before_is_kept_and_the_request_is_over() -> None:
    """Whether it is the present one, one that others take, or one that was replaced meanwhile."""
    tokens = iter(TokenGrant(f"T{number}", 3600) for number in range(1, 9))
    renewing = TokenCache(lambda: next(tokens), Time().clock)
    renewing.token()
    renewing.confirm_token("T1")
    assert renewing.drop_token("T1", again=True) is False
    assert renewing.token() == "T1"
    assert renewing.drop_token("T1") is True
    assert renewing.token() == "T2"
    assert renewing.drop_token("T1", again=True) is False, "said of the same token twice"
    renewing.confirm_token("T2")
    assert renewing.drop_token("T2") is True, "only one of them was in vain"
    assert renewing.token() == "T3"


@pytest.mark.parametrize("failure", [answer(503, b""), answer(429, b""), b""], ids=["503", "429", "silence"])
def test_a_provider_that_fails_is_left_alone_for_a_while(failure: bytes) -> None:
    """Not asked for each read of a run, once three tries were in vain; a later step finds it recovered.

    The while doubles, a minute at most.
    """
    failing, time_ = [True], Time()
    moody = Moody(lambda asked: True)

    def script(asked: Asked) -> bytes:
        return failure if asked.path == "/oauth/token" and failing[0] else moody(asked)

    with Scripted(script) as server, command(server.url, oauth(server.url), time=time_) as api:
        asked: list[int] = []
        for pause in (0.0, 1.9, 0.2, 3.9, 0.2, 8.1, 16.1, 32.1, 59.9, 0.2, 60.1):
            time_.seconds += pause
            for _ in range(20):
                assert outcome(lambda: api.fresh.get("/x")) == "UnreachableError"
            asked.append(server.logins)
        assert asked == [TRIES * turn for turn in (1, 1, 2, 2, 3, 4, 5, 6, 6, 7, 8)]
        failing[0] = False
        time_.seconds += 60.1
        assert outcome(lambda: api.fresh.get("/x")) == ""


def test_a_provider_that_recovered_is_believed_again() -> None:
    """Its next failure is a first one."""
    failing, time_ = [True], Time()
    moody = Moody(lambda asked: True)

    def script(asked: Asked) -> bytes:
        return answer(503, b"") if asked.path == "/oauth/token" and failing[0] else moody(asked)

    with Scripted(script) as server, command(server.url, oauth(server.url), time=time_) as api:
        for pause, fails, found in (
            (0.0, True, 3),
            (2.1, True, 6),
            (4.1, False, 7),
            (3600.0, True, 10),
            (2.1, True, 13),
        ):
            failing[0] = fails
            time_.seconds += pause
            assert outcome(lambda: api.fresh.get("/x")) == (UnreachableError.__name__ if fails else "")
            assert server.logins == found


def test_a_token_serves_to_its_end_while_the_provider_fails() -> None:
    """It is renewed a minute before; a provider that stumbles in that minute ends no run."""
    failing, time_ = [False], Time()
    moody = Moody(lambda asked: True)

    def script(asked: Asked) -> bytes:
        return answer(503, b"") if asked.path == "/oauth/token" and failing[0] else moody(asked)

    with Scripted(script) as server, command(server.url, oauth(server.url), time=time_) as api:
        found = []
        for pause, fails in ((0, False), (3545, True), (0, True), (54, True), (2, True), (70, False)):
            failing[0] = fails
            time_.seconds += pause
            found.append((outcome(lambda: api.fresh.get("/x")), server.logins))
    assert found == [("", 1), ("", 4), ("", 4), ("", 7), (UnreachableError.__name__, 7), ("", 8)]


@pytest.mark.parametrize("connect", LOGINS.values(), ids=LOGINS)
@pytest.mark.parametrize(("script", "words"), FAILURES.values(), ids=FAILURES)
def test_a_token_request_that_failed_once_is_repeated(
    connect: Callable[[str, Time], Api], script: Callable[[Asked], bytes], words: str
) -> None:
    """It changes nothing: what another moment may mend ends no run, and three times are the most."""
    for failing, tries in ((1, 2), (2, 3), (9, 3)):
        time = Time()

        def serve(asked: Asked, failing: int = failing) -> bytes:
            if asked.path.endswith(("/token", "/tokens")):
                return script(asked) if asked.number <= failing else MENDED
            return answer(200, {"name": "x"})

        with Scripted(serve) as server, connect(server.url, time) as api:
            if tries > failing:
                assert api.read.get("/x") == {"name": "x"}
            else:
                with pytest.raises(UnreachableError) as caught:
                    api.read.get("/x")
                assert words in str(caught.value)
            assert server.logins == tries
        assert time.slept, "there are pauses in between"


@pytest.mark.parametrize("connect", LOGINS.values(), ids=LOGINS)
def test_a_provider_may_say_how_long_to_wait(connect: Callable[[str, Time], Api]) -> None:
    time = Time()
    busy = answer(429, b"", {"Retry-After": "7"})
    with Scripted(lambda asked: busy) as server, connect(server.url, time) as api, pytest.raises(UnreachableError):
        api.read.get("/x")
    assert sum(time.slept) == 14.0


def test_token_requests_and_reads_have_one_budget() -> None:
    """Against a server and a provider that are down a run ends soon: sixty repetitions of either are the most."""
    time = Time()
    with Scripted(lambda asked: answer(503, b"")) as server, command(server.url, oauth(server.url), time=time) as api:
        for _ in range(50):
            time.seconds += 61
            assert outcome(lambda: api.fresh.get("/x")) == "UnreachableError"
        assert server.logins == 50 + 60
