"""`apply` over a fleet, from what was asked for to the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from reconciler.cli.fleet.apply_runs import TargetPlan, apply_on_fleet, check_shared_store, report_unsent
from reconciler.cli.fleet.fleet_run import gather_fleet, gather_plan_fleet, open_engine
from reconciler.cli.fleet.read_runs import PLAN_TO_FILE, PlannedTargets, merge_target_reports, plan_on_fleet
from reconciler.cli.terminal.confirm import ask_confirmation
from reconciler.cli.terminal.fleet_options import list_plan_words
from reconciler.cli.terminal.output import CommandResult, build_result
from reconciler.cli.terminal.streams import write_text
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.run_store import identify_bound, open_settings_store, report_store_errors
from reconciler.errors import Exit, ReconcilerError, RefusedError, UsageError
from reconciler.fleet.recorded_ends import find_claiming_run
from reconciler.kinds.registry import KINDS
from reconciler.model import Plan
from reconciler.plans.masking import SecretMasker
from reconciler.plans.planfile import SavedPlan, load_plan
from reconciler.plans.target_plans import merge_plans, restrict_plan
from reconciler.reports.run_report import RunReport
from reconciler.reports.saved_plan import encode_saved_plan, render_saved_plan
from reconciler.state.store_errors import NonceUsed

if TYPE_CHECKING:
    from reconciler.cli.fleet.fleet_run import Fleet
    from reconciler.cli.terminal.apply_options import ApplyOptions
    from reconciler.cli.terminal.context import Session
    from reconciler.engine.declaration import Declaration, RunOptions
    from reconciler.engine.saved_plans import PlanDemands
    from reconciler.fleet.engine import TaskEngine
    from reconciler.settings.model import Settings

_DECLINED = Diagnostic("plan.not-confirmed", Source("confirmation"), "not confirmed", "nothing was sent")


def apply_manifests_on_fleet(
    session: Session, declared: Declaration, run_options: RunOptions, options: ApplyOptions
) -> CommandResult:
    """Plan each target, show all of it, ask once, and send each target's plan."""
    fleet = gather_fleet(session, declared, run_options, options.fleet)
    check_shared_store(fleet)
    with open_engine(session, fleet) as engine:
        return _plan_and_send(session, fleet, engine, run_options, options)


def _plan_and_send(
    session: Session, fleet: Fleet, engine: TaskEngine, run_options: RunOptions, options: ApplyOptions
) -> CommandResult:
    planned = plan_on_fleet(session, fleet, engine, (*PLAN_TO_FILE, *list_plan_words(rights=run_options.rights)))
    plans = {
        target: TargetPlan(planned.reports[target], data, planned.reports[target].plan_digest)
        for target, data in planned.plans.items()
    }
    _show(session, planned.report)
    # Where every target is refused, lost or another part's there is nothing to ask about.
    if plans and not options.accepted and (refusal := _ask(session, merge_saved_plans(planned.plans, fleet.selection))):
        merged = _report(planned, {})
        return build_result(replace(merged, exit=refusal.exit, problems=(*merged.problems, *refusal.problems)))
    return send_plans(session, engine, planned, plans, ("--same-manifests", *options.words))


class SavedFleetPlan(NamedTuple):
    """A saved plan of many targets that may be applied: as it was read, as bytes, and what is to be told of it."""

    settings: Settings
    saved_plan: SavedPlan
    data: bytes
    notes: tuple[Diagnostic, ...]


