"""`apply` over a fleet: one plan, one question, and each target sends its own part of what was approved.

A worker claims its plan's nonce before it sends anything, so that a second run of one task is refused by the store. A
task that was lost is judged by what the store says, and by nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from reconciler.cli.fleet.fleet_results import decode_end
from reconciler.cli.fleet.fleet_run import Fleet, run_on_fleet
from reconciler.cli.fleet.worker import PLAN_PLACE
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.run_store import identify_bound, open_settings_store
from reconciler.errors import Exit, ReconcilerError, RefusedError, find_worst_exit
from reconciler.fleet.dispatch import LostTask, TaskEnd, explain_not_begun
from reconciler.fleet.recorded_ends import EndWatch, RecordedEnd, await_recorded_end
from reconciler.fleet.task import FleetTask, TaskAnswer
from reconciler.model import Verdict
from reconciler.plans.masking import MaskedOutcome
from reconciler.reports.json_document import render_report
from reconciler.reports.report_reader import read_report
from reconciler.reports.run_report import RunReport
from reconciler.state.locations import LocalState
from reconciler.transport.urls import is_loopback

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.fleet.engine import TaskEngine
    from reconciler.state.store import Store

_PLAN_USED = "state.plan-used"
_ATTEMPTS = 3
_EXITS = {Verdict.UNKNOWN: Exit.UNKNOWN, Verdict.NOT_APPLIED: Exit.PARTIAL, Verdict.NOT_REACHED: Exit.PARTIAL}


class TargetPlan(NamedTuple):
    """A target's part of what was approved: the plan's bytes and digest, and the report that it was shown in."""

    report: RunReport
    data: bytes
    digest: str


def apply_on_fleet(
    session: Session, fleet: Fleet, engine: TaskEngine, plans: Mapping[str, TargetPlan], words: Sequence[str]
) -> dict[str, RunReport]:
    """Send the plans, each by a task of its own, and return what came of each target's."""
    with ExitStack() as stack:
        judge = _LossJudge(session, fleet, plans, stack)
        ends = run_on_fleet(
            session,
            fleet,
            engine,
            "apply",
            (PLAN_PLACE, *words),
            judge.judge_loss,
            plans={target: plan.data for target, plan in plans.items()},
            is_stopped=session.stops.is_requested,
            has_report=True,
        )
        return {target: judge.read_end(target, end) for target, end in ends.items()}


def check_shared_store(fleet: Fleet) -> None:
    """Raise RefusedError where workers elsewhere would remember what they did where nobody else can see it."""
    settings, engine = fleet.settings, fleet.settings.engine
    if engine is None or fleet.options.jobs is not None or not isinstance(settings.state.place, LocalState):
        return
    # A scheduler on this machine's loopback has its workers here as well.
    if is_loopback(urlsplit(engine.scheduler).hostname or ""):
        return
    problem = Diagnostic(
        "fleet.local-store",
        Source(settings.name),
        "the workers of a scheduler elsewhere can't see what is remembered in a folder of this machine",
        "no second run of a task would be refused",
        "say state: {postgresql: ...} or {git: ...}",
    )
    raise RefusedError(problem)


