"""`reconciler apply`: the one command that is handed a way to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.apply_options import ApplyOptions
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.fleet_options import FleetOptions
from reconciler.cli.terminal.output import CommandResult, build_result, load_headers
from reconciler.cli.terminal.streams import write_text
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.declaration import RunOptions
    from reconciler.engine.execution import Execution, Listener
    from reconciler.engine.pipeline import BaseComparison, JudgedPlan
    from reconciler.engine.policy_runs import JudgedManifests
    from reconciler.engine.recorded_run import RecordedRun
    from reconciler.engine.saved_plans import PlanDemands
    from reconciler.fleet.shards import Shard
    from reconciler.model import Plan
    from reconciler.plans.masking import MaskedOutcome, SecretMasker
    from reconciler.plans.planfile import SavedPlan
    from reconciler.reports.perspective import View
    from reconciler.rights import RightsDemand
    from reconciler.settings.model import Settings


_NO_SAVED_PLAN = Diagnostic(
    "usage.saved-plan-only",
    Source("command line"),
    "--same-manifests and --max-plan-age are about a saved plan, and none is given",
    "what is planned now is of these manifests and of today",
    "give a plan file, or leave them out",
)

_BASE_OF_SAVED_PLAN = Diagnostic(
    "usage.saved-plan-whole",
    Source("--base"),
    "--base is about manifests, and a saved plan is to be applied",
    "nothing was sent",
    "leave it out; plan says what is no longer declared",
)


@options.command()
@click.argument("paths", nargs=-1, metavar="[PLANFILE | PATH...]")
@click.option("--yes", is_flag=True, help="Accept what the plan shows, without being asked.")
@click.option("--approve", metavar="RISKS", help="Accept only these risks: low,high,irreversible. Others are refused.")
@options.lock_timeout
@options.same_manifests
@options.max_plan_age
@options.base
@options.no_rights
@options.full
@options.fleet
@options.link
@options.otlp
@options.settings_and_selection
@options.traffic
@options.report
@options.output
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    paths: tuple[str, ...],
    yes: bool,
    approve: str | None,
    lock_timeout: float,
    same_manifests: bool,
    max_plan_age: float | None,
    base: str | None,
    rights: RightsDemand,
    full: bool,
    config: str | None,
    environment: str | None,
    jobs: int | None,
    shard: Shard | None,
    **filters: Any,
) -> CommandResult:
    """Send a saved plan; or plan, show, ask and send."""
    from datetime import timedelta

    from reconciler.cli.terminal.confirm import parse_approved_risks
    from reconciler.engine.declaration import RunOptions
    from reconciler.engine.saved_plans import PlanDemands, is_marked_as_plan, is_planfile
    from reconciler.manifests.selection import Selection

    accepted = yes or approve is not None
    apply_options = ApplyOptions(parse_approved_risks(approve), accepted, full, lock_timeout, FleetOptions(jobs, shard))
    run_options = RunOptions(paths, config, Selection(**filters), base, rights, environment)
    if len(paths) == 1 and is_planfile(session.cwd / paths[0]):
        demands = PlanDemands(same_manifests, None if max_plan_age is None else timedelta(seconds=max_plan_age))
        return _apply_saved_plan(session, paths[0], run_options, apply_options, demands)
    if same_manifests or max_plan_age is not None:
        raise UsageError(_NO_SAVED_PLAN)
    for path in paths if len(paths) > 1 else ():
        if is_marked_as_plan(session.cwd / path):
            summary, remedy = "a saved plan is applied alone, as it was approved", "give it as the only argument"
            problem = Diagnostic("usage.saved-plan-whole", Source(path), summary, "nothing was sent", remedy)
            raise UsageError(problem)
    return _apply_manifests(session, run_options, apply_options)


def _apply_manifests(session: Session, run_options: RunOptions, apply_options: ApplyOptions) -> CommandResult:
    """Settle what is open, then plan on what is there."""
    from reconciler.cli.terminal.progress import Progress
    from reconciler.cli.terminal.recorded import open_recorded_run
    from reconciler.engine.checkout import find_manifests_commit
    from reconciler.engine.declaration import read_declaration
    from reconciler.engine.pipeline import compare_with_servers, connect_targets
    from reconciler.engine.run_store import RunOrigin

    inputs = session.inputs
    declared = read_declaration(inputs, run_options)
    if apply_options.fleet.needs_fleet(session, declared.settings):
        from reconciler.cli.fleet.apply_command import apply_manifests_on_fleet

        return apply_manifests_on_fleet(session, declared, run_options, apply_options)
    origin = RunOrigin(commit=find_manifests_commit(inputs, run_options.paths, declared.settings))
    with (
        connect_targets(inputs, declared.settings, declared.targets) as apis,
        open_recorded_run(session, declared.settings, apis, apply_options.lock_timeout, origin) as recorded,
    ):
        recorded.settle_earlier()
        claimed_acts = recorded.list_claimed_acts()
        with Progress(session) as progress:
            judged_plan = compare_with_servers(inputs, declared, apis, progress.tell, claimed_acts, run_options.rights)
        return _apply_judged_plan(session, judged_plan, apis, apply_options, recorded)


def _apply_saved_plan(
    session: Session, planfile: str, run_options: RunOptions, apply_options: ApplyOptions, demands: PlanDemands
) -> CommandResult:
    """A saved plan is what was approved: it is sent whole, to where it was made for, within today's limits."""
    from reconciler.engine.declaration import read_settings
    from reconciler.engine.policy_runs import read_judged_manifests
    from reconciler.engine.saved_plans import read_approved_plan
    from reconciler.reports.saved_plan import encode_saved_plan

    _check_plan_whole(planfile, run_options)
    inputs = session.inputs
    with inputs.phases.observe_phase("load", {}):
        settings = read_settings(inputs, run_options.config, run_options.environment)
        approved = read_approved_plan(inputs, settings, run_options, planfile, demands, session.moment)
        saved_plan, settings, notes, declared = approved
        if apply_options.fleet.needs_fleet(session, settings):
            from reconciler.cli.fleet.apply_command import SavedFleetPlan, apply_saved_plan_on_fleet

            fleet_plan = SavedFleetPlan(settings, saved_plan, (session.cwd / planfile).read_bytes(), notes)
            return apply_saved_plan_on_fleet(session, fleet_plan, run_options, apply_options, demands)
        manifests = read_judged_manifests(inputs, settings, saved_plan, declared)
    result = _send_saved_plan(session, planfile, settings, saved_plan, manifests, apply_options)
    extra = {**result.extra, "saved_plan": encode_saved_plan(saved_plan)}
    return result._replace(extra=extra, notes=(*notes, *result.notes))


