"""From what the file says to what the tool uses: paths made absolute, regions made URLs, secrets made origins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from reconciler.credentials.sources import FromCommand, FromEnvironment, FromFile, Origin
from reconciler.diagnostics import Source
from reconciler.settings import schema as settings_schema
from reconciler.settings import schema_auth, schema_engine, schema_notify, schema_plans, schema_targets
from reconciler.settings.durations import parse_duration
from reconciler.settings.model import (
    AkskAuth,
    Auth,
    BasicAuth,
    BearerAuth,
    DaskEngine,
    DatabaseOrigin,
    Ed25519Signing,
    HmacSigning,
    NameOrId,
    OauthAuth,
    PasswordAuth,
    PlanSettings,
    Receiver,
    SignerCommands,
    StateSettings,
    Target,
    TokenAuth,
)
from reconciler.state.locations import GitState, LocalState
from reconciler.transport.options import ProxyAuth, TransportOptions, Trust


def build_target(name: str, target: schema_targets.AnyTarget, folder: Path, source: Source) -> Target:
    """Return a target; `folder` is where the file's relative paths begin."""
    transport = _build_transport(target, folder)
    labels, values, zone = target.labels, target.values, target.zone or ""
    if isinstance(target, schema_targets.KeyfactorTarget):
        auth = _build_auth(target.auth, folder, bundle=transport.trust.ca_bundle)
        return Target(
            name,
            "keyfactor",
            target.url,
            auth,
            transport=transport,
            source=source,
            audit=target.audit,
            labels=labels,
            zone=zone,
            values=values,
        )
    # What knows Huawei's regions and files is for targets that are there.
    from reconciler.settings import huawei_endpoints as endpoints  # noqa: PLC0415

    region = target.region or ""
    url = target.url or f"https://kms.{region}.{endpoints.choose_cloud_domain(region)}"
    # Beside a url a region says nothing of hosts: where a password is sent is not guessed.
    iam_url = target.iam_url or (url if target.url else f"https://iam.{region}.{endpoints.choose_cloud_domain(region)}")
    cts_url = target.cts_url or (url if target.url else f"https://cts.{region}.{endpoints.choose_cloud_domain(region)}")
    return Target(
        name,
        "csms",
        url,
        _build_auth(target.auth, folder),
        NameOrId(target.project_name or "", target.project_id or ""),
        endpoints.strip_iam_version(iam_url),
        transport,
        source,
        audit=target.audit,
        cts_url=cts_url if target.audit else "",
        labels=labels,
        zone=zone,
        values=values,
        region=region or endpoints.find_region(url),
    )


def _build_transport(target: schema_targets.AnyTarget, folder: Path) -> TransportOptions:
    trust = _build_trust(_make_absolute(target.ca_bundle, folder), target.client_certificate, folder)
    rate = target.max_requests_per_second or 0.0
    proxy_login = target.proxy_auth
    proxy_auth = ProxyAuth(proxy_login.username, _build_origin(proxy_login.password, folder)) if proxy_login else None
    parallelism = target.parallelism
    if isinstance(parallelism, int):
        parallelism = schema_targets.ParallelismSettings(reads=parallelism)
    timeout, proxy, writes = target.timeout, target.proxy or "", parallelism.writes or 0
    return TransportOptions(timeout, parallelism.reads, proxy, trust, rate, proxy_auth, writes=writes)


def build_state(state: str | settings_schema.StateSection, folder: Path) -> StateSettings:
    """Return where runs are remembered; `folder` is where the file's relative paths begin."""
    if isinstance(state, str):
        return StateSettings(LocalState(Path(os.path.normpath(folder / state))))
    place: LocalState | GitState | DatabaseOrigin
    if state.postgresql:
        place = DatabaseOrigin(_build_origin(state.postgresql.url, folder))
    elif state.git:
        place = GitState(folder, state.git.remote, state.git.ref, folder / ".reconciler" / "bodies")
    else:
        sqlite = state.sqlite or settings_schema.SqliteSettings()
        place = LocalState(Path(os.path.normpath(folder / sqlite.folder)), network_accepted=sqlite.network is not None)
    keep_days = parse_duration(state.keep).days if state.keep else None
    return StateSettings(place, state.id or "", keep_days, _build_origin(state.key, folder) if state.key else None)


