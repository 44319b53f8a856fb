"""A Huawei Cloud IAM user: POST /v3/auth/tokens gives a token whose scope is the project, in X-Subject-Token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reconciler.apis.auth.token_cache import Grant, Renewing
from reconciler.apis.auth.token_request import Login
from reconciler.apis.csms_project import is_id
from reconciler.credentials.sources import Secret
from reconciler.settings.model import Called, PasswordAuth
from reconciler.transport.strict_json import NotJson, decode

TOKENS = "/v3/auth/tokens"
_JSON = {"Content-Type": "application/json;charset=utf8"}
_HOUR = 3600.0
"""Seconds that a token is used where the answer doesn't say how long it lives."""


class Iam:
    """Project-scoped tokens, renewed before `expires_at` and after a refusal."""

    def __init__(
        self,
        auth: PasswordAuth,
        project: Called,
        secret: Callable[[], Secret],
        login: Login,
        clock: Callable[[], float],
    ) -> None:
        self._auth, self._project, self._secret, self._login = auth, project, secret, login
        self._granted: object = None
        self._tokens = Renewing(self._fetch, clock)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"X-Auth-Token": self._tokens.token()}

    def remaining(self) -> float | None:
        return self._tokens.remaining()

    def refresh(self, used: Mapping[str, str], *, again: bool = False) -> bool:
        return self._tokens.drop(used["X-Auth-Token"], again=again)

    def accepted(self, used: Mapping[str, str]) -> None:
        self._tokens.prove(used["X-Auth-Token"])

    def close(self) -> None:
        self._login.close()

    def project(self) -> str:
        """Return the id of the project that the tokens are for; where only its name is known, a login tells it.

        Raises what `headers` raises.
        """
        if self._project.id:
            return self._project.id
        self._tokens.token()
        if not is_id(self._granted):
            raise self._login.failure("the answer does not tell the project's id, so it has to be said as projectId")
        return str(self._granted)

    def _fetch(self) -> Grant:
        user: dict[str, Any] = {**_called(self._auth.user), "password": self._secret().reveal()}
        if self._auth.user.name:
            user["domain"] = _called(self._auth.domain)
        identity = {"methods": ["password"], "password": {"user": user}}
        # CSMS is part of DEW, which needs a token for a project; those for a domain are for global services.
        wanted = {"auth": {"identity": identity, "scope": {"project": _called(self._project)}}}
        reply = self._login.post(_JSON, json.dumps(wanted).encode())
        token = _described(reply.body)
        project = token.get("project")
        self._granted = project.get("id") if isinstance(project, dict) else None
        return Grant(self._login.accept(reply.headers.get("x-subject-token")), _lifetime(token))


def _called(one: Called) -> dict[str, str]:
    return {"id": one.id} if one.id else {"name": one.name}


def _described(body: bytes) -> Mapping[str, Any]:
    """Return what an answer tells of its token; nothing is a must, since the token itself travels in a header."""
    try:
        answer = decode(body)
    except NotJson:
        return {}
    token = answer.get("token") if isinstance(answer, dict) else None
    return token if isinstance(token, dict) else {}


def _lifetime(token: Mapping[str, Any]) -> float:
    """Return the seconds from issue to expiry: both are the server's times, so a wrong clock of ours does no harm."""
    try:
        # IAM writes UTC with a Z, which fromisoformat reads from Python 3.11 on.
        issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
        seconds = (expires - issued).total_seconds()
    except (KeyError, TypeError, ValueError):
        return _HOUR
    return seconds if seconds > 0 else _HOUR
