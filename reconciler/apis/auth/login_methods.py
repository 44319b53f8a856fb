"""From what the settings say to the object that logs in. Nothing is fetched or resolved before the first request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from reconciler.apis.auth.aksk import Aksk, Keys
from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.auth.fixed import Fixed
from reconciler.apis.auth.iam import TOKENS, Iam
from reconciler.apis.auth.oauth import Oauth
from reconciler.apis.auth.token_request import Login, Words
from reconciler.apis.csms_project import Lookup
from reconciler.apis.target_secrets import Secrets
from reconciler.apis.transports import Roads
from reconciler.errors import AuthError, Problem
from reconciler.settings.model import (
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
from reconciler.transport.retry import Patience
from reconciler.transport.single_flight import Once

_OAUTH = Words(
    "auth.tokenUrl (or KEYFACTOR_AUTH_TOKEN_URL)",
    "clientId, clientSecret, scopes and audience under `auth`",
    "auth.caBundle (or KEYFACTOR_AUTH_CA_CERT)",
    "auth.clientCertificate",
)
_IAM = Words("iamUrl (or HW_AUTH_URL)", "user, domain and password under `auth`", "caBundle")


class Identity(NamedTuple):
    """Who we are to a target's API, and what gives the id of our project there ("" for Command).

    Where only the project's name is known, IAM is asked for the id, once; what a read raises is raised then.
    """

    auth: Authenticator
    project: Callable[[], str]


class Seams(NamedTuple):
    """What logging in needs of a run: the ways out, monotonic seconds, the hour (aware), and how patient reads are."""

    roads: Roads
    clock: Callable[[], float]
    now: Callable[[], datetime]
    patience: Patience


class _Logins:
    """Makes ways of logging in for one target."""

    def __init__(self, target: Target, secrets: Secrets, seams: Seams) -> None:
        self._target, self._secrets, self._seams = target, secrets, seams

    def basic(self, auth: BasicAuth) -> Authenticator:
        return Fixed("Authorization", lambda: self._secrets.basic(auth.username, auth.password, "auth.password"))

    def bearer(self, auth: BearerAuth) -> Authenticator:
        return Fixed("Authorization", lambda: f"Bearer {self._secrets.carried(auth.token, 'auth.token').reveal()}")

    def token(self, auth: TokenAuth) -> Identity:
        token = Fixed("X-Auth-Token", lambda: self._secrets.carried(auth.token, "auth.token").reveal())
        return Identity(token, self._project(token))

    def aksk(self, auth: AkskAuth) -> Identity:
        def fetch() -> Keys:
            token = self._secrets.carried(auth.security_token, "auth.securityToken") if auth.security_token else None
            access = self._secrets.carried(auth.access_key, "auth.accessKey")
            return Keys(access, self._secrets.fetch(auth.secret_key, "auth.secretKey"), token)

        keys = partial(Once().get, "keys", fetch)
        project = self._project(Aksk(keys, lambda: "", self._seams.now))
        return Identity(Aksk(keys, project, self._seams.now), project)

    def oauth(self, auth: OauthAuth) -> Authenticator:
        there = self._login(auth.token_url, auth.trust, _OAUTH)
        secret = partial(self._secrets.fetch, auth.client_secret, "auth.clientSecret")
        return Oauth(auth, secret, there, self._seams.clock)

    def password(self, auth: PasswordAuth) -> Identity:
        there = self._login(f"{self._target.iam_url}{TOKENS}", self._target.transport.trust, _IAM)
        secret = partial(self._secrets.fetch, auth.password, "auth.password")
        iam = Iam(auth, self._target.project, secret, there, self._seams.clock)
        return Identity(iam, iam.project)

    def none(self, auth: NoAuth) -> Authenticator:
        def make() -> str:
            raise AuthError(Problem(self._target.source, f"target {self._target.name}: {auth.advice}"))

        return Fixed("Authorization", make)

    def _project(self, auth: Authenticator) -> Callable[[], str]:
        """Return the project of the settings; where they have only its name, these credentials ask for its id."""
        said = self._target.project
        if said.id or not said.name:
            return lambda: said.id
        lookup = Lookup(self._target, auth, self._secrets.redact, self._seams.patience, self._seams.roads)
        return partial(Once().get, "project", lookup)

    def _login(self, url: str, trust: Trust, words: Words) -> Login:
        return Login(self._seams.roads.to(url, trust), url, self._secrets.redact, self._target.name, words)


def identity(target: Target, secrets: Secrets, seams: Seams) -> Identity:
    """Return who a target's settings say that we are; nothing is sent before it is needed."""
    logins = _Logins(target, secrets, seams)
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
    return Identity(made, lambda: target.project.id)
