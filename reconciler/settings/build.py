"""From what the file says to what the tool uses: paths made absolute, regions made URLs, secrets made origins."""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.credentials.sources import FromCommand, FromEnvironment, FromFile, Origin
from reconciler.errors import Source
from reconciler.settings import schema as said
from reconciler.settings import schema_auth, schema_fields
from reconciler.settings.huawei_endpoints import cloud, iam_root
from reconciler.settings.model import (
    AkskAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    Called,
    OauthAuth,
    PasswordAuth,
    ProxyAuth,
    Target,
    TokenAuth,
    Transport,
    Trust,
)


def made_target(name: str, target: said.KeyfactorTarget | said.CsmsTarget, folder: Path, source: Source) -> Target:
    """Return a target; `folder` is where the file's relative paths begin."""
    trust = _trust(_path(target.ca_bundle, folder), target.client_certificate, folder)
    rate = target.max_requests_per_second or 0.0
    login = target.proxy_auth
    proxy_auth = ProxyAuth(login.username, _origin(login.password, folder)) if login else None
    transport = Transport(target.timeout, target.parallelism, target.proxy or "", trust, rate, proxy_auth)
    if isinstance(target, said.KeyfactorTarget):
        auth = _auth(target.auth, folder, bundle=trust.ca_bundle)
        return Target(name, "keyfactor", target.url, auth, transport=transport, source=source)
    region = target.region or ""
    url = target.url or f"https://kms.{region}.{cloud(region)}"
    iam_url = target.iam_url or (f"https://iam.{region}.{cloud(region)}" if region else url)
    return Target(
        name,
        "csms",
        url,
        _auth(target.auth, folder),
        Called(target.project_name or "", target.project_id or ""),
        iam_root(iam_url),
        transport,
        source,
    )


def _auth(
    auth: schema_auth.BasicSettings
    | schema_auth.BearerSettings
    | schema_auth.OauthSettings
    | schema_auth.AkskSettings
    | schema_auth.TokenSettings
    | schema_auth.PasswordSettings,
    folder: Path,
    bundle: Path | None = None,
) -> Auth:
    match auth:
        case schema_auth.BasicSettings():
            made: Auth = BasicAuth(auth.username, _origin(auth.password, folder))
        case schema_auth.BearerSettings():
            made = BearerAuth(_origin(auth.token, folder))
        case schema_auth.OauthSettings():
            secret, own = _origin(auth.client_secret, folder), _path(auth.ca_bundle, folder)
            trust = _trust(own or bundle, auth.client_certificate, folder)
            made = OauthAuth(auth.token_url, auth.client_id, secret, tuple(auth.scopes), auth.audience or "", trust)
        case schema_auth.AkskSettings():
            token = _origin(auth.security_token, folder) if auth.security_token else None
            made = AkskAuth(_origin(auth.access_key, folder), _origin(auth.secret_key, folder), token)
        case schema_auth.TokenSettings():
            made = TokenAuth(_origin(auth.token, folder))
        case schema_auth.PasswordSettings():
            user, domain = Called(auth.user or "", auth.user_id or ""), Called(auth.domain or "", auth.domain_id or "")
            made = PasswordAuth(user, domain, _origin(auth.password, folder))
    return made


def _origin(reference: schema_fields.SecretReference, folder: Path) -> Origin:
    if reference.env is not None:
        return FromEnvironment(reference.env)
    if reference.file is not None:
        # By text alone: resolve() would follow links, and hide them from the check when the file is read.
        return FromFile(Path(os.path.normpath(folder / reference.file)))
    return FromCommand(tuple(reference.command or ()), folder)


def _trust(bundle: Path | None, own: schema_fields.ClientCertificate | None, folder: Path) -> Trust:
    return Trust(
        ca_bundle=bundle,
        certificate=_path(own.certificate, folder) if own else None,
        key=_path(own.key, folder) if own else None,
    )


def _path(text: str | None, folder: Path) -> Path | None:
    return Path(os.path.normpath(folder / text)) if text else None
