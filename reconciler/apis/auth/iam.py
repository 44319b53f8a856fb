"""A Huawei Cloud IAM user: POST /v3/auth/tokens gives a token whose scope is the project, in X-Subject-Token."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from reconciler.apis.auth.token_cache import TokenCache, TokenGrant
from reconciler.apis.auth.token_request import Login
from reconciler.credentials.sources import Secret
from reconciler.settings.model import NameOrId, PasswordAuth
from reconciler.transport.strict_json import UnusableJson, decode_json

TOKENS = "/v3/auth/tokens"
_JSON = {"Content-Type": "application/json;charset=utf8"}
_PROJECT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_HOUR = 3600.0
"""Seconds that a token is used where the answer doesn't say how long it lives."""


class Iam:
    """Project-scoped tokens, renewed before `expires_at` and after a refusal."""

    def __init__(
        self,
        auth: PasswordAuth,
        project: NameOrId,
        secret: Callable[[], Secret],
        login: Login,
        clock: Callable[[], float],
    ) -> None:
        self._auth, self._project, self._secret, self._login = auth, project, secret, login
        self._granted_project: object = None
        self._tokens = TokenCache(self._fetch, clock)

    def headers(self, method: str, url: str, body: bytes) -> dict[str, str]:  # noqa: ARG002
        return {"X-Auth-Token": self._tokens.token()}

    def remaining(self) -> float | None:
        return self._tokens.remaining()

    def refresh(self, headers: Mapping[str, str], *, again: bool = False) -> bool:
        return self._tokens.drop_token(headers["X-Auth-Token"], again=again)

    def record_success(self, headers: Mapping[str, str]) -> None:
        self._tokens.confirm_token(headers["X-Auth-Token"])

    def close(self) -> None:
        self._login.close()

    def project(self) -> str:
        """Return the id of the project that the tokens are for; where only its name is known, a login tells it.

        Raises what `headers` raises.
        """
        if self._project.id:
            return self._project.id
        self._tokens.token()
        if not is_project_id(self._granted_project):
            raise self._login.make_auth_error(
                "the answer does not tell the project's id, so it has to be said as projectId"
            )
        return str(self._granted_project)

    def _fetch(self) -> TokenGrant:
        user: dict[str, Any] = {**_make_reference(self._auth.user), "password": self._secret().reveal()}
        if self._auth.user.name:
            user["domain"] = _make_reference(self._auth.domain)
        identity = {"methods": ["password"], "password": {"user": user}}
        # CSMS is part of DEW, which needs a token for a project; those for a domain are for global services.
        request = {"auth": {"identity": identity, "scope": {"project": _make_reference(self._project)}}}
        reply = self._login.post(_JSON, json.dumps(request).encode())
        token = _read_token_details(reply.body)
        project = token.get("project")
        self._granted_project = project.get("id") if isinstance(project, dict) else None
        return TokenGrant(self._login.accept(reply.headers.get("x-subject-token")), _read_lifetime(token))


def is_project_id(value: object) -> bool:
    """Say whether this is a project's id that can stand in a path."""
    return isinstance(value, str) and _PROJECT_ID.fullmatch(value) is not None


def _make_reference(name_or_id: NameOrId) -> dict[str, str]:
    return {"id": name_or_id.id} if name_or_id.id else {"name": name_or_id.name}


def _read_token_details(body: bytes) -> Mapping[str, Any]:
    """Return what an answer tells of its token; nothing is a must, since the token itself travels in a header."""
    try:
        answer = decode_json(body)
    except UnusableJson:
        return {}
    token = answer.get("token") if isinstance(answer, dict) else None
    return token if isinstance(token, dict) else {}


def _read_lifetime(token: Mapping[str, Any]) -> float:
    """Return the seconds from issue to expiry: both are the server's times, so a wrong clock of ours does no harm."""
    try:
        # IAM writes UTC with a Z, which fromisoformat reads from Python 3.11 on.
        issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
        seconds = (expires - issued).total_seconds()
    except (KeyError, TypeError, ValueError):
        return _HOUR
    return seconds if seconds > 0 else _HOUR
