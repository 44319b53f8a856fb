"""`--report FORMAT=FILE`: what is wished for, checked before anything is read, written whatever the run came to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli.terminal.destinations import FilePurpose, NeighbourFiles, OutputFile, check_output_file
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError, describe_internal_error

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.reports.formats import FormatContext
    from reconciler.reports.run_report import RunReport

REPORTING_COMMANDS = frozenset({"validate", "plan", "apply", "drift", "show", "history", "report", "merge"})
"""The commands that have the option."""
_OPTION = "--report"
_RULE = "usage.invalid-report"
_MAX_FORMER_BYTES = 1 << 20
_MAX_SUMMARY_BYTES = 1 << 20
"""Of the page of one step; GitHub shows nothing of a larger one."""


class ReportWish(NamedTuple):
    """One report: its format and its file, both as they were typed."""

    format: str
    file: str

    @property
    def is_stdout(self) -> bool:
        """True for the one that takes the place of the text."""
        return self.file == "-"


class ReportFiles:
    """The reports of one command, as its options ask for them; `wishes` are the words after each --report."""

    def __init__(self, wishes: Sequence[str] = (), *, json: bool = False) -> None:
        self.wishes = tuple(ReportWish(*word.partition("=")[::2]) for word in wishes)
        self._json = json
        self._outputs: dict[ReportWish, OutputFile] = {}
        self._is_checked = False
        self._formers: dict[ReportWish, str] = {}

    @property
    def on_stdout(self) -> str:
        """The format of the report that takes the place of the text on stdout, "" for none."""
        formats = [wish.format for wish in self.wishes if wish.is_stdout]
        return (
            formats[0]
            if formats and not self._explain_stdout() and not _explain_format(ReportWish(formats[0], "-"))
            else ""
        )

    @property
    def files(self) -> Mapping[ReportWish, OutputFile]:
        """The reports that have a place, each with it."""
        return self._outputs

    def read_former(self, wish: ReportWish) -> str:
        """Return what an earlier run left there, however often this one has written meanwhile; "" for nothing."""
        if wish not in self._formers:
            self._formers[wish] = _read_former_text(self._outputs[wish].path)
        return self._formers[wish]

    def list_paths(self, cwd: Path) -> list[Path]:
        """Return the files that are to be written."""
        return [cwd / wish.file for wish in self.wishes if wish.file and not wish.is_stdout]

    def open_files(self, cwd: Path, neighbours: NeighbourFiles) -> None:
        """Look at each place; raises UsageError with all that is wrong, having kept what can be written."""
        self._is_checked = True
        problems = [problem for wish in self.wishes if (problem := self._check_wish(wish, cwd, neighbours))]
        if problem := self._explain_stdout():
            problems.append(problem)
        if problems:
            raise UsageError(*problems)

    def open_unchecked_files(self, cwd: Path, operands: Sequence[str]) -> None:
        """Take the places that can be taken where the command line or the settings were not even understood."""
        paths = [cwd / name for name in ("manifests", *operands)]
        for wish in self.wishes if not self._is_checked else ():
            self._check_wish(wish, cwd, NeighbourFiles(paths, paths))

    def _check_wish(self, wish: ReportWish, cwd: Path, neighbours: NeighbourFiles) -> Diagnostic | None:
        """Keep the place of a report, or return what is wrong with it."""
        if problem := _explain_format(wish):
            return problem
        if wish.is_stdout:
            return None
        output = OutputFile(cwd / wish.file, wish.file, _find_purpose(wish.format))
        problem = check_output_file(output, neighbours) or self._explain_shared_file(output, wish, cwd)
        if problem is None:
            self._outputs[wish] = output
        return problem

    def _explain_shared_file(self, output: OutputFile, wish: ReportWish, cwd: Path) -> Diagnostic | None:
        from os.path import realpath

        other_files = (cwd / other.file for other in self.wishes if other.file != "-" and other is not wish)
        if realpath(output.path) not in map(realpath, other_files):
            return None
        remedy = f"name another file, such as {output.purpose.example}"
        return Diagnostic(_RULE, Source(output.label), "another report goes to that file as well", remedy=remedy)

    def _explain_stdout(self) -> Diagnostic | None:
        number = sum(wish.is_stdout for wish in self.wishes)
        if number + self._json <= 1 or not number:
            return None
        other = "--format json" if self._json else "another report"
        summary = f"stdout can take one document, and {other} goes there as well"
        return Diagnostic(_RULE, Source(_OPTION), summary, remedy="give all but one of them a file")


def write_reports(reports: ReportFiles, report: RunReport, context: FormatContext) -> list[Diagnostic]:
    """Write each report whole or not at all, whatever happens to the others; returns why some could not be."""
    from reconciler.reports.formats import FORMATS

    problems = []
    for wish, output in reports.files.items():
        try:
            former = reports.read_former(wish) if FORMATS[wish.format].needs_former else ""
            _write_report(wish, output, report, context._replace(former=former))
        except OSError as error:
            cause = error.strerror or type(error).__name__
            problems.append(describe_lost_report(wish.file, f"the report can't be written: {cause}"))
        except KeyboardInterrupt:  # somebody insists, and the answer itself matters more
            problems.append(describe_lost_report(wish.file, "the report was broken off"))
        except Exception as fault:  # noqa: BLE001 - a report that can't be drawn must not cost the others
            problems.append(describe_internal_error(fault))
    return problems


def write_job_summary(reports: ReportFiles, report: RunReport, context: FormatContext, path: str) -> list[Diagnostic]:
    """Add Markdown to GitHub's page of a job, where its commands are wished for; returns why that was not possible."""
    if not path or all(wish.format != "github" for wish in reports.wishes):
        return []
    from pathlib import Path

    from reconciler.reports.formats import FORMATS
    from reconciler.state.atomic import append_to_file

    try:
        text = FORMATS["markdown"].render(report, context)
        append_to_file(Path(path), f"{text}\n".encode(), _MAX_SUMMARY_BYTES)
    except OSError as error:
        summary = f"the job's summary can't be written: {error.strerror or type(error).__name__}"
        return [describe_lost_report("GITHUB_STEP_SUMMARY", summary)]
    except Exception as fault:  # noqa: BLE001 - a page that can't be drawn must not cost the answer
        return [describe_internal_error(fault)]
    return []


