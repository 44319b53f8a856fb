"""From what the settings say to the object that logs in. Nothing is fetched or resolved before the first request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import NamedTuple

from reconciler.apis.auth.aksk import Aksk, Keys
from reconciler.apis.auth.contract import Authenticator
from reconciler.apis.auth.fixed import Fixed, basic_value
from reconciler.apis.auth.iam import TOKENS, Iam
from reconciler.apis.auth.login import Login, Words
from reconciler.apis.auth.oauth import Oauth
from reconciler.apis.auth.project import Lookup, Project
from reconciler.apis.once import Once
from reconciler.apis.redact import Redactor
from reconciler.apis.retry import Patience
from reconciler.apis.transport import Transport
from reconciler.errors import AuthError, Problem
from reconciler.settings.secret import Origin, Secret, resolve
from reconciler.settings.target import (
    AkskAuth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
    Trust,
)

_OAUTH = Words("clientId, clientSecret, scopes and audience", "auth.caBundle (or KEYFACTOR_AUTH_CA_CERT)")
_IAM = Words("user, domain and password", "caBundle")


class Identity(NamedTuple):
    """Who we are to a target's API, and in which project (one without an id for Command)."""

    auth: Authenticator
    project: Project


class Seams(NamedTuple):
    """What time is: monotonic seconds, the hour (aware), and how long a read is worth waiting for."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    patience: Patience


class _Logins:
    """Makes ways of logging in for one target. A secret is known to the redactor before anybody can use it."""

    def __init__(self, target: Target, env: Mapping[str, str], redact: Redactor, seams: Seams) -> None:
        self._target, self._env, self._redact, self._seams = target, env, redact, seams

    def basic(self, auth: BasicAuth) -> Authenticator:
        def make() -> str:
            value = basic_value(auth.username, self._secret(auth.password, "password").reveal())
            self._redact.learn(value.removeprefix("Basic "))
            return value

        return Fixed("Authorization", make)

    def bearer(self, auth: BearerAuth) -> Authenticator:
        return Fixed("Authorization", lambda: f"Bearer {self._secret(auth.token, 'token').reveal()}")

    def token(self, auth: TokenAuth) -> Identity:
        token = Fixed("X-Auth-Token", lambda: self._secret(auth.token, "token").reveal())
        return Identity(token, self._project(token))

    def aksk(self, auth: AkskAuth) -> Identity:
        def fetch() -> Keys:
            token = self._secret(auth.security_token, "securityToken") if auth.security_token else None
            return Keys(self._secret(auth.access_key, "accessKey"), self._secret(auth.secret_key, "secretKey"), token)

        keys = partial(Once().get, "keys", fetch)
        project = self._project(Aksk(keys, lambda: "", self._seams.now))
        return Identity(Aksk(keys, project.id, self._seams.now), project)

    def oauth(self, auth: OauthAuth) -> Authenticator:
        there = self._login(auth.token_url, auth.trust, _OAUTH)
        return Oauth(auth, lambda: self._secret(auth.client_secret, "clientSecret"), there, self._seams.clock)

    def password(self, auth: PasswordAuth) -> Identity:
        there = self._login(f"{self._target.iam_url}{TOKENS}", self._target.transport.trust, _IAM)
        secret = partial(self._secret, auth.password, "password")
        iam = Iam(auth, self._target.project, secret, there, self._seams.clock)
        return Identity(iam, Project(iam.project))

    def none(self, auth: NoAuth) -> Authenticator:
        def make() -> str:
            raise AuthError(Problem(self._target.source, f"target {self._target.name}: {auth.advice}"))

        return Fixed("Authorization", make)

    def _project(self, auth: Authenticator) -> Project:
        """Return the project of the settings; where they have only its name, these credentials ask for its id."""
        said = self._target.project
        if said.id or not said.name:
            return Project(lambda: said.id)
        lookup = Lookup(self._target, auth, self._redact, self._seams.patience, self._seams.clock)
        return Project(lookup, lambda: lookup.requests)

    def _login(self, url: str, trust: Trust, words: Words) -> Login:
        travel = replace(self._target.transport, rate=0.0)  # the cap is the target's, and this is somebody else
        transport = Transport(url, travel, trust=trust, clock=self._seams.clock)
        return Login(transport, url, self._redact, self._target.name, words)

    def _secret(self, origin: Origin, field: str) -> Secret:
        what = f"target {self._target.name}: auth.{field}"
        secret = resolve(origin, self._env, what=what, at=self._target.source)
        self._redact.learn(secret.reveal())
        return secret


def identity(target: Target, env: Mapping[str, str], redact: Redactor, seams: Seams) -> Identity:
    """Return who a target's settings say that we are; nothing is sent before it is needed."""
    logins = _Logins(target, env, redact, seams)
    match target.auth:
        case TokenAuth() as auth:
            return logins.token(auth)
        case AkskAuth() as auth:
            return logins.aksk(auth)
        case PasswordAuth() as auth:
            return logins.password(auth)
        case BasicAuth() as auth:
            made = logins.basic(auth)
        case BearerAuth() as auth:
            made = logins.bearer(auth)
        case OauthAuth() as auth:
            made = logins.oauth(auth)
        case NoAuth() as auth:
            made = logins.none(auth)
    return Identity(made, Project(lambda: target.project.id))
