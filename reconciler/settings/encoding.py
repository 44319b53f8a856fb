"""Targets that were found in the vendors' own variables and files, as the settings file says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic.alias_generators import to_camel

from reconciler.credentials.sources import FromCommand, FromEnvironment, FromFile, Origin
from reconciler.settings.model import (
    AkskAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    NameOrId,
    NoAuth,
    OauthAuth,
    PasswordAuth,
    Target,
    TokenAuth,
)
from reconciler.settings.relocation import show_path
from reconciler.transport.options import DEFAULT_OPTIONS

_VARIABLES: Final = {
    "basic": "KEYFACTOR_PASSWORD",
    "bearer": "KEYFACTOR_AUTH_ACCESS_TOKEN",
    "oauth": "KEYFACTOR_AUTH_CLIENT_SECRET",
    "accessKey": "HW_ACCESS_KEY",
    "secretKey": "HW_SECRET_KEY",
    "securityToken": "HW_SECURITY_TOKEN",
    "token": "HW_AUTH_TOKEN",
    "password": "HW_USER_PASSWORD",
}
"""The variable to which a secret belongs that stands in a vendor's own file."""


class EncodedTargets(NamedTuple):
    """Targets by name as a settings file says them, and what has to be known of each that is not quite as it was."""

    targets: Mapping[str, Any]
    remarks: tuple[str, ...]


def encode_target_settings(targets: Mapping[str, Target], folder: Path) -> EncodedTargets:
    """Return targets for a settings file in a folder, without those that lack something; never a secret's value."""
    remarks: list[str] = []
    encoded: dict[str, Any] = {}
    for name, target in sorted(targets.items()):
        lacking = target.auth.advice if isinstance(target.auth, NoAuth) else target.lacking
        if lacking:
            remarks.append(f"target {name} is left out: {lacking.message}")
            continue
        encoded[name] = _encode_target(target, folder, remarks)
    return EncodedTargets(encoded, tuple(remarks))


def list_secrets(auth: Auth) -> list[tuple[str, Origin]]:
    """Return the secrets of a login by the names that settings have for them, with where each comes from."""
    values = ((field.name, getattr(auth, field.name)) for field in fields(auth))
    return [(to_camel(name), value) for name, value in values if isinstance(value, Origin)]


def _encode_target(target: Target, folder: Path, remarks: list[str]) -> dict[str, Any]:
    members: dict[str, Any] = {"api": target.api, "url": target.url}
    if target.api == "csms":
        # Where no address of IAM is known none is needed.
        iam = {"iamUrl": target.iam_url} if target.iam_url else {}
        members |= {**iam, **_encode_name_or_id("project", target.project, plain="projectName")}
    if target.transport.timeout != DEFAULT_OPTIONS.timeout:
        members["timeout"] = target.transport.timeout
    trust = target.transport.trust
    if trust.ca_bundle:
        members["caBundle"] = show_path(trust.ca_bundle, folder)
    if trust.ca_text:
        remarks.append(f"target {target.name}: its authority stands in a variable; put it into a file, as caBundle")
    return {**members, "auth": _encode_auth(target.auth, folder, remarks)}


def _encode_auth(auth: Auth, folder: Path, remarks: list[str]) -> dict[str, Any]:
    def refer(origin: Origin, key: str) -> dict[str, Any]:
        return _encode_origin(origin, _VARIABLES[key], folder, remarks)

    match auth:
        case BasicAuth():
            return {"type": "basic", "username": auth.username, "password": refer(auth.password, "basic")}
        case BearerAuth():
            return {"type": "bearer", "token": refer(auth.token, "bearer")}
        case OauthAuth():
            return _encode_oauth(auth, refer(auth.client_secret, "oauth"), folder)
        case AkskAuth():
            keys = {"accessKey": auth.access_key, "secretKey": auth.secret_key, "securityToken": auth.security_token}
            return {"type": "aksk", **{key: refer(origin, key) for key, origin in keys.items() if origin}}
        case TokenAuth():
            return {"type": "token", "token": refer(auth.token, "token")}
        case PasswordAuth():
            user, domain = _encode_name_or_id("user", auth.user), _encode_name_or_id("domain", auth.domain)
            return {"type": "password", **user, **domain, "password": refer(auth.password, "password")}
        case NoAuth():
            raise TypeError("nothing says who we are")


def _encode_oauth(auth: OauthAuth, secret: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    optional = {
        "scopes": list(auth.scopes),
        "audience": auth.audience,
        "caBundle": show_path(auth.trust.ca_bundle, folder) if auth.trust.ca_bundle else "",
    }
    required = {"type": "oauth", "tokenUrl": auth.token_url, "clientId": auth.client_id, "clientSecret": secret}
    return {**required, **{name: value for name, value in optional.items() if value}}


def _encode_name_or_id(name: str, value: NameOrId, *, plain: str = "") -> dict[str, str]:
    if value.name:
        return {plain or name: value.name}
    return {f"{name}Id": value.id} if value.id else {}


def _encode_origin(origin: Origin, variable: str, folder: Path, remarks: list[str]) -> dict[str, Any]:
    match origin:
        case FromEnvironment():
            return {"env": origin.name}
        case FromFile():
            return {"file": show_path(origin.path, folder)}
        case FromCommand():
            return {"command": list(origin.argv)}
        case _:
            remarks.append(f"set {variable}: a settings file can't refer to {origin}")
            return {"env": variable}
