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

from reconciler.diagnostics import Explanation, Source
from reconciler.settings import keyfactor_auth as login
from reconciler.settings.keyfactor_profile import Profile, read_profile
from reconciler.settings.model import NoAuth, Target
from reconciler.transport.options import TransportOptions
from reconciler.transport.urls import InvalidUrlError, is_loopback, normalize_base_url

_VARIABLES = {
    "host": "KEYFACTOR_HOSTNAME",
    # The published schema of the profile says `auth_port`, but `port` is what the Go library reads.
    "port": "KEYFACTOR_PORT",
    "api_path": "KEYFACTOR_API_PATH",
    "skip_tls_verify": "KEYFACTOR_SKIP_VERIFY",
    "ca_cert_path": "KEYFACTOR_CA_CERT",
    "client_timeout": "KEYFACTOR_CLIENT_TIMEOUT",
    **login.AUTH_VARIABLES,
}
"""A profile's members and the variables that override them."""
_DECISIVE_MEMBERS = frozenset({"host", *(needs[0] for needs in login.REQUIRED_MEMBERS.values())})
"""Members without which nothing speaks of a Command server."""
_TRUE_WORDS = frozenset({"true", "1", "yes", "y", "t", "on"})
_NO_URL = (
    "KEYFACTOR_HOSTNAME, KEYFACTOR_PORT and KEYFACTOR_API_PATH (or the profile's host, port and api_path) make no URL:"
)
_SECONDS = re.compile(r"0*([1-9][0-9]{0,8})s?")
"""Whole seconds; the `s` is how the tools' own documentation writes the default."""
_NO_SKIP_VERIFY = Explanation(
    "settings.unsupported",
    "asks not to verify the server's certificate",
    "whoever sits in between could then read the credentials and forge every answer, so there is no such switch",
    "unset it, and name the authority in KEYFACTOR_CA_CERT",
)
"""Said of who asks."""


def read_keyfactor_target(env: Mapping[str, str], home: Path | None) -> Target | None:
    """Return the target `command` as the variables and the file describe it, or None where they say nothing."""
    profile = read_profile(env, home, frozenset(_VARIABLES))
    variables = {member: env[name] for member, name in _VARIABLES.items() if env.get(name, "").strip()}
    members = {**profile.members, **variables}
    auth = login.choose_keyfactor_auth(env, variables, profile)
    hidden = NoAuth(profile.trouble) if profile.file is None and profile.trouble else login.NO_CREDENTIALS
    if not _DECISIVE_MEMBERS & members.keys() and auth in (login.NO_CREDENTIALS, hidden):
        return None
    url, lacking = _build_url(members)
    if "host" not in variables and profile.trouble:
        lacking = profile.trouble
    elif "host" not in members and isinstance(auth, NoAuth):
        lacking = auth.advice
    return Target(
        name="command",
        api="keyfactor",
        url=url,
        auth=auth,
        transport=TransportOptions(
            timeout=_choose_timeout(variables, profile), trust=login.parse_ca_certificate(members.get("ca_cert_path"))
        ),
        source=Source("environment" if "host" in variables or profile.file is None else str(profile.file)),
        lacking=lacking or _refuse_skip_verify(url, variables, members, profile),
    )


def _build_url(members: Mapping[str, Any]) -> tuple[str, Explanation | None]:
    """Return the API's base URL, or why there is none.

    As in the tools, scheme and path of a pasted URL are ignored, and a port beside the host wins over the other.
    Literal loopback addresses speak plain http, unless the scheme or an authority says otherwise.
    """
    host_text = str(members.get("host", "")).strip()
    if not host_text:
        summary = "KEYFACTOR_HOSTNAME is not set, so there is no server to talk to"
        return "", Explanation("settings.missing-field", summary, remedy="set it, or write a settings file")
    scheme, separator, authority = host_text.rpartition("://")
    if "@" in authority:
        summary = "KEYFACTOR_HOSTNAME must not carry a user or a password, which would be logged"
        return "", Explanation("settings.invalid-value", summary, remedy="give the host alone")
    try:
        # RFC 3986, section 3.2.2: in a URL an IPv6 address stands in brackets.
        if authority.count(":") > 1 and "[" not in authority:
            authority = f"[{authority}]"  # a bare IPv6 address
        parts = urlsplit(f"//{authority}")
        host_path = "" if separator else parts.path.strip("/")
        path = str(members.get("api_path") or host_path or "KeyfactorAPI").strip("/")
        # RFC 3986, section 3.2.3: the port after a colon may be empty.
        netloc, port = parts.netloc.removesuffix(":"), members.get("port")
        if parts.port is None and port:
            netloc = f"{netloc}:{port}"
        is_plain = scheme.lower() != "https" and not members.get("ca_cert_path")
        new_scheme = "http" if is_loopback(parts.hostname or "") and is_plain else "https"
        return normalize_base_url(f"{new_scheme}://{netloc}/{path}"), None
    except InvalidUrlError as error:
        return "", error.explanation.add_subject(_NO_URL)
    except ValueError as error:  # what urlsplit says of brackets and ports
        return "", Explanation("settings.invalid-value", f"{_NO_URL} {error}")


def _refuse_skip_verify(
    url: str, variables: Mapping[str, str], members: Mapping[str, Any], profile: Profile
) -> Explanation | None:
    """Refuse to leave a real server unverified; loopback is verified as well, whatever was asked."""
    if str(members.get("skip_tls_verify", "")).strip().lower() not in _TRUE_WORDS:
        return None
    if not url.startswith("https:") or is_loopback(urlsplit(url).hostname or ""):
        return None
    return _NO_SKIP_VERIFY.add_subject(
        "KEYFACTOR_SKIP_VERIFY" if "skip_tls_verify" in variables else f"skip_tls_verify in {profile}"
    )


def _choose_timeout(variables: Mapping[str, str], profile: Profile) -> float:
    """Return the first usable one of the two, in seconds: 1 to 600, 60 where none is."""
    texts = (str(members.get("client_timeout", "")).strip() for members in (variables, profile.members))
    first_match = next((match for text in texts if (match := _SECONDS.fullmatch(text))), None)
    # Keyfactor's clients wait 60 seconds (older ones 30, and users saw first connections fail).
    return min(600.0, float(first_match.group(1))) if first_match else 60.0
