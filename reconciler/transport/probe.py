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
from reconciler.transport.adapter import make_connection_class
from reconciler.transport.failures import UnansweredRequest, explain_failure
from reconciler.transport.options import TransportOptions
from reconciler.transport.proxy_environment import find_ignored_proxy
from reconciler.transport.sockets import CONNECT, Wire
from reconciler.transport.tls import make_tls_context
from reconciler.transport.urls import extract_origin

_ALERT_WAIT = 0.5
"""Seconds in which a server that refuses our certificate will have said so."""


class HandshakeResult(NamedTuple):
    """A verified handshake: protocol version, and the server's certificate."""

    protocol: str
    subject: str
    issuer: str
    expires: datetime


def find_proxy(url: str, options: TransportOptions) -> str:
    """Return the proxy that stands before a URL, "" for none: plain http never leaves this machine."""
    return options.proxy if url.startswith("https:") else ""


def find_first_host(url: str, options: TransportOptions) -> str:
    """Return the host that this machine itself must find: the proxy's where there is one."""
    return urlsplit(find_proxy(url, options) or url).hostname or ""


def is_literal(host: str) -> bool:
    """Say whether a host is an address that needs no name service."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def resolve_addresses(host: str) -> tuple[str, ...]:
    """Return what a name resolves to, sorted; raises NoReply."""
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        # The idna codec refuses a label that is empty or over 63 characters (RFC 1035, 2.3.4).
        raise NoReply(getattr(error, "strerror", None) or "the name is not one", sent=False) from None
    return tuple(sorted({str(entry[4][0]) for entry in entries}))


class Probe:
    """Connects as a request would, within one request's timeout as a whole, and sends the server nothing.

    `login` is what a proxy is told of us. Not for proxies that speak TLS themselves.
    """

    def __init__(self, url: str, options: TransportOptions, login: str = "") -> None:
        self._server_url, self._proxy = urlsplit(extract_origin(url)), find_proxy(url, options)
        self._options, self._login = options, login
        self._wire = Wire()

    def reach(self) -> socket.socket:
        """Return a connection to the server, through the proxy where there is one; raises NoReply with the reason."""
        self._wire.start(self._options.timeout)
        connection = self._make_connection()
        try:
            connection.connect()
        except (OSError, http.client.HTTPException, ValueError) as error:
            is_proxy_failure = (
                self._proxy and not connection.has_connected_to_proxy
            )  # a refused tunnel is closed at once
            connection.close()
            cause = ProxyError("proxy", error) if is_proxy_failure else error
            failure = explain_failure(cause, self._options.timeout, known_to_proxy=bool(self._login))
            raise UnansweredRequest(
                failure, sent=False, ignored_proxy=find_ignored_proxy(self._server_url.geturl(), self._options)
            ) from None
        return connection.sock

    def handshake(self, connection: socket.socket) -> HandshakeResult:
        """Shake hands, verifying chain and name, and close the connection; raises NoReply."""
        host = (self._server_url.hostname or "").rstrip(".")  # certificates have no final dot
        seconds = min(CONNECT, self._options.timeout)
        self._wire.start(seconds)
        try:
            context = make_tls_context(self._options.trust)
            with context.wrap_socket(connection, server_hostname=host, do_handshake_on_connect=False) as tls_socket:
                self._run_handshake(tls_socket)
                self._await_alert(tls_socket)
                return _read_certificate(tls_socket.version() or "", tls_socket.getpeercert() or {})
        except (OSError, ValueError) as error:
            raise UnansweredRequest(explain_failure(error, seconds), sent=False) from None
        finally:
            connection.close()

    def _make_connection(self) -> HTTPConnection:
        """Return what will be a connection: to the server, or to the proxy with an order for a tunnel."""
        connection_class, server_url = make_connection_class(self._wire), self._server_url
        if not self._proxy:
            return connection_class(server_url.hostname or "", server_url.port)
        proxy_url = urlsplit(extract_origin(self._proxy))
        connection = connection_class(proxy_url.hostname or "", proxy_url.port)
        # http.client sends these headers with CONNECT alone, never to the server behind the tunnel.
        connection.set_tunnel(
            server_url.hostname or "", server_url.port, {"Proxy-Authorization": self._login} if self._login else None
        )
        return connection

    def _run_handshake(self, tls_socket: ssl.SSLSocket) -> None:
        """Shake hands under the wire's deadline: the socket's own would begin anew with every byte."""
        tls_socket.settimeout(0)
        while wait := _advance_handshake(tls_socket):
            wait(tls_socket, self._wire.patience())

    def _await_alert(self, tls_socket: ssl.SSLSocket) -> None:
        """Wait a moment for a refusal of our certificate: in TLS 1.3 it comes after a client's handshake."""
        # In TLS 1.2 the server's Finished comes last (RFC 5246, 7.3): a refusal fails the handshake.
        if tls_socket.version() != "TLSv1.3":
            return
        self._wire.start(_ALERT_WAIT)
        with contextlib.suppress(TimeoutError):
            while wait_for_read(tls_socket, self._wire.patience()):
                with contextlib.suppress(ssl.SSLWantReadError):
                    tls_socket.recv(1)
                    return


def _advance_handshake(tls_socket: ssl.SSLSocket) -> Callable[[socket.socket, float], bool] | None:
    """Go on with a handshake; returns how to wait for what it lacks, None once it is done."""
    try:
        tls_socket.do_handshake()
    except ssl.SSLWantReadError:
        return wait_for_read
    except ssl.SSLWantWriteError:
        return wait_for_write
    return None


def _read_certificate(protocol: str, certificate: Mapping[str, Any]) -> HandshakeResult:
    return HandshakeResult(
        protocol,
        # RFC 5280, 4.2.1.6: the subject may be empty where the names stand in subjectAltName.
        _read_name(certificate.get("subject", ())) or _read_alternative_name(certificate),
        _read_name(certificate.get("issuer", ())),
        datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC),
    )


def _read_name(parts: Any) -> str:
    """Return a distinguished name's common name, else its organisation."""
    attributes = {str(key): str(value) for part in parts for key, value in part}
    return attributes.get("commonName") or attributes.get("organizationName", "")


def _read_alternative_name(certificate: Mapping[str, Any]) -> str:
    return next((str(value) for _, value in certificate.get("subjectAltName", ())), "")
