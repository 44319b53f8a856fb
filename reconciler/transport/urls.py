"""Which URLs credentials may be sent to."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from reconciler.diagnostics import Explanation
from reconciler.errors import InvalidValueError

# RFC 3986, section 3.3, less percent-encoding: proxies and servers decode it at different moments.
_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@-]*)*")
# RFC 1123, section 2.1, and the underscore, which Windows networks allow.
_HOST = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]*[a-z0-9])?)*\.?")
_NETLOC = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]+)(:[0-9]*)?")
_QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
_PORTS = {"https": 443, "http": 80}


def _refuse(summary: str, remedy: str) -> Explanation:
    return Explanation("settings.invalid-value", summary, remedy=remedy)


_NO_URL = _refuse("this is not a URL", "write https://host/path")
_ZONE = _refuse(
    "an IPv6 address with a zone (%) means something on one machine only", "write it without, or write a name"
)

_NO_SCHEDULER = _refuse("a scheduler is named as tls://HOST:PORT, and without TLS none is used", "write it so")


class InvalidUrlError(InvalidValueError):
    """Why a text can't be used as a URL here."""


def is_loopback(host: str) -> bool:
    """Say whether a host is a literal address of this machine, 127.0.0.0/8 or ::1; a name may resolve anywhere."""
    try:
        # Not `localhost`: RFC 6761, section 6.3, keeps it on this machine, but a hosts file need not obey.
        return _parse_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_host(text: str) -> bool:
    """Say whether a text, in lower case, is the name of a host or a domain."""
    return _HOST.fullmatch(text) is not None


def normalize_base_url(text: str) -> str:
    """Return a URL as scheme://host[:port][/path], lower-cased where case means nothing, without a trailing slash.

    Raises InvalidUrlError: anything but https (or http on a literal loopback address), user information, a
    query, a fragment, or characters and dot segments that a server may read in more than one way.
    """
    url, query = _split_url(text)
    if query:
        raise InvalidUrlError(_refuse("a base URL has no query", "remove what follows the `?`"))
    return url


def normalize_endpoint_url(text: str) -> str:
    """Like `normalize_base_url`, for a fixed address that may carry a query, as some token endpoints do."""
    url, query = _split_url(text)
    return f"{url}?{query}" if query else url


def normalize_proxy_url(text: str) -> str:
    """Return scheme://host[:port] of a proxy. It may speak plain http: all it sees is where a TLS tunnel leads.

    Raises InvalidUrlError with the reason.
    """
    url, query = _split_url(text, proxy=True)
    if query or urlsplit(url).path:
        raise InvalidUrlError(_refuse("a proxy has no path", "write http://host:port"))
    return url


def normalize_scheduler_url(text: str) -> str:
    """Return tls://host:port of a scheduler; raises InvalidUrlError for anything else."""
    scheme, _, authority = text.partition("://")
    try:
        url, query = _split_url(f"https://{authority}")
    except InvalidUrlError:
        raise InvalidUrlError(_NO_SCHEDULER) from None
    if scheme.lower() != "tls" or query or urlsplit(url).path or urlsplit(f"//{authority}").port is None:
        raise InvalidUrlError(_NO_SCHEDULER)
    return extract_origin(url).replace("https", "tls", 1)


def extract_origin(url: str) -> str:
    """Return scheme://host:port of a URL that was normalized here; the port is always written."""
    # RFC 6454, section 4: an origin has its port even where that is the scheme's own.
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def _split_url(text: str, *, proxy: bool = False) -> tuple[str, str]:
    try:
        parts = urlsplit(text)
        # urlsplit is lazy: a port that is no number, or above 65535, raises only when it is asked for.
        port = parts.port
    except ValueError:
        raise InvalidUrlError(_ZONE if "%" in text else _NO_URL) from None
    # urlsplit drops tabs and line breaks without a word, and readers after WHATWG take `\` for `/`.
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text or "#" in text:
        raise InvalidUrlError(
            _refuse("a URL here is plain ASCII without blanks, backslashes and fragments", "write https://host/path")
        )
    # RFC 9110, section 4.2.4: nobody must write such a URL; it also misleads about the host.
    if "@" in parts.netloc:
        field = "proxyAuth" if proxy else "auth"
        raise InvalidUrlError(
            _refuse("a URL must not carry a user or a password, which would be logged", f"say them under {field}")
        )
    host = _normalize_host(parts.netloc)
    if parts.scheme not in _PORTS or not host or port == 0:
        raise InvalidUrlError(_NO_URL)
    if parts.scheme == "http" and not proxy and not is_loopback(host):
        raise InvalidUrlError(
            _refuse(
                "plain http would send credentials in the clear",
                "use https (http is for literal loopback addresses such as 127.0.0.1, not for names)",
            )
        )
    path = parts.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")) or not _QUERY.fullmatch(parts.query):
        raise InvalidUrlError(
            _refuse("the path holds characters or dot segments that servers read differently", "write it plainly")
        )
    suffix = "" if port in (None, _PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{suffix}{path}", parts.query


def _normalize_host(netloc: str) -> str:
    """Return the host of `host[:port]`, written in one way, "" where it is none; raises InvalidUrlError for a zone."""
    match = _NETLOC.fullmatch(netloc.lower())
    host = match["host"] if match else ""
    if not host.startswith("["):
        return host if is_host(host) else ""
    if "%" in host:
        raise InvalidUrlError(_ZONE)
    try:
        address = _parse_address(host[1:-1])
    except ValueError:
        return ""
    return f"[{address}]" if address.version == 6 else str(address)


def _parse_address(text: str) -> IPv4Address | IPv6Address:
    """Return an IP address; an IPv4 address in the form of IPv6 is that IPv4 address. Raises ValueError."""
    address = ip_address(text)
    if "%" in text:
        raise InvalidUrlError(_ZONE)
    # RFC 4291, section 2.5.5.2: ::ffff:127.0.0.1 leads to 127.0.0.1; Python 3.11's is_loopback denies it.
    return getattr(address, "ipv4_mapped", None) or address
