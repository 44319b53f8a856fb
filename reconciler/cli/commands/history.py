"""`reconciler history`: what runs did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.commands.history_chain import export_command, verify_command
from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.durations import Duration
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit

if TYPE_CHECKING:
    from reconciler.engine.run_history import PastRun, RunQuery
    from reconciler.reports.history import Holders
    from reconciler.reports.layout import Layout


@click.command(cls=options.ActionCommand, actions={"export": export_command, "verify": verify_command})
@click.argument("run", required=False, metavar="[RUN]")
@click.option("--object", "object_", metavar="KIND/NAME", help="The life of an object (* and ? are wildcards).")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="At most so many runs."
)
@click.option("--since", type=Duration(), metavar="TIME", help="Only runs that began since then, such as 7d.")
@click.option("--full", is_flag=True, help="Every member and value whole.")
@options.config
@options.target
@options.traffic
@options.report
@options.output
@click.pass_obj
def command(
    session: Session, /, config: str | None, environment: str | None, target: tuple[str, ...], **choices: Any
) -> CommandResult:
    """Tell what runs did: all, one by its id or the beginning of it, or the life of one object."""
    from reconciler.engine.declaration import pick_targets, read_settings
    from reconciler.engine.run_history import list_past_differences, look_up_runs
    from reconciler.engine.run_store import find_settings_store, identify_targets, report_store_errors
    from reconciler.reports.history import count_runs, encode_runs

    query = _build_query(session, **choices)
    settings = read_settings(session.inputs, config, environment)
    targets = identify_targets(session.inputs, settings, pick_targets(settings, target))
    with find_settings_store(settings, session.inputs.env, with_bodies=True) as store, report_store_errors():
        runs, holders = look_up_runs(store, targets, query)
        differences = list_past_differences(store, targets, query) if session.reports.wishes else ()
    return CommandResult(
        Exit.OK,
        lambda layout: _draw_runs(runs, holders, query, layout, full=choices["full"]),
        extra={"runs": encode_runs(runs, holders)},
        headline=count_runs(runs),
        runs=runs,
        differences=differences,
    )


def _build_query(
    session: Session, run: str | None, object_: str | None, limit: int, since: float | None, **_: Any
) -> RunQuery:
    from reconciler.engine.run_history import RunQuery
    from reconciler.engine.run_store import format_moment_ago
    from reconciler.manifests.selection import split_object_pattern

    pattern = split_object_pattern(object_, "--object", session.inputs.kinds) if object_ is not None else None
    begun = format_moment_ago(session.now, since) if since is not None else ""
    return RunQuery(limit, begun, run, pattern, with_steps=session.json or bool(session.reports.wishes))


def _draw_runs(runs: Sequence[PastRun], holders: Holders, query: RunQuery, layout: Layout, *, full: bool) -> str:
    from reconciler.reports.history import render_life, render_run, render_runs

    if query.objects:
        return render_life(runs, layout, holders, full=full)
    return render_run(runs[0], layout, holders, full=full) if query.reference is not None else render_runs(runs, layout)
