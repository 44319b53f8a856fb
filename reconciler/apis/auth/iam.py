"""A Huawei Cloud IAM user: POST /v3/auth/tokens gives a token whose scope is the project, in X-Subject-Token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from reconciler.apis.auth.login import Login
from reconciler.apis.auth.renewing import Grant, Renewing
from reconciler.apis.decode import NotJson, decode
from reconciler.settings.secret import Secret
from reconciler.settings.target import PasswordAuth

TOKENS = "/v3/auth/tokens"
_JSON = {"Content-Type": "application/json;charset=utf8"}
_HOUR = 3600.0
"""Seconds that a token is used where the answer doesn't say how long it lives."""


class Iam:
    """Project-scoped tokens, renewed before `expires_at` and once after a 401."""

    def __init__(
        self, auth: PasswordAuth, project: str, secret: Callable[[], Secret], login: Login, clock: Callable[[], float]
    ) -> None:
        self._auth, self._project, self._secret, self._login = auth, project, secret, login
        self._tokens = Renewing(self._fetch, clock)

    @property
    def logins(self) -> int:
        return self._tokens.logins

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"X-Auth-Token": self._tokens.token()}

    def remaining(self) -> float | None:
        return self._tokens.remaining()

    def refresh(self, used: Mapping[str, str]) -> bool:
        return self._tokens.drop(used["X-Auth-Token"])

    def accepted(self, used: Mapping[str, str]) -> None:
        self._tokens.prove(used["X-Auth-Token"])

    def close(self) -> None:
        self._login.close()

    def _fetch(self) -> Grant:
        user = {"name": self._auth.user, "password": self._secret().reveal(), "domain": {"name": self._auth.domain}}
        identity = {"methods": ["password"], "password": {"user": user}}
        wanted = {"auth": {"identity": identity, "scope": {"project": {"id": self._project}}}}
        reply = self._login.post(_JSON, json.dumps(wanted).encode())
        return Grant(self._login.accept(reply.headers.get("x-subject-token")), _lifetime(reply.body))


def _lifetime(body: bytes) -> float:
    """Return the seconds from issue to expiry: both are the server's times, so a wrong clock of ours does no harm."""
    try:
        token = decode(body)["token"]
        issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
        seconds = (expires - issued).total_seconds()
    except (NotJson, KeyError, TypeError, ValueError):
        return _HOUR
    return seconds if seconds > 0 else _HOUR
