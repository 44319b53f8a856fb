"""Looking at a server as `doctor` does: name, connection, TLS, then one GET at a time, each answer as it came.

Nothing is sent on the way to the TLS handshake, so the first thing that fails can be told from what follows from it.
"""

from __future__ import annotations

import base64
import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

from urllib3.exceptions import ProxyError

from reconciler.apis import csms, keyfactor
from reconciler.apis.auth.choose import Seams, identity
from reconciler.apis.decode import NotJson, decode, message
from reconciler.apis.reasons import Unanswered, reason
from reconciler.apis.retry import Patience
from reconciler.apis.roads import Roads
from reconciler.apis.secrets import Secrets
from reconciler.apis.trust import tls_context
from reconciler.errors import NoReply
from reconciler.model import Json, Query, Reply
from reconciler.settings.target import AkskAuth, Target
from reconciler.settings.target import Transport as Travel
from reconciler.settings.url import origin

_CONNECT = 10.0
"""Seconds for a connection to stand, and for a handshake."""
_RETRIES = 3
"""GETs of a whole visit that may be made again: a server that stumbles is not ill, one that keeps stumbling is."""
_RECITAL = re.compile(r",?\s*canonicalRequest:")
"""Where Huawei's gateway begins to recite the request that it computed a signature for."""
LOGIN_TEST = "/Status/Endpoints"
"""What Keyfactor's own clients ask to see whether a login works; it needs no permission."""
MY_SETS = "/PermissionSets/My"
"""Command from 12.4 on: the account's permission sets that contain a permission; any account may ask."""


class Tls(NamedTuple):
    """A verified handshake: protocol version, and the server's certificate."""

    protocol: str
    subject: str
    issuer: str
    expires: datetime


def host_of(url: str, travel: Travel) -> str:
    """Return the host that this machine itself must find: the proxy's where there is one."""
    return urlsplit(travel.proxy or url).hostname or ""


def is_literal(host: str) -> bool:
    """Say whether a host is an address that needs no name service."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def addresses(host: str) -> tuple[str, ...]:
    """Return what a name resolves to, sorted; raises NoReply."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise NoReply(getattr(error, "strerror", None) or "the name is not one", sent=False) from None
    return tuple(sorted({str(entry[4][0]) for entry in found}))


def reach(url: str, travel: Travel) -> socket.socket:
    """Return a connection to a URL's host, through the proxy where there is one; raises NoReply with the reason."""
    there = urlsplit(origin(url))
    seconds = min(_CONNECT, travel.timeout)
    proxy = urlsplit(origin(travel.proxy) if travel.proxy and "://" in travel.proxy else "")
    through = there.scheme == "https" and bool(proxy.hostname)
    first = proxy if through else there
    connection = http.client.HTTPConnection(first.hostname or "", first.port, timeout=seconds)
    if through:
        connection.set_tunnel(there.hostname or "", there.port)
    try:
        connection.connect()
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        why = reason(ProxyError("proxy", error) if through else error, seconds)
        raise Unanswered(why, sent=False) from None
    return connection.sock


def handshake(connection: socket.socket, host: str, travel: Travel) -> Tls:
    """Shake hands, verifying chain and name, and close the connection; raises NoReply."""
    context = tls_context(travel.trust)
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            return _described(secured.version() or "", secured.getpeercert() or {})
    except OSError as error:
        raise Unanswered(reason(error, _CONNECT), sent=False) from None
    finally:
        connection.close()


def _described(protocol: str, certificate: Mapping[str, Any]) -> Tls:
    return Tls(
        protocol,
        _name(certificate.get("subject", ())) or _alternative(certificate),
        _name(certificate.get("issuer", ())),
        datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC),
    )


def _name(parts: Any) -> str:
    """Return a distinguished name's common name, else its organisation."""
    held = {str(key): str(value) for part in parts for key, value in part}
    return held.get("commonName") or held.get("organizationName", "")


def _alternative(certificate: Mapping[str, Any]) -> str:
    return next((str(value) for _, value in certificate.get("subjectAltName", ())), "")


class Visit:
    """One target, asked with its own credentials and headers. Use it in a `with` statement.

    Raises UsageError where the target's certificates can't be used.
    """

    def __init__(
        self,
        target: Target,
        env: Mapping[str, str],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        secrets = Secrets(target, env)
        roads = Roads(target, secrets, clock, sleep)
        self.redact = secrets.redact
        self._target, self._now = target, now
        self._transport = roads.to_api()
        self._patience = Patience(sleep=sleep, now=now, budget=_RETRIES)
        self._who = identity(target, secrets, Seams(roads, clock, now, self._patience))
        self._headers = keyfactor.headers if target.api == "keyfactor" else csms.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()
        self._who.auth.close()

    def login(self) -> float | None:
        """Make sure that there are credentials to send, with a token request where they need one.

        Returns the seconds that they last, None where nobody says; raises AuthError or UnreachableError.
        """
        if isinstance(self._target.auth, AkskAuth):
            return None  # there is nothing to fetch, and what a signature covers may not be known yet
        sent = self._who.auth.headers("GET", f"{self._target.url}/", b"")
        lasting = self._who.auth.remaining()
        ends = _end(sent.get("Authorization", "")) if lasting is None else None
        return lasting if ends is None else ends - self._now().timestamp()

    def project(self) -> str:
        """Return the project's id; where the settings have its name, IAM is asked, and what a read raises is raised."""
        return self._who.project.id()

    def get(self, path: str, query: Query = (), version: int = 1) -> Reply:
        """Return the answer to a GET below the API's root, whatever its status; raises NoReply, AuthError."""
        asked = f"?{urlencode(query, quote_via=quote, safe='')}" if query else ""
        url = f"{self._target.url}{self._root()}{path}{asked}"

        def attempt() -> Reply:
            headers = {**self._headers(version), **self._who.auth.headers("GET", url, b"")}
            return self._transport.send("GET", url, headers)

        return self._patience.read(attempt)

    def _root(self) -> str:
        return "" if self._target.api == "keyfactor" else csms.root(self._who.project)

    def first(self, path: str, version: int) -> Reply:
        """Return the answer to a list's page of one row."""
        command = self._target.api == "keyfactor"
        return self.get(path, (("PageReturned", "1"), ("ReturnLimit", "1")) if command else (("limit", "1"),), version)

    def rows(self, path: str, reply: Reply) -> list[Mapping[str, Json]] | None:
        """Return the rows in a list's answer, None where it holds no list."""
        found = content(reply)
        held = found.get(path.rpartition("/")[2]) if isinstance(found, dict) else found
        return held if isinstance(held, list) and all(isinstance(row, dict) for row in held) else None

    def said(self, reply: Reply) -> str:
        """Return an answer's status with what it says of itself, fit to be printed."""
        words = self.redact.line(_RECITAL.split(message(reply.body))[0])
        return f"{reply.status}: {words}" if words else str(reply.status)


def _end(authorization: str) -> float | None:
    """Return when a bearer token says that it ends (RFC 7519: exp), in seconds since the epoch; None for any other."""
    parts = authorization.removeprefix("Bearer ").split(".")
    try:
        claims = decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))) if len(parts) == 3 else {}
    except (ValueError, NotJson):
        return None
    said = claims.get("exp") if isinstance(claims, dict) else None
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) else None


def content(reply: Reply) -> Json:
    """Return the JSON of an answer, None where it isn't any."""
    try:
        return decode(reply.body)
    except NotJson:
        return None


def server_time(reply: Reply) -> datetime | None:
    """Return the moment that an answer's Date header names, None where it names none."""
    try:
        when = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
