"""What a person sees of the requests: a line for each with -v, all of them as a file with --trace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO
from urllib.parse import urlsplit

from reconciler.cli.terminal.destinations import explain_unwritable
from reconciler.cli.terminal.stderr_lines import StderrLines
from reconciler.diagnostics import Diagnostic, Source

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.engine.declaration import RunInputs
    from reconciler.engine.traffic_log import TrafficLog
    from reconciler.transport.exchanges import TrafficWatch, WireExchange

_HAR_START = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"log"\s*:\s*\{|\Z)')
"""How an HTTP Archive begins, an empty file as well: one that mktemp has made."""
_LOOKED_AT = 4096
_LONGEST_LINE = 2000


class TracePlace(NamedTuple):
    """The file of a trace, and how it was typed."""

    path: Path
    label: str


class Traffic:
    """Watches the requests of one command as its options ask for it: nothing at all without them."""

    def __init__(self) -> None:
        self.lines = StderrLines()
        self.is_verbose = False
        self.trace: str | None = None
        self._place: TracePlace | None = None
        self._log: TrafficLog | None = None

    def make_watch(self, stderr: TextIO) -> TrafficWatch | None:
        """Return who is shown the requests of a run; None where nobody asked."""
        if not self.is_verbose and self._log is None:
            return None
        from reconciler.transport.exchanges import TrafficWatch

        log = self._log

        def show(target: str, redact: Callable[[str], str], exchange: WireExchange) -> None:
            if log is not None:
                log.add(target, redact, exchange)
            if self.is_verbose:
                self.lines.write(stderr, format_exchange(target, redact, exchange))

        return TrafficWatch(show)

    def open_trace(self, inputs: RunInputs, params: Mapping[str, Any]) -> None:
        """Begin to keep requests where --trace asks for it; `params` are the command's own, by their names.

        Raises UsageError for a place that a trace can't or shouldn't have, and as reading the settings does.
        """
        if self.trace is None:
            return
        from reconciler.engine.traffic_log import TrafficLog

        place = TracePlace(inputs.cwd / self.trace, self.trace)
        _check_place(place, inputs, params)
        self._place, self._log = place, TrafficLog()

    def write_trace(self, command: str, started: datetime) -> Diagnostic | None:
        """Write what was kept, if --trace asked for it; returns why that was not possible."""
        if self._place is None or self._log is None:
            return None
        from reconciler.reports.har import HarTitle, render_har
        from reconciler.state.atomic import replace_file

        try:
            title = HarTitle(f"reconciler {command}", started)
            document = render_har(title, self._log.entries, self._log.redact, self._log.left_out)
            replace_file(self._place.path, document.encode("ascii"))
        except OSError as error:
            summary = f"the trace can't be written: {error.strerror or type(error).__name__}"
            return describe_lost_trace(self._place.label, summary)
        return None

    @property
    def label(self) -> str:
        """The trace's file as it was typed, "" for none."""
        return self._place.label if self._place else ""


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


def _check_place(place: TracePlace, inputs: RunInputs, params: Mapping[str, Any]) -> None:
    from reconciler.engine.declaration import read_settings
    from reconciler.errors import UsageError

    cwd, config = inputs.cwd, params.get("config")
    manifests = read_settings(inputs, config).manifests
    folders = [*(cwd / path for path in params.get("paths") or ()), manifests]
    others = [cwd / file for file in (params.get("out"), config) if isinstance(file, str) and file]
    problem = _explain_no_place(place) or _find_clash(place, others, folders) or _check_former_file(place)
    if problem:
        raise UsageError(problem)


def _explain_no_place(place: TracePlace) -> Diagnostic | None:
    """Say why no file can be written there, where that is so."""
    path, label = place
    if not label or label == "-":
        summary, remedy = "--trace needs a file of its own", "name one, such as trace.har"
        return Diagnostic("usage.invalid-trace", Source("--trace"), summary, remedy=remedy)
    if cause := explain_unwritable(path) or _explain_locked_folder(path.parent):
        remedy = "give --trace a file in a folder that exists, where you may write"
        return Diagnostic("usage.unwritable", Source(label), f"can't be written: {cause}", remedy=remedy)
    return None


def _find_clash(place: TracePlace, others: Sequence[Path], folders: Sequence[Path]) -> Diagnostic | None:
    """Say what a file there would be taken for, where that is so; `folders` are where manifests lie, or are some."""
    from os.path import realpath

    from reconciler.manifests.discovery import would_read

    path, label = place
    if path.suffix.lower() in {".yaml", ".yml"} or any(would_read(folder, path) for folder in folders):
        summary = "--trace would be read as a manifest"
        reason, remedy = "every run from then on would refuse it", "name it otherwise, such as trace.har"
        return Diagnostic("usage.invalid-trace", Source(label), summary, reason, remedy)
    if realpath(path) in map(realpath, others):
        summary, remedy = "this command reads or writes that file itself", "name another file, such as trace.har"
        return Diagnostic("usage.invalid-trace", Source(label), summary, remedy=remedy)
    return None


def _explain_locked_folder(folder: Path) -> str:
    from os import W_OK, X_OK, access

    return "" if access(folder, W_OK | X_OK) else "nobody may write in its folder"


def _check_former_file(place: TracePlace) -> Diagnostic | None:
    """Refuse to write over what is no trace: a slip of the fingers must not cost a file."""
    path, label = place
    try:
        if not path.exists():
            return None
        with path.open("rb") as file:
            is_har = _HAR_START.match(file.read(_LOOKED_AT)) is not None
    except OSError as error:
        summary = f"what is there can't be looked at: {error.strerror or type(error).__name__}"
        return Diagnostic("usage.unwritable", Source(label), summary, remedy="name another file")
    if is_har:
        return None
    summary, reason = "is there already and is no HTTP Archive", "--trace writes over earlier traces alone"
    return Diagnostic("usage.invalid-trace", Source(label), summary, reason, "name another file, such as trace.har")
