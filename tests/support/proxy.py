"""A proxy on loopback that opens tunnels, or says why not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from tests.support.listening import Listener


class Proxy(Listener):
    """Answers CONNECT: with a tunnel, or with `refuse`, a status. `asked` holds the places that it was asked for.

    `wants` is the Proxy-Authorization without which it answers 407; with `tls` it speaks https itself.
    """

    def __init__(self, refuse: int = 0, *, wants: str = "", tls: ssl.SSLContext | None = None) -> None:
        self._refuse, self._wants, self._tls = refuse, wants, tls
        self.asked: list[str] = []
        self.heard = b""
        super().__init__(self._open_tunnel)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def _open_tunnel(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.enter_context(client)
            if self._tls:
                client = stack.enter_context(self._tls.wrap_socket(client, server_side=True))
            head = b""
            while b"\r\n\r\n" not in head:
                head += client.recv(4096) or b"\r\n\r\n"
            self.heard += head
            words = head.decode("latin-1").split()
            if len(words) < 2 or words[0] != "CONNECT":
                return
            self.asked.append(words[1])
            known = f"Proxy-Authorization: {self._wants}\r\n" in head.decode("latin-1")
            refuse = self._refuse or (407 if self._wants and not known else 0)
            if refuse:
                page = b"<html>the proxy says no</html>"
                status = f"HTTP/1.1 {refuse} No\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
                client.sendall(status.encode() + page)
                return
            host, _, port = words[1].rpartition(":")
            with socket.create_connection((host, int(port)), timeout=30) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pour, args=(server, client), daemon=True)
                back.start()
                _pour(client, server)
                back.join(30)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
