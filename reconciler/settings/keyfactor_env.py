"""The variables and the file of Keyfactor's own tools, read as they read them: variables win over the file.

kfutil, the Terraform provider and the Ansible collection share `KEYFACTOR_*` and `~/.keyfactor/command_config.json`.
Nothing here fails a command that needs no server: what is wrong or missing is told by the target (`Target.lacking`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.errors import Source
from reconciler.settings.secret import FromEnvironment, FromProfile, Origin
from reconciler.settings.target import Auth, BasicAuth, BearerAuth, NoAuth, OauthAuth, Target, Transport, Trust
from reconciler.settings.url import base_url, endpoint_url, is_loopback

_NAMES = {
    "host": "KEYFACTOR_HOSTNAME",
    "port": "KEYFACTOR_PORT",
    "api_path": "KEYFACTOR_API_PATH",
    "skip_tls_verify": "KEYFACTOR_SKIP_VERIFY",
    "ca_cert_path": "KEYFACTOR_CA_CERT",
    "timeout": "KEYFACTOR_CLIENT_TIMEOUT",
    "username": "KEYFACTOR_USERNAME",
    "password": "KEYFACTOR_PASSWORD",
    "domain": "KEYFACTOR_DOMAIN",
    "client_id": "KEYFACTOR_AUTH_CLIENT_ID",
    "client_secret": "KEYFACTOR_AUTH_CLIENT_SECRET",
    "token_url": "KEYFACTOR_AUTH_TOKEN_URL",
    "scopes": "KEYFACTOR_AUTH_SCOPES",
    "audience": "KEYFACTOR_AUTH_AUDIENCE",
    "access_token": "KEYFACTOR_AUTH_ACCESS_TOKEN",
    "auth_ca_cert_path": "KEYFACTOR_AUTH_CA_CERT",
}
"""A profile's members and the variables that override them."""
_KINDS = {"bearer": "access_token", "oauth": "client_id", "basic": "username"}
"""By which member each way of logging in is recognised, the strongest first."""
_ADVICE = (
    "no credentials for Keyfactor Command are set; set KEYFACTOR_AUTH_CLIENT_ID, KEYFACTOR_AUTH_CLIENT_SECRET and "
    "KEYFACTOR_AUTH_TOKEN_URL, or KEYFACTOR_AUTH_ACCESS_TOKEN, or KEYFACTOR_USERNAME and KEYFACTOR_PASSWORD"
)
_SKIP = (
    "KEYFACTOR_SKIP_VERIFY asks not to verify the server's certificate; whoever sits in between could then read the "
    "credentials and forge every answer, so there is no such switch; unset it, and name the authority in "
    "KEYFACTOR_CA_CERT"
)


def keyfactor_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `command` as the variables and the file describe it, or None where they say nothing."""
    file, profile, trouble = _profile(env, home)
    said = {member: env[name] for member, name in _NAMES.items() if env.get(name, "").strip()}
    facts = {**profile, **said}
    if not {"host", *_KINDS.values()} & facts.keys() and not trouble:
        return None
    url, lacking = _url(facts)
    if str(facts.get("skip_tls_verify", "")).lower() in {"true", "1"} and url.startswith("https:"):
        lacking = "" if is_loopback(urlsplit(url).hostname or "") else _SKIP
    timeout = str(facts.get("timeout", ""))
    return Target(
        name="command",
        api="keyfactor",
        url=url,
        auth=_auth(env, profile, facts, file),
        transport=Transport(
            timeout=min(600.0, max(1.0, float(timeout)) if timeout.isdecimal() and timeout.isascii() else 60.0),
            trust=_trust(facts.get("ca_cert_path")),
        ),
        source=Source("environment" if "host" in said or file is None else str(file)),
        lacking=trouble if trouble and "host" not in said else lacking,
    )


def _profile(env: Mapping[str, str], home: Path | None) -> tuple[Path | None, dict[str, Any], str]:
    """Return the credentials file, the members of its profile that say something, and what is wrong with it."""
    named = env.get("KEYFACTOR_AUTH_CONFIG_FILE", "")
    file = Path(named) if named else home / ".keyfactor" / "command_config.json" if home else None
    if file is None or (not named and not file.exists()):
        return None, {}, ""
    name = env.get("KEYFACTOR_AUTH_CONFIG_PROFILE") or "default"
    try:
        found = json.loads(file.read_text("utf-8"))["servers"][name]
        members = {key: value for key, value in found.items() if key in _NAMES and value not in ("", [], None)}
    except OSError as error:
        return file, {}, f"{file} can't be read ({error.strerror}); mend it, or set KEYFACTOR_HOSTNAME and credentials"
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return file, {}, f"{file} has no readable profile `{name}` under `servers`; mend it, or set KEYFACTOR_HOSTNAME"
    return file, {**members, **{name: found.get(name) for name in ("auth_type", "auth_provider")}}, ""


def _url(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the API's base URL, or why there is none. As in the tools the scheme is ignored, except on loopback."""
    said = str(facts.get("host", "")).strip()
    if not said:
        return "", "KEYFACTOR_HOSTNAME is not set, so there is no server to talk to; set it, or write a settings file"
    scheme, _, rest = said.rpartition("://")
    parts = urlsplit(f"//{rest}")
    path = str(facts.get("api_path") or parts.path.strip("/") or "KeyfactorAPI").strip("/")
    if "@" in rest:
        return "", "KEYFACTOR_HOSTNAME must not carry a user or a password, which would be logged; give the host alone"
    try:
        host, port = parts.hostname or "", facts.get("port") or parts.port
        loopback = is_loopback(host)
        chosen = "http" if loopback and scheme != "https" else "https"
        shown = f"[{host}]" if ":" in host else host
        return base_url(f"{chosen}://{shown}{f':{port}' if port else ''}/{path}"), ""
    except ValueError as error:
        return "", f"KEYFACTOR_HOSTNAME, KEYFACTOR_PORT and KEYFACTOR_API_PATH make no URL: {error}"