def _send_saved_plan(
    session: Session,
    planfile: str,
    settings: Settings,
    saved_plan: SavedPlan,
    manifests: JudgedManifests,
    apply_options: ApplyOptions,
) -> CommandResult:
    from reconciler.cli.terminal.recorded import open_recorded_run
    from reconciler.engine.pipeline import connect_targets, judge_plan
    from reconciler.engine.plan_rights import weigh_saved_rights
    from reconciler.engine.policy_runs import judge_saved_plan
    from reconciler.engine.run_store import RunOrigin
    from reconciler.plans.planfile import check_plan_targets
    from reconciler.plans.target_plans import restrict_plan
    from reconciler.reports.saved_plan import render_saved_plan
    from reconciler.state.records import PlanNonce

    inputs, plan = session.inputs, saved_plan.plan
    targets = sorted({step.address.target for step in plan.steps} & settings.targets.keys())
    if session.task:
        # A plan of many targets is sent by a task each, and each has seen all of what was approved.
        plan, targets = restrict_plan(plan, session.task.target), [session.task.target]
    with connect_targets(inputs, settings, targets) as apis:
        check_plan_targets(plan, {name: api.bound() for name, api in apis.items()}, planfile)
        for api in apis.values():
            api.learn()  # nothing was read on the way here, and what was planned may quote a secret
        # Once more: it may be another account that planned, and other roles may have changed since.
        weighed, findings = judge_saved_plan(
            manifests, lambda with_report: weigh_saved_rights(plan, apis, inputs.kinds, with_report=with_report), inputs
        )
        judged_plan = judge_plan(plan, settings, apis, inputs.kinds, weighed.lockouts, findings)
        write_text(session.stderr, render_saved_plan(saved_plan))
        nonce = PlanNonce(saved_plan.nonce, saved_plan.expires)
        origin = RunOrigin("apply", saved_plan.commit, saved_plan.digest, nonce)
        with open_recorded_run(session, settings, apis, apply_options.lock_timeout, origin) as recorded:
            if session.task:
                recorded.settle_earlier()
            return _apply_judged_plan(session, judged_plan, apis, apply_options._replace(accepted=True), recorded)


def _check_plan_whole(planfile: str, run_options: RunOptions) -> None:
    """Refuse what would make another plan of a saved one."""
    from reconciler.manifests.selection import format_filters

    if run_options.base is not None:
        raise UsageError(_BASE_OF_SAVED_PLAN)
    if filters := format_filters(run_options.selection):
        problem = Diagnostic(
            "usage.saved-plan-whole",
            Source(planfile),
            f"a saved plan is applied whole, and {filters} would take a part of it",
            "nothing was sent",
            "plan again with the selection",
        )
        raise UsageError(problem)


