"""`reconciler report`: what there is to know of the servers beside what is declared."""

from __future__ import annotations

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, UsageError

# Ten years: a day that is counted from today must still be one that a date can hold.
_MOST_DAYS = 3_650


@options.command()
@click.option(
    "--days",
    type=click.IntRange(1, _MOST_DAYS),
    default=30,
    show_default=True,
    metavar="N",
    help="How near the end of a certificate is, and how old a request, for a finding.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 if there are findings.")
@options.config
@options.target
@options.traffic
@options.report
@options.output
@click.pass_obj
def posture_command(
    session: Session,
    /,
    days: int,
    detailed_exitcode: bool,
    config: str | None,
    environment: str | None,
    target: tuple[str, ...],
) -> CommandResult:
    """List orphans and dead ends: owners, roles, claims, requests and events that lead nowhere. Read-only."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.posture import examine_posture
    from reconciler.errors import find_worst_exit
    from reconciler.plans.posture_rules import POSTURE_RULES
    from reconciler.reports.posture import encode_posture, render_posture, summarize_posture

    with Progress(session) as progress:
        run = examine_posture(session.inputs, config, environment, target, days, progress.tell)
    posture, plan = run.posture, run.plan
    has_any = detailed_exitcode and bool(posture.findings)
    return CommandResult(
        find_worst_exit({run.exit, Exit.CHANGES if has_any else Exit.OK}),
        lambda layout: render_posture(posture, plan, layout),
        plan=plan,
        extra={"posture": encode_posture(posture)},
        headline=summarize_posture(posture, plan),
        # The text has each with its objects.
        untold_rules=frozenset(rule.id for rule in POSTURE_RULES),
        posture=posture,
    )


@click.command(cls=options.ActionCommand, actions={"posture": posture_command})
@options.output
def command() -> CommandResult:
    """Report on the servers as they are, whatever the manifests say: `report posture`."""
    summary, remedy = "it is not said which report", "say `reconciler report posture`"
    raise UsageError(Diagnostic("usage.command-line", Source("reconciler report"), summary, "nothing was read", remedy))
