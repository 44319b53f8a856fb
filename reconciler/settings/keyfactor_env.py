"""The variables and the file of Keyfactor's own tools: variables win over the file.

kfutil, the Terraform provider and the Go library behind them share them: `KEYFACTOR_*`, and
`~/.keyfactor/command_config.json`.
Nothing here fails a command that needs no server: what is wrong or missing is told by the target (`Target.lacking`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.errors import Source
from reconciler.settings import keyfactor_auth as login
from reconciler.settings.keyfactor_profile import Profile, profile_of
from reconciler.settings.model import NoAuth, Target, Transport
from reconciler.transport.urls import base_url, is_loopback

_NAMES = {
    "host": "KEYFACTOR_HOSTNAME",
    # The published schema of the profile says `auth_port`, but `port` is what the Go library reads.
    "port": "KEYFACTOR_PORT",
    "api_path": "KEYFACTOR_API_PATH",
    "skip_tls_verify": "KEYFACTOR_SKIP_VERIFY",
    "ca_cert_path": "KEYFACTOR_CA_CERT",
    "client_timeout": "KEYFACTOR_CLIENT_TIMEOUT",
    **login.NAMES,
}
"""A profile's members and the variables that override them."""
_DECISIVE = frozenset({"host", *(needs[0] for needs in login.NEEDS.values())})
"""Members without which nothing speaks of a Command server."""
_YES = frozenset({"true", "1", "yes", "y", "t", "on"})
_SECONDS = re.compile(r"0*([1-9][0-9]{0,8})s?")
"""Whole seconds; the `s` is how the tools' own documentation writes the default."""
_SKIP = (
    "{} asks not to verify the server's certificate; whoever sits in between could then read the credentials and forge "
    "every answer, so there is no such switch; unset it, and name the authority in KEYFACTOR_CA_CERT"
)


def keyfactor_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `command` as the variables and the file describe it, or None where they say nothing."""
    profile = profile_of(env, home, frozenset(_NAMES))
    said = {member: env[name] for member, name in _NAMES.items() if env.get(name, "").strip()}
    facts = {**profile.members, **said}
    auth = login.auth_of(env, said, profile)
    nothing = (login.NOBODY, NoAuth(profile.trouble)) if profile.file is None else (login.NOBODY,)
    if not _DECISIVE & facts.keys() and auth in nothing:
        return None
    url, lacking = _url(facts)
    if "host" not in said and profile.trouble:
        lacking = profile.trouble
    elif "host" not in facts and isinstance(auth, NoAuth):
        lacking = auth.advice
    return Target(
        name="command",
        api="keyfactor",
        url=url,
        auth=auth,
        transport=Transport(timeout=_timeout(said, profile), trust=login.trust_of(facts.get("ca_cert_path"))),
        source=Source("environment" if "host" in said or profile.file is None else str(profile.file)),
        lacking=lacking or _unverified(url, said, facts, profile),
    )


def _url(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the API's base URL, or why there is none.

    As in the tools, scheme and path of a pasted URL are ignored, and a port beside the host wins over the other.
    Literal loopback addresses speak plain http, unless the scheme or an authority says otherwise.
    """
    said = str(facts.get("host", "")).strip()
    if not said:
        return "", "KEYFACTOR_HOSTNAME is not set, so there is no server to talk to; set it, or write a settings file"
    scheme, pasted, rest = said.rpartition("://")
    if "@" in rest:
        return "", "KEYFACTOR_HOSTNAME must not carry a user or a password, which would be logged; give the host alone"
    try:
        # RFC 3986, section 3.2.2: in a URL an IPv6 address stands in brackets.
        if rest.count(":") > 1 and "[" not in rest:
            rest = f"[{rest}]"  # a bare IPv6 address
        parts = urlsplit(f"//{rest}")
        beside = "" if pasted else parts.path.strip("/")
        path = str(facts.get("api_path") or beside or "KeyfactorAPI").strip("/")
        # RFC 3986, section 3.2.3: the port after a colon may be empty.
        place, port = parts.netloc.removesuffix(":"), facts.get("port")
        if parts.port is None and port:
            place = f"{place}:{port}"
        plain = scheme.lower() != "https" and not facts.get("ca_cert_path")
        chosen = "http" if is_loopback(parts.hostname or "") and plain else "https"
        return base_url(f"{chosen}://{place}/{path}"), ""
    except ValueError as error:
        names = "KEYFACTOR_HOSTNAME, KEYFACTOR_PORT and KEYFACTOR_API_PATH (or the profile's host, port and api_path)"
        return "", f"{names} make no URL: {error}"


def _unverified(url: str, said: Mapping[str, str], facts: Mapping[str, Any], profile: Profile) -> str:
    """Refuse to leave a real server unverified; loopback is verified as well, whatever was asked."""
    if str(facts.get("skip_tls_verify", "")).strip().lower() not in _YES:
        return ""
    if not url.startswith("https:") or is_loopback(urlsplit(url).hostname or ""):
        return ""
    return _SKIP.format("KEYFACTOR_SKIP_VERIFY" if "skip_tls_verify" in said else f"skip_tls_verify in {profile}")


def _timeout(said: Mapping[str, str], profile: Profile) -> float:
    """Return the first usable one of the two, in seconds: 1 to 600, 60 where none is."""
    asked = (str(one.get("client_timeout", "")).strip() for one in (said, profile.members))
    found = next((match for text in asked if (match := _SECONDS.fullmatch(text))), None)
    # Keyfactor's clients wait 60 seconds (older ones 30, and users saw first connections fail).
    return min(600.0, float(found.group(1))) if found else 60.0