def describe_lost_report(label: str, summary: str) -> Diagnostic:
    """Say that there is no report of a run, which is as it was."""
    reason, remedy = "what the run did is told all the same", "make room or name another place"
    return Diagnostic("output.unwritable", Source(label), summary, reason, remedy)


def _write_report(wish: ReportWish, output: OutputFile, report: RunReport, context: FormatContext) -> None:
    from reconciler.reports.formats import FORMATS
    from reconciler.state.atomic import replace_file

    drawn = FORMATS[wish.format]
    replace_file(output.path, drawn.render(report, context).encode("utf-8"), mode=drawn.mode)


def _read_former_text(path: Path) -> str:
    """Return the beginning of what was there before, "" for nothing."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FORMER_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


def _explain_format(wish: ReportWish) -> Diagnostic | None:
    """Say what is wrong with how a report is asked for, where something is."""
    from reconciler.documents.suggestions import find_nearest
    from reconciler.reports.formats import FORMATS
    from reconciler.sanitize import escape_and_shorten

    names = ", ".join(FORMATS)
    if wish.format not in FORMATS:
        nearest = find_nearest(wish.format, FORMATS)
        remedy = f'did you mean "{nearest}"? There are: {names}' if nearest else f"there are: {names}"
        summary = f"{escape_and_shorten(wish.format)!r} is no format of a report"
        return Diagnostic(_RULE, Source(_OPTION), summary, remedy=remedy)
    if not wish.file:
        summary, remedy = f"--report {wish.format} needs a file", f"say --report {wish.format}=FILE, or - for stdout"
        return Diagnostic(_RULE, Source(_OPTION), summary, remedy=remedy)
    package = FORMATS[wish.format].package
    if package and not find_spec(package):
        summary, reason = f"the package {package} is not installed", f"without it no {wish.format} can be drawn"
        remedy = f"pip install 'pki-reconciler[{wish.format}]'"
        return Diagnostic("usage.missing-extra", Source(f"{_OPTION} {wish.format}"), summary, reason, remedy)
    return None


def _find_purpose(format_: str) -> FilePurpose:
    from reconciler.reports.formats import FORMATS

    # An empty file is one that mktemp has made.
    former = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:" + FORMATS[format_].start + rb"|\Z)", re.IGNORECASE)
    return FilePurpose(_OPTION, _RULE, f"report in the format {format_}", "reports", former, FORMATS[format_].example)
