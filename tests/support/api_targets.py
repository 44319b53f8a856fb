"""Targets and APIs for tests: no real waiting, a clock that can be moved, secrets that are easy to find."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from reconciler.apis.connect import Api, connect
from reconciler.credentials.sources import FromEnvironment
from reconciler.settings.model import (
    AkskAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NameOrId,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
)
from reconciler.transport.options import TransportOptions

ENV = {
    "PASSWORD": "canary-p@ss/word+1",
    "TOKEN": "canary.token.value",
    "CLIENT_SECRET": "canary&client=secret",
    "ACCESS": "CANARYACCESSKEY00001",
    "SECRET": "canarysecretkeycanarysecretkeycanarysecret",
}
BASIC = BasicAuth("CORP\\svc", FromEnvironment("PASSWORD"))
BEARER = BearerAuth(FromEnvironment("TOKEN"))
TOKEN = TokenAuth(FromEnvironment("TOKEN"))
PASSWORD = PasswordAuth(NameOrId("user"), NameOrId("account"), FromEnvironment("PASSWORD"))
AKSK = AkskAuth(FromEnvironment("ACCESS"), FromEnvironment("SECRET"))
PROJECT = "0123456789abcdef0123456789abcdef"
KNOWN = NameOrId(id=PROJECT)
EVENTS = f"/v1/{PROJECT}/csms/events"


def oauth(url: str, **more: Any) -> OauthAuth:
    return OauthAuth(f"{url}/oauth/token", "reconciler", FromEnvironment("CLIENT_SECRET"), **more)


@dataclass
class Time:
    """A clock that stands still but for sleeping and `ahead`."""

    seconds: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def now(self) -> datetime:
        return datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def command(url: str, auth: Auth = BEARER, *, time: Time | None = None, **travel: Any) -> Api:
    """Connect to Command at `url`/KeyfactorAPI."""
    return _connected(
        Target("command", "keyfactor", f"{url}/KeyfactorAPI", auth, transport=TransportOptions(**travel)), time
    )


def csms(url: str, auth: Auth = TOKEN, project: NameOrId = KNOWN, *, time: Time | None = None, **travel: Any) -> Api:
    """Connect to CSMS, and to IAM, at `url`."""
    return _connected(Target("csms", "csms", url, auth, project, url, TransportOptions(**travel)), time)


def _connected(target: Target, time: Time | None) -> Api:
    time = time or Time()
    return connect(target, ENV, clock=time.clock, sleep=time.sleep, now=time.now)
