"""Refused credentials: how often they are shown, and what counts as a refusal. Accounts get locked after a few."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from reconciler.apis.auth.lockout import RefusalCounter
from reconciler.apis.connect import Api
from reconciler.diagnostics import Source
from reconciler.errors import AuthError, NoReply
from reconciler.model import Call, LoggedOut
from reconciler.settings.model import Auth
from tests.support.api_targets import AKSK, BASIC, BEARER, EVENTS, PASSWORD, TOKEN, Time, command, csms, oauth
from tests.support.problems import make_problem
from tests.support.raw_server import Asked, Scripted, answer
from tests.support.rejecting_server import Moody, outcome

PATHS = [f"/{number}" for number in range(200)]
VOID = {"error": {"error_code": "CSMS.0301", "error_msg": "X-Auth-Token is invalid"}}


@pytest.mark.parametrize("auth", [BASIC, BEARER, AKSK])
@pytest.mark.parametrize("parallelism", [1, 8])
def test_a_password_that_is_changed_meanwhile_is_shown_a_few_times_only(auth: Auth, parallelism: int) -> None:
    """Five kinds of two hundred objects each, the first still answered, but slowly: `parallelism` and two at most."""
    valid = [True]
    moody = Moody(lambda asked: valid[0])

    def script(asked: Asked) -> bytes:
        if not asked.path.endswith("/slow") or not valid[0]:
            return moody(asked)
        valid[0] = False
        time.sleep(0.3)
        return answer(200, {"Id": 1})

    with Scripted(script) as server, command(server.url, auth, parallelism=parallelism) as api:
        api.fresh.get("/ok")
        for _ in range(5):
            assert outcome(lambda: api.fresh.each(["/slow", *PATHS])) == "AuthError"
        assert outcome(lambda: api.fresh.get("/ok")) == "AuthError", "it has ended"
        before = len(server.asked)
        with pytest.raises(NoReply, match=r"nothing was sent: .*the credentials were refused") as unsent:
            api.send(Call("command", "PUT", "/ok", {}))
        assert unsent.value.sent is False
        assert len(server.asked) == before
    assert 3 <= moody.refused <= parallelism + 2


def test_a_late_answer_to_an_early_request_is_no_proof() -> None:
    """It left before the password was changed: what was refused meanwhile still counts, in whatever order they end."""
    counter = RefusalCounter()
    counter.taken(counter.check())
    early = counter.check()
    for _ in range(2):
        counter.record_refusal(make_refusal())

    counter.taken(early)
    counter.record_refusal(make_refusal())

    with pytest.raises(AuthError):
        counter.check()


def test_an_answer_to_a_later_request_is_a_proof() -> None:
    """The path that refused has a reason of its own."""
    counter = RefusalCounter()
    counter.taken(counter.check())
    for _ in range(3):
        for _ in range(2):
            counter.record_refusal(make_refusal())
        counter.taken(counter.check())

    assert counter.check() == 6


def make_refusal() -> AuthError:
    """Return what a refusal is told as."""
    return AuthError(make_problem(Source("GET /x"), "refused"))


def test_one_path_that_refuses_does_not_end_the_others() -> None:
    """Once the credentials were taken: the path may have a reason of its own."""
    moody = Moody(lambda asked: not asked.path.endswith("/odd"))
    with Scripted(moody) as server, command(server.url, BASIC) as api:
        for _ in range(4):
            assert outcome(lambda: api.fresh.get("/good")) == ""
            assert outcome(lambda: api.fresh.get("/odd")) == "AuthError"
            assert outcome(lambda: api.fresh.get("/odd")) == "AuthError"
        assert outcome(lambda: api.fresh.get("/good")) == ""
    assert moody.refused == 8


def test_ten_refusals_end_it_whatever_else_is_answered() -> None:
    moody = Moody(lambda asked: not asked.path.endswith("/odd"))
    with Scripted(moody) as server, command(server.url, BASIC) as api:
        for _ in range(15):
            outcome(lambda: api.fresh.get("/good"))
            assert outcome(lambda: api.fresh.get("/odd")) == "AuthError"
        assert outcome(lambda: api.fresh.get("/good")) == "AuthError"
    assert moody.refused == 10


def test_three_refusals_in_a_row_end_it() -> None:
    moody = Moody(lambda asked: asked.path.endswith("/good"))
    with Scripted(moody) as server, command(server.url, BASIC) as api:
        api.fresh.get("/good")
        assert [outcome(lambda: api.fresh.get("/odd")) for _ in range(6)] == ["AuthError"] * 6
    assert moody.refused == 3


@pytest.mark.parametrize("status", [302, 429, 500, 501, 503])
def test_an_answer_that_proves_nothing_does_not_count_as_taking_them(status: int) -> None:
    """A redirect leads to a login, a proxy fails: the next path still goes alone, and the first refusal is the last."""
    moody = Moody(lambda asked: False)

    def script(asked: Asked) -> bytes:
        return answer(status, b"") if asked.path.endswith("/first") else moody(asked)

    with Scripted(script) as server, command(server.url, BASIC) as api:
        assert outcome(lambda: api.fresh.get("/first")) != ""
        assert outcome(lambda: api.fresh.each(PATHS)) == "AuthError"
        assert outcome(lambda: api.fresh.each(PATHS)) == "AuthError"
    assert moody.refused == 1


def test_a_read_that_waits_for_its_next_turn_asks_no_more_once_it_has_ended() -> None:
    """A retry after 503 would be one refusal more."""
    waiting, ended = threading.Event(), threading.Event()

    class Held(Time):
        def sleep(self, seconds: float) -> None:
            waiting.set()
            ended.wait(60)

    moody = Moody(lambda asked: asked.path.endswith("/good"))

    def script(asked: Asked) -> bytes:
        return answer(503, b"") if asked.path.endswith("/busy") else moody(asked)

    with Scripted(script) as server, command(server.url, BASIC, time=Held()) as api:
        api.fresh.get("/good")
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(outcome(lambda: api.fresh.get("/busy"))))
        thread.start()
        assert waiting.wait(60)
        for _ in range(3):
            outcome(lambda: api.fresh.get("/odd"))
        ended.set()
        thread.join(60)
    assert found == ["AuthError"]
    assert [asked.path for asked in server.asked].count("/KeyfactorAPI/busy") == 1


@pytest.mark.parametrize("parallelism", [1, 8])
def test_paths_that_refuse_any_token_cost_two_logins_more_and_no_storm(parallelism: int) -> None:
    """One login for a refused token; where that didn't help twice, it is not the token's age."""
    moody = Moody(lambda asked: int(asked.path.rpartition("/")[2]) % 2 == 0)
    with Scripted(moody) as server, command(server.url, oauth(server.url), parallelism=parallelism) as api:
        assert outcome(lambda: api.fresh.get("/0")) == ""
        for number in range(40):
            outcome(lambda: api.fresh.get(f"/{number}"))  # noqa: B023 - called at once
        for _ in range(5):
            outcome(lambda: api.fresh.each(PATHS))
    assert moody.logins == 3


def with_oauth(url: str) -> Api:
    return command(url, oauth(url), parallelism=8)


def with_password(url: str) -> Api:
    return csms(url, PASSWORD, parallelism=8)


@pytest.mark.parametrize("connected", [with_oauth, with_password])
def test_tokens_that_are_all_refused_from_some_moment_on_end_it(connected: Callable[[str], Api]) -> None:
    """Each of the two tokens is shown by no more than were under way."""
    taken = [True]
    moody = Moody(lambda asked: taken[0])
    with Scripted(moody) as server, connected(server.url) as api:
        api.fresh.get("/first")
        taken[0] = False
        for _ in range(5):
            assert outcome(lambda: api.fresh.each(PATHS)) == "AuthError"
    assert moody.logins == 2
    assert moody.refused <= 2 * (8 + 2)


def test_a_renewal_that_helps_is_never_counted() -> None:
    """Tokens that live for one request: every refusal brings a login, and every read comes through."""
    spent: set[str] = set()

    def takes(asked: Asked) -> bool:
        fresh = asked.headers["authorization"] not in spent
        spent.add(asked.headers["authorization"])
        return fresh

    moody = Moody(takes)
    with Scripted(moody) as server, command(server.url, oauth(server.url)) as api:
        assert [outcome(lambda: api.fresh.get("/x")) for _ in range(12)] == [""] * 12
    assert moody.logins == 12


def test_csms_says_400_of_a_token_that_it_does_not_take_and_a_new_one_helps() -> None:
    void = {"token-number-1"}
    moody = Moody(lambda asked: asked.headers["x-auth-token"] not in void, answer(400, VOID))
    with Scripted(moody) as server, csms(server.url, PASSWORD) as api:
        assert api.fresh.rows(EVENTS) == []
        assert moody.logins == 2
        void.add("token-number-2")
        with pytest.raises(LoggedOut) as refused:
            api.send(Call("csms", "PUT", f"{EVENTS}/x", {}))
        assert (refused.value.reply.status, refused.value.renewable) == (400, True)
        assert api.send(Call("csms", "PUT", f"{EVENTS}/x", {})).status == 200
    assert moody.logins == 3


@pytest.mark.parametrize("auth", [PASSWORD, TOKEN, AKSK])
def test_csms_says_400_of_credentials_that_nothing_renews(auth: Auth) -> None:
    """The same words and the same outcome as for 401, and they are shown no more."""
    moody = Moody(lambda asked: False, answer(400, VOID))
    with Scripted(moody) as server, csms(server.url, auth) as api:
        for _ in range(3):
            with pytest.raises(AuthError, match=r"the credentials were refused \(400: CSMS.0301: X-Auth-Token is inva"):
                api.fresh.rows(EVENTS)
    assert moody.refused == (2 if auth is PASSWORD else 1)


@pytest.mark.parametrize("said", ["CSMS.0002", "CSMS.0399", "APIGW.0301"])
def test_another_400_is_no_refusal(said: str) -> None:
    moody = Moody(lambda asked: False, answer(400, {"error": {"error_code": said, "error_msg": "CSMS.0301"}}))
    with Scripted(moody) as server, csms(server.url, TOKEN) as api:
        assert outcome(lambda: api.fresh.rows(EVENTS)) == "IncompleteError"


def test_command_knows_no_code_of_csms() -> None:
    moody = Moody(lambda asked: False, answer(400, VOID))
    with Scripted(moody) as server, command(server.url, BASIC) as api:
        assert outcome(lambda: api.fresh.rows("/Security/Roles")) == "IncompleteError"
