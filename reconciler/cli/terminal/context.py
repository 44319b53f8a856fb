"""What a command may know of the process that it runs in: streams, environment, folder and time."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from reconciler.cli.terminal.alerts import Alerts
from reconciler.cli.terminal.report_files import ReportFiles
from reconciler.cli.terminal.telemetry import Telemetry
from reconciler.cli.terminal.traffic import Traffic
from reconciler.engine.interrupts import StopSignals

if TYPE_CHECKING:
    from datetime import date, datetime
    from pathlib import Path

    from reconciler.engine.declaration import RunInputs
    from reconciler.engine.timing import Timing
    from reconciler.fleet.task_check import TaskCheck
    from reconciler.reports.layout import Layout


@dataclass(frozen=True, slots=True)
class Session:
    """One run of the command line. `now` is in seconds since the epoch, `started` what the performance counter said.

    `environment` holds the variables, or None for the process's own, which is read when it is asked for. `stops` is
    told how far the run has come, and tells whether it is to end. `run_command` runs another command line (argv,
    environment, stdout, stderr, stdin), as the demo does. `timing` is how time passes where that is not the clock's,
    `read_standard_input` gives the same bytes however often it is asked, `traffic` is who sees the requests, and
    `reports` are those to be written beside the answer, or in the place of its text. `alerts` is who is told of the
    run, and `telemetry` watches its phases. A run that is a fleet's task is held to it by `task`, and tells nobody but
    whoever began the fleet.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    now: float
    environment: Mapping[str, str] | None = None
    started: float = 0.0
    json: bool = False
    plain: bool = False
    stops: StopSignals = field(default_factory=StopSignals)
    run_command: Callable[..., int] = field(default=lambda *_: 0)
    timing: Timing | None = None
    read_standard_input: Callable[[], bytes] | None = None
    traffic: Traffic = field(default_factory=Traffic)
    reports: ReportFiles = field(default_factory=ReportFiles)
    alerts: Alerts = field(default_factory=Alerts)
    telemetry: Telemetry = field(default_factory=Telemetry)
    task: TaskCheck | None = None

    @property
    def has_document(self) -> bool:
        """True where stdout takes a document for a program, so that a person is told on stderr."""
        return self.json or bool(self.reports.on_stdout)

    @property
    def env(self) -> Mapping[str, str]:
        """The environment variables."""
        if self.environment is not None:
            return self.environment
        from reconciler.settings.load import read_process_environment

        return read_process_environment()

    @property
    def cwd(self) -> Path:
        """The current folder."""
        from pathlib import Path

        try:
            return Path.cwd()
        # getcwd() says ENOENT in a folder that was removed while a shell stood in it.
        except OSError:
            from reconciler.diagnostics import Diagnostic, Source
            from reconciler.errors import UsageError

            summary, remedy = "the current folder is gone, so nothing can be found from it", "go to one that is there"
            problem = Diagnostic("usage.no-current-folder", Source("reconciler"), summary, remedy=remedy)
            raise UsageError(problem) from None

    @property
    def inputs(self) -> RunInputs:
        """What the engine may know of the process."""
        from reconciler.engine.declaration import RunInputs
        from reconciler.engine.timing import REAL_TIME
        from reconciler.kinds.registry import KINDS

        timing, watch = self.timing or REAL_TIME, self.traffic.make_watch(self.stderr, self.telemetry.on_exchange)
        return RunInputs(
            *(self.env, self.cwd, self.today, KINDS, self.now, timing, self.read_standard_input, watch),
            phases=self.telemetry.phases,
            on_settings=self.task.check_settings if self.task else self.alerts.note_settings,
            on_manifests=self.task.check_manifests if self.task else lambda _digest: None,
            on_slowdown=self._note,
            target=self.task.target if self.task else "",
            held=self.task.held if self.task else None,
        )

    def _note(self, line: str) -> None:
        """Write a line to stderr, from any thread."""
        from reconciler.reports.layout import sanitize_message

        self.traffic.lines.write(self.stderr, sanitize_message(line))

    @property
    def moment(self) -> datetime:
        """The time in UTC."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self.now, UTC)

    @property
    def today(self) -> date:
        """The day in UTC, which is what `expires` means."""
        return self.moment.date()

    @property
    def can_ask(self) -> bool:
        """True if a person can be asked: nobody answers a pipe, and nobody should answer for a person."""
        return _is_terminal(self.stdin) and _is_terminal(self.stderr)

    def end_echoed_line(self, stream: TextIO) -> str:
        """Return what ends the line on which a terminal has echoed `^C`, so that the next words have their own."""
        return "\n" if _is_terminal(stream) else ""

    def can_redraw(self, stream: TextIO) -> bool:
        """True if a line on this stream may be drawn over: a terminal that can, and no CI log."""
        # terminfo's `dumb` can't move its cursor. CI=true is set by GitHub, GitLab and CircleCI among others, and some
        # of them give a job a pseudo-terminal.
        return _is_terminal(stream) and self.env.get("TERM") != "dumb" and not self.env.get("CI")

    def choose_layout(self, stream: TextIO) -> Layout:
        """Return what the reader of a stream can be shown: colour, and the width to keep to (none for pipes)."""
        from reconciler.reports.layout import Layout

        return Layout(_measure_width(stream, self.env) if _is_terminal(stream) else 0, self._color(stream))

    def _color(self, stream: TextIO) -> bool:
        """The flag outranks NO_COLOR, which outranks FORCE_COLOR, which outranks what the stream is."""
        # no-color.org: set and not empty, whatever the value.
        if self.plain or self.env.get("NO_COLOR"):
            return False
        # bixense.com/clicolors: CLICOLOR_FORCE is a wish unless it is 0. supports-color reads FORCE_COLOR so too.
        if any(self.env.get(name, "0") not in {"", "0"} for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            return True
        return _is_terminal(stream) and self.env.get("TERM") != "dumb"


def _is_terminal(stream: TextIO) -> bool:
    # isatty() of a closed stream raises ValueError.
    return not stream.closed and stream.isatty()


def _measure_width(stream: TextIO, env: Mapping[str, str]) -> int:
    columns = env.get("COLUMNS", "")
    # Shells don't export COLUMNS, so here it is somebody's wish. isdigit() alone takes a superscript two.
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    try:
        # shutil's function of that name asks about the process's stdout, not this stream.
        return os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0
