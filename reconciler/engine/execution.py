"""Carrying out a plan so that what is reported is true whatever happens on the way: a signal, or a bug of ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple, Protocol

from reconciler.apis.connect import Api
from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.apply import apply
from reconciler.engine.interrupts import StopSignals
from reconciler.engine.parallel_steps import StepProgress, Writers
from reconciler.engine.pipeline import JudgedPlan
from reconciler.engine.run_context import Journal, RunContext
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.errors import Exit, StateError, UsageError, describe_internal_error
from reconciler.kinds.registry import Registry
from reconciler.model import Obstacle, Outcome, Plan, Risk, Step, Verdict
from reconciler.plans.exit_code import exit_code
from reconciler.plans.guards import find_unapproved, list_withheld_steps
from reconciler.plans.masking import MaskedOutcome, MaskedPlan, SecretMasker


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told what goes on: nothing here knows a terminal.

    `show_plan` gets the masked plan before anything is asked or sent; `confirm` says whether somebody accepts the plan,
    and raises UsageError where nobody can be asked; `on_outcome` gets each finished step, in the plan's order, and how
    many were told; `on_stop` answers the first signal that asks to stop while requests are sent.
    """

    show_plan: Callable[[JudgedPlan], None]
    confirm: Callable[[Plan], bool]
    on_outcome: Callable[[MaskedOutcome, int], None]
    on_stop: Callable[[], None]


