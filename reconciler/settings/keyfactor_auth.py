"""Who we are to Keyfactor Command, chosen among variables and a profile as Keyfactor's own tools choose.

Variables before the profile. Among variables Kerberos, a user with a password, a token, a client (kfutil and the
Terraform provider); in a profile a vault, what `auth_type` says, else a token, a client, a user (the Go library). What
asks for Kerberos or a vault is told, since any other way to log in would be a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.credentials.sources import FromEnvironment, FromProfile, Origin
from reconciler.diagnostics import Explanation
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.keyfactor_profile import Profile
from reconciler.settings.model import Auth, BasicAuth, BearerAuth, NoAuth, OauthAuth
from reconciler.transport.options import Trust
from reconciler.transport.urls import InvalidUrlError, normalize_endpoint_url

AUTH_VARIABLES = {
    "username": "KEYFACTOR_USERNAME",
    "password": "KEYFACTOR_PASSWORD",
    "domain": "KEYFACTOR_DOMAIN",
    "client_id": "KEYFACTOR_AUTH_CLIENT_ID",
    "client_secret": "KEYFACTOR_AUTH_CLIENT_SECRET",
    "token_url": "KEYFACTOR_AUTH_TOKEN_URL",
    "scopes": "KEYFACTOR_AUTH_SCOPES",
    "audience": "KEYFACTOR_AUTH_AUDIENCE",
    "access_token": "KEYFACTOR_AUTH_ACCESS_TOKEN",
    "idp_ca_cert": "KEYFACTOR_AUTH_CA_CERT",
}
"""A profile's members and the variables that override them."""
REQUIRED_MEMBERS = {
    "basic": ("username", "password"),
    "bearer": ("access_token",),
    "oauth": ("client_id", "client_secret"),
}
"""What each way to log in needs; by the first of them it is recognised."""
_VARIABLE_ORDER = ("basic", "bearer", "oauth")
_PROFILE_ORDER = ("bearer", "oauth", "basic")
_ALLOWED_METHODS = {
    "": _PROFILE_ORDER,
    "basic": ("basic",),
    # Keyfactor's Go library takes an access token for OAuth as well, and before client credentials.
    "oauth": ("bearer", "oauth"),
    "oauth2": ("oauth",),
    "token": ("bearer",),
    "bearer": ("bearer",),
}
"""What each `auth_type` of a profile allows."""
_VAULT_TYPES = frozenset({"azid", "azure", "az", "akv"})
"""The types of auth_provider that the tools know."""

_LOGIN_ADVICE = (
    "set KEYFACTOR_AUTH_CLIENT_ID, KEYFACTOR_AUTH_CLIENT_SECRET and KEYFACTOR_AUTH_TOKEN_URL, or "
    "KEYFACTOR_AUTH_ACCESS_TOKEN, or KEYFACTOR_USERNAME and KEYFACTOR_PASSWORD"
)
NO_CREDENTIALS = NoAuth(
    Explanation("settings.no-credentials", "no credentials for Keyfactor Command are set", remedy=_LOGIN_ADVICE)
)
"""Nothing says who we are."""
_NO_KERBEROS = Explanation(
    "settings.unsupported",
    "asks for Kerberos, which isn't done, and logging in some other way would be a guess",
    remedy=_LOGIN_ADVICE,
)
_NO_VAULT = Explanation(
    "settings.unsupported",
    "asks for a vault, which isn't done",
    remedy="write a settings file whose secret is {command: [program, argument]}, a "
    f"program that fetches it from there, or {_LOGIN_ADVICE}",
)
"""What is asked for and isn't done, said of who asks."""


def choose_keyfactor_auth(env: Mapping[str, str], variables: Mapping[str, str], profile: Profile) -> Auth:
    """Return who we are; NOBODY where nothing says so. `said` holds the variables that say something, by member."""
    kerberos = sorted(name for name in env if name.startswith("KEYFACTOR_AUTH_KRB_") and env[name].strip())
    if kerberos:
        remedy = f"unset KEYFACTOR_AUTH_KRB_*, and where nothing else says who we are, {_LOGIN_ADVICE}"
        return NoAuth(_NO_KERBEROS._replace(remedy=remedy).add_subject(kerberos[0]))
    method = _choose_method(_VARIABLE_ORDER, variables, variables)
    if not method and (problem := (profile.trouble if profile.file else None) or _explain_unsupported(profile)):
        return NoAuth(problem)
    members = {**profile.members, **variables}
    allowed = _ALLOWED_METHODS.get(_read_auth_type(profile), _PROFILE_ORDER)
    method = (
        method
        or _choose_method(allowed, profile.members, members)
        or _choose_method(_PROFILE_ORDER, profile.members, members)
    )

    def build_origin(member: str) -> Origin:
        if AUTH_VARIABLES[member] in env or member not in profile.members or profile.file is None:
            return FromEnvironment(AUTH_VARIABLES[member])
        return FromProfile(profile.file, ("servers", profile.name, member))

    match method:
        case "bearer":
            return BearerAuth(build_origin("access_token"))
        case "oauth":
            return _build_oauth_auth(members, build_origin("client_secret"))
        case "basic":
            return _build_basic_auth(members, build_origin("password"))
        case _:
            return _explain_missing(env, profile)


