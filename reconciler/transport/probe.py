"""The way to a server before anything is sent to it: its name, a connection, TLS.

Only so can the first thing that fails be told from what follows from it. What is sent afterwards goes through the same
doors as everything else; the sockets, the proxy's rules and the trust are the transport's own.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection
from urllib3.exceptions import ProxyError
from urllib3.util.wait import wait_for_read, wait_for_write

from reconciler.errors import NoReply
from reconciler.settings.model import Transport
from reconciler.transport.adapter import connections_on
from reconciler.transport.failures import Unanswered, reason
from reconciler.transport.sockets import CONNECT, Wire
from reconciler.transport.tls import tls_context
from reconciler.transport.urls import origin

_MOMENT = 0.5
"""Seconds in which a server that refuses our certificate will have said so."""


class Tls(NamedTuple):
    """A verified handshake: protocol version, and the server's certificate."""

    protocol: str
    subject: str
    issuer: str
    expires: datetime


def proxy_of(url: str, travel: Transport) -> str:
    """Return the proxy that stands before a URL, "" for none: plain http never leaves this machine."""
    return travel.proxy if url.startswith("https:") else ""


def host_of(url: str, travel: Transport) -> str:
    """Return the host that this machine itself must find: the proxy's where there is one."""
    return urlsplit(proxy_of(url, travel) or url).hostname or ""


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
        # The idna codec refuses a label that is empty or over 63 characters (RFC 1035, 2.3.4).
        raise NoReply(getattr(error, "strerror", None) or "the name is not one", sent=False) from None
    return tuple(sorted({str(entry[4][0]) for entry in found}))


class Probe:
    """Connects as a request would, within one request's timeout as a whole, and sends the server nothing.

    `login` is what a proxy is told of us. Not for proxies that speak TLS themselves.
    """

    def __init__(self, url: str, travel: Transport, login: str = "") -> None:
        self._there, self._proxy = urlsplit(origin(url)), proxy_of(url, travel)
        self._travel, self._login = travel, login
        self._wire = Wire()

    def reach(self) -> socket.socket:
        """Return a connection to the server, through the proxy where there is one; raises NoReply with the reason."""
        self._wire.start(self._travel.timeout)
        way = self._way()
        try:
            way.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            before = self._proxy and not way.has_connected_to_proxy  # a refused tunnel is closed at once
            way.close()
            seen = ProxyError("proxy", error) if before else error
            why = reason(seen, self._travel.timeout, known_to_proxy=bool(self._login))
            raise Unanswered(why, sent=False) from None
        return way.sock

    def handshake(self, connection: socket.socket) -> Tls:
        """Shake hands, verifying chain and name, and close the connection; raises NoReply."""
        host = (self._there.hostname or "").rstrip(".")  # certificates have no final dot
        seconds = min(CONNECT, self._travel.timeout)
        self._wire.start(seconds)
        try:
            context = tls_context(self._travel.trust)
            with context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False) as secured:
                self._shake(secured)
                self._hear_out(secured)
                return _described(secured.version() or "", secured.getpeercert() or {})
        except (OSError, ValueError) as error:
            raise Unanswered(reason(error, seconds), sent=False) from None
        finally:
            connection.close()

    def _way(self) -> HTTPConnection:
        """Return what will be a connection: to the server, or to the proxy with an order for a tunnel."""
        way_of, there = connections_on(self._wire), self._there
        if not self._proxy:
            return way_of(there.hostname or "", there.port)
        first = urlsplit(origin(self._proxy))
        way = way_of(first.hostname or "", first.port)
        # http.client sends these headers with CONNECT alone, never to the server behind the tunnel.
        way.set_tunnel(there.hostname or "", there.port, {"Proxy-Authorization": self._login} if self._login else None)
        return way

    def _shake(self, secured: ssl.SSLSocket) -> None:
        """Shake hands under the wire's deadline: the socket's own would begin anew with every byte."""
        secured.settimeout(0)
        while wait := _wanted(secured):
            wait(secured, self._wire.patience())

    def _hear_out(self, secured: ssl.SSLSocket) -> None:
        """Wait a moment for a refusal of our certificate: in TLS 1.3 it comes after a client's handshake."""
        # In TLS 1.2 the server's Finished comes last (RFC 5246, 7.3): a refusal fails the handshake.
        if secured.version() != "TLSv1.3":
            return
        self._wire.start(_MOMENT)
        with contextlib.suppress(TimeoutError):
            while wait_for_read(secured, self._wire.patience()):
                with contextlib.suppress(ssl.SSLWantReadError):
                    secured.recv(1)
                    return


def _wanted(secured: ssl.SSLSocket) -> Callable[[socket.socket, float], bool] | None:
    """Go on with a handshake; returns how to wait for what it lacks, None once it is done."""
    try:
        secured.do_handshake()
    except ssl.SSLWantReadError:
        return wait_for_read
    except ssl.SSLWantWriteError:
        return wait_for_write
    return None


def _described(protocol: str, certificate: Mapping[str, Any]) -> Tls:
    return Tls(
        protocol,
        # RFC 5280, 4.2.1.6: the subject may be empty where the names stand in subjectAltName.
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