class _LossJudge:
    """Says what became of a task without an answer, by the store, which is opened when the first one is lost."""

    def __init__(self, session: Session, fleet: Fleet, plans: Mapping[str, TargetPlan], stack: ExitStack) -> None:
        self._session, self._fleet, self._plans, self._stack = session, fleet, plans, stack
        self._store: Store | None = None

    def judge_loss(self, task: FleetTask, error: BaseException) -> FleetTask | TaskEnd:
        """Return what the store has; the task once more where nobody has claimed it, for then it has not begun."""
        try:
            end = self._find_end(task.target)
        except ReconcilerError as failure:
            return _pack_report(report_unknown(self._plans[task.target].report, failure.problems))
        if end is not None:
            return _pack_report(build_recorded_report(self._plans[task.target].report, task.target, end))
        if self._session.stops.is_hurried():
            return LostTask(explain_not_begun(task.target), Exit.INTERRUPTED)
        if task.attempt < _ATTEMPTS:
            return task.retry()
        summary = f"its task was lost, and nothing was claimed for it: {error}"
        problem = Diagnostic(
            "fleet.task-lost", Source(f"target {task.target}"), summary, "nothing was sent", "apply again"
        )
        return LostTask(problem, Exit.INCOMPLETE)

    def read_end(self, target: str, end: TaskEnd) -> RunReport:
        """Return the report of a target's task; what its answer leaves open, the store tells.

        An engine may run a task twice, and give the answer of the one that came second: that the plan was used.
        """
        planned = self._plans[target].report
        answer = decode_end(target, end)
        if isinstance(answer, LostTask):
            return report_unsent(planned, [answer.problem], answer.cause)
        try:
            report = read_report(answer.report, f"target {target}")
            is_open = report.exit is Exit.INTERNAL or any(problem.rule == _PLAN_USED for problem in report.problems)
            recorded = self._find_end(target) if is_open else None
        except ReconcilerError as failure:
            return report_unknown(planned, failure.problems)
        if recorded is not None:
            return build_recorded_report(planned, target, recorded)
        # What ended before there was a plan has sent nothing.
        return report if report.has_plan else report_unsent(planned, report.problems, report.exit)

    def _find_end(self, target: str) -> RecordedEnd | None:
        settings, plan = self._fleet.settings, self._plans[target]
        if self._store is None:
            self._store = self._stack.enter_context(open_settings_store(settings, self._session.env))
        bound = plan.report.plan.targets[target]
        timeout = settings.targets[target].transport.timeout
        times = self._session.inputs.timing.lease.fit_deadline(timeout)
        watch = EndWatch(times, is_hurried=self._session.stops.is_hurried)
        return await_recorded_end(self._store, identify_bound(bound), plan.digest, watch)


def _pack_report(report: RunReport) -> bytes:
    return TaskAnswer(int(report.exit), render_report(report).encode()).encode()


def report_unsent(planned: RunReport, problems: Sequence[Diagnostic], exit_: Exit) -> RunReport:
    """Return the report of a target that was sent nothing, and why."""
    outcomes = tuple(MaskedOutcome(step, Verdict.NOT_REACHED, "nothing was sent") for step in planned.plan.steps)
    return replace(
        planned,
        command="apply",
        exit=exit_,
        outcomes=outcomes,
        problems=(*planned.problems, *problems),
        members={},
        interrupted=exit_ is Exit.INTERRUPTED,
    )


def report_unknown(planned: RunReport, problems: Sequence[Diagnostic]) -> RunReport:
    """Return the report of a target of which neither its task nor the store tells what was sent."""
    detail = "its task has no answer, and the store does not tell"
    outcomes = tuple(
        MaskedOutcome(step, Verdict.UNKNOWN if step.request else Verdict.NOT_APPLIED, detail)
        for step in planned.plan.steps
    )
    told = (*planned.problems, *problems)
    return replace(planned, command="apply", exit=Exit.UNKNOWN, outcomes=outcomes, problems=told, members={})


def build_recorded_report(planned: RunReport, target: str, end: RecordedEnd) -> RunReport:
    """Return the report of an apply as the store tells it: what has no verdict there was not reached."""
    outcomes = []
    for number, step in enumerate(planned.plan.steps):
        verdict = end.verdicts.get(number, Verdict.NOT_REACHED if step.request else Verdict.NOT_APPLIED)
        detail = f"as run {end.run} recorded it" if number in end.verdicts else "nothing was sent"
        outcomes.append(MaskedOutcome(step, verdict, detail))
    problems: tuple[Diagnostic, ...] = ()
    if end.exit is None:
        summary = f"its task was lost while it applied, as run {end.run}"
        reason, remedy = "what it has not recorded may have been done", "see with: reconciler recover"
        problems = (Diagnostic("fleet.unfinished", Source(f"target {target}"), summary, reason, remedy),)
    exit_ = end.exit
    # A task whose worker died was told to stop, and nobody has stopped this run.
    if exit_ is None or exit_ is Exit.INTERRUPTED:
        exit_ = find_worst_exit(_EXITS.get(outcome.verdict, Exit.OK) for outcome in outcomes)
    return replace(planned, command="apply", exit=exit_, outcomes=tuple(outcomes), problems=problems, members={})
