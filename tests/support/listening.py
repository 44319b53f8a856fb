"""A socket on loopback whose connections are served by threads, and which is really gone at the end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Listener:
    """Listens from its making to `close`; each connection is handed to `serve`, in a thread of its own.

    Closing a socket in whose accept() a thread waits neither wakes that thread nor ends the listening; and a thread
    that is only about to wait would wait on whatever gets the same descriptor next. So: shut, wait for it, close.
    """

    def __init__(self, serve: Callable[[socket.socket], None], listener: socket.socket | None = None) -> None:
        self._serve = serve
        self._socket = listener or socket.create_server(("127.0.0.1", 0))
        self._loop = threading.Thread(target=self._accept, daemon=True)
        self._loop.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._socket.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Listen no more; what connects is refused. Connections that stand go on."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._loop.join(60)
        assert not self._loop.is_alive(), "a thread still waits for connections"
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()
