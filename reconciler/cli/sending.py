"""Sending a plan so that the report is true whatever happens on the way: a signal, or a bug of ours."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple

from reconciler.apis.connect import Api
from reconciler.apply import Seams, apply
from reconciler.cli.answer import write
from reconciler.cli.faults import internal
from reconciler.cli.progress import Progress
from reconciler.cli.session import Session
from reconciler.cli.signals import stopping
from reconciler.cli.veil import Veil
from reconciler.errors import Problem
from reconciler.model import Outcome, Plan, Verdict
from reconciler.reports.table import about


class Sent(NamedTuple):
    """What became of every step of a plan, and what broke it off if anything did."""

    outcomes: tuple[Outcome, ...]
    interrupted: bool
    faults: tuple[Problem, ...] = ()


def send(session: Session, plan: Plan, apis: Mapping[str, Api], progress: Progress) -> Sent:
    """Send the plan; each finished step is told at once. Raises nothing: what is known has to be reported."""
    told: list[Outcome] = []
    veil = Veil(api.redact for api in apis.values())

    def tell(outcome: Outcome) -> None:
        told.append(outcome)
        if outcome.verdict is Verdict.NOT_REACHED:  # nothing happened: the report counts them
            return
        step = outcome.step
        done = f"[{len(told)}/{len(plan.steps)}] {outcome.verdict.value.replace('_', ' ')}"
        progress.done(veil(f"{done}: {step.action} {step.address} {about(step)}".rstrip()))

    with _stoppable(session) as stop:
        seams = Seams(
            reads={name: api.fresh for name, api in apis.items()},
            sends={name: api.send for name, api in apis.items()},
            explains={name: api.explain for name, api in apis.items()},
            redacts={name: api.redact for name, api in apis.items()},
            stop=stop,
        )
        try:
            return Sent(apply(plan, seams, tell), interrupted=stop())
        except KeyboardInterrupt:
            return Sent(_broken_off(plan, told), interrupted=True)
        except Exception as fault:  # noqa: BLE001 - requests have been sent: a bug must not take the report with it
            return Sent(_broken_off(plan, told), stop(), (internal(fault),))


def _broken_off(plan: Plan, told: Sequence[Outcome]) -> tuple[Outcome, ...]:
    """Complete the outcomes: the step under way may have been sent, those after it were not."""
    left = plan.steps[len(told) :]
    doubt = "the run was broken off while it was under way; look at the object"
    under_way = (Outcome(one, Verdict.UNKNOWN, doubt) for one in left[:1])
    return (*told, *under_way, *(Outcome(one, Verdict.NOT_REACHED, "the run was broken off") for one in left[1:]))


@contextmanager
def _stoppable(session: Session) -> Iterator[Callable[[], bool]]:
    """Turn the first signal that asks to stop into a polite wish, a second one into an interruption.

    A terminal that goes says so, and some shells and supervisors say it once more: a hang-up is never the second one.
    Yields what tells whether to stop. Elsewhere than in the main thread signals are not ours to handle.
    """
    stopped = threading.Event()

    def wish(number: int, frame: FrameType | None) -> None:
        if stopped.is_set():
            if number != signal.SIGHUP:
                signal.default_int_handler(number, frame)
            return
        stopped.set()
        with suppress(RuntimeError):  # it came in the middle of writing to the very stream
            write(session.stderr, "stopping after the step under way; once more to break it off\n")

    if threading.current_thread() is not threading.main_thread():
        yield stopped.is_set
        return
    with stopping(wish):
        yield stopped.is_set
