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
from http import HTTPStatus
from typing import Any

from reconciler.simulator.exchange import Delivery
from reconciler.simulator.messages import Reply, Request

Answer = Callable[[Request], Delivery]


_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_LARGEST_BODY = 16 * 1024 * 1024
_IDLE_SECONDS = 120.0


class _Malformed(Exception):
    """What arrived is not a request; carries the status that says so."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Connection(socketserver.StreamRequestHandler):
    """One client's connection: requests one after the other until somebody closes."""

    timeout = _IDLE_SECONDS
    disable_nagle_algorithm = True
    server: Server

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        try:
            while self._one():
                pass
        except OSError:
            return

    def _one(self) -> bool:
        """Serve one request; tell whether the connection stays open."""
        try:
            request = self._read()
        except _Malformed as malformed:
            self._send(Delivery(Reply(malformed.status), close=True), announce_close=True)
            return False
        if request is None:
            return False
        delivery = self.server.answer(request)
        last = request.headers.get("connection", "").lower() == "close"
        if delivery.reply is None:
            return False
        self._send(delivery, announce_close=last)
        return not (last or delivery.close)

    def _line(self) -> bytes:
        line = self.rfile.readline(_LONGEST_LINE + 1)
        if len(line) > _LONGEST_LINE:
            raise _Malformed(HTTPStatus.REQUEST_URI_TOO_LONG)
        return line

    def _read(self) -> Request | None:
        line = self._line()
        while line in (b"\r\n", b"\n"):
            line = self._line()
        if not line:
            return None
        parts = line.decode("latin-1").split()
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            raise _Malformed(HTTPStatus.BAD_REQUEST)
        method, target, _ = parts
        headers = self._read_headers()
        if "host" not in headers or not target.startswith("/"):
            raise _Malformed(HTTPStatus.BAD_REQUEST)
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, self._read_body(headers))

    def _read_headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(_MOST_HEADERS):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return headers
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon or name != name.strip() or not name:
                raise _Malformed(HTTPStatus.BAD_REQUEST)
            headers[name.lower()] = value.strip()
        raise _Malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def _read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._read_chunks()
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise _Malformed(HTTPStatus.BAD_REQUEST)
        return self._exactly(int(length)) if int(length) else b""

    def _exactly(self, length: int) -> bytes:
        if length > _LARGEST_BODY:
            raise _Malformed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError
        return body

    def _read_chunks(self) -> bytes:
        body = b""
        while True:
            size = self._line().partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise _Malformed(HTTPStatus.BAD_REQUEST) from None
            if not length:
                while self._line() not in (b"\r\n", b"\n", b""):
                    pass
                return body
            body += self._exactly(length)
            self._line()

    def _send(self, delivery: Delivery, *, announce_close: bool) -> None:
        reply = delivery.reply or Reply(500)
        head = _head(reply, announce_close=announce_close)
        body = reply.body if reply.status not in (204, 304) else b""
        if delivery.cut:
            body = body[: max(len(body) - delivery.cut, 0)]
        if not delivery.chunk:
            self.wfile.write(head + body)
            return
        self.wfile.write(head)
        for begin in range(0, len(body), delivery.chunk):
            self.wfile.write(body[begin : begin + delivery.chunk])
            time.sleep(delivery.interval)


def _head(reply: Reply, *, announce_close: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
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

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
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
            # Somebody must knock for the loop to look up.
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._loop.join(5.0)
        self.server_close()
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            with self._lock:
                connections = list(self._open)
            if not connections:
                return
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.002)

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
