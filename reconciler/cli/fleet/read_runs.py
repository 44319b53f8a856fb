"""`plan` and `drift` over a fleet: what reads may be done again, and one report comes of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler import __version__
from reconciler.cli.fleet.fleet_results import decode_end, read_ends
from reconciler.cli.fleet.fleet_run import Fleet, open_engine, run_on_fleet
from reconciler.cli.fleet.worker import PLAN_PLACE
from reconciler.cli.terminal.output import CommandResult, build_result
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.drift import LeftNews, find_left_news
from reconciler.errors import Exit
from reconciler.fleet.dispatch import LostTask, TaskEnd
from reconciler.fleet.task import FleetTask
from reconciler.plans.run_events import list_drift_events
from reconciler.reports.fleet_facts import FleetFacts, LostTarget
from reconciler.reports.merged_report import merge_reports
from reconciler.reports.run_report import EMPTY_PLAN, RunReport

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.fleet.engine import TaskEngine

_READ_ATTEMPTS = 3
PLAN_TO_FILE = ("--out", PLAN_PLACE)
"""The words by which a worker returns the plan that it made."""


class PlannedTargets(NamedTuple):
    """What planning came to, by target: what became of its task, its report, and the saved plan of one that has any."""

    fleet: Fleet
    ends: Mapping[str, TaskEnd]
    reports: Mapping[str, RunReport]
    plans: Mapping[str, bytes]

    @property
    def report(self) -> RunReport:
        """The report of all of them."""
        return merge_target_reports(self.fleet, "plan", self.reports, self.ends)


def plan_on_fleet(session: Session, fleet: Fleet, engine: TaskEngine, words: Sequence[str]) -> PlannedTargets:
    """Plan each target; with `PLAN_TO_FILE` among the words their plans come along."""
    ends = run_on_fleet(session, fleet, engine, "plan", words, repeat_read)
    answers = {target: decode_end(target, end) for target, end in ends.items()}
    plans = {
        target: answer.plan for target, answer in answers.items() if not isinstance(answer, LostTask) and answer.plan
    }
    return PlannedTargets(fleet, ends, read_ends(fleet, "plan", ends), plans)


def drift_on_fleet(session: Session, fleet: Fleet, words: Sequence[str], *, with_state: bool) -> CommandResult:
    """Return what is no longer as declared, on all targets."""
    with open_engine(session, fleet) as engine:
        ends = run_on_fleet(session, fleet, engine, "drift", words, repeat_read)
    report = merge_target_reports(fleet, "drift", read_ends(fleet, "drift", ends), ends)
    left = find_left_news(session.inputs, fleet.settings, report.plan.targets) if with_state else LeftNews()
    return build_result(report)._replace(events=list_drift_events(report.drift, left.stale), untold=left.untold)


def merge_target_reports(
    fleet: Fleet, command: str, reports: Mapping[str, RunReport], ends: Mapping[str, TaskEnd]
) -> RunReport:
    """Return the one report of reports by target; those of `ends` that have no answer are told by name."""
    lost = tuple(LostTarget(target, end.problem) for target, end in sorted(ends.items()) if isinstance(end, LostTask))
    facts = FleetFacts(fleet.targets, lost, fleet.shard)
    if not reports:  # there are more parts than targets, and this one has none
        plan = replace(EMPTY_PLAN, selection=fleet.selection, manifests=fleet.manifests)
        return RunReport(command, Exit.OK, plan, has_sent=False, tool=__version__, fleet=facts)
    return merge_reports(reports, facts)


def repeat_read(task: FleetTask, error: BaseException) -> FleetTask | LostTask:
    """Return the task once more: to read twice changes nothing. Three times lost, it is given up."""
    if task.attempt < _READ_ATTEMPTS:
        return task.retry()
    summary = f"its task was lost {_READ_ATTEMPTS} times: {error}"
    remedy = "run the target alone, with --target, to see why"
    problem = Diagnostic("fleet.task-lost", Source(f"target {task.target}"), summary, "nothing was compared", remedy)
    return LostTask(problem, Exit.INCOMPLETE)
