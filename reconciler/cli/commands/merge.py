"""`reconciler merge REPORT...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult, build_result
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.reports.fleet_facts import FleetFacts
    from reconciler.reports.run_report import RunReport

_STANDARD_INPUT = "-"


@options.command()
@click.argument("report_files", nargs=-1, required=True, metavar="REPORT...")
@options.report
@options.output
@click.pass_obj
def command(session: Session, /, report_files: tuple[str, ...]) -> CommandResult:
    """Tell JSON reports of parts of one run, such as shards, as one.

    A report is a file that plan, drift or apply wrote with `--report json=FILE`, or `-` for what is piped in. The
    result is that of the one run, to the byte and in every format, and so is the exit code.
    """
    from reconciler.reports.merge_obstacles import list_merge_obstacles
    from reconciler.reports.merged_report import merge_reports

    reports: list[tuple[str, RunReport]] = []
    problems: list[Diagnostic] = []
    for name in report_files:
        try:
            reports.append((name, _read_report_file(session, name)))
        except UsageError as error:
            problems += error.problems
    if problems := [*problems, *list_merge_obstacles(reports)]:
        raise UsageError(*problems)
    merged = merge_reports([_tell_early_end(*report) for report in reports], _find_fleet(reports))
    # The answer is the run's, not this command's: its bytes are those of a run over all targets at once.
    return build_result(merged)._replace(command=merged.command)


def _tell_early_end(name: str, report: RunReport) -> RunReport:
    """Return a report; of a run that ended before there was a plan, why it did is a gap in what is told together."""
    from dataclasses import replace

    from reconciler.model import Gap

    if report.has_plan or report.plan.gaps:
        return report
    summary = f"this run ended as {report.exit.word} before there was a plan"
    early_end = Diagnostic("merge.no-report", Source(name), summary, "nothing is known of its targets", "run it again")
    gaps = tuple(Gap(problem, report.exit) for problem in (*report.problems, early_end))
    return replace(report, plan=replace(report.plan, gaps=gaps), problems=())


def _find_fleet(reports: Sequence[tuple[str, RunReport]]) -> FleetFacts | None:
    """Return the fleet of which a shard is missing, with the targets of that one as lost; None where none is."""
    from reconciler.fleet.shards import parse_shard
    from reconciler.reports.fleet_facts import FleetFacts, LostTarget
    from reconciler.reports.merge_obstacles import list_report_targets

    shards = {name: report.fleet for name, report in reports if report.fleet and report.fleet.shard}
    parts = {parse_shard(facts.shard) for facts in shards.values()}
    if not parts:
        return None
    targets, number = next(iter(shards.values())).targets, next(iter(parts)).of
    missing = sorted({parse_shard(f"{index}/{number}") for index in range(1, number + 1)} - parts)
    answered = frozenset().union(*(list_report_targets(report) for _, report in reports))
    lost = [
        LostTarget(target, _explain_missing(target, str(shard)))
        for shard in missing
        for target in shard.pick(targets)
        # Which targets a shard has is its own business: what another one tells is known.
        if target not in answered
    ]
    return FleetFacts(targets, tuple(sorted(lost))) if missing else None


def _explain_missing(target: str, shard: str) -> Diagnostic:
    summary = f"no report has it: that of shard {shard} is not among those that were merged"
    remedy = f"merge the report of shard {shard} as well"
    return Diagnostic("merge.no-report", Source(f"target {target}"), summary, "nothing is known of the target", remedy)


def _read_report_file(session: Session, name: str) -> RunReport:
    from reconciler.reports.report_reader import read_report

    report = read_report(_read_bytes(session, name), name)
    if _has_known_parts(report):
        return report
    summary = "it is not told which part of a run this is, as the tool writes it"
    raise UsageError(
        Diagnostic("usage.not-a-report", Source(name), summary, "it can't be put in its place", "run its part again")
    )


def _has_known_parts(report: RunReport) -> bool:
    """Say whether a report's selection and shard are such as the tool writes: a file may hold any text."""
    from reconciler.fleet.shards import parse_shard
    from reconciler.manifests.selection import parse_filters

    shard = report.fleet.shard if report.fleet else ""
    try:
        parse_filters(report.plan.selection)
        return not shard or str(parse_shard(shard)) == shard
    except (ValueError, UsageError):
        return False


def _read_bytes(session: Session, name: str) -> bytes:
    if name == _STANDARD_INPUT and session.read_standard_input:
        return session.read_standard_input()
    from reconciler.engine.plan_packing import MAX_PLAN_BYTES

    path = session.cwd / name
    try:
        # A device or a named pipe could be read without end.
        if not path.is_file():
            raise _explain_unread(name, "this is no regular file" if path.exists() else "there is no such file")
        if path.stat().st_size > MAX_PLAN_BYTES:
            raise _explain_unread(name, f"this is larger than {MAX_PLAN_BYTES // 2**20} MiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:  # no file can have that name, or nobody may look there
        raise _explain_unread(name, getattr(error, "strerror", None) or "no file can be called so") from None


def _explain_unread(name: str, summary: str) -> UsageError:
    reason, remedy = "without it the result would be of a part alone", "give the report of every part"
    return UsageError(Diagnostic("merge.unreadable-file", Source(name), summary, reason, remedy))
