"""`reconciler drift`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.fleet_options import FleetOptions
from reconciler.cli.terminal.output import CommandResult, build_result
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.engine.drift import DriftRun
    from reconciler.fleet.shards import Shard

_NEWS_WITHOUT_MEMORY = Diagnostic(
    "usage.command-line",
    Source("command line"),
    "--exit-on new needs what --no-state leaves out",
    "only the memory of earlier runs tells what is new",
    "leave one of the two out",
)


@options.command()
@options.paths
@options.base
@options.settings_and_selection
@options.no_state
@click.option(
    "--exit-on",
    type=click.Choice(["any", "new"]),
    default="any",
    help="Exit 2 for any difference, or only where one is new or changed since earlier runs.",
)
@click.option("--blame", is_flag=True, help="Say who changed what differs, and when, where targets say `audit: true`.")
@options.fleet
@options.link
@options.otlp
@options.traffic
@options.report
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    paths: tuple[str, ...],
    base: str | None,
    config: str | None,
    environment: str | None,
    no_state: bool,
    exit_on: str,
    blame: bool,
    jobs: int | None,
    shard: Shard | None,
    **filters: Any,
) -> CommandResult:
    """Say what is no longer as declared. Read-only; exit 2 if anything is."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import RunOptions, read_declaration
    from reconciler.engine.drift import find_drift
    from reconciler.manifests.selection import Selection

    if no_state and exit_on == "new":
        raise UsageError(_NEWS_WITHOUT_MEMORY)
    run_options = RunOptions(paths, config, Selection(**filters), base, environment=environment)
    inputs = session.inputs
    declared = read_declaration(inputs, run_options)
    fleet_options = FleetOptions(jobs, shard)
    if fleet_options.needs_fleet(session, declared.settings):
        from reconciler.cli.fleet.fleet_run import gather_fleet
        from reconciler.cli.fleet.read_runs import drift_on_fleet

        words = ["--exit-on", exit_on, *(["--no-state"] * no_state), *(["--blame"] * blame)]
        fleet = gather_fleet(session, declared, run_options, fleet_options)
        return drift_on_fleet(session, fleet, words, with_state=not no_state)
    with Progress(session) as progress:
        drift = find_drift(inputs, declared, run_options, progress.tell, with_state=not no_state, blame=blame)
    return _build_result(drift, exit_on)


def _build_result(drift: DriftRun, exit_on: str) -> CommandResult:
    from reconciler.plans.run_events import list_drift_events
    from reconciler.reports.headline import summarize_drift, summarize_news
    from reconciler.reports.run_report import RunReport

    changes, news_notes = _weigh_differences(drift) if exit_on == "new" else (Exit.CHANGES, ())
    plan, comparison, attribution = drift.judged.masked_plan, drift.comparison, drift.attribution
    blame_notes = attribution.notes if attribution else ()
    report = RunReport(
        "drift",
        drift.judged.exit(changes=changes, absences=changes, refused=False),
        plan,
        problems=(*drift.judged.refusals, *drift.judged.withheld),
        members=_encode_members(drift),
        headline="\n".join(filter(None, (summarize_drift(plan), summarize_news(comparison)))),
        notes=(*drift.notes, *blame_notes, *news_notes, *drift.judged.base_notes),
        drift=comparison,
        evidence=attribution.steps if attribution else (),
    )
    return build_result(report)._replace(events=list_drift_events(comparison, drift.stale), untold=drift.untold)


def _encode_members(drift: DriftRun) -> dict[str, Any]:
    """Return what the JSON document has of other runs, where the store gave an answer, and of a revision."""
    from reconciler.reports.drift_members import encode_leases, encode_run
    from reconciler.reports.withdrawals import encode_base

    members: dict[str, Any] = {"run": encode_run(drift.run), **encode_base(drift.judged.base)}
    return members | ({"during_apply": encode_leases(drift.leases)} if drift.leases is not None else {})


def _weigh_differences(drift: DriftRun) -> tuple[Exit, tuple[Diagnostic, ...]]:
    """Return what the differences are worth where only news count, and what to tell of those without an age."""
    from reconciler.plans.drift_items import count_news

    news = count_news(drift.judged.masked_plan, drift.comparison)
    exit_ = Exit.CHANGES if news.young or news.ageless else Exit.OK
    if not news.ageless:
        return exit_, ()
    # In silence this would be a night on which nothing is new: exactly what nobody knows.
    note = Diagnostic(
        "drift.counted-as-new",
        Source("--exit-on new"),
        f"{news.ageless} of the differences could not be set beside earlier runs, and count as new",
        "no memory answered",
        severity=Severity.NOTE,
    )
    return exit_, (note,)
