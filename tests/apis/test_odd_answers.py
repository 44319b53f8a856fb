"""What stands between, or at another address: told as what it is, by plan and by doctor in the same words."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.apis.connect import connect
from reconciler.doctor.diagnose import diagnose
from reconciler.errors import AuthError, IncompleteError, ReconcilerError, UnreachableError
from reconciler.kinds.registry import KINDS
from reconciler.settings.model import Target
from reconciler.simulator import Simulator
from reconciler.transport.options import TransportOptions
from reconciler.transport.proxy_environment import add_proxy_environment, find_ignored_proxy
from tests.support.api_targets import EVENTS, command, csms, oauth
from tests.support.doctor_targets import BASIC, QUICK, secrets
from tests.support.raw_server import Asked, Scripted, answer

# Port 9 is discard (RFC 863), which hardly a host offers today.
NOBODY = "https://127.0.0.1:9"
PAGE = b"<!DOCTYPE html><h1>Blocked</h1>"
SIGNED = {"x-keyfactor-product-version": "25.1"}
LONG = (("QueryString", "x" * 3000),)
IIS_LIMIT = "whose query has 3,0"
# what is answered to a list, the error, and what is said
ODD: dict[str, tuple[bytes, type[ReconcilerError], str]] = {
    "a firewall's page": (answer(403, PAGE), IncompleteError, "the answer is a web page (403) and not this API's"),
    "the API's own page": (answer(403, PAGE, SIGNED), AuthError, "the permission to read this is missing"),
    "a missing permission": (answer(403, {"Message": "no"}), AuthError, "permission to read this is missing (403: no)"),
    "nothing but 403": (answer(403), AuthError, "the permission to read this is missing (403)"),
    "a mark before JSON": (answer(200, b"\xef\xbb\xbf[]"), IncompleteError, "begins with a byte order mark (EF BB BF)"),
    "a login page": (answer(200, PAGE), IncompleteError, "web page, perhaps of a login or of a proxy; nothing was"),
    "a proxy that wants a login": (answer(407, PAGE), IncompleteError, "proxy on the way asks who we are (407: a web"),
    "a network that wants a login": (answer(511, PAGE), IncompleteError, "a proxy on the way asks who we are (511"),
    "nothing there": (answer(404, PAGE), IncompleteError, "there is no such API at http://127.0.0.1:"),
    "a redirect": (answer(302, b"", {"Location": "https://x/"}), IncompleteError, "set `url` to the address that"),
}  # fmt: skip


@pytest.mark.parametrize(("reply", "error", "words"), ODD.values(), ids=ODD)
def test_an_odd_answer_is_told_as_what_it_is(reply: bytes, error: type[ReconcilerError], words: str) -> None:
    with Scripted(lambda asked: reply) as server, command(server.url) as api, pytest.raises(error) as caught:
        api.read.rows("/X")
    assert words in str(caught.value)


@pytest.mark.parametrize("status", [400, 404, 413, 414])
def test_a_long_query_that_is_refused_is_told_with_its_length(status: int) -> None:
    """IIS answers 404 to a query of more than 2,048 characters; a short one is no suspect."""
    with Scripted(lambda asked: answer(status)) as server, command(server.url) as api:
        for query, is_suspect in ((LONG, True), ((("QueryString", "x"),), False)):
            with pytest.raises(IncompleteError) as caught:
                api.read.rows("/X", query=query)
            assert (IIS_LIMIT in str(caught.value)) is is_suspect


def test_a_list_that_is_missing_is_told_from_an_api_that_is() -> None:
    """Where nothing has answered yet, the endpoint that every version has is asked, once it matters."""

    def serve(asked: Asked) -> bytes:
        return answer(200, []) if asked.path.endswith(("/Status/Endpoints", "/Here")) else answer(404)

    for path in ("/Missing", "/Here"):
        with Scripted(serve) as server, command(server.url) as api:
            if path == "/Here":
                api.read.rows(path)
            with pytest.raises(IncompleteError, match="the server has nothing there"):
                api.read.rows("/Missing")
            assert len(server.asked) == 2, "it is enough that one thing was answered"
    with (
        Scripted(lambda asked: answer(404)) as server,
        csms(server.url) as api,
        pytest.raises(IncompleteError, match="there is no such API at"),
    ):
        api.read.rows(EVENTS)


def test_a_page_of_a_firewall_says_nothing_of_credentials() -> None:
    """They count as taken by the API's answers alone: before that, one refusal ends the matter."""
    with Scripted(lambda asked: answer(403, PAGE)) as server, command(server.url) as api:
        with pytest.raises(IncompleteError):
            api.read.get("/x")
        assert not api.client.proved


