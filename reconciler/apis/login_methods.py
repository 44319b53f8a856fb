"""From what the settings say to the object that logs in. Nothing is fetched or resolved before the first request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import NamedTuple

from reconciler.apis.auth.aksk import AccessKeys, Aksk
from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.auth.fixed import FixedHeader
from reconciler.apis.auth.iam import TOKENS, Iam
from reconciler.apis.auth.oauth import Oauth
from reconciler.apis.auth.token_request import Login, LoginLabels
from reconciler.apis.csms_project import ProjectLookup
from reconciler.apis.dialect import describe_reply
from reconciler.apis.target_secrets import Secrets
from reconciler.apis.transports import TransportFactory
from reconciler.errors import AuthError
from reconciler.settings.model import (
    AkskAuth,
    BasicAuth,
    BearerAuth,
    NoAuth,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
)
from reconciler.transport.options import Trust
from reconciler.transport.retry import RetryPolicy
from reconciler.transport.single_flight import OnceCache

_OAUTH_LABELS = LoginLabels(
    "auth.tokenUrl (or KEYFACTOR_AUTH_TOKEN_URL)",
    "clientId, clientSecret, scopes and audience under `auth`",
    "auth.caBundle (or KEYFACTOR_AUTH_CA_CERT)",
    "auth.clientCertificate",
)
_IAM_LABELS = LoginLabels("iamUrl (or HW_AUTH_URL)", "user, domain and password under `auth`", "caBundle")


class Identity(NamedTuple):
    """Who we are to a target's API, and what gives the id of our project there ("" for Command).

    Where only the project's name is known, IAM is asked for the id, once; what a read raises is raised then.
    """

    auth: Authenticator
    project: Callable[[], str]


class LoginContext(NamedTuple):
    """What logging in needs of a run: the ways out, monotonic seconds, the hour (aware), and how patient reads are."""

    transports: TransportFactory
    clock: Callable[[], float]
    now: Callable[[], datetime]
    patience: RetryPolicy


class _LoginFactory:
    """Makes ways of logging in for one target."""

    def __init__(self, target: Target, secrets: Secrets, context: LoginContext) -> None:
        self._target, self._secrets, self._context = target, secrets, context

    def basic(self, auth: BasicAuth) -> Authenticator:
        return FixedHeader("Authorization", lambda: self._secrets.basic(auth.username, auth.password, "auth.password"))

    def bearer(self, auth: BearerAuth) -> Authenticator:
        return FixedHeader(
            "Authorization", lambda: f"Bearer {self._secrets.fetch_for_header(auth.token, 'auth.token').reveal()}"
        )

    def token(self, auth: TokenAuth) -> Identity:
        token = FixedHeader("X-Auth-Token", lambda: self._secrets.fetch_for_header(auth.token, "auth.token").reveal())
        return Identity(token, self._project(token))

    def aksk(self, auth: AkskAuth) -> Identity:
        def fetch() -> AccessKeys:
            token = (
                self._secrets.fetch_for_header(auth.security_token, "auth.securityToken")
                if auth.security_token
                else None
            )
            access = self._secrets.fetch_for_header(auth.access_key, "auth.accessKey")
            return AccessKeys(access, self._secrets.fetch(auth.secret_key, "auth.secretKey"), token)

        keys = partial(OnceCache().get, "keys", fetch)
        project = self._project(Aksk(keys, lambda: "", self._context.now))
        return Identity(Aksk(keys, project, self._context.now), project)

    def oauth(self, auth: OauthAuth) -> Authenticator:
        login = self._login(auth.token_url, auth.trust, _OAUTH_LABELS)
        secret = partial(self._secrets.fetch, auth.client_secret, "auth.clientSecret")
        return Oauth(auth, secret, login, self._context.clock)

    def password(self, auth: PasswordAuth) -> Identity:
        login = self._login(f"{self._target.iam_url}{TOKENS}", self._target.transport.trust, _IAM_LABELS)
        secret = partial(self._secrets.fetch, auth.password, "auth.password")
        iam = Iam(auth, self._target.project, secret, login, self._context.clock)
        return Identity(iam, iam.project)

    def none(self, auth: NoAuth) -> Authenticator:
        def refuse() -> str:
            raise AuthError(auth.advice.add_subject(f"target {self._target.name}:").locate(self._target.source))

        return FixedHeader("Authorization", refuse)

    def _project(self, auth: Authenticator) -> Callable[[], str]:
        """Return the project of the settings; where they have only its name, these credentials ask for its id."""
        project = self._target.project
        if project.id or not project.name:
            return lambda: project.id
        lookup = ProjectLookup(
            self._target, auth, self._secrets.redact, self._context.patience, self._context.transports
        )
        return partial(OnceCache().get, "project", lookup)

    def _login(self, url: str, trust: Trust, labels: LoginLabels) -> Login:
        redact = self._secrets.redact
        transport = self._context.transports.open_transport(url, trust)
        describe = partial(describe_reply, redact=redact)
        return Login(transport, url, redact.learn, describe, self._target.name, labels, self._context.patience)


def choose_identity(target: Target, secrets: Secrets, context: LoginContext) -> Identity:
    """Return who a target's settings say that we are; nothing is sent before it is needed."""
    logins = _LoginFactory(target, secrets, context)
    match target.auth:
        case TokenAuth() as auth:
            return logins.token(auth)
        case AkskAuth() as auth:
            return logins.aksk(auth)
        case PasswordAuth() as auth:
            return logins.password(auth)
        case BasicAuth() as auth:
            authenticator = logins.basic(auth)
        case BearerAuth() as auth:
            authenticator = logins.bearer(auth)
        case OauthAuth() as auth:
            authenticator = logins.oauth(auth)
        case NoAuth() as auth:
            authenticator = logins.none(auth)
    return Identity(authenticator, lambda: target.project.id)
