"""Connections that keep a deadline and know whether a request has begun to leave.

An HTTP library's timeout restarts with every byte, so a server that drips holds a client forever; and one of its errors
while an answer is read looks like one of a handshake. Here every wait of a request, header bytes included, ends at one
deadline, and the first byte of a request leaves a mark: where the mark is missing, nothing was sent.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, cast

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection

from reconciler.settings.target import Trust

_SLICE = 0.5
"""Seconds after which a waiting reader looks whether it was stopped."""


class Wire:
    """What the requests of one transport share: the clock, the deadline of each thread's request, the order to stop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mine = threading.local()
        self._stopped = threading.Event()

    def start(self, seconds: float) -> None:
        """Begin a request of this thread that must be over in so many seconds."""
        self._mine.deadline = self._clock() + seconds
        self._mine.began = False

    def begin(self) -> None:
        """Mark that the request's first byte is about to leave."""
        self._mine.began = True

    @property
    def began(self) -> bool:
        """Whether any byte of this thread's request can have left."""
        return bool(self._mine.began)

    def patience(self) -> float:
        """Return how many seconds to wait next; raises TimeoutError after the deadline, OSError when stopped."""
        if self._stopped.is_set():
            raise OSError("stopped")
        left = float(self._mine.deadline - self._clock())
        if left <= 0:
            raise TimeoutError("deadline")
        return min(left, _SLICE)

    @property
    def stopped(self) -> bool:
        """Whether everybody is to give up."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Make every waiting reader give up at once."""
        self._stopped.set()


class _Timed(io.RawIOBase):
    """Reads a socket as long as its wire has patience. Holds the socket's own file, which keeps the socket open.

    Until `headed` is set, the end of the stream is an error: Python's parser takes it for the end of the headers, and
    a status line that was cut off for a status.
    """

    def __init__(self, sock: socket.socket, held: io.BufferedIOBase, wire: Wire) -> None:
        self._sock, self._held, self._wire = sock, held, wire
        self.headed = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            self._sock.settimeout(self._wire.patience())
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                continue
            if not count and not self.headed:
                raise ConnectionResetError("the stream ended before the headers did")
            return count

    def close(self) -> None:
        self._held.close()
        super().close()


def _answer_class(wire: Wire) -> type[http.client.HTTPResponse]:
    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self._timed = _Timed(sock, self.fp, wire)
            self.fp = io.BufferedReader(self._timed)

        def begin(self) -> None:
            super().begin()
            self._timed.headed = True

    return Answer


def _pool_classes(wire: Wire) -> dict[str, type[HTTPConnectionPool]]:
    answer = _answer_class(wire)

    class Marking(HTTPConnection):
        response_class = answer
        _opening = False

        def connect(self) -> None:
            self._opening = True  # what a proxy is told before the tunnel stands isn't the request
            try:
                super().connect()
            finally:
                self._opening = False

        def send(self, data: Any) -> None:
            if self.sock is None and self.auto_open:
                self.connect()
            if not self._opening:
                wire.begin()
            super().send(data)

    class MarkingTls(Marking, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Marking

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = MarkingTls

    return {"http": Pool, "https": TlsPool}


class OneShot(HTTPAdapter):
    """Sends each request once: the library's own retries, of any kind, are off, and that is checked."""

    def __init__(self, wire: Wire, *, connections: int, context: ssl.SSLContext | None) -> None:
        self._classes = _pool_classes(wire)
        self._context = context
        once = Retry(
            total=0,
            connect=0,
            read=0,
            redirect=0,
            status=0,
            other=0,
            respect_retry_after_header=False,
            raise_on_status=False,
        )
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=once)
        if self.max_retries.total != 0 or self.max_retries.other != 0:
            raise RuntimeError("the HTTP library would send requests again by itself")

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,  # noqa: FBT001, FBT002 - the library's signature
        **pool_kwargs: Any,
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        manager = cast(ProxyManager, super().proxy_manager_for(proxy, ssl_context=self._context, **proxy_kwargs))
        manager.pool_classes_by_scheme = self._classes
        return manager

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave trust to the context: it alone holds the authorities, and it always verifies."""


def tls_context(trust: Trust) -> ssl.SSLContext:
    """Return a context that verifies chain and host name, TLS 1.2 at least.

    It trusts the public authorities and the trust's own; the environment's say nothing. Raises OSError or ValueError
    (ssl.SSLError is both) where a file can't be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    if trust.ca_bundle:
        context.load_verify_locations(cafile=str(trust.ca_bundle))
    if trust.ca_text:
        context.load_verify_locations(cadata=trust.ca_text)
    if trust.certificate:
        context.load_cert_chain(str(trust.certificate), str(trust.key or trust.certificate), password=lambda: b"")
    return context
