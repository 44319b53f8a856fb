"""Whole lines on stderr from any thread, above the progress line where one is drawn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TextIO

from reconciler.cli.terminal.streams import write_text


class StderrLines:
    """Writes lines, each at once. Who redraws a line of its own says how to write above it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._write_above: Callable[[str], None] | None = None

    def share(self, write_above: Callable[[str], None] | None) -> None:
        """Write so from now on; None once no line is redrawn any more."""
        self._write_above = write_above

    def write(self, stream: TextIO, line: str) -> None:
        """Write a line that is harmless already."""
        with self._lock:
            if (write_above := self._write_above) is None:
                write_text(stream, f"{line}\n")
                return
            encoding = stream.encoding or "utf-8"
            write_above(line.encode(encoding, "backslashreplace").decode(encoding))
