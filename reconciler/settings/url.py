"""Which URLs credentials may be sent to."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*")
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_PORTS = {"https": 443, "http": 80}


def is_loopback(host: str) -> bool:
    """Say whether a host is a literal address of this machine, 127.0.0.0/8 or ::1; a name may resolve anywhere."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def base_url(text: str) -> str:
    """Return a URL as scheme://host[:port][/path], lower-cased where case means nothing, without a trailing slash.

    Raises ValueError with the reason: anything but https (or http on a literal loopback address), user information, a
    query, a fragment, or characters and dot segments that a server may read in more than one way.
    """
    url, query = _parts(text)
    if query:
        raise ValueError("a base URL has no query; remove what follows the `?`")
    return url


def endpoint_url(text: str) -> str:
    """Like `base_url`, for one fixed address that may carry a query (some identity providers' token endpoints)."""
    url, query = _parts(text)
    return f"{url}?{query}" if query else url


def proxy_url(text: str) -> str:
    """Return scheme://host[:port] of a proxy. It may speak plain http: all it sees is where a TLS tunnel leads.

    Raises ValueError with the reason.
    """
    plain = text.startswith("http://")
    url, query = _parts(f"https://{text.removeprefix('http://')}" if plain else text)
    if query or urlsplit(url).path:
        raise ValueError("a proxy has no path; write http://host:port")
    host = url.removeprefix("https://")
    return f"http://{host}" if plain else url


def origin(url: str) -> str:
    """Return scheme://host:port of a URL that `base_url` or `endpoint_url` gave; the port is always written."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _parts(text: str) -> tuple[str, str]:
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("this is not a URL; write https://host/path") from None
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text or "#" in text:
        raise ValueError("a URL here is plain ASCII without blanks, backslashes and fragments; write https://host/path")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not carry a user or a password, which would be logged; say them under auth")
    bracketed = ":" in host
    if parts.scheme not in _PORTS or not host or (not bracketed and not _HOST.fullmatch(host)) or port == 0:
        raise ValueError("this is not a URL; write https://host/path")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(
            "plain http would send credentials in the clear; use https (http is for literal loopback addresses such as "
            "127.0.0.1, not for names)"
        )
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")) or not _QUERY.fullmatch(parts.query):
        raise ValueError("the path holds characters or dot segments that servers read differently; write it plainly")
    shown = f"[{host}]" if bracketed else host
    suffix = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{shown}{suffix}{path}", parts.query
