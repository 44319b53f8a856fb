"""`reconciler apply`: the one command that is handed a way to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from reconciler.apis.connect import Api
from reconciler.cli.confirm import ask_confirmation, parse_approved_risks
from reconciler.cli.context import Session
from reconciler.cli.options import SelectionOptions
from reconciler.cli.output import CommandResult, write_text
from reconciler.cli.progress import Progress
from reconciler.engine.execution import SendResult, send_plan
from reconciler.engine.pipeline import (
    JudgedPlan,
    compare_with_servers,
    connect_targets,
    judge_plan,
    read_declaration,
    read_settings,
)
from reconciler.engine.saved_plans import is_marked_as_plan, is_planfile, read_saved_plan
from reconciler.errors import Exit, Problem, Source, UsageError, find_worst_exit
from reconciler.manifests.selection import format_filters
from reconciler.model import Outcome, Plan, Risk, Verdict
from reconciler.plans.guards import find_unapproved
from reconciler.plans.planfile import check_plan_targets
from reconciler.plans.planner import find_plan_exit
from reconciler.reports import text
from reconciler.reports.headline import summarize_plan

_VERDICT_EXITS = {
    Verdict.APPLIED: Exit.OK,
    Verdict.UNCHANGED: Exit.OK,
    Verdict.NOT_APPLIED: Exit.PARTIAL,
    Verdict.STALE: Exit.STALE,
    Verdict.UNKNOWN: Exit.UNKNOWN,
    Verdict.NOT_REACHED: Exit.PARTIAL,
}
_UNCHANGED_VERDICTS = frozenset({Verdict.UNCHANGED, Verdict.NOT_APPLIED, Verdict.NOT_REACHED})


def run(
    session: Session, paths: Sequence[str], options: SelectionOptions, *, yes: bool, approve: str | None
) -> CommandResult:
    """Send a saved plan, or compare and send once somebody has accepted what is shown."""
    risks = parse_approved_risks(approve)
    if len(paths) == 1 and is_planfile(session.cwd / paths[0]):
        return _apply_saved_plan(session, paths[0], options, risks)
    for path in paths if len(paths) > 1 else ():
        if is_marked_as_plan(session.cwd / path):
            reason = "a saved plan is applied alone, exactly as it was approved; nothing was sent"
            raise UsageError(Problem(Source(path), f"{reason}; give it as the only argument"))
    declared = read_declaration(session, paths, options)
    with connect_targets(session, declared.settings, declared.targets) as apis:
        with Progress(session) as progress:
            judged_plan = compare_with_servers(session, declared, apis, progress.tell)
        return _apply_judged_plan(session, judged_plan, apis, risks, accepted=yes or approve is not None)


def _apply_saved_plan(
    session: Session, planfile: str, options: SelectionOptions, risks: frozenset[Risk]
) -> CommandResult:
    """A saved plan is what was approved: it is sent whole, to where it was made for, within today's limits."""
    if selection := format_filters(options):
        reason = f"a saved plan is applied whole, and {selection} would take a part of it; nothing was sent"
        raise UsageError(Problem(Source(planfile), f"{reason}; plan again with the selection"))
    plan = read_saved_plan(session, planfile)
    settings = read_settings(session, options)
    targets = sorted({step.address.target for step in plan.steps} & settings.targets.keys())
    with connect_targets(session, settings, targets) as apis:
        check_plan_targets(plan, {name: api.bound() for name, api in apis.items()}, planfile)
        for api in apis.values():
            api.learn()  # nothing was read on the way here, and what was planned may quote a secret
        return _apply_judged_plan(session, judge_plan(plan, settings, apis), apis, risks, accepted=True)


def _apply_judged_plan(
    session: Session, judged_plan: JudgedPlan, apis: Mapping[str, Api], risks: frozenset[Risk], *, accepted: bool
) -> CommandResult:
    """Show the plan, stop before the first write wherever anything speaks against it, then send."""
    plan, masker, masked_plan, refusals = judged_plan
    if not plan.steps and plan.complete:
        return CommandResult(
            Exit.OK,
            lambda layout: text.render_plan(masked_plan, layout),
            plan=masked_plan,
            headline=summarize_plan(masked_plan),
        )
    # Not to stdout, which is one result in every outcome: the report of what was done.
    write_text(
        session.stderr, text.render_plan(masked_plan, session.choose_layout(session.stderr), len(refusals)) + "\n"
    )
    reasons = (*refusals, *find_unapproved(masked_plan, risks))
    exit_ = find_worst_exit({find_plan_exit(plan), Exit.REFUSED if reasons else Exit.OK})
    if exit_ is not Exit.OK:
        return _make_unsent_result(masked_plan, exit_, reasons)
    try:
        if not accepted and not ask_confirmation(session, plan):
            return _make_unsent_result(
                masked_plan, Exit.REFUSED, (Problem(Source("confirmation"), "not confirmed; nothing was sent"),)
            )
    except UsageError as error:
        return _make_unsent_result(masked_plan, error.exit, error.problems)
    with ExitStack() as stack:
        progress = stack.enter_context(Progress(session, patience=0))
        send_result = send_plan(session, plan, apis, masker, progress)
    masked_plan = masker.plan(plan)  # again: of a saved plan nothing was read before, so no token was known
    outcomes = masker.outcomes(send_result.outcomes, masked_plan)
    return CommandResult(
        _choose_exit(send_result),
        lambda layout: text.render_outcomes(outcomes, layout, interrupted=send_result.interrupted),
        send_result.faults,
        masked_plan,
        outcomes,
    )


def _make_unsent_result(plan: Plan, exit_: Exit, reasons: tuple[Problem, ...]) -> CommandResult:
    """Say that nothing left the house, of every step."""
    outcomes = tuple(Outcome(step, Verdict.NOT_REACHED, "nothing was sent") for step in plan.steps)
    return CommandResult(exit_, lambda _: "Nothing was sent.\n", reasons, plan, outcomes)


def _choose_exit(send_result: SendResult) -> Exit:
    """Return the outcome of a run; what was not reached because of a signal is no failure of its own.

    Where nothing at all was done, and nothing was sent because of what kept it from being sent, that is the outcome.
    """
    verdicts = {outcome.verdict for outcome in send_result.outcomes}
    causes = {outcome.cause for outcome in send_result.outcomes if outcome.cause is not None}
    if send_result.interrupted:
        verdicts.discard(Verdict.NOT_REACHED)
    codes = causes if causes and verdicts <= _UNCHANGED_VERDICTS else {_VERDICT_EXITS[verdict] for verdict in verdicts}
    codes |= {Exit.INTERRUPTED} if send_result.interrupted else set()
    return find_worst_exit(codes | ({Exit.INTERNAL} if send_result.faults else set()))
