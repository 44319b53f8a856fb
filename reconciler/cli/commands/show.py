"""`reconciler show PLANFILE`."""

from __future__ import annotations

from reconciler.cli.context import Session
from reconciler.cli.output import Answer
from reconciler.errors import Exit


def run(session: Session, planfile: str) -> Answer:
    """Render a saved plan, however old: the same words as when it was made."""
    from reconciler.engine.saved_plans import saved
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_plan

    plan = saved(session, planfile, of_any_age=True)
    return Answer(Exit.OK, lambda look: text.render_plan(plan, look), plan=plan, headline=summarize_plan(plan))
