"""What a person sees of the requests: a line for each with -v, all of them as a file with --trace."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

from reconciler.cli.terminal.destinations import FilePurpose, NeighbourFiles, OutputFile, check_output_file
from reconciler.cli.terminal.stderr_lines import StderrLines
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.engine.declaration import RunInputs
    from reconciler.engine.traffic_log import TrafficLog
    from reconciler.transport.exchanges import TrafficWatch, WireExchange

_HAR_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"log"\s*:\s*\{|\Z)')
"""How an HTTP Archive begins, an empty file as well: one that mktemp has made."""
_TRACE = FilePurpose("--trace", "usage.invalid-trace", "HTTP Archive", "traces", _HAR_START, "trace.har")
_LONGEST_LINE = 2000


class Traffic:
    """Watches the requests of one command as its options ask for it: nothing at all without them."""

    def __init__(self) -> None:
        self.lines = StderrLines()
        self.is_verbose = False
        self.trace: str | None = None
        self.is_counted = False
        self._asked_targets: list[str] = []
        self._output: OutputFile | None = None
        self._log: TrafficLog | None = None

    def make_watch(self, stderr: TextIO, on_exchange: Callable[..., None] | None = None) -> TrafficWatch | None:
        """Return who is shown the requests of a run, `on_exchange` among them; None where nobody asked."""
        if not (self.is_verbose or self.is_counted or on_exchange) and self._log is None:
            return None
        from reconciler.transport.exchanges import TrafficWatch

        log = self._log

        def show(target: str, redact: Callable[[str], str], exchange: WireExchange) -> None:
            self._asked_targets.append(target)
            if log is not None:
                log.add(target, redact, exchange)
            if on_exchange is not None:
                on_exchange(target, redact, exchange)
            if self.is_verbose:
                self.lines.write(stderr, format_exchange(target, redact, exchange))

        return TrafficWatch(show)

    def open_trace(self, inputs: RunInputs, neighbours: NeighbourFiles) -> None:
        """Begin to keep requests where --trace asks for it, in a file beside those that the command uses itself.

        Raises UsageError for a place that a trace can't or shouldn't have.
        """
        if self.trace is None:
            return
        from reconciler.engine.traffic_log import TrafficLog

        output = OutputFile(inputs.cwd / self.trace, self.trace, _TRACE)
        if problem := check_output_file(output, neighbours):
            raise UsageError(problem)
        self._output, self._log = output, TrafficLog()

    def write_trace(self, command: str, started: datetime) -> Diagnostic | None:
        """Write what was kept, if --trace asked for it; returns why that was not possible."""
        if self._output is None or self._log is None:
            return None
        from reconciler.reports.har import HarTitle, render_har
        from reconciler.state.atomic import replace_file

        try:
            title = HarTitle(f"reconciler {command}", started)
            document = render_har(title, self._log.entries, self._log.redact, self._log.left_out)
            replace_file(self._output.path, document.encode("ascii"))
        except OSError as error:
            summary = f"the trace can't be written: {error.strerror or type(error).__name__}"
            return describe_lost_trace(self._output.label, summary)
        return None

    @property
    def requests(self) -> int:
        """How many requests were made, where anybody watches them."""
        return len(self._asked_targets)

    @property
    def label(self) -> str:
        """The trace's file as it was typed, "" for none."""
        return self._output.label if self._output else ""


def describe_lost_trace(label: str, summary: str) -> Diagnostic:
    """Say that there is no trace of a run, which is as it was."""
    reason, remedy = "what the run did is told all the same", "make room or name another place"
    return Diagnostic("output.unwritable", Source(label), summary, reason, remedy)


def format_exchange(target: str, redact: Callable[[str], str], exchange: WireExchange) -> str:
    """Return one request as a line: what was asked for, what came of it, how long it took, what the server calls it."""
    from reconciler.credentials.secret_members import hide_secret_members
    from reconciler.reports.layout import sanitize_message
    from reconciler.sanitize import escape_and_shorten

    parts = urlsplit(exchange.url)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    status = str(exchange.head.status) if exchange.head else "no answer"
    facts = [f"{target} {exchange.method} {path} -> {status}, {exchange.seconds * 1000:.0f} ms"]
    facts += [f"request id {escape_and_shorten(exchange.request_id, 100)}"] if exchange.request_id else []
    facts += [exchange.failure] if exchange.failure else []
    line = hide_secret_members(redact(", ".join(facts)))
    return sanitize_message(escape_and_shorten(line, _LONGEST_LINE))
