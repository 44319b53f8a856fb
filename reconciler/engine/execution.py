"""Sending a plan so that the report is true whatever happens on the way: a signal, or a bug of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from reconciler.apis.connect import Api
from reconciler.cli.context import Session
from reconciler.cli.faults import describe_internal_error
from reconciler.cli.output import write_text
from reconciler.cli.progress import Progress
from reconciler.engine.apply import RunContext, apply
from reconciler.errors import Problem
from reconciler.model import Outcome, Plan, Verdict
from reconciler.plans.masking import SecretMasker
from reconciler.reports.table import describe_object


class SendResult(NamedTuple):
    """What became of every step of a plan, and what broke it off if anything did."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool
    faults: tuple[Problem, ...] = ()


def send_plan(
    session: Session, plan: Plan, apis: Mapping[str, Api], masker: SecretMasker, progress: Progress
) -> SendResult:
    """Send the plan; each finished step is told at once, behind the veil.

    Raises nothing: what is known has to be reported, and no signal from here on takes the report away; see `Stops`.
    """
    outcomes: list[Outcome] = []

    def report_outcome(outcome: Outcome) -> None:
        # First: a second signal may come while the line is written, and the step is done by then.
        outcomes.append(outcome)
        if outcome.verdict is Verdict.NOT_REACHED:  # nothing happened: the report counts them
            return
        step = outcome.step
        finished_line = f"[{len(outcomes)}/{len(plan.steps)}] {outcome.verdict.value.replace('_', ' ')}"
        progress.done(masker(f"{finished_line}: {step.action} {step.address} {describe_object(step)}".rstrip()))

    stops = session.stops
    context = RunContext(
        readers={name: api.fresh for name, api in apis.items()},
        senders={name: api.send for name, api in apis.items()},
        explainers={name: api.explain for name, api in apis.items()},
        redact=masker,
        stop=stops.is_requested,
    )
    faults: tuple[Problem, ...] = ()
    stops.begin_sending(lambda: _announce_stop(session))
    with suppress(KeyboardInterrupt):  # a second signal, which is only raised once it is a matter of telling
        faults = _apply_without_raising(plan, context, report_outcome)
        stops.begin_reporting()
    return SendResult(_complete_outcomes(plan, outcomes), stops.is_requested(), faults)


def _apply_without_raising(
    plan: Plan, context: RunContext, on_outcome: Callable[[Outcome], None]
) -> tuple[Problem, ...]:
    """Apply, and return what broke it off: requests have been sent, and a bug must not take the report with it."""
    try:
        apply(plan, context, on_outcome)
    except Exception as fault:  # noqa: BLE001
        return (describe_internal_error(fault),)
    return ()


def _announce_stop(session: Session) -> None:
    # Python's buffered streams refuse to be entered twice by one thread, as a handler of a signal would.
    with suppress(RuntimeError):  # it came in the middle of writing to the very stream
        write_text(session.stderr, "stopping after the step under way; once more to break it off\n")


def _complete_outcomes(plan: Plan, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Complete the outcomes of a run broken off: the step under way may have been sent, those after it were not."""
    remaining = plan.steps[len(outcomes) :]
    reason = "the run was broken off while it was under way; look at the object"
    # Closing a connection takes no request back: a server may well finish one whose client has gone.
    under_way = (Outcome(step, Verdict.UNKNOWN, reason) for step in remaining[:1])
    return (
        *outcomes,
        *under_way,
        *(Outcome(step, Verdict.NOT_REACHED, "the run was broken off") for step in remaining[1:]),
    )
