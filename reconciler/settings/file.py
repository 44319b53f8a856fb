"""The shape of `reconciler.yaml`, version `reconciler/v1`. Closed, strict, camelCase: the JSON Schema is made of it.

Nothing is read or resolved here: a secret is a reference, and a path is relative to the file's own folder.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from reconciler.settings.spelling import ID, LINE, REGION
from reconciler.settings.target import PROTECTED
from reconciler.settings.url import base_url, endpoint_url, is_loopback, proxy_url

_PROTECTED = re.compile(r"[A-Z][A-Za-z]*/\S.*")


def _reference(value: object) -> object:
    """Refuse a secret that stands in the file itself, without repeating it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"env", "file", "command"}:
        return value
    raise ValueError(
        "a secret is never written into a file that is kept in Git; name its origin: {env: NAME}, {file: PATH} or "
        "{command: [program, argument]}",
    )


def _whole(path: str) -> str:
    """Refuse what a shell would have to expand: it would name a folder of that name."""
    if path.startswith("~"):
        raise ValueError("`~` is not expanded here, since no shell reads this; write the whole path")
    return path


def _protection(pattern: str) -> str:
    if not _PROTECTED.fullmatch(pattern):
        raise ValueError("a protection is KIND/NAME-PATTERN, such as SecurityRole/Administrator*")
    return pattern


Line = Annotated[str, Field(min_length=1, max_length=LINE.longest, pattern=LINE.pattern)]
FilePath = Annotated[Line, AfterValidator(_whole)]
Id = Annotated[str, Field(max_length=ID.longest, pattern=ID.pattern)]
BaseUrl = Annotated[str, AfterValidator(base_url)]
EndpointUrl = Annotated[str, AfterValidator(endpoint_url)]
ProxyUrl = Annotated[str, AfterValidator(proxy_url)]


class _Closed(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        defer_build=True,  # only what a settings file holds is paid for
    )


class SecretReference(_Closed):
    """Where a secret comes from; exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}]}
    )

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)] | None = None
    """The name of an environment variable."""
    file: FilePath | None = None
    """A regular file, mode 0600, owned by us or root, that holds the secret and at most one line break after it."""
    command: Annotated[list[Line], Field(min_length=1, max_length=64)] | None = None
    """A program and its arguments that print the secret: no shell, a minimal environment, 30 seconds."""


SecretField: TypeAlias = Annotated[SecretReference, BeforeValidator(_reference)]


class ClientCertificate(_Closed):
    """Our own certificate for mutual TLS."""

    certificate: FilePath
    """A PEM file with the certificate and its chain."""
    key: FilePath
    """A PEM file with the private key, not encrypted."""


class BasicSettings(_Closed):
    """A user name and a password."""

    type: Literal["basic"]
    username: Line
    """For Active Directory: DOMAIN\\user."""
    password: SecretField


class BearerSettings(_Closed):
    """An access token obtained elsewhere."""

    type: Literal["bearer"]
    token: SecretField


class OauthSettings(_Closed):
    """OAuth2 client credentials."""

    type: Literal["oauth"]
    token_url: EndpointUrl
    client_id: Line
    client_secret: SecretField
    scopes: list[Line] = []
    audience: Line | None = None
    ca_bundle: FilePath | None = None
    """A PEM file with the authority of the token endpoint; the target's caBundle if nothing is said."""
    client_certificate: ClientCertificate | None = None
    """Our own certificate, where the token endpoint wants one; the target's is for the target alone."""


class AkskSettings(_Closed):
    """A Huawei Cloud access key; every request is signed."""

    type: Literal["aksk"]
    access_key: SecretField
    secret_key: SecretField
    security_token: SecretField | None = None


class TokenSettings(_Closed):
    """A Huawei Cloud IAM token obtained elsewhere."""

    type: Literal["token"]
    token: SecretField


class PasswordSettings(_Closed):
    """A Huawei Cloud IAM user; a token for the project is fetched and renewed."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["user", "domain"], "properties": {"userId": False}},
                {"required": ["user", "domainId"], "properties": {"userId": False}},
                {"required": ["userId"], "properties": {"domain": False, "domainId": False}},
            ]
        }
    )

    type: Literal["password"]
    user: Line | None = None
    user_id: Id | None = None
    """In the place of `user`; it needs no account beside it."""
    domain: Line | None = None
    """The account's name."""
    domain_id: Id | None = None
    """In the place of `domain`."""
    password: SecretField

    @model_validator(mode="after")
    def _one_user(self) -> Self:
        if (self.user is None) == (self.user_id is None):
            raise ValueError("an IAM user is called by `user` or by `userId`; say one of the two")
        if [self.domain, self.domain_id].count(None) != (1 if self.user else 2):
            raise ValueError("a `user` needs its account, as `domain` or as `domainId`; a `userId` needs none")
        return self