def parse_ca_certificate(certificate: object) -> Trust:
    """Read a CA as the tools do: PEM text, or the path of a file."""
    text = str(certificate or "")
    # RFC 7468, section 2: every PEM text has this line, and other text may stand before it.
    if "-----BEGIN" in text:
        return Trust(ca_text=text)
    return Trust(ca_bundle=Path(text)) if text else Trust()


def _choose_method(order: Iterable[str], source_members: Mapping[str, Any], members: Mapping[str, Any]) -> str:
    """Return the first way that is named and has all it needs, else the first that is named, else ""."""
    candidates = [method for method in order if REQUIRED_MEMBERS[method][0] in source_members]
    complete = [method for method in candidates if members.keys() >= set(REQUIRED_MEMBERS[method])]
    return next(iter([*complete, *candidates]), "")


def _read_auth_type(profile: Profile) -> str:
    return str(profile.members.get("auth_type") or "").strip().lower()


def _explain_unsupported(profile: Profile) -> Explanation | None:
    """Say what a profile asks for that isn't done, whatever else it holds."""
    provider, kind = profile.members.get("auth_provider"), _read_auth_type(profile)
    if isinstance(provider, dict) and str(provider.get("type")).lower() in _VAULT_TYPES:
        return _NO_VAULT.add_subject(str(profile))
    if kind == "kerberos" or (not kind and any(member.startswith("kerberos_") for member in profile.members)):
        return _NO_KERBEROS.add_subject(str(profile))
    if kind not in _ALLOWED_METHODS:
        summary = f"{profile} has the auth_type {escape_and_shorten(kind)}, which isn't known"
        return Explanation("settings.unsupported", summary, remedy=f"write basic or oauth, or {_LOGIN_ADVICE}")
    return None


def _explain_missing(env: Mapping[str, str], profile: Profile) -> NoAuth:
    """Say where credentials are to come from, where they are nowhere else."""
    if env.get("KEYFACTOR_AUTH_PROVIDER", "").strip():
        return NoAuth(_NO_VAULT.add_subject("KEYFACTOR_AUTH_PROVIDER"))
    provider = profile.members.get("auth_provider")
    if isinstance(provider, dict) and provider.get("type"):
        return NoAuth(_NO_VAULT.add_subject(str(profile)))
    return NoAuth(profile.trouble) if profile.trouble else NO_CREDENTIALS


def _build_basic_auth(members: Mapping[str, Any], password: Origin) -> Auth:
    """Name the account DOMAIN\\user; a domain in the user name, before `\\` or after `@`, wins over the other."""
    user, domain = str(members["username"]).strip(), str(members.get("domain", "")).strip()
    before, mark, after = user.replace("@", "\\").partition("\\")
    if not mark:
        return BasicAuth(f"{domain}\\{user}" if domain else user, password)
    if not before or not after or "\\" in after:
        return NoAuth(
            Explanation(
                "settings.invalid-value",
                "KEYFACTOR_USERNAME (or the profile's username) has a `\\` or `@` too many, so the domain can't be "
                "told from the user",
                remedy="write DOMAIN\\user",
            )
        )
    return BasicAuth(f"{after}\\{before}" if "@" in user else user, password)


def _build_oauth_auth(members: Mapping[str, Any], client_secret: Origin) -> Auth:
    url_text = str(members.get("token_url", "")).strip()
    if not url_text:
        summary = "KEYFACTOR_AUTH_TOKEN_URL is not set, so there is nowhere to fetch a token"
        return NoAuth(Explanation("settings.missing-field", summary, remedy="set it"))
    try:
        # RFC 6749, section 3.2: a token endpoint may have a query, has no fragment, and needs TLS.
        token_url = normalize_endpoint_url(url_text)
    except InvalidUrlError as error:
        subject = "KEYFACTOR_AUTH_TOKEN_URL, where the client secret is sent, can't be used:"
        return NoAuth(error.explanation.add_subject(subject))
    # No default: some identity providers refuse `openid` for client credentials. The variable separates
    # by commas, the request by spaces (RFC 6749, section 3.3).
    scopes = members.get("scopes", [])
    parts = scopes.split(",") if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
    return OauthAuth(
        token_url=token_url,
        client_id=str(members["client_id"]),
        client_secret=client_secret,
        scopes=tuple(scope for part in parts if (scope := str(part).strip())),
        audience=str(members.get("audience", "")),
        trust=parse_ca_certificate(members.get("idp_ca_cert") or members.get("ca_cert_path")),
    )
