"""Progress on stderr: one redrawn line at a terminal, plain lines in a log, and nothing while nothing is slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from reconciler.cli.context import Session
from reconciler.cli.output import write

PATIENCE = 1.0
"""Seconds of silence before the first word."""
# CircleCI ends a step that has printed nothing for ten minutes, if not told otherwise (no_output_timeout).
HEARTBEAT = 15.0
"""Seconds between two lines in a log."""


class Progress:
    """Tells what goes on. Use it in a `with` statement; what it drew at a terminal is gone afterwards."""

    def __init__(
        self, session: Session, *, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream = session.stderr
        self._redraws = session.redraws(session.stderr)
        self._color = session.look(session.stderr).color
        self._clock = clock
        self._next = clock() + patience
        self._status: Any = None

    def tell(self, line: str) -> None:
        """Show what is under way, if it takes long: in a log at most one line each quarter of a minute."""
        if self._redraws:
            self._draw(line)
        elif self._clock() >= self._next:
            self._next = self._clock() + HEARTBEAT
            self._write(line)

    def done(self, line: str) -> None:
        """Show what is finished: in a log always."""
        if self._redraws:
            self._draw(line)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        from reconciler.reports.layout import escape_ci_commands
        from reconciler.sanitize import visible

        write(self._stream, f"{escape_ci_commands(visible(line))}\n")

    def _draw(self, line: str) -> None:
        from rich.console import Console
        from rich.text import Text

        from reconciler.sanitize import visible

        with suppress(OSError):  # a terminal that has gone is no reason to stop
            if self._status is None:
                console = Console(file=self._stream, markup=False, highlight=False, no_color=not self._color)
                # Frames of ASCII: rich's own choice is braille, which a stream may be unable to encode.
                self._status = console.status("", spinner="line")
                self._status.start()
            self._status.update(Text(visible(line)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            with suppress(OSError):
                self._status.stop()