class ProxyAuthSettings(_Closed):
    """Who we are to a proxy: Basic."""

    username: Line
    password: SecretField


class _TargetSettings(_Closed):
    timeout: Annotated[float, Field(ge=1, le=600, strict=False)] = 60.0
    """Seconds that one request may take from its first byte to the last of the answer."""
    parallelism: Annotated[int, Field(ge=1, le=32)] = 8
    """Reads under way at once; writes always go one by one."""
    max_requests_per_second: Annotated[float, Field(ge=0.1, le=1000, strict=False)] | None = None
    """Requests that may leave in a second, reads and writes together, evenly spaced; as many as can be if not said."""
    proxy: ProxyUrl | None = None
    """An HTTP proxy, such as http://proxy.example.com:3128. The environment's proxy variables are not used."""
    proxy_auth: ProxyAuthSettings | None = None
    """Where the proxy wants to know who we are."""
    ca_bundle: FilePath | None = None
    """A PEM file with an authority to trust besides the public ones, in servers and in an https proxy."""
    client_certificate: ClientCertificate | None = None

    @model_validator(mode="after")
    def _asked_by_a_proxy(self) -> Self:
        if self.proxy_auth is not None and self.proxy is None:
            raise ValueError("proxyAuth is for a proxy, and none is said; say `proxy` too")
        return self


class KeyfactorTarget(_TargetSettings):
    """A Keyfactor Command server."""

    api: Literal["keyfactor"]
    url: BaseUrl
    """Up to and including the API's path: https://keyfactor.example.com/KeyfactorAPI."""
    auth: Annotated[BasicSettings | BearerSettings | OauthSettings, Field(discriminator="type")]


class CsmsTarget(_TargetSettings):
    """A Huawei Cloud CSMS project."""

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {"oneOf": [{"required": ["region"]}, {"required": ["url"]}]},
                {"oneOf": [{"required": ["projectId"]}, {"required": ["projectName"]}]},
            ]
        }
    )

    api: Literal["csms"]
    region: Annotated[str, Field(max_length=REGION.longest, pattern=REGION.pattern)] | None = None
    """Such as cn-north-4; or say `url`."""
    url: BaseUrl | None = None
    iam_url: BaseUrl | None = None
    """Where a password is sent and a project's id is looked up: https://iam.REGION.myhuaweicloud.com if the region is
    said; the target's own url if that is a loopback address."""
    project_id: Id | None = None
    project_name: Line | None = None
    """In the place of `projectId`, which IAM then tells: the account needs the permission iam:projects:listProjects."""
    auth: Annotated[AkskSettings | TokenSettings | PasswordSettings, Field(discriminator="type")]

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.region is None) == (self.url is None):
            raise ValueError("a csms target has either a region or a url; say one of the two")
        if (self.project_id is None) == (self.project_name is None):
            raise ValueError("a csms target has either a projectId or a projectName; say one of the two")
        known = self.region is not None or is_loopback(urlsplit(self.url or "").hostname or "")
        asked = isinstance(self.auth, PasswordSettings) or self.project_id is None
        if asked and self.iam_url is None and not known:
            raise ValueError("with a url instead of a region, iamUrl is needed: where to log in can't be guessed")
        return self


class Limit(_Closed):
    """How much one run may change."""

    changes: Annotated[int, Field(ge=0)]


class SettingsFile(_Closed):
    """`reconciler.yaml`: targets, limits and protections. It never lies in the folder of the manifests."""

    model_config = ConfigDict(title="the settings")

    api_version: Literal["reconciler/v1"]
    kind: Literal["Settings"]
    manifests: FilePath = "manifests/"
    """The folder of the manifests, relative to this file."""
    targets: dict[
        Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)],
        Annotated[KeyfactorTarget | CsmsTarget, Field(discriminator="api")],
    ] = {}
    """The servers by the names that manifests use. Without any, the variables and files of the vendors' tools serve."""
    limits: dict[str, Limit] = {}
    """By kind: how many changes one run may make. 10 where nothing is said, 500 for CertificateOwner."""
    protected: list[Annotated[str, AfterValidator(_protection)]] = list(PROTECTED)
    """KIND/NAME-PATTERN of what no run may touch."""
    state: FilePath = ".reconciler/"
    """The folder for journals, the lock and the memory of drift, relative to this file."""
