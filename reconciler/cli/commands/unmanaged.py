"""`reconciler unmanaged`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit


@options.command()
@options.paths
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if there are any.")
@options.settings_and_selection
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    paths: tuple[str, ...],
    detailed_exitcode: bool,
    config: str | None,
    environment: str | None,
    **filters: Any,
) -> CommandResult:
    """List what exists and no manifest declares. Read-only."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import RunOptions
    from reconciler.engine.unmanaged import find_unmanaged
    from reconciler.errors import find_worst_exit
    from reconciler.manifests.selection import Selection
    from reconciler.reports.unmanaged import encode_listed_objects, render_unmanaged, summarize_inventory

    run_options = RunOptions(paths, config, Selection(**filters), environment=environment)
    with Progress(session) as progress:
        comparison = find_unmanaged(session.inputs, run_options, progress.tell)
    plan, listings = comparison.plan, comparison.listings
    has_any = detailed_exitcode and any(listing.objects for listing in listings)
    return CommandResult(
        find_worst_exit({comparison.exit, Exit.CHANGES if has_any else Exit.OK}),
        lambda layout: render_unmanaged(plan, listings, layout),
        plan=plan,
        extra={"objects": encode_listed_objects(listings)},
        headline=summarize_inventory(plan, listings),
    )
