"""The journal of a run, with somebody who watches its steps: when each begins and ends, and how it is ruled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from reconciler.diagnostics import Diagnostic
from reconciler.engine.execution import Recorder
from reconciler.engine.phases import UNOBSERVED, PhaseObserver
from reconciler.errors import Exit
from reconciler.model import Outcome, Plan, Step


def watch_steps(recorder: Recorder, observer: PhaseObserver, redact: Callable[[str], str]) -> Recorder:
    """Return a recorder that does what this one does, and tells the observer; the very same where nobody watches."""
    return recorder if observer is UNOBSERVED else _WatchedRecorder(recorder, observer, redact)


class _WatchedRecorder:
    """Between the claim and the release lies the phase `apply`, and in it a step for each that has begun."""

    def __init__(self, recorder: Recorder, observer: PhaseObserver, redact: Callable[[str], str]) -> None:
        self._recorder, self._observer, self._redact = recorder, observer, redact
        self._stack = ExitStack()
        self._began: dict[int, int] = {}
        self.may_send = recorder.may_send

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        return self._recorder.faults

    def claim(self, plan: Plan) -> Plan:
        with ExitStack() as stack:
            stack.enter_context(self._observer.observe_phase("apply", {"steps": len(plan.steps)}))
            claimed = self._recorder.claim(plan)
            self._stack = stack.pop_all()
        return claimed

    def begin(self, number: int, step: Step) -> Outcome | None:
        self._began[number] = self._observer.mark_time()
        return self._recorder.begin(number, step)

    def finish(self, number: int, outcome: Outcome, *, more: bool = False) -> str:
        reason = self._recorder.finish(number, outcome, more=more)
        if number in self._began:
            step = outcome.step
            self._observer.note_step(
                self._began.pop(number),
                {
                    "target": step.address.target,
                    "kind": step.address.kind,
                    "name": self._redact(step.address.name),
                    "action": step.action.value,
                    "verdict": outcome.verdict.value,
                },
            )
        return reason

    def release(self, outcomes: Sequence[Outcome], exit_: Exit) -> None:
        try:
            self._recorder.release(outcomes, exit_)
        finally:
            self._stack.close()
