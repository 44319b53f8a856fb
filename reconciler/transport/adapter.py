"""The HTTP library's adapter with everything off that would send a request again, or without our knowing."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from reconciler.transport.sockets import Wire, dial_host, make_response_class
from reconciler.transport.tls import TlsContexts

_NO_TLS = TlsContexts()


# urllib3 repeats even a POST after an "other" error, whatever its list of methods says: measured, its defaults made a
# server execute one POST four times.
_NO_RETRIES = Retry(
    total=0, connect=0, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False, raise_on_status=False
)


class SingleSendAdapter(HTTPAdapter):
    """Sends each request once: the library's own retries, of any kind, are off, and that is checked."""

    def __init__(
        self, wire: Wire, *, connections: int, tls: TlsContexts | None, proxy_login: Callable[[], str]
    ) -> None:
        self._classes = _make_pool_classes(wire)
        self._tls, self._proxy_login = tls or _NO_TLS, proxy_login
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=_NO_RETRIES)
        if self.max_retries.total != 0 or self.max_retries.other != 0:
            raise RuntimeError("the HTTP library would send requests again by itself")

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,  # noqa: FBT001, FBT002 - the library's signature
        **pool_kwargs: Any,
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._tls.server, **pool_kwargs)
        # PoolManager has no argument for it, but reads this attribute whenever it makes a pool.
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        contexts = {"ssl_context": self._tls.server, "proxy_ssl_context": self._tls.proxy}
        manager = cast(ProxyManager, super().proxy_manager_for(proxy, **contexts, **proxy_kwargs))
        manager.pool_classes_by_scheme = self._classes
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002 - the library's signature
        """Return what the proxy alone is told, before a tunnel stands."""
        login = self._proxy_login()
        return {"Proxy-Authorization": login} if login else {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave trust to the context: it alone holds the authorities, and it always verifies."""


def make_connection_class(wire: Wire) -> type[HTTPConnection]:
    """Return the class of the connections that are opened, and whose answers are read, under a wire's deadline."""

    class Dialling(HTTPConnection):
        response_class = make_response_class(wire)

        def _new_conn(self) -> socket.socket:
            # urllib3 keeps the final dot of a name here alone. The brackets are a URL's (RFC 3986, 3.2.2).
            return dial_host(self._dns_host.strip("[]"), self.port or 0, wire)

    return Dialling


def _make_pool_classes(wire: Wire) -> dict[str, type[HTTPConnectionPool]]:

    class Marking(make_connection_class(wire)):  # type: ignore[misc]
        _opening = False

        def connect(self) -> None:
            self._opening = True  # what a proxy is told before the tunnel stands isn't the request
            try:
                super().connect()
            finally:
                self._opening = False

        def send(self, data: Any) -> None:
            # http.client would connect in its own send, behind the mark, and a failure would count as sent.
            if self.sock is None and self.auto_open:
                self.connect()
            if not self._opening:
                wire.begin()
            if self.sock is not None:
                self.sock.settimeout(wire.seconds_left())  # the library has just given it the whole time anew
            try:
                super().send(data)
            except (ssl.SSLEOFError, ConnectionResetError):
                # In TLS 1.3 a server that refuses our certificate may be gone before the request is out. Its alert has
                # arrived by then, and it alone says why: reading raises it.
                self.sock.settimeout(wire.patience())
                self.sock.recv(1)
                raise

    class MarkingTls(Marking, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Marking

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = MarkingTls

    return {"http": Pool, "https": TlsPool}
