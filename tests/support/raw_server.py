"""A server on loopback that says byte for byte what a test tells it to."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from tests.support.listening import Listener


class Asked(NamedTuple):
    """One request as it arrived; `number` counts from 1 over all connections, `connection` likewise."""

    number: int
    connection: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


Script = Callable[[Asked], "bytes | Iterable[bytes]"]
"""Gives an answer's bytes, in pieces where there are pauses. Without a `Content-Length` in them the server hangs up."""


def answer(
    status: int = 200, body: bytes | Any = b"", headers: Mapping[str, str] | None = None, *, length: bool = True
) -> bytes:
    """Return a whole HTTP answer; what isn't bytes becomes JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if length:
        lines.append(f"Content-Length: {len(data)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def dripped(data: bytes, pause: float, piece: int = 1) -> Iterable[bytes]:
    """Yield data slowly."""
    for start in range(0, len(data), piece):
        yield data[start : start + piece]
        time.sleep(pause)


class Scripted:
    """Listens until the end of the `with` statement; `asked` holds the requests in order of arrival."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.asked: list[Asked] = []
        self.connections = self._ended = 0
        self._ends = threading.Condition()
        self._listener = Listener(self._serve)
        self.url = f"http://127.0.0.1:{self._listener.port}"

    @property
    def logins(self) -> int:
        """How many of the requests were for tokens."""
        return sum(asked.path in ("/oauth/token", "/v3/auth/tokens") for asked in self.asked)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        with self._lock:
            for peer in self._open:
                with contextlib.suppress(OSError):
                    # Its thread closes it: a descriptor that another thread still uses may be somebody else's by then.
                    peer.shutdown(socket.SHUT_RDWR)

    def hung_up(self, connections: int) -> bool:
        """Wait until so many connections have ended; False where that takes very long."""
        with self._ends:
            return self._ends.wait_for(lambda: self._ended >= connections, 60)

    def _serve(self, peer: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            connection = self.connections
            self._open.append(peer)
        try:
            with peer, peer.makefile("rb") as stream:
                while (asked := self._read(stream, connection)) is not None:
                    given = self._script(asked)
                    pieces = [given] if isinstance(given, bytes) else given
                    sent = b""
                    for piece in pieces:
                        peer.sendall(piece)
                        sent += piece
                    if not sent or b"\r\nContent-Length: " not in sent:
                        return
        except OSError:
            return
        finally:
            with self._ends:
                self._ended += 1
                self._ends.notify_all()

    def _read(self, stream: Any, connection: int) -> Asked | None:
        line = stream.readline().decode("latin-1").split()
        if len(line) < 2:
            return None
        headers = {}
        while text := stream.readline().decode("latin-1").strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers.get("content-length", 0)))
        url = urlsplit(line[1])
        with self._lock:
            asked = Asked(
                len(self.asked) + 1,
                connection,
                line[0],
                url.path,
                dict(parse_qsl(url.query, keep_blank_values=True)),
                headers,
                body,
            )
            self.asked.append(asked)
        return asked
