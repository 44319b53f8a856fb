"""Logging in: tokens are fetched once, renewed in time, and never fetched in a way that locks an account."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from reconciler.apis.auth.token_cache import TokenCache, TokenGrant
from reconciler.apis.connect import connect
from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Explanation
from reconciler.errors import AuthError, NoReply, UnreachableError
from reconciler.model import Call, LoggedOut
from reconciler.settings.model import AkskAuth, Auth, BasicAuth, BearerAuth, NoAuth, Target
from tests.support.api_targets import (
    AKSK,
    BASIC,
    BEARER,
    ENV,
    EVENTS,
    PASSWORD,
    PROJECT,
    TOKEN,
    Time,
    command,
    csms,
    oauth,
)
from tests.support.raw_server import Asked, Scripted, answer


class Guard:
    """Hands out tokens T1, T2, ... and takes those that are not voided."""

    def __init__(self, **grant: Any) -> None:
        self.grant = {"token_type": "Bearer", "expires_in": 3600, **grant}
        self.issued = 0
        self.voided: set[str] = set()
        self.logins: list[Asked] = []

    def __call__(self, asked: Asked) -> bytes:
        if asked.path == "/oauth/token":
            self.logins.append(asked)
            self.issued += 1
            return answer(200, {"access_token": f"token-number-{self.issued}", **self.grant})
        if asked.path == "/v3/auth/tokens":
            self.logins.append(asked)
            self.issued += 1
            times = {"issued_at": "2026-11-22T12:00:00.000000Z", "expires_at": "2026-11-23T12:00:00.000000Z"}
            return answer(201, {"token": times}, {"X-Subject-Token": f"token-number-{self.issued}"})
        token = asked.headers.get("x-auth-token") or asked.headers["authorization"].removeprefix("Bearer ")
        if token in self.voided:
            return answer(401, b"expired")
        return answer(200, {"Id": 1} if asked.method == "GET" else b"")


def test_basic_and_bearer_send_what_they_are_given() -> None:
    with Scripted(lambda asked: answer(200, b"{}")) as server:
        for auth in (BASIC, BEARER):
            with command(server.url, auth) as api:
                api.read.get("/x")
        with csms(server.url, TOKEN) as api:
            api.read.get("/x")
    basic, bearer, token = (asked.headers for asked in server.asked)
    scheme, _, value = basic["authorization"].partition(" ")
    assert (scheme, base64.b64decode(value).decode()) == ("Basic", "CORP\\svc:" + ENV["PASSWORD"])
    assert bearer["authorization"] == "Bearer " + ENV["TOKEN"]
    assert token["x-auth-token"] == ENV["TOKEN"]
    assert "x-keyfactor-api-version" not in token


def test_oauth_posts_a_form_once_for_many_requests() -> None:
    guard = Guard()
    with Scripted(guard) as server, command(server.url, oauth(server.url, scopes=("a", "b"), audience="api")) as api:
        api.read.each([f"/{number}" for number in range(20)])
        assert (len(server.asked), server.logins) == (21, 1)
    (login,) = guard.logins
    assert login.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(login.body.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "reconciler",
        "client_secret": ENV["CLIENT_SECRET"],
        "scope": "a b",
        "audience": "api",
    }


def test_iam_asks_for_the_project_and_reads_the_token_from_the_header() -> None:
    guard = Guard()
    with Scripted(guard) as server, csms(server.url, PASSWORD) as api:
        api.read.get("/x")
        api.send(Call("csms", "PUT", f"{EVENTS}/x", {}))
    (login,) = guard.logins
    assert PROJECT.encode() in login.body
    assert b'"name": "account"' in login.body
    assert [asked.headers.get("x-auth-token") for asked in server.asked[1:]] == ["token-number-1"] * 2


@pytest.mark.parametrize(
    ("lifetime", "seconds", "logins"), [(3600, 3500, 1), (3600, 3541, 2), ("3600", 3541, 2), (8, 7, 2)]
)
def test_a_token_is_renewed_before_it_ends(lifetime: object, seconds: float, logins: int) -> None:
    guard, time = Guard(expires_in=lifetime), Time()
    with Scripted(guard) as server, command(server.url, oauth(server.url), time=time) as api:
        api.read.get("/x")
        time.seconds += seconds
        api.read.get("/x")
    assert len(guard.logins) == logins


def test_an_iam_token_is_renewed_before_its_day_is_over() -> None:
    guard, time = Guard(), Time()
    with Scripted(guard) as server, csms(server.url, PASSWORD, time=time) as api:
        for seconds in (0, 86_000, 400):
            time.seconds += seconds
            api.read.get("/x")
    assert len(guard.logins) == 2


@pytest.mark.parametrize("lifetime", [None, 0, -5, "soon", True, [], 1e999])
def test_a_lifetime_that_means_nothing_is_not_relied_on(lifetime: object) -> None:
    guard = Guard(expires_in=lifetime) if lifetime != 1e999 else Guard(expires_in=10**15)
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        api.read.get("/x")
        api.read.get("/x")
    assert len(guard.logins) == 1


def test_a_token_that_expires_at_every_step_is_renewed_at_every_step() -> None:
    guard = Guard()
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        for step in range(1, 6):
            assert api.read.get("/x") == {"Id": 1}
            guard.voided.add(f"token-number-{step}")
    assert len(guard.logins) == 5


def test_credentials_that_are_never_taken_cost_two_logins_and_no_more() -> None:
    guard = Guard()
    guard.voided = {f"token-number-{number}" for number in range(100)}
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        for path in ("/a", "/b", "/c"):
            with pytest.raises(AuthError, match="the credentials were refused"):
                api.read.get(path)
    assert len(guard.logins) == 2
    assert len(server.asked) == 4


def test_tokens_that_are_refused_from_some_moment_on_cost_one_more_login_and_no_more() -> None:
    guard = Guard()
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        api.read.get("/x")
        guard.voided = {f"token-number-{number}" for number in range(100)}
        for path in ("/a", "/b", "/c"):
            with pytest.raises(AuthError, match="the credentials were refused"):
                api.read.get(path)
    assert len(guard.logins) == 2


def test_a_late_complaint_about_an_old_token_does_not_void_the_new_one() -> None:
    tokens = iter(TokenGrant(f"T{number}", 3600) for number in range(1, 9))
    renewing = TokenCache(lambda: next(tokens), Time().clock)
    assert renewing.token() == "T1"
    renewing.confirm_token("T1")
    assert renewing.drop_token("T1") is True
    assert renewing.token() == "T2"
    assert renewing.drop_token("T1") is True
    renewing.confirm_token("T1")
    assert renewing.token() == "T2"
    assert renewing.drop_token("T2") is False


@pytest.mark.parametrize("auth", [BASIC, BEARER])
def test_refused_fixed_credentials_are_shown_once(auth: Auth) -> None:
    """Directories lock accounts after a few wrong passwords: five kinds and eight workers must not try them all."""
    with Scripted(lambda asked: answer(401, b"<html>")) as server, command(server.url, auth) as api:
        for _ in range(5):
            with pytest.raises(AuthError, match="credentials were refused"):
                api.read.each([f"/{number}" for number in range(10)])
    assert len(server.asked) == 1


def test_many_threads_that_meet_one_expiry_log_in_once() -> None:
    guard = Guard()
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        api.read.get("/x")
        guard.voided.add("token-number-1")
        api.read.each([f"/{number}" for number in range(30)])
    assert len(guard.logins) == 2


def test_a_write_that_meets_401_is_not_repeated_but_the_next_request_has_a_new_token() -> None:
    guard = Guard()
    with Scripted(guard) as server, command(server.url, oauth(server.url)) as api:
        api.read.get("/x")
        guard.voided.add("token-number-1")
        call = Call("command", "PUT", "/Certificates/1/Owner", {"NewRoleId": 2})
        with pytest.raises(LoggedOut) as refused:
            api.send(call)
        assert (refused.value.reply.status, refused.value.renewable, len(guard.logins)) == (401, True, 1)
        assert api.send(call).status == 200
    assert [asked.method for asked in server.asked].count("PUT") == 2


REFUSALS: dict[str, tuple[Callable[[Asked], bytes], type[Exception], str]] = {
    "401": (lambda asked: answer(401, {"error": "invalid_client"}), AuthError, "401: invalid_client"),
    "400": (lambda asked: answer(400, {"error": "invalid_scope"}), AuthError, "400: invalid_scope"),
    "403": (lambda asked: answer(403, b""), AuthError, "(403)"),
    "redirect": (lambda asked: answer(302, b"", {"Location": "https://evil"}), AuthError, "never followed"),
    "a page": (lambda asked: answer(200, b"<html>"), AuthError, "web page"),
    "no token": (lambda asked: answer(200, {"token_type": "Bearer"}), AuthError, "no usable token"),
    "a split token": (lambda asked: answer(200, {"access_token": "a\r\nX: b"}), AuthError, "no usable token"),
    "another type": (lambda asked: answer(200, {"access_token": "t", "token_type": "mac"}), AuthError, "not a bearer"),
    "a list": (lambda asked: answer(200, []), AuthError, "not a token"),
    "501": (lambda asked: answer(501, b""), UnreachableError, "fails (501);"),
}


@pytest.mark.parametrize(("script", "error", "words"), REFUSALS.values(), ids=REFUSALS)
def test_a_failed_login_is_told_apart_and_tried_once(
    script: Callable[[Asked], bytes], error: type[Exception], words: str
) -> None:
    with Scripted(script) as server, command(server.url, oauth(server.url)) as api:
        with pytest.raises(error) as caught:
            api.read.get("/x")
        assert words in str(caught.value)
        assert str(caught.value).startswith(f"command POST {server.url}/oauth/token: no login: ")
        with pytest.raises(NoReply) as silent:
            api.send(Call("command", "PUT", "/x", {}))
        assert silent.value.sent is False
    assert {asked.path for asked in server.asked} == {"/oauth/token"}
    assert len(server.asked) == 1


WRONG_PLACES = {"redirect": 302, "nothing there": 404, "no POST there": 405, "a page": 200}


@pytest.mark.parametrize("status", WRONG_PLACES.values(), ids=WRONG_PLACES)
def test_an_address_that_gives_no_tokens_is_what_has_to_be_checked(status: int) -> None:
    """And not the credentials, which nobody looked at."""
    with Scripted(lambda asked: answer(status, b"<html>")) as server:
        for api, field in (
            (
                command(server.url, oauth(server.url)),
                "check auth.tokenUrl (or KEYFACTOR_AUTH_TOKEN_URL) of target command",
            ),
            (csms(server.url, PASSWORD), "check iamUrl (or HW_AUTH_URL) of target csms"),
        ):
            if status == 200 and api.target.api == "csms":
                continue  # its token comes in a header, whatever the body
            with api, pytest.raises(AuthError) as caught:
                api.read.get("/x")
            assert str(caught.value).endswith(field)


def test_the_client_secret_goes_to_the_identity_provider_alone() -> None:
    guard = Guard()
    with Scripted(guard) as idp, Scripted(guard) as server, command(server.url, oauth(idp.url)) as api:
        api.read.get("/x")
    assert [asked.path for asked in idp.asked] == ["/oauth/token"]
    assert all(ENV["CLIENT_SECRET"] not in str(asked) for asked in server.asked)
    assert all("client_secret" not in str(asked) for asked in server.asked)


MISSING = FromEnvironment("NOT_SET")


@pytest.mark.parametrize(
    ("auth", "field"),
    [
        (BasicAuth("u", MISSING), "auth.password"),
        (BearerAuth(MISSING), "auth.token"),
        (AkskAuth(FromEnvironment("ACCESS"), MISSING), "auth.secretKey"),
        (AkskAuth(MISSING, FromEnvironment("SECRET")), "auth.accessKey"),
        (AkskAuth(FromEnvironment("ACCESS"), FromEnvironment("SECRET"), MISSING), "auth.securityToken"),
    ],
)
def test_a_missing_secret_is_named_before_any_request(auth: Auth, field: str) -> None:
    with Scripted(lambda asked: answer(200)) as server, command(server.url, auth) as api:
        with pytest.raises(AuthError, match=rf"target command: {field}: the environment variable NOT_SET is not set"):
            api.read.get("/x")
        with pytest.raises(NoReply):
            api.send(Call("command", "PUT", "/x", {}))
    assert server.connections == 0


def test_no_credentials_at_all_give_advice() -> None:
    with (
        command("http://127.0.0.1:9", NoAuth(Explanation("", "set KEYFACTOR_USERNAME"))) as api,
        pytest.raises(AuthError, match="target command: set KEYFACTOR_USERNAME"),
    ):
        api.read.get("/x")


def test_a_signed_request_never_carries_the_secret_key() -> None:
    with Scripted(lambda asked: answer(200, b"{}")) as server, csms(server.url, AKSK) as api:
        api.read.get(f"{EVENTS}/x")
        api.send(Call("csms", "PUT", f"{EVENTS}/x", {"state": "ENABLED"}))
    for asked in server.asked:
        assert asked.headers["host"] == server.url.removeprefix("http://")
        assert asked.headers["x-project-id"] == PROJECT
        assert asked.headers["authorization"].startswith("SDK-HMAC-SHA256 Access=CANARYACCESSKEY00001, SignedHeaders=")
        assert ENV["SECRET"] not in str(asked)


@pytest.mark.parametrize(("auth", "names"), [(BASIC, ["PASSWORD"]), (AKSK, ["ACCESS", "SECRET"])])
def test_secrets_are_resolved_once_and_not_before_they_are_needed(auth: Auth, names: list[str]) -> None:
    looked: list[str] = []

    class Env(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            looked.append(name)
            return super().__getitem__(name)

    with (
        Scripted(lambda asked: answer(200, b"{}")) as server,
        connect(Target("command", "keyfactor", server.url, auth), Env(ENV)) as api,
    ):
        assert looked == []
        threads = [threading.Thread(target=api.read.get, args=("/x",)) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert looked == names
