"""What `doctor` says is what `plan` meets: both ask through the same connection and the same readers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reconciler.apis.connect import connect
from reconciler.credentials.sources import FromEnvironment
from reconciler.doctor.diagnose import diagnose
from reconciler.errors import Exit, ReconcilerError, find_worst_exit
from reconciler.kinds.registry import KINDS
from reconciler.settings.model import Auth, NameOrId, OauthAuth, Target, TokenAuth
from reconciler.transport.options import TransportOptions
from tests.support.doctor_targets import BASIC, QUICK, choose_exit, command, csms, found, verdicts
from tests.support.raw_server import Asked, Scripted, answer

ENV = {"PASSWORD": "canary-p@ssword", "TOKEN": "canary.token.value", "CLIENT_SECRET": "canary-client-secret"}
TOKEN = TokenAuth(FromEnvironment("TOKEN"))


def plan(target: Target) -> Exit:
    """Read every list that all documents of a kind need, as plan does; returns how that ends."""
    ends = []
    with connect(target, ENV, sleep=QUICK.sleep) as api:
        for kind in (one for one in KINDS.values() if one.api == target.api):
            for listing in (one for one in kind.requires.read if not one.condition):
                try:
                    path = f"{api.fresh.root}{listing.path}"
                    api.fresh.rows(path, version=listing.version, key=listing.item or "Id")
                except ReconcilerError as error:
                    ends.append(error.exit)
    return find_worst_exit(ends)


def rows(body: Any, headers: Mapping[str, str]) -> Callable[[Asked], bytes]:
    """Say the same to every list; the login test and what an account may do are answered as they should be."""
    return lambda asked: answer(200, [] if "Status" in asked.path or "My" in asked.path else body, headers)


def wary(asked: Asked) -> bytes:
    """Refuse what asks for more than a hundred rows."""
    if int(asked.query["limit"]) > 100:
        return answer(400, {"error": {"error_code": "CSMS.0002", "error_msg": "limit must be 1..100"}})
    return answer(200, {"events": [], "page_info": {}})


def invalid(_asked: Asked) -> bytes:
    return answer(400, {"error": {"error_code": "CSMS.0301", "error_msg": "X-Auth-Token is invalid"}})


def events(*raw: str) -> Callable[[Asked], bytes]:
    body = '{"events": [' + ", ".join(f'{{"name": "{name}"}}' for name in raw) + '], "page_info": {}}'
    return lambda asked: answer(200, body.encode() if asked.path.endswith("/events") else b'{"name": "x"}')


ILL: list[tuple[str, Callable[[Asked], bytes], str, Exit, str]] = [
    ("a count that is none", rows([{"Id": 1}], {"x-total-count": "about 12"}), "list roles", Exit.INCOMPLETE, "count"),
    ("rows without a key", rows([{"Name": "x"}], {"x-total-count": "1"}), "list roles", Exit.INCOMPLETE, "usable Id"),
    ("a row twice", rows([{"Id": 1}, {"Id": 1}], {"x-total-count": "2"}), "list roles", Exit.INCOMPLETE, "twice"),
    ("more rows than counted", rows([{"Id": 1}], {"x-total-count": "0"}), "list roles", Exit.INCOMPLETE, "counts 0"),
    ("a page too long", wary, "list events", Exit.INCOMPLETE, "limit must be 1..100"),
    ("events without a name", lambda _asked: answer(200, {"events": [{}]}), "list events", Exit.INCOMPLETE, "name"),
    ("a token that CSMS calls invalid", invalid, "authentication", Exit.AUTH, "refuses these credentials (400: CSMS"),
]


@pytest.mark.parametrize(("script", "check", "code", "word"), [pytest.param(*case[1:], id=case[0]) for case in ILL])
def test_what_plan_does_not_take_is_not_called_readable(
    script: Callable[[Asked], bytes], check: str, code: Exit, word: str
) -> None:
    """With the same exit code, at the check whose matter it is."""
    with Scripted(script) as server:
        cloud = check in ("list events", "authentication")
        target = csms(server.url, TOKEN) if cloud else command(server.url)
        examined = diagnose(target, ENV, KINDS, QUICK)
        assert (choose_exit([examined]), plan(target)) == (code, code)
    assert word in found(examined)[check].detail
    assert check in [one.check for one in examined.failed]
    if check != "authentication":
        assert verdicts(examined, "authentication") == ["ok"]


def blocked(status: int) -> Callable[[Asked], bytes]:
    """Answer the login test so, and everything else as it should be."""
    return lambda asked: answer(status if "Status" in asked.path else 200, [], {"x-total-count": "0"})


def stale(asked: Asked) -> bytes:
    """Refuse the first token, and take the next one."""
    if asked.path == "/oauth/token":
        return answer(200, {"access_token": f"token-{asked.number}", "expires_in": 3600})
    return answer(401 if asked.headers["authorization"].endswith("token-1") else 200, [], {"x-total-count": "0"})


WELL = [
    *((f"the login test answers {status}", blocked(status)) for status in (302, 403, 404, 405, 418, 500)),
    ("the login test is a web page", lambda asked: answer(200, b"<html>" if "Status" in asked.path else b"[]")),
    ("the first token is refused", stale),
]


@pytest.mark.parametrize("script", [pytest.param(script, id=name) for name, script in WELL])
def test_what_plan_gets_over_is_no_illness(script: Callable[[Asked], bytes]) -> None:
    """Nothing is failed that plan never asks for, or that it asks for again."""
    with Scripted(script) as server:
        renewed = OauthAuth(f"{server.url}/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET"))
        auth: Auth = renewed if script is stale else BASIC
        examined = diagnose(command(server.url, auth), ENV, KINDS, QUICK)
    assert (choose_exit([examined]), examined.failed) == (Exit.OK, ())
    assert verdicts(examined, "authentication", "list roles") == ["ok", "ok"]


def test_silence_at_the_login_test_ends_it() -> None:
    """A server that says nothing is not asked for more."""
    with Scripted(lambda _asked: b"") as server:
        examined = diagnose(command(server.url), ENV, KINDS, QUICK)
        assert {asked.path for asked in server.asked} == {"/KeyfactorAPI/Status/Endpoints"}
    assert [one.check for one in examined.failed] == ["authentication"]


def test_a_proxy_is_not_asked_where_plan_asks_none() -> None:
    """Plain http goes to this machine's own loopback."""
    with Scripted(blocked(200)) as server:
        travel = TransportOptions(proxy="http://proxy.invalid:3128")
        examined = diagnose(command(server.url, transport=travel), ENV, KINDS, QUICK)
    assert choose_exit([examined]) is Exit.OK
    assert "proxy" not in found(examined)["settings"].detail


