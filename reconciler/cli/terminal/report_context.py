"""What a report tells of the run beside its result: when and how long, of what, and where else to look."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.terminal.command_words import list_operands, list_option_values

if TYPE_CHECKING:
    from pathlib import Path

    import click

    from reconciler.cli.terminal.context import Session
    from reconciler.reports.formats import FormatContext

_SELECTING = ("--config", "--only", "--exclude", "--label", "--object")
"""Options that say what a run is about, beside its environment and its targets."""


def build_context(session: Session, command: click.Command, argv: Sequence[str]) -> FormatContext:
    """Return what the formats may need. Raises UsageError where the current folder is gone."""
    from reconciler import __version__
    from reconciler.reports.formats import FormatContext

    return FormatContext(
        session.moment,
        time.perf_counter() - session.started,
        session.traffic.requests,
        __version__,
        scope=_describe_scope(command, argv),
        folder=_find_folder(session.cwd),
        settings_file=(list_option_values(argv, "--config") or ["reconciler.yaml"])[-1],
        whole_result=", ".join(_list_whole_places(session, argv)),
        link=session.alerts.find_link(session.env),
    )


def _describe_scope(command: click.Command, argv: Sequence[str]) -> str:
    """Name what a run is about by its words alone, so that it is the same whatever the run comes to."""
    from hashlib import sha256

    environments, targets = (sorted(set(list_option_values(argv, option))) for option in ("--environment", "--target"))
    selecting = [f"{option}={value}" for option in _SELECTING for value in list_option_values(argv, option)]
    # Of reports that are merged the names say nothing: a fleet's report is the same however it came about.
    takes_reports = any(param.name == "report_files" for param in command.params)
    operands = [] if takes_reports else list_operands(argv, command)
    words = "\0".join([*sorted(selecting), *operands])
    digest = f"-{sha256(words.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}" if words else ""
    return f"{','.join([*environments, *targets]) or 'all'}{digest}"


def _find_folder(cwd: Path) -> str:
    """Return the way from the repository's root to the current folder; "" outside of one."""
    for folder in (cwd, *cwd.parents):
        # A work tree of its own has a file there, which says where its repository is.
        if (folder / ".git").exists():
            path = cwd.relative_to(folder).as_posix()
            return "" if path == "." else path
    return ""


def _list_whole_places(session: Session, argv: Sequence[str]) -> Iterator[str]:
    """Yield where a reader finds all of a result, of which a report may have to leave something out."""
    for wish in session.reports.files:
        if wish.format == "json":
            yield wish.file
    yield from list_option_values(argv, "--out")[-1:]
