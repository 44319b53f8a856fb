"""The report of a target whose task was lost, as the store tells it."""

from __future__ import annotations

import pytest

from reconciler.cli.fleet.apply_runs import build_recorded_report
from reconciler.errors import Exit
from reconciler.fleet.recorded_ends import RecordedEnd
from reconciler.model import Coverage, Plan, Verdict
from reconciler.reports.run_report import RunReport
from tests.support.report_plans import IMMUTABLE, mask_plan, step

APPLIED, NOT_APPLIED, UNKNOWN, NOT_REACHED = "applied", "not_applied", "unknown", "not_reached"
PLANNED = RunReport("plan", Exit.OK, mask_plan(Plan((step(name="a"), step(name="b"), IMMUTABLE), Coverage(3, 3))))
ROWS = {
    "all done": (Exit.PARTIAL, {0: Verdict.APPLIED, 1: Verdict.APPLIED}, Exit.PARTIAL, [APPLIED, APPLIED, NOT_APPLIED]),
    "stopped, since its worker died": (
        Exit.INTERRUPTED,
        {0: Verdict.APPLIED, 1: Verdict.NOT_APPLIED},
        Exit.PARTIAL,
        [APPLIED, NOT_APPLIED, NOT_APPLIED],
    ),
    "without an end": (
        None,
        {0: Verdict.APPLIED, 1: Verdict.UNKNOWN},
        Exit.UNKNOWN,
        [APPLIED, UNKNOWN, NOT_APPLIED],
    ),
    "a denial that was not begun": (None, {0: Verdict.APPLIED}, Exit.PARTIAL, [APPLIED, NOT_REACHED, NOT_APPLIED]),
}
"""How the run ended and what it recorded; the exit and the verdicts of the report."""


@pytest.mark.parametrize("row", ROWS)
def test_a_lost_task_is_told_as_the_store_has_it(row: str) -> None:
    ended, verdicts, exit_, told = ROWS[row]
    report = build_recorded_report(PLANNED, "command", RecordedEnd("run-1", ended, verdicts))
    assert (report.command, report.exit, [outcome.verdict for outcome in report.outcomes]) == ("apply", exit_, told)
    assert [problem.rule for problem in report.problems] == (["fleet.unfinished"] if ended is None else [])
