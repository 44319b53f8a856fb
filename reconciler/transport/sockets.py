"""Connections that keep a deadline, know whether a request has begun to leave, and give each request its own answer.

An HTTP library's timeout restarts with every byte, so a server that drips holds a client forever; and one of its errors
while an answer is read looks like one of a handshake. Here every wait of a request from its first SYN on, header bytes
included, ends at one deadline (only the name service keeps its own time), and the first byte of a request leaves a
mark: where the mark is missing, nothing was sent.
"""

from __future__ import annotations

import contextlib
import errno
import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

from urllib3.util.wait import wait_for_write

_SLICE = 0.5
"""Seconds after which a waiting reader looks whether it was stopped."""
CONNECT = 10.0
"""Seconds for one address to take a connection, and for TLS to stand."""
_INTERIM = 20
"""Interim answers (1xx) that one request may be given."""


class Wire:
    """What the requests of one transport share: the clock, the deadline of each thread's request, the order to stop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._thread_state = threading.local()
        self._stopped = threading.Event()

    def start(self, seconds: float) -> None:
        """Begin a request of this thread that must be over in so many seconds."""
        self._thread_state.deadline = self._clock() + seconds
        self._thread_state.has_begun = False

    def begin(self) -> None:
        """Mark that the request's first byte is about to leave."""
        self._thread_state.has_begun = True

    @property
    def has_begun(self) -> bool:
        """Whether any byte of this thread's request can have left."""
        return bool(self._thread_state.has_begun)

    def seconds_left(self) -> float:
        """Return the seconds until this thread's deadline; raises TimeoutError after it, OSError when stopped."""
        if self._stopped.is_set():
            raise OSError("stopped")
        seconds = float(self._thread_state.deadline - self._clock())
        if seconds <= 0:
            raise TimeoutError("deadline")
        return seconds

    def patience(self) -> float:
        """Return how many seconds to wait next; raises as `left` does."""
        return min(self.seconds_left(), _SLICE)

    @property
    def stopped(self) -> bool:
        """Whether everybody is to give up."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Make every waiting reader give up at once."""
        self._stopped.set()


class _DeadlineReader(io.RawIOBase):
    """Reads a socket as long as its wire has patience. Holds the socket's own file, which keeps the socket open.

    Until `headers_complete` is set, the end of the stream is an error: Python's parser takes it for theirs,
    and a status line that was cut off for a status. Once `done` is set, nothing more is read.
    """

    def __init__(self, sock: socket.socket, socket_file: io.BufferedIOBase, wire: Wire) -> None:
        self._sock, self._socket_file, self._wire = sock, socket_file, wire
        self.headers_complete = self.done = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.done:
            self._sock.settimeout(self._wire.patience())
            try:
                count = self._sock.recv_into(buffer)
            except TimeoutError:
                # Safe inside TLS too: OpenSSL keeps the part of a record that has come.
                continue
            if not count and not self.headers_complete:
                raise ConnectionResetError("the stream ended before the headers did")
            return count
        return 0

    def cut(self) -> None:
        """End the connection, so that it isn't used again."""
        outermost = getattr(self._sock, "socket", self._sock)  # TLS inside the TLS of a proxy is no socket itself
        with contextlib.suppress(OSError):
            # close would end nothing yet: a file made of the socket keeps its descriptor open.
            outermost.shutdown(socket.SHUT_RDWR)

    def pending(self) -> bool:
        """Say whether TLS holds back more than was read."""
        tls_object = getattr(self._sock, "sslobj", self._sock)
        return isinstance(tls_object, ssl.SSLSocket | ssl.SSLObject) and tls_object.pending() > 0

    def close(self) -> None:
        self._socket_file.close()
        super().close()


def make_response_class(wire: Wire) -> type[http.client.HTTPResponse]:
    """Return the class of the answers that are read under a wire's deadline."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self._timed = _DeadlineReader(sock, self.fp, wire)
            # http.client made this a file for each of whose reads the socket's timeout begins anew.
            self.fp = io.BufferedReader(self._timed)

        def begin(self) -> None:
            super().begin()
            self._timed.headers_complete = True

        def _read_status(self) -> tuple[str, int, str]:
            """Return the status of the answer itself: interim ones come before it (RFC 9110, 15.2)."""
            for _ in range(_INTERIM):
                version, status, phrase = super()._read_status()  # type: ignore[misc]
                if not 100 <= status < 200:
                    return version, status, phrase
                # RFC 9110, 15.2.2: 101 answers an Upgrade header, and none is ever sent.
                if status == 101:
                    raise http.client.HTTPException("the server switches to a protocol that was not asked for")
                # http.client itself skips 100 alone, and would take 103 (RFC 8297) for the answer.
                http.client.parse_headers(self.fp)
            raise http.client.HTTPException("there is no end of interim answers")

        def _close_conn(self) -> None:
            """Never leave behind what would be taken for the answer to the next request."""
            self._timed.done = True
            # Bytes behind a complete answer belong to one that nobody asked for (response splitting).
            if self._timed.pending() or (not self.fp.closed and self.fp.peek(1)):
                self._timed.cut()
            super()._close_conn()  # type: ignore[misc]

    return Answer


class ConnectTimeout(TimeoutError):
    """An address took no connection in the seconds that one has."""

    def __init__(self) -> None:
        super().__init__(f"nobody took the connection within {CONNECT:g} seconds")


def dial_host(host: str, port: int, wire: Wire) -> socket.socket:
    """Return a connection to the first of a host's addresses that takes one; raises OSError.

    Each address has `CONNECT` seconds, and all of them what is left until the deadline.
    """
    last_error = OSError("the host has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            # http.client sends headers and body apart; Nagle's algorithm would hold the body back until the
            # headers are acknowledged, which a delayed ACK puts off.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _connect_socket(sock, address, wire)
            sock.settimeout(min(CONNECT, wire.seconds_left()))
        except OSError as error:
            sock.close()
            last_error = error
            wire.seconds_left()
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise last_error


def _connect_socket(sock: socket.socket, address: Any, wire: Wire) -> None:
    """Connect, looking now and then whether to stop."""
    sock.settimeout(0)
    error = sock.connect_ex(address)
    waited_seconds = 0.0
    while error in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY):
        if waited_seconds >= CONNECT:
            raise ConnectTimeout
        slice_ = wire.patience()
        if wait_for_write(sock, slice_):
            # connect(2): a writable socket has its attempt behind it, and SO_ERROR says how that ended.
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        waited_seconds += slice_
    if error:
        raise OSError(error, os.strerror(error))
