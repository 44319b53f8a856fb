"""Secrets that are known before they are used: what is shown before the first request must not hold one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from reconciler.apis.connect import connect
from reconciler.credentials.sources import FromCommand, FromEnvironment
from reconciler.diagnostics import Explanation
from reconciler.errors import AuthError
from reconciler.settings.model import (
    AkskAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NameOrId,
    NoAuth,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
)
from reconciler.transport.options import ProxyAuth, TransportOptions

ONE, TWO, THREE = (FromEnvironment(name) for name in ("ONE", "TWO", "THREE"))
ENV = {"ONE": "first-secret", "TWO": "second-secret", "THREE": "third-secret"}
BASIC = base64.b64encode(b"user:first-secret").decode()
# who we are -> the variables that hold it, and what else tells it
WAYS: dict[str, tuple[Auth, list[str], list[str]]] = {
    "basic": (BasicAuth("user", ONE), ["ONE"], [BASIC]),
    "bearer": (BearerAuth(ONE), ["ONE"], []),
    "oauth": (OauthAuth("https://127.0.0.1:9/token", "us", ONE), ["ONE"], []),
    "aksk": (AkskAuth(ONE, TWO), ["ONE", "TWO"], []),
    "aksk for a while": (AkskAuth(ONE, TWO, THREE), ["ONE", "TWO", "THREE"], []),
    "token": (TokenAuth(ONE), ["ONE"], []),
    "password": (PasswordAuth(NameOrId("us"), NameOrId("account"), ONE), ["ONE"], []),
    "nobody": (NoAuth(Explanation("", "say who you are")), [], []),
}


def target(auth: Auth, proxy: ProxyAuth | None = None) -> Target:
    travel = TransportOptions(proxy="http://127.0.0.1:9", proxy_auth=proxy)
    if isinstance(auth, AkskAuth | TokenAuth | PasswordAuth):
        return Target("csms", "csms", "https://127.0.0.1:9", auth, NameOrId(id="p"), "https://127.0.0.1:9", travel)
    return Target("command", "keyfactor", "https://127.0.0.1:9/KeyfactorAPI", auth, transport=travel)


@pytest.mark.parametrize("way", WAYS)
def test_what_was_learnt_is_not_shown(way: str) -> None:
    """No request is made for it: nobody listens there."""
    auth, names, more = WAYS[way]
    with connect(target(auth), ENV) as api:
        api.learn()
        for secret in [*(ENV[name] for name in names), *more]:
            assert api.redact(f"it is {secret}.") == "it is ***."


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_that_is_missing_is_named(way: str) -> None:
    """As by the read that would have wanted it."""
    auth, names, _ = WAYS[way]
    for name in names:
        env = {other: value for other, value in ENV.items() if other != name}
        with connect(target(auth), env) as api, pytest.raises(AuthError, match=f"variable {name} is not set"):
            api.learn()


def test_a_secret_that_was_used_is_not_asked_for_again(tmp_path: Path) -> None:
    """A helper may want a touch of a key each time; and what was fetched ahead is what the first use takes."""
    helper = FromCommand(("/bin/sh", "-c", "echo >> asked; echo first-secret"), tmp_path)
    for uses in ("learn", "use learn", "learn use", "learn learn use"):
        (tmp_path / "asked").write_text("")
        with connect(target(BearerAuth(helper)), {}) as api:
            for use in uses.split():
                if use == "learn":
                    api.learn()
                else:
                    api.secrets.fetch_for_header(helper, "auth.token")
            assert (uses, (tmp_path / "asked").read_text()) == (uses, "\n")
            assert api.redact("first-secret") == "***"


def test_the_proxys_is_learnt_too_and_not_missed_before_the_proxy_asks() -> None:
    """Not every address is beyond it."""
    proxy = ProxyAuth("proxy-user", TWO)
    with connect(target(BearerAuth(ONE), proxy), ENV) as api:
        api.learn()
        for secret in ("second-secret", base64.b64encode(b"proxy-user:second-secret").decode()):
            assert api.redact(secret) == "***"
    with connect(target(BearerAuth(ONE), proxy), {"ONE": "first-secret"}) as api:
        api.learn()
        assert api.redact("first-secret") == "***"
