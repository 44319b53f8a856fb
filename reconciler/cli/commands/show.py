"""`reconciler show PLANFILE`."""

from __future__ import annotations

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult, load_headers
from reconciler.errors import Exit


@options.command()
@click.argument("planfile", metavar="PLANFILE")
@options.full
@options.report
@options.output
@click.pass_obj
def command(session: Session, /, planfile: str, full: bool) -> CommandResult:
    """Render a saved plan."""
    from reconciler.engine.saved_plans import read_saved_plan
    from reconciler.kinds.registry import KINDS
    from reconciler.plans.guards import list_withheld_steps
    from reconciler.plans.masking import SecretMasker
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_plan
    from reconciler.reports.saved_plan import encode_saved_plan, render_saved_plan

    # However old: the same words as when it was made.
    saved_plan = read_saved_plan(session.cwd / planfile, planfile, KINDS)
    # No secret is known here: nothing was asked, and nothing but the file was read.
    plan = SecretMasker(()).mask_plan(saved_plan.plan)
    headers, headline = load_headers() if full else None, summarize_plan(plan)
    return CommandResult(
        Exit.OK,
        lambda layout: f"{text.render_plan(plan, layout, headers=headers)}\n{render_saved_plan(saved_plan)}",
        list_withheld_steps(saved_plan.plan),
        plan,
        extra={"saved_plan": encode_saved_plan(saved_plan)},
        headline=headline,
    )
