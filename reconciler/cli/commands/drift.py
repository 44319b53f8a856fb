"""`reconciler drift`."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.errors import Exit

# What a pattern finds is for whoever writes it, in a plan; a job that runs every night would say it every night.
_FOR_AUTHORS = frozenset({"live.pattern-matches"})


@options.command()
@options.paths
@options.settings_and_selection
@options.output
@click.pass_obj
def command(session: Session, /, paths: tuple[str, ...], config: str | None, **filters: Any) -> CommandResult:
    """Say what is no longer as declared. Read-only; exit 2 if anything is."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.pipeline import RunOptions, preview_plan
    from reconciler.manifests.selection import Selection
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_drift

    with Progress(session) as progress:
        judged_plan = preview_plan(session.inputs, RunOptions(paths, config, Selection(**filters)), progress.tell)
    plan = judged_plan.masked_plan
    exit_ = judged_plan.exit(changes=Exit.CHANGES, absences=Exit.CHANGES, refused=False)
    return CommandResult(
        exit_,
        lambda layout: text.render_drift(plan, layout),
        (*judged_plan.refusals, *judged_plan.withheld),
        plan,
        headline=summarize_drift(plan),
        absences_in_text=True,
        untold_rules=_FOR_AUTHORS,
    )
