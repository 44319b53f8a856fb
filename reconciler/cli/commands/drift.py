"""`reconciler drift`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.context import Session
from reconciler.cli.options import SelectionOptions
from reconciler.cli.output import CommandResult
from reconciler.errors import Exit


def run(session: Session, paths: Sequence[str], options: SelectionOptions) -> CommandResult:
    """Compare as `plan` does, and say what is no longer as declared. What may not be repaired is told all the same."""
    from reconciler.engine.pipeline import preview_plan
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_drift

    judged_plan = preview_plan(session, paths, options)
    plan = judged_plan.shown
    exit_ = judged_plan.exit(changes=Exit.CHANGES, refused=False)
    return CommandResult(
        exit_,
        lambda layout: text.render_drift(plan, layout),
        judged_plan.refusals,
        plan,
        headline=summarize_drift(plan),
    )
