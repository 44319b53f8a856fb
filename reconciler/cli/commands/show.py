"""`reconciler show PLANFILE`."""

from __future__ import annotations

from reconciler.cli.context import Session
from reconciler.cli.output import CommandResult
from reconciler.errors import Exit


def run(session: Session, planfile: str) -> CommandResult:
    """Render a saved plan, however old: the same words as when it was made."""
    from reconciler.engine.saved_plans import read_saved_plan
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_plan

    plan = read_saved_plan(session, planfile, of_any_age=True)
    return CommandResult(
        Exit.OK, lambda layout: text.render_plan(plan, layout), plan=plan, headline=summarize_plan(plan)
    )
