"""Progress on stderr: one redrawn line at a terminal, plain lines in a log, and nothing while nothing is slow."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.streams import write_text

if TYPE_CHECKING:
    from rich.console import Console

QUIET_SECONDS = 1.0
"""Seconds of silence before the first word."""
# CircleCI ends a step that has printed nothing for ten minutes, if not told otherwise (no_output_timeout).
HEARTBEAT_SECONDS = 15.0
"""Seconds between two lines in a log."""


class Progress:
    """Tells what goes on. Use it in a `with` statement; what it drew at a terminal is gone afterwards."""

    def __init__(
        self, session: Session, *, patience: float = QUIET_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._lines = session.stderr, session.traffic.lines
        self._can_redraw = session.can_redraw(session.stderr)
        self._color = session.choose_layout(session.stderr).color
        self._clock = clock
        self._next = clock() + patience
        self._status: Any = None

    def tell(self, line: str) -> None:
        """Show what is under way, if it takes long: in a log at most one line each quarter of a minute."""
        if self._can_redraw:
            self._draw(line)
        elif self._clock() >= self._next:
            self._next = self._clock() + HEARTBEAT_SECONDS
            self._write(line)

    def done(self, line: str) -> None:
        """Show what is finished: in a log always."""
        if self._can_redraw:
            self._draw(line)
        else:
            self._write(line)

    def _write(self, line: str) -> None:
        from reconciler.reports.layout import escape_ci_commands
        from reconciler.sanitize import escape_invisible

        # GitHub Actions reads its log for commands: a line that starts with `::` is one.
        write_text(self._stream, f"{escape_ci_commands(escape_invisible(line))}\n")

    def _draw(self, line: str) -> None:
        from rich.console import Console
        from rich.text import Text

        from reconciler.sanitize import escape_invisible

        with suppress(OSError):  # a terminal that has gone is no reason to stop
            if self._status is None:
                console = Console(file=self._stream, markup=False, highlight=False, no_color=not self._color)
                # Frames of ASCII: rich's own choice is braille, which a stream may be unable to encode.
                self._status = console.status("", spinner="line")
                self._status.start()
                self._lines.share(lambda text: _print_above(console, text))
            self._status.update(Text(escape_invisible(line)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._lines.share(None)
            with suppress(OSError):
                self._status.stop()


def _print_above(console: Console, text: str) -> None:
    from rich.text import Text

    with suppress(OSError):
        # Not wrapped by rich: the terminal does that, and what is copied stays one line.
        console.print(Text(text), soft_wrap=True)