def _auth(env: Mapping[str, str], profile: Mapping[str, Any], facts: Mapping[str, Any], file: Path | None) -> Auth:
    """Choose who we are: what the variables say, else the profile's auth_type, else what the profile holds."""

    def secret(member: str) -> Origin:
        if _NAMES[member] in env or member not in profile or file is None:
            return FromEnvironment(_NAMES[member])
        return FromProfile(file, ("servers", env.get("KEYFACTOR_AUTH_CONFIG_PROFILE") or "default", member))

    spoken = [kind for kind, member in _KINDS.items() if env.get(_NAMES[member], "").strip()]
    held = [kind for kind, member in _KINDS.items() if member in profile]
    preferred = [kind for kind in held if kind == profile.get("auth_type")]
    if profile.get("auth_type") == "kerberos":
        held = []
    match next(iter([*spoken, *preferred, *held]), None):
        case "bearer":
            return BearerAuth(secret("access_token"))
        case "oauth":
            return _oauth(facts, secret("client_secret"))
        case "basic":
            user, domain = str(facts["username"]), str(facts.get("domain", ""))
            qualified = user if not domain or "\\" in user or "@" in user else f"{domain}\\{user}"
            return BasicAuth(qualified, secret("password"))
        case _:
            return NoAuth(_elsewhere(profile) or _ADVICE)


def _elsewhere(profile: Mapping[str, Any]) -> str:
    """Say what a profile asks for that isn't done."""
    if profile.get("auth_type") == "kerberos":
        asked = "auth_type kerberos"
    elif profile.get("auth_provider"):
        asked = "an auth_provider"
    else:
        return ""
    return f"the profile asks for {asked}, which isn't done; use OAuth, a token or Basic: {_ADVICE}"


def _oauth(facts: Mapping[str, Any], client_secret: Origin) -> Auth:
    try:
        token_url = endpoint_url(str(facts.get("token_url", "")))
    except ValueError as error:
        return NoAuth(f"KEYFACTOR_AUTH_TOKEN_URL, where the client secret is sent, can't be used: {error}")
    scopes = facts.get("scopes", [])
    listed = scopes.split(",") if isinstance(scopes, str) else scopes if isinstance(scopes, list) else []
    return OauthAuth(
        token_url=token_url,
        client_id=str(facts["client_id"]),
        client_secret=client_secret,
        scopes=tuple(scope for part in listed if (scope := str(part).strip())),
        audience=str(facts.get("audience", "")),
        trust=_trust(facts.get("auth_ca_cert_path") or facts.get("ca_cert_path")),
    )


def _trust(certificate: object) -> Trust:
    """Read a CA as the tools do: PEM text, or the path of a file."""
    text = str(certificate or "")
    if "-----BEGIN" in text:
        return Trust(ca_text=text)
    return Trust(ca_bundle=Path(text)) if text else Trust()
