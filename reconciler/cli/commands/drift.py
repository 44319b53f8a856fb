"""`reconciler drift`."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.context import Session
from reconciler.cli.options import Chosen
from reconciler.cli.output import Answer
from reconciler.errors import Exit


def run(session: Session, paths: Sequence[str], chosen: Chosen) -> Answer:
    """Compare as `plan` does, and say what is no longer as declared. What may not be repaired is told all the same."""
    from reconciler.engine.pipeline import look
    from reconciler.reports import text
    from reconciler.reports.headline import summarize_drift

    compared = look(session, paths, chosen)
    plan = compared.shown
    exit_ = compared.exit(changes=Exit.CHANGES, refused=False)
    return Answer(
        exit_, lambda reader: text.render_drift(plan, reader), compared.refusals, plan, headline=summarize_drift(plan)
    )
