"""Who we are, as the settings file says it: the six ways to log in, and the fields that they share with targets."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from reconciler.diagnostics import Explanation
from reconciler.documents.value_meanings import ValueMeanings
from reconciler.errors import InvalidValueError
from reconciler.settings.patterns import ID, LINE
from reconciler.transport.urls import normalize_base_url, normalize_endpoint_url, normalize_proxy_url

_SECRET_IN_FILE: Final = Explanation(
    "settings.secret-in-file",
    "a secret is never written into a file that is kept in Git",
    remedy="name its origin: {env: NAME}, {file: PATH} or {command: [program, argument]}",
)
_TILDE: Final = Explanation(
    "settings.invalid-value",
    "`~` is not expanded here, since no shell reads this",
    remedy="write the whole path",
)
_USER_UNCLEAR: Final = Explanation(
    "settings.inconsistent", "an IAM user is called by `user` or by `userId`", remedy="say one of the two"
)
_ACCOUNT_UNCLEAR: Final = Explanation(
    "settings.inconsistent",
    "a `user` needs its account, as `domain` or as `domainId`",
    remedy="a `userId` needs none",
)


def _check_reference(value: object) -> object:
    """Refuse a secret that stands in the file itself, without repeating it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"env", "file", "command"}:
        return value
    raise InvalidValueError(_SECRET_IN_FILE)


def _check_path(path: str) -> str:
    """Refuse what a shell would have to expand: it would name a folder of that name."""
    if path.startswith("~"):
        raise InvalidValueError(_TILDE)
    return path


TextLine = Annotated[str, Field(min_length=1, max_length=LINE.max_length, pattern=LINE.pattern)]
FilePath = Annotated[TextLine, AfterValidator(_check_path)]
IamId = Annotated[str, Field(max_length=ID.max_length, pattern=ID.pattern)]
BaseUrl = Annotated[str, AfterValidator(normalize_base_url)]
EndpointUrl = Annotated[str, AfterValidator(normalize_endpoint_url)]
ProxyUrl = Annotated[str, AfterValidator(normalize_proxy_url)]


class StrictModel(BaseModel):
    """A mapping of known members in camelCase."""

    model_config = ConfigDict(
        # Else pydantic takes "8" for 8 and 1 for true.
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        # Measured with 19 models: 105 ms to start instead of 133.
        defer_build=True,  # only what a settings file holds is paid for
    )


class SecretReference(StrictModel):
    """Where a secret comes from; exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}]}
    )

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)] | None = None
    """The name of an environment variable."""
    file: FilePath | None = None
    """A regular file, mode 0600, owned by us or root, that holds the secret and at most one line break after it."""
    command: Annotated[list[TextLine], Field(min_length=1, max_length=64)] | None = None
    """A program and its arguments that print the secret: no shell, a minimal environment, 30 seconds."""


SecretField: TypeAlias = Annotated[SecretReference, BeforeValidator(_check_reference)]


class ClientCertificate(StrictModel):
    """Our own certificate for mutual TLS."""

    certificate: FilePath
    """A PEM file with the certificate and its chain."""
    key: FilePath
    """A PEM file with the private key, not encrypted."""


class BasicSettings(StrictModel):
    """A user name and a password."""

    type: Annotated[Literal["basic"], ValueMeanings({"basic": "a user name and a password"})]
    """The way to log in."""
    username: TextLine
    """For Active Directory: DOMAIN\\user."""
    password: SecretField
    """Where the password comes from."""


class BearerSettings(StrictModel):
    """An access token obtained elsewhere."""

    type: Annotated[Literal["bearer"], ValueMeanings({"bearer": "an access token obtained elsewhere"})]
    """The way to log in."""
    token: SecretField
    """Where the token comes from; it is not renewed."""


class OauthSettings(StrictModel):
    """OAuth2 client credentials."""

    type: Annotated[Literal["oauth"], ValueMeanings({"oauth": "OAuth2 client credentials; tokens are renewed"})]
    """The way to log in."""
    token_url: EndpointUrl
    """Where the identity provider gives tokens."""
    client_id: TextLine
    """What the identity provider calls us."""
    client_secret: SecretField
    """Where the client's secret comes from."""
    # Not shared between targets: pydantic copies a default that can change.
    scopes: list[TextLine] = []
    """What is asked for, where the identity provider wants to be told."""
    audience: TextLine | None = None
    """For whom the token is, where the identity provider wants to be told."""
    ca_bundle: FilePath | None = None
    """A PEM file with the authority of the token endpoint; the target's caBundle if nothing is said."""
    client_certificate: ClientCertificate | None = None
    """Our own certificate, where the token endpoint wants one; the target's is for the target alone."""


class AkskSettings(StrictModel):
    """A Huawei Cloud access key; every request is signed."""

    type: Annotated[Literal["aksk"], ValueMeanings({"aksk": "a Huawei Cloud access key"})]
    """The way to log in."""
    access_key: SecretField
    """Where the access key (AK) comes from."""
    secret_key: SecretField
    """Where the secret key (SK) comes from; it is never sent."""
    security_token: SecretField | None = None
    """Where the security token comes from that temporary keys have."""


class TokenSettings(StrictModel):
    """A Huawei Cloud IAM token obtained elsewhere."""

    type: Annotated[Literal["token"], ValueMeanings({"token": "a Huawei Cloud IAM token obtained elsewhere"})]
    """The way to log in."""
    # IAM gives a token 24 hours from its issue, and voids it early where the password or a right changes.
    token: SecretField
    """Where the token comes from; it is not renewed."""


class PasswordSettings(StrictModel):
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

    type: Annotated[Literal["password"], ValueMeanings({"password": "a Huawei Cloud IAM user"})]
    """The way to log in."""
    user: TextLine | None = None
    """The IAM user's name; its account has to be said too."""
    user_id: IamId | None = None
    """In the place of `user`; it needs no account beside it."""
    domain: TextLine | None = None
    """The account's name."""
    domain_id: IamId | None = None
    """In the place of `domain`."""
    password: SecretField
    """Where the password comes from."""

    @model_validator(mode="after")
    def _check_user(self) -> Self:
        if (self.user is None) == (self.user_id is None):
            raise InvalidValueError(_USER_UNCLEAR)
        # As in Keystone: a user's name means something within its account only, an id everywhere.
        if [self.domain, self.domain_id].count(None) != (1 if self.user else 2):
            raise InvalidValueError(_ACCOUNT_UNCLEAR)
        return self
