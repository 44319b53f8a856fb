"""Who we are, as the settings file says it: the six ways to log in."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import ConfigDict, model_validator

from reconciler.settings.schema_fields import (
    ClientCertificate,
    EndpointUrl,
    FilePath,
    Id,
    SecretField,
    StrictModel,
    TextLine,
)


class BasicSettings(StrictModel):
    """A user name and a password."""

    type: Literal["basic"]
    username: TextLine
    """For Active Directory: DOMAIN\\user."""
    password: SecretField


class BearerSettings(StrictModel):
    """An access token obtained elsewhere."""

    type: Literal["bearer"]
    token: SecretField


class OauthSettings(StrictModel):
    """OAuth2 client credentials."""

    type: Literal["oauth"]
    token_url: EndpointUrl
    client_id: TextLine
    client_secret: SecretField
    # Not shared between targets: pydantic copies a default that can change.
    scopes: list[TextLine] = []
    audience: TextLine | None = None
    ca_bundle: FilePath | None = None
    """A PEM file with the authority of the token endpoint; the target's caBundle if nothing is said."""
    client_certificate: ClientCertificate | None = None
    """Our own certificate, where the token endpoint wants one; the target's is for the target alone."""


class AkskSettings(StrictModel):
    """A Huawei Cloud access key; every request is signed."""

    type: Literal["aksk"]
    access_key: SecretField
    secret_key: SecretField
    security_token: SecretField | None = None


class TokenSettings(StrictModel):
    """A Huawei Cloud IAM token obtained elsewhere."""

    type: Literal["token"]
    # IAM gives a token 24 hours from its issue, and voids it early where the password or a right changes.
    token: SecretField


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

    type: Literal["password"]
    user: TextLine | None = None
    user_id: Id | None = None
    """In the place of `user`; it needs no account beside it."""
    domain: TextLine | None = None
    """The account's name."""
    domain_id: Id | None = None
    """In the place of `domain`."""
    password: SecretField

    @model_validator(mode="after")
    def _check_user(self) -> Self:
        if (self.user is None) == (self.user_id is None):
            raise ValueError("an IAM user is called by `user` or by `userId`; say one of the two")
        # As in Keystone: a user's name means something within its account only, an id everywhere.
        if [self.domain, self.domain_id].count(None) != (1 if self.user else 2):
            raise ValueError("a `user` needs its account, as `domain` or as `domainId`; a `userId` needs none")
        return self