class SendResult(NamedTuple):
    """What became of every step of a plan, and what broke it off if anything did."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool
    faults: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Execution:
    """What carrying out a plan came to, fit to be shown. `sent` is False where nothing was to be sent, or might be."""

    exit: Exit
    plan: MaskedPlan
    outcomes: tuple[MaskedOutcome, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    interrupted: bool = False
    sent: bool = False


class Recorder(Journal, Protocol):
    """The journal of a run, with its beginning and its end."""

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What could not be recorded since the first request was sent."""

    def claim(self, plan: Plan) -> Plan:
        """Make the run the one that may write to the plan's targets, and return what of the plan may be sent.

        Raises StateError, with nothing claimed.
        """

    def release(self, outcomes: Sequence[Outcome], exit_: Exit) -> None:
        """Record how the run ended, and let others write. Raises nothing."""


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What carrying out a plan touches: connected targets by name, who is told, and what is recorded."""

    apis: Mapping[str, Api]
    masker: SecretMasker
    listener: Listener
    stops: StopSignals
    kinds: Registry
    recorder: Recorder
    timing: Timing = REAL_TIME


def execute_plan(judged_plan: JudgedPlan, risks: Collection[Risk], context: ExecutionContext) -> Execution:
    """Show the plan, stop before the first write wherever anything speaks against it, then send."""
    plan, masker, masked_plan = judged_plan.plan, judged_plan.masker, judged_plan.masked_plan
    refusals, withheld = judged_plan.refusals, judged_plan.withheld
    if not plan.steps and plan.complete:
        return Execution(Exit.OK, masked_plan)
    context.listener.show_plan(judged_plan)
    reasons = (*refusals, *masker.mask_diagnostics(find_unapproved(plan, risks)))
    # What could not be read may hold what a step depends on; a document that has a problem holds only itself back.
    if reasons or plan.gaps or not plan.steps:
        return _refuse_to_send(masked_plan, exit_code(plan, refused=bool(reasons)), reasons)
    try:
        if plan.sendable_steps and not context.listener.confirm(plan):
            reason = Diagnostic("plan.not-confirmed", Source("confirmation"), "not confirmed", "nothing was sent")
            return _refuse_to_send(masked_plan, Exit.REFUSED, (reason,))
        claimed_plan = context.recorder.claim(plan)
    except (UsageError, StateError) as error:
        return _refuse_to_send(masked_plan, error.exit, masker.mask_diagnostics(error.problems))
    execution = _send_claimed_plan(claimed_plan, context)
    # Steps that are held back only since the plan was shown: an earlier run may have changed their objects.
    late = list_withheld_steps(claimed_plan) if claimed_plan is not plan else ()
    told = (*withheld, *(reason for reason in masker.mask_diagnostics(late) if reason not in withheld))
    return replace(execution, problems=(*told, *execution.problems))


def _send_claimed_plan(plan: Plan, context: ExecutionContext) -> Execution:
    """Send what was claimed, and weigh what came of it; the lease is given back whatever happens."""
    result, recorder = send_plan(plan, context), context.recorder
    causes = {Exit.UNKNOWN for step in plan.steps if step.obstacle is Obstacle.UNSETTLED}

    def weigh() -> Exit:
        # What nobody will remember could not be written out, whatever was applied.
        codes = causes | ({Exit.INCOMPLETE} if recorder.faults else set())
        return exit_code(
            plan, result.outcomes, interrupted=result.interrupted, faulty=bool(result.faults), causes=codes
        )

    with suppress(KeyboardInterrupt):  # somebody insists: the lease of a process that ended is free all the same
        recorder.release(result.outcomes, weigh())
    # Again: of a saved plan nothing was read before, so no token was known.
    masked_plan = context.masker.mask_plan(plan)
    outcomes = context.masker.mask_outcomes(result.outcomes, masked_plan)
    problems = (*result.faults, *context.masker.mask_diagnostics(recorder.faults))
    return Execution(weigh(), masked_plan, outcomes, problems, result.interrupted, sent=True)


def send_plan(plan: Plan, context: ExecutionContext) -> SendResult:
    """Send the plan; each finished step is told at once.

    Raises nothing: what is known has to be reported, and no signal from here on takes the report away; see
    `StopSignals`.
    """
    progress = StepProgress()
    apis, stops = context.apis, context.stops

    numbers = count(1)

    def tell_outcome(outcome: Outcome) -> None:
        context.listener.on_outcome(context.masker.mask_outcome(outcome), next(numbers))

    run = RunContext(
        readers={name: api.fresh for name, api in apis.items()},
        senders={name: api.send for name, api in apis.items()},
        explainers={name: api.explain for name, api in apis.items()},
        was_definitely_not_done={name: api.dialect.was_definitely_not_done for name, api in apis.items()},
        comes_from_between={name: api.dialect.comes_from_between for name, api in apis.items()},
        redact=context.masker,
        kinds=context.kinds,
        journal=context.recorder,
        stop=stops.is_requested,
        timing=context.timing,
        writers={name: _choose_writers(api) for name, api in apis.items()},
    )
    faults: tuple[Diagnostic, ...] = ()
    stops.begin_sending(context.listener.on_stop)
    with suppress(KeyboardInterrupt):  # a second signal, which is only raised once it is a matter of telling
        faults = _apply_without_raising(plan, run, tell_outcome, progress)
        stops.begin_reporting()
    return SendResult(_complete_outcomes(plan, progress), stops.is_requested(), faults)


def _choose_writers(api: Api) -> Writers:
    options = api.target.transport
    return Writers(api.pools.steps, options.writes, options.parallelism)


def _refuse_to_send(masked_plan: MaskedPlan, exit_: Exit, reasons: tuple[Diagnostic, ...]) -> Execution:
    """Say of every step that nothing was sent."""
    outcomes = tuple(MaskedOutcome(step, Verdict.NOT_REACHED, "nothing was sent") for step in masked_plan.steps)
    return Execution(exit_, masked_plan, outcomes, reasons)


def _apply_without_raising(
    plan: Plan, context: RunContext, on_outcome: Callable[[Outcome], None], progress: StepProgress
) -> tuple[Diagnostic, ...]:
    """Apply, and return what broke it off: requests have been sent, and a bug must not take the report with it."""
    try:
        apply(plan, context, on_outcome, progress)
    except Exception as fault:  # noqa: BLE001
        return (describe_internal_error(fault),)
    return ()


def _complete_outcomes(plan: Plan, progress: StepProgress) -> tuple[Outcome, ...]:
    """Complete the outcomes of a run broken off: steps under way may have been sent, those not begun were not."""
    # Closing a connection takes no request back: a server may well finish one whose client has gone.
    reason = "the run was broken off while it was under way; look at the object"

    def complete(number: int, step: Step) -> Outcome:
        if number in progress.outcomes:
            return progress.outcomes[number]
        if number in progress.under_way:
            return Outcome(step, Verdict.UNKNOWN, reason)
        return Outcome(step, Verdict.NOT_REACHED, "the run was broken off")

    return tuple(complete(number, step) for number, step in enumerate(plan.steps))
