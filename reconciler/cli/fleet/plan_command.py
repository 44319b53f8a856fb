"""`plan` over a fleet, from what was asked for to the answer; its plan is of every target that could be planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from reconciler.cli.fleet.apply_command import merge_saved_plans
from reconciler.cli.fleet.fleet_run import open_engine
from reconciler.cli.fleet.read_runs import PLAN_TO_FILE, plan_on_fleet
from reconciler.cli.terminal.output import CommandResult, add_saved_line, build_result
from reconciler.diagnostics import Diagnostic, Explanation, Severity, Source
from reconciler.model import Plan
from reconciler.reports.layout import format_count

if TYPE_CHECKING:
    from reconciler.cli.fleet.fleet_run import Fleet
    from reconciler.cli.terminal.context import Session

_UNSAVED = Explanation(
    "plan.not-saved",
    "not written: no target has a plan that may be applied",
    remedy="mend what is listed and plan again",
)
SavePlan = Callable[[Plan], str]
"""Writes a plan and returns its digest."""


def plan_targets(
    session: Session, fleet: Fleet, words: Sequence[str], out: str | None, save: SavePlan
) -> CommandResult:
    """Plan each target; `out` is the file that the plan is saved to by `save`, None for none."""
    with open_engine(session, fleet) as engine:
        planned = plan_on_fleet(session, fleet, engine, (*(PLAN_TO_FILE if out else ()), *words))
    report = planned.report
    result = build_result(report)
    if out is None or not planned.plans:
        unsaved = () if out is None else (_UNSAVED.locate(Source(out)),)
        problems = (*result.problems, *unsaved)
        return result._replace(extra={**result.extra, "saved": False, "digest": ""}, problems=problems)
    digest = save(merge_saved_plans(planned.plans, fleet.selection))
    left_out = [target for target in fleet.own if target not in planned.plans]
    return add_saved_line(result, digest, out)._replace(
        extra={**result.extra, "saved": True, "digest": digest},
        notes=(*result.notes, *([_note_left_out(out, left_out)] if left_out else [])),
    )


def _note_left_out(out: str, targets: Sequence[str]) -> Diagnostic:
    shown = ", ".join(targets[:10]) + (f" and {len(targets) - 10} more" if len(targets) > 10 else "")
    return Diagnostic(
        "fleet.not-in-plan",
        Source(out),
        f"{format_count(len(targets), 'target')} could not be planned, or may not be applied: {shown}",
        "the plan is about all others",
        "mend what is listed and plan again",
        Severity.NOTE,
    )