def _apply_judged_plan(
    session: Session,
    judged_plan: JudgedPlan,
    apis: Mapping[str, Api],
    apply_options: ApplyOptions,
    recorded: RecordedRun,
) -> CommandResult:
    """Execute the plan, and draw what comes of it."""
    from reconciler.cli.terminal.confirm import ask_confirmation
    from reconciler.cli.terminal.progress import Progress
    from reconciler.engine.execution import ExecutionContext, execute_plan
    from reconciler.engine.observed_steps import watch_steps
    from reconciler.kinds.registry import KINDS
    from reconciler.reports.perspective import View

    view = View(judged_plan.plan.targets, headers=load_headers() if apply_options.full else None)
    with Progress(session, patience=0) as progress:
        listener = make_listener(
            session,
            judged_plan,
            progress,
            lambda plan: apply_options.accepted or ask_confirmation(session, plan),
            view,
        )
        inputs, masker = session.inputs, judged_plan.masker
        recorder = watch_steps(recorded, inputs.phases, masker)
        context = ExecutionContext(apis, masker, listener, session.stops, KINDS, recorder, inputs.timing)
        execution = execute_plan(judged_plan, apply_options.risks, context)
    result = _draw_execution(execution, view, recorded, judged_plan.base)
    return result._replace(notes=(*result.notes, *judged_plan.base_notes))


def _draw_execution(
    execution: Execution, view: View, recorded: RecordedRun, base: BaseComparison | None
) -> CommandResult:
    """Return the answer: what was done, or why nothing was."""
    from reconciler.reports.headline import summarize_plan
    from reconciler.reports.run_report import RunReport
    from reconciler.reports.withdrawals import encode_base

    plan = execution.plan
    nothing_to_do = not plan.steps and plan.complete
    report = RunReport(
        "apply",
        execution.exit,
        plan,
        execution.outcomes,
        execution.problems,
        recorded.notes,
        members={"run": recorded.describe(), **encode_base(base)},
        headline=summarize_plan(plan) if nothing_to_do else "",
        interrupted=execution.interrupted,
        has_sent=execution.sent,
    )
    return build_result(report, view.headers)


def make_listener(
    session: Session, judged_plan: JudgedPlan, progress: Progress, confirm: Callable[[Plan], bool], view: View
) -> Listener:
    """Return what tells a person at `session` what goes on while this plan is carried out."""
    from reconciler.engine.execution import Listener

    total, masker = len(judged_plan.plan.steps), judged_plan.masker
    return Listener(
        show_plan=lambda judged_plan: _show_plan(session, judged_plan, view),
        confirm=confirm,
        on_outcome=lambda outcome, number: _show_outcome(progress, masker, outcome, f"[{number}/{total}]", view),
        on_stop=lambda: _announce_stop(session),
    )


def _show_plan(session: Session, judged_plan: JudgedPlan, view: View) -> None:
    # Not to stdout, which is one result in every outcome: the report of what was done.
    from reconciler.reports import text
    from reconciler.reports.withdrawals import encode_base, render_withdrawals

    layout = session.choose_layout(session.stderr)
    refusals = len(judged_plan.refusals)
    report = text.render_plan(judged_plan.masked_plan, layout, refusals, view.headers)
    report += render_withdrawals(encode_base(judged_plan.base), layout)
    write_text(session.stderr, f"{report}\n")


def _show_outcome(progress: Progress, masker: SecretMasker, outcome: MaskedOutcome, count: str, view: View) -> None:
    from reconciler.model import Verdict
    from reconciler.reports.object_names import describe_object
    from reconciler.reports.text import name_target

    if outcome.verdict is Verdict.NOT_REACHED:  # nothing happened: the report counts them
        return
    step = outcome.step
    name = f"{step.address} {describe_object(step, view)}".rstrip()
    facts = ", ".join(filter(None, (name, name_target(step, view))))
    progress.done(masker(f"{count} {outcome.verdict.value.replace('_', ' ')}: {step.action} {facts}"))


def _announce_stop(session: Session) -> None:
    # Python's buffered streams refuse to be entered twice by one thread, as a handler of a signal would.
    with suppress(RuntimeError):  # it came in the middle of writing to the very stream
        start = session.end_echoed_line(session.stderr)
        write_text(session.stderr, f"{start}stopping after the step under way; once more to break it off\n")
