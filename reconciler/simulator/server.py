"""HTTP/1.1 over a loopback socket: keep-alive, no Nagle, a thread a connection, everything closed at the end."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from reconciler.simulator.deliveries import Delivery
from reconciler.simulator.http.framing import MalformedRequest, read_request
from reconciler.simulator.http.messages import HttpReply, HttpRequest

AnswerFunction = Callable[[HttpRequest], Delivery]

_IDLE_SECONDS = 120.0
_LINGER_SECONDS = 0.5
_LINGER_BYTES = 1024 * 1024


class _Connection(socketserver.StreamRequestHandler):
    """One client's connection: requests one after the other until somebody closes."""

    timeout = _IDLE_SECONDS
    # Nagle's algorithm holds a second small write back until the first is acknowledged, which may take
    # a client on Linux 40 ms.
    disable_nagle_algorithm = True
    server: Server

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        # ssl.SSLError is an OSError: a failed handshake, which the first read makes, ends here like a reset.
        with contextlib.suppress(OSError):
            while self._serve_request():
                pass

    def _serve_request(self) -> bool:
        """Serve one request; tell whether the connection stays open."""
        try:
            incoming = read_request(self.rfile, self._send_continue)
        except MalformedRequest as error:
            self._refuse(error.status)
            return False
        if incoming is None:
            return False
        delivery = self.server.answer(incoming.request)
        if delivery.reply is None:
            return False
        self._send(delivery, announce_close=incoming.last, bare=incoming.request.method == "HEAD")
        return not (incoming.last or delivery.close)

    def _send_continue(self) -> None:
        self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse(self, status: int) -> None:
        """Answer what is no request, and let the answer arrive: to close on unread bytes would take it back."""
        self._send(Delivery(HttpReply(status), close=True), announce_close=True)
        # RFC 9112, 9.6: close one's own half, read for a while, then close. Closed with bytes unread, the
        # kernel sends a reset, which may cost the client the answer.
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_LINGER_SECONDS)
        remaining = _LINGER_BYTES
        while remaining > 0 and (ignored_bytes := self.connection.recv(65_536)):
            remaining -= len(ignored_bytes)

    def _send(self, delivery: Delivery, *, announce_close: bool, bare: bool = False) -> None:
        reply = delivery.reply or HttpReply(500)
        head = _build_head(reply, announce_close=announce_close)
        # RFC 9112, 6.3: these have no body whatever the header says; one would be read as the next answer.
        body = reply.body if reply.status not in (204, 304) and not bare else b""
        # Content-Length names the whole body all the same: that is how a client can tell (RFC 9112, 8).
        if delivery.cut:
            body = body[: max(len(body) - delivery.cut, 0)]
        if not delivery.chunk:
            self.wfile.write(head + body)
            return
        self.wfile.write(head)
        for offset in range(0, len(body), delivery.chunk):
            self.wfile.write(body[offset : offset + delivery.chunk])
            time.sleep(delivery.interval)


@lru_cache(maxsize=8)
def _format_date(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)


def _build_head(reply: HttpReply, *, announce_close: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {_format_date(int(time.time()))}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    # RFC 9110, 8.6: never in a 204; in a 304 it would have to be the length of the 200.
    if reply.status not in (204, 304):
        lines.append(f"Content-Length: {len(reply.body)}")
    if reply.body:
        lines.append(f"Content-Type: {reply.content_type}")
    if announce_close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Server(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1 and hands every request to `answer`. `stop` closes what is open.

    With `tls`, a server's context with its certificate, it speaks HTTPS. Handshakes happen in the connections' threads.
    """

    # SO_REUSEADDR: closed connections in TIME_WAIT keep the port busy for a minute otherwise.
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    # socketserver's own 5 is soon full; Linux then drops handshakes, tried again only a second later.
    request_queue_size = 128

    def __init__(self, port: int, answer: AnswerFunction, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.answer = answer
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._accept, name="simulator", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    def start(self) -> None:
        """Begin to serve, in a thread of its own."""
        self._loop.start()

    def stop(self) -> None:
        """Stop listening, close every connection and wait until no thread serves one any more."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            # Linux wakes accept() by this; close() wouldn't, and would free a descriptor that is still waited on.
            self.socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            # Elsewhere somebody must knock for the loop to look up.
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._loop.join(5.0)
        self.server_close()
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline and self._shut_connections():
            time.sleep(0.002)

    def _shut_connections(self) -> bool:
        """Shut what is open; False once nothing is."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                # shutdown() wakes a thread that blocks in recv(); on Linux close() from elsewhere does not.
                connection.shutdown(socket.SHUT_RDWR)
        return bool(connections)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Take the next connection; whoever can't shake hands is met by the connection's own thread."""
        connection, address = super().get_request()
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                connection, address = self.get_request()
            except OSError:
                continue
            with self._lock:
                self._open.add(connection)
            # A connection may come between the loop's test and accept(): the one by which stop() wakes it does.
            if self._stopping.is_set():
                self.shutdown_request(connection)
            else:
                self.process_request(connection, address)

    def close_request(self, request: Any) -> None:
        """Close a connection that is not served any more."""
        with self._lock:
            self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay quiet: a client that went away is no event."""