def build_plan_settings(plans: schema_plans.PlansSection, folder: Path) -> PlanSettings:
    """Return what holds for saved plans; `folder` is where the file's relative paths begin."""
    signing: HmacSigning | Ed25519Signing | SignerCommands | None = None
    if plans.key:
        signing = HmacSigning(_build_origin(plans.key, folder))
    elif pair := plans.ed25519:
        private_key = _build_origin(pair.private_key, folder) if pair.private_key else None
        signing = Ed25519Signing(private_key, _make_absolute(pair.public_key, folder))
    elif signer := plans.signer:
        signing = SignerCommands(tuple(signer.sign or ()), tuple(signer.verify or ()), folder, tuple(signer.env))
    return PlanSettings(parse_duration(plans.max_age), signing, plans.signed is not None)


def build_receivers(notify: Sequence[schema_notify.NotifySettings], folder: Path) -> tuple[Receiver, ...]:
    """Return who is told of what; `folder` is where the file's relative paths begin."""
    # Most settings name nobody.
    from reconciler.event_names import RunEventName  # noqa: PLC0415

    return tuple(
        Receiver(_build_origin(entry.url, folder), frozenset(map(RunEventName, entry.events))) for entry in notify
    )


def build_engine(engine: schema_engine.EngineSection, folder: Path) -> DaskEngine:
    """Return who does the work of many targets; `folder` is where the file's relative paths begin."""
    dask = engine.dask
    ca, certificate, key = (Path(os.path.normpath(folder / file)) for file in (dask.ca, dask.certificate, dask.key))
    return DaskEngine(dask.scheduler, ca, certificate, key)


def _build_auth(
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
            new_auth: Auth = BasicAuth(auth.username, _build_origin(auth.password, folder))
        case schema_auth.BearerSettings():
            new_auth = BearerAuth(_build_origin(auth.token, folder))
        case schema_auth.OauthSettings():
            secret, ca_bundle = _build_origin(auth.client_secret, folder), _make_absolute(auth.ca_bundle, folder)
            trust = _build_trust(ca_bundle or bundle, auth.client_certificate, folder)
            new_auth = OauthAuth(auth.token_url, auth.client_id, secret, tuple(auth.scopes), auth.audience or "", trust)
        case schema_auth.AkskSettings():
            token = _build_origin(auth.security_token, folder) if auth.security_token else None
            new_auth = AkskAuth(_build_origin(auth.access_key, folder), _build_origin(auth.secret_key, folder), token)
        case schema_auth.TokenSettings():
            new_auth = TokenAuth(_build_origin(auth.token, folder))
        case schema_auth.PasswordSettings():
            user, domain = (
                NameOrId(auth.user or "", auth.user_id or ""),
                NameOrId(auth.domain or "", auth.domain_id or ""),
            )
            new_auth = PasswordAuth(user, domain, _build_origin(auth.password, folder))
    return new_auth


def _build_origin(reference: schema_auth.SecretReference, folder: Path) -> Origin:
    if reference.env is not None:
        return FromEnvironment(reference.env)
    if reference.file is not None:
        # By text alone: resolve() would follow links, and hide them from the check when the file is read.
        return FromFile(Path(os.path.normpath(folder / reference.file)))
    return FromCommand(tuple(reference.command or ()), folder)


def _build_trust(bundle: Path | None, client_certificate: schema_auth.ClientCertificate | None, folder: Path) -> Trust:
    return Trust(
        ca_bundle=bundle,
        certificate=_make_absolute(client_certificate.certificate, folder) if client_certificate else None,
        key=_make_absolute(client_certificate.key, folder) if client_certificate else None,
    )


def _make_absolute(text: str | None, folder: Path) -> Path | None:
    return Path(os.path.normpath(folder / text)) if text else None