def test_a_path_that_servers_read_differently_is_not_asked_for() -> None:
    """The project's id is part of every path; with it the token would travel."""
    with Scripted(events()) as server:
        target = csms(server.url, TOKEN, NameOrId(id="../../x?y"))
        examined = diagnose(target, ENV, KINDS, QUICK)
        assert (choose_exit([examined]), plan(target)) == (Exit.INCOMPLETE, Exit.INCOMPLETE)
        assert server.asked == []
    assert "not plainly encoded" in found(examined)["authentication"].detail


NAMES = [
    (("\\ud800",), "there are no events whose name a path can carry to try it on"),
    (("..", "\\udc00"), "there are no events whose name a path can carry to try it on"),
    ((), "there are no events to try it on"),
    (("\\ud800", "a b/c"), "GET /events/{name}: readable"),
]


@pytest.mark.parametrize(("names", "said"), NAMES)
def test_a_name_that_no_path_can_carry_is_passed_over(names: tuple[str, ...], said: str) -> None:
    """The first row that can be asked for is; half of a surrogate pair can't be."""
    with Scripted(events(*names)) as server:
        examined = diagnose(csms(server.url, TOKEN), ENV, KINDS, QUICK)
        single = [asked.path for asked in server.asked if not asked.path.endswith("/events")]
    assert found(examined)["read one of the events"].detail == said
    assert choose_exit([examined]) is Exit.OK
    assert [path.rpartition("/")[2] for path in single] == (["a%20b%2Fc"] if "a b/c" in names else [])


def test_lists_that_stay_silent_are_not_all_waited_for() -> None:
    """Two are asked, three times each; the others are said not to have been tried."""

    def lists_hang(asked: Asked) -> bytes:
        return answer(200, []) if "Status" in asked.path or "My" in asked.path else b""

    with Scripted(lists_hang) as server:
        examined = diagnose(command(server.url), ENV, KINDS, QUICK)
        asked = [one.path for one in server.asked if "Status" not in one.path and "My" not in one.path]
    assert [one.check for one in examined.failed] == ["list certificates", "list roles"]
    assert len(asked) == 6
    assert found(examined)["list event handlers"].detail == (
        "not tried, since the server answered neither list certificates nor list roles"
    )
    assert choose_exit([examined]) is Exit.UNREACHABLE


def test_silence_is_not_taken_for_the_answer_before_it() -> None:
    """A missing permission is one list's, and the next one's silence its own."""

    def script(asked: Asked) -> bytes:
        status = 403 if asked.path.endswith("/Certificates") else 200
        return b"" if asked.path.endswith("/Security/Roles") else answer(status, [])

    with Scripted(script) as server:
        examined = diagnose(command(server.url), ENV, KINDS, QUICK)
    assert "permission is missing" in found(examined)["list certificates"].detail
    assert found(examined)["list roles"].detail.startswith("no answer: ")


def test_names_of_permission_sets_are_foreign_text() -> None:
    """Without our secrets, harmless on a terminal, and not without end."""

    def echo(asked: Asked) -> bytes:
        sets = [{"Id": "1", "Name": f"{number:02} {ENV['PASSWORD']} \x1b[31m"} for number in range(12)]
        return answer(200, sets if "My" in asked.path else [])

    with Scripted(echo) as server:
        said = found(diagnose(command(server.url), ENV, KINDS, QUICK))["identity"].detail
    assert "permission sets: 00 *** \\x1b[31m, 01 *** " in said
    assert "09 *** \\x1b[31m and 2 more (as the server tells)" in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("seconds", "said"), [("1e300", "more than 100 years"), ("31536000000", "more than 100 years")]
)
def test_a_lifetime_of_any_size_can_be_read(seconds: str, said: str) -> None:
    """An identity provider may say what it likes."""

    def provider(asked: Asked) -> bytes:
        token = f'{{"access_token": "token-x", "expires_in": {seconds}}}'.encode()
        return answer(200, token if asked.path == "/oauth/token" else b"[]")

    with Scripted(provider) as server:
        auth = OauthAuth(f"{server.url}/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET"))
        login = found(diagnose(command(server.url, auth), ENV, KINDS, QUICK))["login"]
    assert login.detail.endswith(f", it lasts {said}")


def test_an_api_that_is_not_there_names_the_settings_that_say_where_it_is() -> None:
    """CSMS is where the region is, or where `url` says."""
    gateway = answer(404, {"error_code": "APIGW.0101", "error_msg": "no"})
    with Scripted(lambda _asked: gateway) as server:
        examined = diagnose(csms(f"{server.url}/wrong", TOKEN), ENV, KINDS, QUICK)
    assert found(examined)["authentication"].remedy == "correct `region` (or `url`, where one is set)"
