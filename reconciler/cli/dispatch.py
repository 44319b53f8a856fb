"""From argv to an exit code. Whatever happens inside a command, it ends here: one answer, one code, no traceback."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

import click

from reconciler.cli.commands import cli
from reconciler.cli.terminal.alerts import BROKEN_OFF_ALERTS
from reconciler.cli.terminal.command_words import list_operands, list_option_values
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import (
    CommandResult,
    build_run_report,
    print_plain_result,
    print_result,
    weigh_lost_result,
)
from reconciler.cli.terminal.report_files import (
    REPORTING_COMMANDS,
    ReportFiles,
    describe_lost_report,
    write_job_summary,
    write_reports,
)
from reconciler.cli.terminal.streams import read_piped_bytes, write_text
from reconciler.cli.terminal.telemetry import BROKEN_OFF_TRACE
from reconciler.cli.terminal.traffic import describe_lost_trace
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import Exit, ReconcilerError, describe_internal_error

if TYPE_CHECKING:
    from reconciler.engine.timing import Timing
    from reconciler.fleet.task_check import TaskCheck
    from reconciler.reports.formats import FormatContext
_REPORT = "--report"
_COMMAND_LINE = Source("command line")
_INTERRUPTED_REPORT = (
    f"the report was broken off and may be incomplete\nexit {Exit.INTERRUPTED:d}: {Exit.INTERRUPTED.word}\n"
)


def run_command_line(
    argv: Sequence[str],
    env: Mapping[str, str] | None,
    stdout: TextIO,
    stderr: TextIO,
    stdin: TextIO,
    timing: Timing | None = None,
    task: TaskCheck | None = None,
) -> int:
    """Run one command, print its answer, and return its exit code. Nothing is raised."""
    # Read even where the rest can't be parsed: a usage error is answered in the format asked for. Where an option is
    # repeated, click takes the last one.
    is_json = list_option_values(argv, "--format")[-1:] == ["json"]
    reports = ReportFiles(_list_wishes(argv), json=is_json)
    session = Session(
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        # Read once: what `expires` today must not expire in the middle of a run that passes midnight.
        now=time.time(),
        environment=env,
        started=time.perf_counter(),
        json=is_json,
        plain="--no-color" in argv,
        run_command=run_command_line,
        timing=timing,
        reports=reports,
        read_standard_input=functools.cache(functools.partial(read_piped_bytes, stdin)),
        task=task,
    )
    with session.stops.handle_signals():
        return _run_and_print(argv, session)


def _run_and_print(argv: Sequence[str], session: Session) -> int:
    command = _find_command(argv)
    session.traffic.is_counted = bool(session.reports.wishes)
    try:
        result = _invoke_command(argv, session)
    except click.exceptions.Exit as early_exit:  # --help and --version: nothing was run
        return early_exit.exit_code
    session.stops.begin_reporting()
    result = _name_environment(argv, command, result)
    result = _tell_others(session, command, _add_trace(session, command, result))
    result, context = _add_reports(session, argv, result)
    try:
        told = print_result(session, command, result, context)
        if context is not None and told is not result:  # stdout took no more, and no report calls that a success
            write_reports(session.reports, build_run_report(command, told), context)
        return int(told.exit)
    except KeyboardInterrupt:  # somebody insists, as where nobody reads what is written
        write_text(session.stderr, session.end_echoed_line(session.stderr) + _INTERRUPTED_REPORT)
        return int(Exit.INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 - a report that can't be drawn is a bug, and has to be told as one
        result = CommandResult(Exit.INTERNAL, problems=(describe_internal_error(fault),))
        result, context = _add_reports(session, argv, result)
        print_plain_result(session, command, result, context)
    return int(result.exit)


def _name_environment(argv: Sequence[str], command: str, result: CommandResult) -> CommandResult:
    """Say in the report of a comparison for which environment it was: what others declare is another matter."""
    names = list_option_values(argv, "--environment")[-1:] if command in {"plan", "drift", "apply"} else []
    return result._replace(extra={"environment": names[0], **result.extra}) if names and result.plan else result


def _find_command(argv: Sequence[str]) -> str:
    return next((word for word in argv if word in cli.commands), "reconciler")


def _list_wishes(argv: Sequence[str]) -> list[str]:
    return list_option_values(argv, _REPORT) if _find_command(argv) in REPORTING_COMMANDS else []


def _add_reports(
    session: Session, argv: Sequence[str], result: CommandResult
) -> tuple[CommandResult, FormatContext | None]:
    """Write the reports of a run, however it ended; returns what another one on stdout needs to know.

    Where one can't be written the result says so, and so do the others.
    """
    if not session.reports.wishes:
        return result, None
    from reconciler.cli.terminal.report_context import build_context

    context = None
    try:
        command = _find_command(argv)
        context = build_context(session, cli.commands[command], argv)
        session.reports.open_unchecked_files(session.cwd, list_operands(argv, cli.commands[command]))
        if problems := write_reports(session.reports, build_run_report(command, result), context):
            result = result._replace(exit=weigh_lost_result(result), notes=(*result.notes, *problems))
            write_reports(session.reports, build_run_report(command, result), context)
        report, summary_file = build_run_report(command, result), session.env.get("GITHUB_STEP_SUMMARY", "")
        problems = write_job_summary(session.reports, report, context, summary_file)
        result = result._replace(notes=(*result.notes, *problems))
    except ReconcilerError as error:  # the current folder is gone
        result = result._replace(exit=weigh_lost_result(result), notes=(*result.notes, *error.problems))
    except KeyboardInterrupt:  # somebody insists, and the answer itself matters more
        problem = describe_lost_report(_REPORT, "the reports were broken off")
        result = result._replace(exit=weigh_lost_result(result), notes=(*result.notes, problem))
    return result, context


def _add_trace(session: Session, command: str, result: CommandResult) -> CommandResult:
    """Write the trace of a run, however it ended; where that fails the result says so, and is what it was."""
    try:
        problem = session.traffic.write_trace(command, session.moment)
    except KeyboardInterrupt:  # somebody insists, and the report matters more
        problem = describe_lost_trace(session.traffic.label, "the trace was broken off")
    except Exception as fault:  # noqa: BLE001 - a trace that can't be drawn must not cost the report
        problem = describe_internal_error(fault)
    if problem is None:
        return result
    return result._replace(exit=weigh_lost_result(result), notes=(*result.notes, problem))


def _tell_others(session: Session, command: str, result: CommandResult) -> CommandResult:
    """Tell whom the settings name, and a collector; what comes of that is a note, and the result is what it was."""
    notes: list[Diagnostic] = []

    def is_hurried() -> bool:
        return result.exit is Exit.INTERRUPTED or session.stops.is_hurried()

    for tell, broken_off in (
        (functools.partial(session.alerts.send, command, result, session.env, is_hurried), BROKEN_OFF_ALERTS),
        (functools.partial(session.telemetry.send, command, result, session.now, is_hurried), BROKEN_OFF_TRACE),
    ):
        try:
            notes += tell()
        except KeyboardInterrupt:  # somebody insists, and the report matters more
            notes.append(broken_off)
        except Exception as fault:  # noqa: BLE001 - a message that can't be made must not cost the report
            notes.append(replace(describe_internal_error(fault), severity=Severity.NOTE))
    return result._replace(notes=(*result.notes, *notes)) if notes else result


def _invoke_command(argv: Sequence[str], session: Session) -> CommandResult:
    """Run the command; every way in which it can end becomes an answer."""
    try:
        # Not click's main(): it prints errors itself and exits with 2 for a usage error, which here means `changes`.
        with cli.make_context("reconciler", list(argv), obj=session) as context:
            result: CommandResult = cli.invoke(context)
            return result
    except ReconcilerError as error:
        return CommandResult(error.exit, problems=error.problems)
    except click.ClickException as error:
        return CommandResult(Exit.USAGE, problems=(_describe_usage_error(error),))
    except (KeyboardInterrupt, click.Abort):
        write_text(session.stderr, session.end_echoed_line(session.stderr))
        return CommandResult(Exit.INTERRUPTED)
    # A RuntimeError, raised for --help: the clause below would take it for a bug.
    except click.exceptions.Exit:
        raise
    except Exception as fault:  # noqa: BLE001 - the last resort: no traceback reaches a user
        return CommandResult(Exit.INTERNAL, problems=(describe_internal_error(fault),))


def _describe_usage_error(error: click.ClickException) -> Diagnostic:
    """Say what is wrong with the command line, and where to read on."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "reconciler"
    message = error.format_message().strip().rstrip(".")
    # Some releases of click put their suggestion in parentheses, some don't.
    suggestion = re.search(r"\.?\s*\(?Did (you mean [^?]*\?)\)?$", message)
    summary = message[: suggestion.start()] if suggestion else message
    remedy = f"did {suggestion[1]} See `{path} --help`" if suggestion else f"see `{path} --help`"
    return Diagnostic(
        "usage.command-line", _COMMAND_LINE, f"{summary[:1].lower()}{summary[1:]}", "nothing was done", remedy
    )