def apply_saved_plan_on_fleet(
    session: Session,
    approved: SavedFleetPlan,
    run_options: RunOptions,
    options: ApplyOptions,
    demands: PlanDemands,
) -> CommandResult:
    """Send each target's part of a saved plan; each task gets the whole of it, since that is what was approved."""
    saved_plan = approved.saved_plan
    fleet = gather_plan_fleet(session, approved.settings, saved_plan, run_options, options.fleet)
    check_shared_store(fleet)
    masker = SecretMasker(())  # no secret is known here; each task masks what it shows
    members = {"saved_plan": encode_saved_plan(saved_plan)}
    reports = {
        target: RunReport("plan", Exit.OK, masker.mask_plan(restrict_plan(saved_plan.plan, target)), members=members)
        for target in fleet.own
    }
    plans = {target: TargetPlan(report, approved.data, saved_plan.digest) for target, report in reports.items()}
    write_text(session.stderr, render_saved_plan(saved_plan))
    planned = PlannedTargets(fleet, {}, reports, dict.fromkeys(reports, approved.data))
    _show(session, planned.report)
    words = [*options.words, *(["--same-manifests"] * demands.same_manifests)]
    if demands.max_age is not None:
        words += ["--max-plan-age", f"{int(demands.max_age.total_seconds())}s"]
    used = _find_used(session, planned, plans)
    fresh = {target: plan for target, plan in plans.items() if target not in used}
    with open_engine(session, fleet) as engine:
        result = send_plans(session, engine, planned, fresh, words, used)
    return result._replace(extra={**result.extra, **members}, notes=(*approved.notes, *result.notes))


def merge_saved_plans(plans: Mapping[str, bytes], selection: str) -> Plan:
    """Return the one plan of saved plans by target."""
    loaded = [load_plan(data, KINDS, f"target {target}").plan for target, data in sorted(plans.items())]
    return merge_plans(loaded, selection)


def send_plans(
    session: Session,
    engine: TaskEngine,
    planned: PlannedTargets,
    plans: Mapping[str, TargetPlan],
    words: Sequence[str],
    refused: Mapping[str, RunReport] = MappingProxyType({}),
) -> CommandResult:
    """Send the plans that have something to send, and those of targets on which an earlier run left something open.

    `refused` are the reports of targets that are sent nothing.
    """
    with_steps = {target: plan for target, plan in plans.items() if plan.report.plan.steps}
    to_send = with_steps | _find_unsettled(session, planned.fleet, plans)
    session.stops.begin_sending(lambda: _announce_stop(session))
    applied = apply_on_fleet(session, planned.fleet, engine, to_send, words) if to_send else {}
    session.stops.begin_reporting()
    return build_result(_report(planned, {**applied, **refused}))


def _find_used(session: Session, planned: PlannedTargets, plans: Mapping[str, TargetPlan]) -> dict[str, RunReport]:
    """Return the reports of targets on which a saved plan was applied before: it is good for one run.

    Asked before anything is handed out: a claim that is found after it is that of a task of this run.
    """
    reports: dict[str, RunReport] = {}
    settings = planned.fleet.settings
    with open_settings_store(settings, session.env) as store, report_store_errors():
        for target, plan in plans.items():
            bound = plan.report.plan.targets[target]
            if run := find_claiming_run(store, identify_bound(bound), plan.digest):
                problem = NonceUsed(run.id).explanation.locate(Source(f"target {target}"))
                reports[target] = report_unsent(plan.report, [problem], Exit.STALE)
    return reports


def _find_unsettled(session: Session, fleet: Fleet, plans: Mapping[str, TargetPlan]) -> dict[str, TargetPlan]:
    with open_settings_store(fleet.settings, session.env) as store:
        return {
            target: plan
            for target, plan in plans.items()
            if any(store.list_open(identify_bound(bound)) for bound in plan.report.plan.targets.values())
        }


def _report(planned: PlannedTargets, applied: Mapping[str, RunReport]) -> RunReport:
    """Return the one report: what was sent, and of the other targets why nothing was."""
    reports = {
        target: applied.get(target) or report_unsent(report, (), report.exit)
        for target, report in planned.reports.items()
    }
    return merge_target_reports(planned.fleet, "apply", reports, planned.ends)


def _ask(session: Session, whole: Plan) -> ReconcilerError | None:
    """Return why the plan is not to be sent: somebody said no, or nobody can be asked."""
    try:
        is_accepted = not whole.sendable_steps or ask_confirmation(session, whole)
    except UsageError as error:
        return error
    return None if is_accepted else RefusedError(_DECLINED)


def _show(session: Session, report: RunReport) -> None:
    # Not to stdout, which is one result in every outcome: the report of what was done.
    write_text(session.stderr, f"{build_result(report).text(session.choose_layout(session.stderr))}\n")


def _announce_stop(session: Session) -> None:
    start = session.end_echoed_line(session.stderr)
    write_text(session.stderr, f"{start}stopping after the steps under way; once more to break it off\n")
