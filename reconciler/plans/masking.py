"""A plan as it is shown: what a server holds, less what is one of our own secrets.

Live values are compared, saved and sent exactly as they are. Somebody may have written a password into a description,
though, and a report goes into a log that more people read than the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.errors import Problem
from reconciler.model import Json, Outcome, Plan, Step


class Veil:
    """Takes the secrets that were used so far out of whatever is shown; each of `redacts` knows those of one target."""

    def __init__(self, redacts: Iterable[Callable[[str], str]]) -> None:
        self._redacts = tuple(redacts)

    def __call__(self, text: str) -> str:
        """Return a text without them."""
        for redact in self._redacts:
            text = redact(text)
        return text

    def plan(self, plan: Plan) -> Plan:
        """Return a plan to look at, never one to be sent or saved; the same where there is nothing to hide."""
        whole = "\n".join(_texts(plan))
        # Nearly every plan takes this way, and no step of it is copied.
        if self(whole) == whole:
            return plan
        return replace(
            plan,
            steps=tuple(self._step(step) for step in plan.steps),
            problems=self.problems(plan.problems),
            gaps=tuple(gap._replace(problem=self._problem(gap.problem)) for gap in plan.gaps),
            notes=self.problems(plan.notes),
        )

    def problems(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return what has to be mended."""
        return tuple(self._problem(one) for one in problems)

    def outcomes(self, outcomes: Sequence[Outcome], plan: Plan) -> tuple[Outcome, ...]:
        """Return outcomes with the steps of a veiled plan in the place of the real ones."""
        return tuple(replace(outcome, step=step) for outcome, step in zip(outcomes, plan.steps, strict=True))

    def _problem(self, problem: Problem) -> Problem:
        return problem._replace(message=self(problem.message))

    def _step(self, step: Step) -> Step:
        request = step.request
        if request:
            request = request._replace(call=request.call._replace(body=_mapped(request.call.body, self)))
        return replace(
            step,
            changes=tuple(
                change._replace(before=_mapped(change.before, self), after=_mapped(change.after, self))
                for change in step.changes
            ),
            request=request,
            object=self(step.object),
            refusal=self(step.refusal),
        )


def _mapped(value: Json, change: Callable[[str], str]) -> Json:
    """Return a JSON value with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): _mapped(one, change) for name, one in value.items()}
    return [_mapped(one, change) for one in value] if isinstance(value, list | tuple) else value


def _texts(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield from (step.object, step.refusal)
        yield from _words([[change.before, change.after] for change in step.changes])
        yield from _words(step.request.call.body if step.request else None)
    for problem in (*plan.problems, *plan.notes, *(gap.problem for gap in plan.gaps)):
        yield problem.message


def _words(value: Json) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for one in value.values():
            yield from _words(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _words(one)
