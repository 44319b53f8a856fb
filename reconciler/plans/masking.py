"""A plan as it is shown: what a server holds, less what is one of our own secrets.

Live values are compared, saved and sent exactly as they are. Somebody may have written a password into a description,
though, and a report goes into a log that more people read than the server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.diagnostics import Diagnostic
from reconciler.model import Json, Outcome, Plan, Step


class SecretMasker:
    """Takes the secrets that were used so far out of whatever is shown; each of `redacts` knows those of one target."""

    def __init__(self, redactors: Iterable[Callable[[str], str]]) -> None:
        self._redactors = tuple(redactors)

    def __call__(self, text: str) -> str:
        """Return a text without them."""
        for redact in self._redactors:
            text = redact(text)
        return text

    def plan(self, plan: Plan) -> Plan:
        """Return a plan to look at, never one to be sent or saved; the same where there is nothing to hide."""
        all_text = "\n".join(_iterate_plan_texts(plan))
        # Nearly every plan takes this way, and no step of it is copied.
        if self(all_text) == all_text:
            return plan
        return replace(
            plan,
            steps=tuple(self._step(step) for step in plan.steps),
            problems=self.problems(plan.problems),
            gaps=tuple(gap._replace(problem=self._problem(gap.problem)) for gap in plan.gaps),
            notes=self.problems(plan.notes),
        )

    def problems(self, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return what has to be mended."""
        return tuple(self._problem(problem) for problem in problems)

    def outcomes(self, outcomes: Sequence[Outcome], plan: Plan) -> tuple[Outcome, ...]:
        """Return outcomes with the steps of a veiled plan in the place of the real ones."""
        return tuple(replace(outcome, step=step) for outcome, step in zip(outcomes, plan.steps, strict=True))

    def _problem(self, problem: Diagnostic) -> Diagnostic:
        return replace(problem, summary=self(problem.summary), reason=self(problem.reason), remedy=self(problem.remedy))

    def _step(self, step: Step) -> Step:
        request = step.request
        if request:
            request = request._replace(call=request.call._replace(body=_map_texts(request.call.body, self)))
        return replace(
            step,
            changes=tuple(
                change._replace(before=_map_texts(change.before, self), after=_map_texts(change.after, self))
                for change in step.changes
            ),
            request=request,
            object=self(step.object),
            refusal=self(step.refusal),
        )


def _map_texts(value: Json, change: Callable[[str], str]) -> Json:
    """Return a JSON value with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {change(name): _map_texts(member, change) for name, member in value.items()}
    return [_map_texts(member, change) for member in value] if isinstance(value, list | tuple) else value


def _iterate_plan_texts(plan: Plan) -> Iterator[str]:
    for step in plan.steps:
        yield from (step.object, step.refusal)
        yield from _iterate_json_texts([[change.before, change.after] for change in step.changes])
        yield from _iterate_json_texts(step.request.call.body if step.request else None)
    for problem in (*plan.problems, *plan.notes, *(gap.problem for gap in plan.gaps)):
        yield problem.message


def _iterate_json_texts(value: Json) -> Iterator[str]:
    """Yield the texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        for member in value.values():
            yield from _iterate_json_texts(member)
    elif isinstance(value, list | tuple):
        for member in value:
            yield from _iterate_json_texts(member)