@pytest.mark.parametrize(
    ("status", "words"), [(403, "the answer is a web page"), (407, "asks who we are"), (511, "asks who we are")]
)
def test_a_page_before_the_provider_is_no_refusal_of_credentials(status: int, words: str) -> None:
    with (
        Scripted(lambda asked: answer(status, PAGE)) as server,
        command(server.url, oauth(server.url)) as api,
        pytest.raises(UnreachableError, match=words),
    ):
        api.read.get("/x")


FAULTS: dict[str, dict[str, Any]] = {
    "a firewall's page": {"kind": "status", "status": 403, "body": PAGE.decode()},
    "a redirect": {"kind": "redirect", "location": "https://elsewhere.example.com/"},
    "nothing there": {"kind": "status", "status": 404},
    "a failing server": {"kind": "status", "status": 503},
    "another status": {"kind": "status", "status": 418},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_plan_and_doctor_say_the_same_and_end_alike(fault: dict[str, Any]) -> None:
    with Simulator(certificates=1) as server:
        server.fault("GET", times=0, **fault)
        target, env = Target("command", "keyfactor", f"{server.url}/KeyfactorAPI", BASIC), secrets(server)
        (check,) = diagnose(target, env, KINDS, QUICK).failed
        with connect(target, env, sleep=QUICK.sleep) as api, pytest.raises(ReconcilerError) as caught:
            api.read.rows("/EventHandlerRegistration")
    (problem,) = caught.value.problems
    assert (check.rule, check.remedy, check.cause) == (problem.rule, problem.remedy, caught.value.exit)
    assert check.detail.startswith(problem.summary)


PROXIES: dict[str, tuple[dict[str, str], str, str, str]] = {
    # the environment, the settings' own proxy, a URL, and which variable is told
    "one": ({"HTTPS_PROXY": "http://p:1"}, "", "https://k.example.com/x", "HTTPS_PROXY"),
    "in small letters": ({"https_proxy": "http://p:1"}, "", "https://k.example.com", "https_proxy"),
    "for all": ({"ALL_PROXY": "http://p:1"}, "", "https://k.example.com", "ALL_PROXY"),
    "of http alone": ({"HTTP_PROXY": "http://p:1"}, "", "https://k.example.com", ""),
    "an empty one": ({"HTTPS_PROXY": " "}, "", "https://k.example.com", ""),
    "the settings have one": ({"HTTPS_PROXY": "http://p:1"}, "http://q:1", "https://k.example.com", ""),
    "plain http": ({"HTTPS_PROXY": "http://p:1"}, "", "http://127.0.0.1:80", ""),
    "an exception": ({"HTTPS_PROXY": "p", "NO_PROXY": "a, .example.com"}, "", "https://k.example.com", ""),
    "another exception": ({"HTTPS_PROXY": "p", "NO_PROXY": "ample.com,"}, "", "https://k.example.com", "HTTPS_PROXY"),
    "all are exceptions": ({"HTTPS_PROXY": "p", "no_proxy": "*"}, "", "https://k.example.com", ""),
}  # fmt: skip


@pytest.mark.parametrize(("env", "proxy", "url", "variable"), PROXIES.values(), ids=PROXIES)
def test_a_variable_that_names_a_proxy_is_known_where_it_would_matter(
    env: dict[str, str], proxy: str, url: str, variable: str
) -> None:
    assert find_ignored_proxy(url, add_proxy_environment(TransportOptions(proxy=proxy), env)) == variable


def test_a_proxy_of_the_environment_is_told_where_nobody_takes_the_connection() -> None:
    """By reads, by logins and by doctor; it is not obeyed."""
    env = {"PASSWORD": "p", "CLIENT_SECRET": "s"}
    words = "HTTPS_PROXY is set in the environment, which is not obeyed here"
    target = Target("command", "keyfactor", NOBODY, BASIC)
    with connect(target, env, sleep=QUICK.sleep) as api, pytest.raises(UnreachableError) as caught:
        api.read.get("/x")
    assert "PROXY" not in str(caught.value)
    env["HTTPS_PROXY"] = "http://127.0.0.1:9"
    for auth in (BASIC, oauth(NOBODY)):
        target = Target("command", "keyfactor", NOBODY, auth)
        with connect(target, env, sleep=QUICK.sleep) as api, pytest.raises(UnreachableError) as caught:
            api.read.get("/x")
        assert f"{words}; say `proxy` in the settings" in str(caught.value)
    for url, check in ((NOBODY, "connection"), ("https://nobody.invalid", "dns")):
        (failed,) = diagnose(Target("command", "keyfactor", url, BASIC), env, KINDS, QUICK).failed
        assert (failed.check, words in failed.detail) == (check, True)
        assert "say `proxy` in the settings" in failed.remedy
