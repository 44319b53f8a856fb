"""What a server echoes of us: judged as it came, and shown without a secret in it."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from random import Random

import pytest

from reconciler.apis.connect import Api, connect
from reconciler.errors import IncompleteError, ReconcilerError
from reconciler.model import Call
from reconciler.settings.model import Auth, Target
from tests.support.api_targets import AKSK, BASIC, BEARER, ENV, PASSWORD, TOKEN, command, csms, oauth
from tests.support.raw_server import Asked, Scripted, answer
from tests.support.secret_echoes import WRITTEN

OWN = {
    "BASIC": "PASSWORD",
    "BEARER": "TOKEN",
    "TOKEN": "TOKEN",
    "AKSK": "SECRET",
    "oauth": "CLIENT_SECRET",
    "PASSWORD": "PASSWORD",
}
SHAPES: dict[str, Callable[[str], bytes]] = {
    "as JSON": lambda text: json.dumps({"error": "x", "error_description": f"says <{text}> to that"}).encode(),
    "as JSON of its own": lambda text: f'{{"ErrorCode": "x", "Message": "says <{text}> to that"}}'.encode(),
    "as text": lambda text: f"x: says <{text}> to that".encode(),
}


def _echoing(auth: str, echo: Callable[[str], bytes]) -> tuple[list[str], list[str]]:
    """Return what is shown of answers that hold an echo of a secret, and of the headers that it came in."""
    secrets = [ENV[OWN[auth]]]

    def script(asked: Asked) -> bytes:
        sent = asked.headers.get("authorization", asked.headers.get("x-auth-token", "")).removeprefix("Basic ")
        secrets.extend([sent] if auth in ("BASIC", "BEARER", "TOKEN") else [])
        return answer(400, echo(secrets[-1]))

    shown: list[str] = []
    with Scripted(script) as server, _api(auth, server.url) as api:
        with pytest.raises(ReconcilerError) as caught:
            api.read.get("/x", query=(("QueryString", "secret-query"),))
        shown += [str(caught.value), repr(api.target)]
        if auth not in ("oauth", "PASSWORD"):
            reply = api.send(Call(api.target.name, "PUT", "/x", {}))
            shown.append(api.explain(reply))
            assert reply.body == echo(secrets[-1]), "what is judged is what came"
    return shown, secrets


def _api(auth: str, url: str) -> Api:
    cloud: dict[str, Auth] = {"TOKEN": TOKEN, "PASSWORD": PASSWORD, "AKSK": AKSK}
    if auth in cloud:
        return csms(url, cloud[auth])
    others: dict[str, Auth] = {"BASIC": BASIC, "BEARER": BEARER, "oauth": oauth(url)}
    return command(url, others[auth])


@pytest.mark.no_cover
@pytest.mark.parametrize("auth", OWN)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("way", WRITTEN)
def test_a_server_that_echoes_our_secrets_finds_no_way_into_a_message(auth: str, shape: str, way: str) -> None:
    """Whatever it was sent, in whatever form, and all of the message is looked at: it is short enough to be whole."""
    shown, secrets = _echoing(auth, lambda secret: SHAPES[shape](WRITTEN[way](secret)))
    for text in shown:
        assert "secret-query" not in text
        for secret in secrets:
            assert not any(write(secret).casefold() in text.casefold() for write in WRITTEN.values())
    assert "***" in shown[0]
    assert "…" not in shown[0]


@pytest.mark.parametrize("auth", ["TOKEN", "oauth", "PASSWORD"])
@pytest.mark.parametrize("before", [0, 130, 1900, 1990, 65_500])
def test_no_piece_of_a_long_token_survives_a_cut(auth: str, before: int) -> None:
    """4000 characters, as IAM's tokens have: none of the places where a text is cut is before they are blotted out."""
    long = "".join(Random(1).choices(string.ascii_letters + string.digits, k=4000))
    env = {**ENV, OWN[auth]: long}
    body = b"." * before + long.encode() + b"." * 3000

    with Scripted(lambda asked: answer(400, body)) as server:
        with _api(auth, server.url) as known:
            target = known.target
        with connect(target, env) as api, pytest.raises(ReconcilerError) as caught:
            api.read.get("/x")
    assert not any(long[at : at + 8] in str(caught.value) for at in range(len(long) - 7))
    assert "." * 100 in str(caught.value)


def test_the_host_of_a_redirect_is_shown_without_our_secrets() -> None:
    """Whatever it stands in: host, user, or something that is no address at all."""
    secret, password = "hunter22", "p@ss/w"
    places = {
        f"https://{secret}.example/x": "to ***.example, which",
        f"https://{'a' * 1990}{secret}/": f"{'a' * 49}…{'a' * 46}***, which",
        f"https://me:{secret}@evil.example/{secret}": "to evil.example, which",
        f"//evil.example\\@{secret}": "to evil.example, which",
        "https://[evil": "redirect (302), which",
        f"https://[{secret}]/": "redirect (302), which",
        "/KeyfactorAPI/": "redirect (302), which",
        f"https://{secret[:6]}\t{secret[6:]}.example/x": "to ***.example, which",
        f"https://me:{password}@evil.example/": "to evil.example, which",
    }
    for place, words in places.items():
        auth = BASIC if password in place else BEARER
        with Scripted(lambda asked: answer(302, b"", {"Location": place})) as server:  # noqa: B023 - asked at once
            target = Target("command", "keyfactor", server.url, auth)
            with (
                connect(target, {"TOKEN": secret, "PASSWORD": password}) as api,
                pytest.raises(IncompleteError) as caught,
            ):
                api.read.get("/x")
        assert words in str(caught.value)
        assert secret not in str(caught.value)


def test_what_the_gateway_recites_of_a_signed_request_is_left_out() -> None:
    """It begins to, and never stops."""
    said = "verify aksk signature fail, canonicalRequest:GET|/v1|host:x|, canonicalRequest:again"
    with (
        Scripted(lambda asked: answer(401, {"error_code": "APIGW.0301", "error_msg": said})) as server,
        csms(server.url, AKSK) as api,
        pytest.raises(ReconcilerError) as caught,
    ):
        api.read.get("/x")
    assert "(401: APIGW.0301: verify aksk signature fail); nothing can be read" in str(caught.value)


def test_a_password_that_is_a_common_word_changes_nothing_that_is_judged() -> None:
    """Only what is shown loses it: live values are compared, and answers ruled on, as they are."""
    said = {"Successes": [{"KeyfactorRequestId": 2024, "Comment": "Successes in 2024"}]}
    for word in ("2024", "Successes"):
        with Scripted(lambda asked: answer(200 if asked.method == "GET" else 409, said)) as server:
            target = Target("command", "keyfactor", server.url, BASIC)
            with connect(target, {"PASSWORD": word}) as api:
                assert api.read.get("/x") == said
                assert json.loads(api.send(Call("command", "POST", "/x", {})).body) == said
