"""From what became of tasks to one report, in a fixed order, whatever finished first and wherever it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.coverage import DocumentCoverage
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, ReconcilerError
from reconciler.fleet.dispatch import LostTask, TaskEnd
from reconciler.fleet.task import TaskAnswer, decode_answer
from reconciler.model import Coverage, Gap
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_report import EMPTY_PLAN, RunReport

if TYPE_CHECKING:
    from reconciler.cli.fleet.fleet_run import Fleet

_NOT_SAVED = "plan.not-saved"


def read_ends(fleet: Fleet, command: str, ends: Mapping[str, TaskEnd]) -> dict[str, RunReport]:
    """Return the report of each target that was run, by its name; of one without an answer, that there is none."""
    return {target: _read_end(fleet, command, target, end) for target, end in sorted(ends.items())}


def decode_end(target: str, end: TaskEnd) -> TaskAnswer | LostTask:
    """Return an answer, or why there is none; one that can't be read is none."""
    if isinstance(end, LostTask):
        return end
    try:
        return decode_answer(end)
    except (ValueError, KeyError, TypeError) as error:
        summary = f"its answer can't be read: {error}"
        return LostTask(Diagnostic("fleet.task-lost", Source(f"target {target}"), summary), Exit.INCOMPLETE)


def _read_end(fleet: Fleet, command: str, target: str, end: TaskEnd) -> RunReport:
    answer = decode_end(target, end)
    documents = fleet.documents.get(target, ())
    if isinstance(answer, LostTask):
        return make_lost_report(command, documents, [answer.problem], answer.cause)
    try:
        report = read_report(answer.report, f"target {target}")
    except ReconcilerError as error:
        return make_lost_report(command, documents, list(error.problems), Exit.INCOMPLETE)
    # Each task is held to save its plan; that a fleet's is not saved is told once, by whoever saves it.
    report = replace(report, problems=tuple(item for item in report.problems if item.rule != _NOT_SAVED))
    # A saved plan has no documents; what was sent of it is told whatever came of it.
    if report.plan.documents or report.plan.targets or report.exit in {Exit.OK, Exit.CHANGES}:
        return report
    # It ended before anything was compared.
    return replace(make_lost_report(command, documents, list(report.problems), report.exit), notes=report.notes)


def make_lost_report(
    command: str, documents: tuple[DocumentCoverage, ...], problems: list[Diagnostic], cause: Exit
) -> RunReport:
    """Return the report of a target of which nothing is known: `documents` are its own, and none was compared."""
    plan = replace(
        EMPTY_PLAN,
        compared=Coverage(0, sum(document.of for document in documents)),
        gaps=tuple(Gap(problem, cause) for problem in problems),
        documents=documents,
    )
    return RunReport(command, cause, plan)
