"""`reconciler adopt`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult


@options.command()
@options.paths
@options.settings_and_selection
@click.option("--write", is_flag=True, help="Write it into the files; without it the diff is only shown.")
@options.traffic
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    paths: tuple[str, ...],
    config: str | None,
    environment: str | None,
    write: bool,
    **filters: Any,
) -> CommandResult:
    """Take the servers' values into the manifests, in place.

    What a document declares becomes what the server has: comments, order and quotes stay, and what a document does not
    mention stays unmentioned. Where that is done, a plan of these objects is empty. Nothing is sent to a server.
    """
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.adoption.adopt import adopt_live_state
    from reconciler.engine.adoption.adopted_files import write_changes
    from reconciler.engine.declaration import RunOptions
    from reconciler.manifests.selection import Selection
    from reconciler.reports.adoption import FileDiff, encode_adoption, render_adoption, summarize_adoption

    with Progress(session) as progress:
        run_options = RunOptions(paths, config, Selection(**filters), environment=environment)
        adoption = adopt_live_state(session.inputs, run_options, progress.tell)
    if write:
        write_changes(adoption.changes)
    diffs = [
        FileDiff(change.shown, *(adoption.masker(content.decode()) for content in (change.before, change.after)))
        for change in adoption.changes
    ]
    compared, documents = adoption.plan.compared, adoption.documents
    return CommandResult(
        adoption.exit,
        lambda layout: render_adoption(compared, diffs, documents, layout, written=write),
        adoption.problems,
        adoption.plan,
        extra=encode_adoption(diffs, documents, written=write and bool(diffs)),
        headline=summarize_adoption(compared, diffs, documents, written=write),
        notes=adoption.notes,
    )
