"""Sending a plan so that the report is true whatever happens on the way: a signal, or a bug of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from reconciler.apis.connect import Api
from reconciler.cli.context import Session
from reconciler.cli.faults import internal
from reconciler.cli.output import write
from reconciler.cli.progress import Progress
from reconciler.engine.apply import RunContext, apply
from reconciler.errors import Problem
from reconciler.model import Outcome, Plan, Verdict
from reconciler.plans.masking import Veil
from reconciler.reports.table import describe_object


class Sent(NamedTuple):
    """What became of every step of a plan, and what broke it off if anything did."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool
    faults: tuple[Problem, ...] = ()


def send(session: Session, plan: Plan, apis: Mapping[str, Api], veil: Veil, progress: Progress) -> Sent:
    """Send the plan; each finished step is told at once, behind the veil.

    Raises nothing: what is known has to be reported, and no signal from here on takes the report away; see `Stops`.
    """
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        # First: a second signal may come while the line is written, and the step is done by then.
        told.append(outcome)
        if outcome.verdict is Verdict.NOT_REACHED:  # nothing happened: the report counts them
            return
        step = outcome.step
        done = f"[{len(told)}/{len(plan.steps)}] {outcome.verdict.value.replace('_', ' ')}"
        progress.done(veil(f"{done}: {step.action} {step.address} {describe_object(step)}".rstrip()))

    stops = session.stops
    seams = RunContext(
        readers={name: api.fresh for name, api in apis.items()},
        senders={name: api.send for name, api in apis.items()},
        explainers={name: api.explain for name, api in apis.items()},
        redact=veil,
        stop=stops.wished,
    )
    faults: tuple[Problem, ...] = ()
    stops.sending(lambda: _promise(session))
    with suppress(KeyboardInterrupt):  # a second signal, which is only raised once it is a matter of telling
        faults = _applied(plan, seams, tell)
        stops.telling()
    return Sent(_completed(plan, told), stops.wished(), faults)


def _applied(plan: Plan, seams: RunContext, tell: Callable[[Outcome], None]) -> tuple[Problem, ...]:
    """Apply, and return what broke it off: requests have been sent, and a bug must not take the report with it."""
    try:
        apply(plan, seams, tell)
    except Exception as fault:  # noqa: BLE001
        return (internal(fault),)
    return ()


def _promise(session: Session) -> None:
    # Python's buffered streams refuse to be entered twice by one thread, as a handler of a signal would.
    with suppress(RuntimeError):  # it came in the middle of writing to the very stream
        write(session.stderr, "stopping after the step under way; once more to break it off\n")


def _completed(plan: Plan, told: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Complete the outcomes of a run broken off: the step under way may have been sent, those after it were not."""
    left = plan.steps[len(told) :]
    doubt = "the run was broken off while it was under way; look at the object"
    # Closing a connection takes no request back: a server may well finish one whose client has gone.
    under_way = (Outcome(one, Verdict.UNKNOWN, doubt) for one in left[:1])
    return (*told, *under_way, *(Outcome(one, Verdict.NOT_REACHED, "the run was broken off") for one in left[1:]))
