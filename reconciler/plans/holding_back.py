"""Which steps are not sent because of something that is wrong elsewhere in the same run. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import replace

from reconciler.diagnostics import Address, Diagnostic
from reconciler.model import Obstacle, Step

NeededStep = tuple[Step, frozenset[Address]]
"""A step with the documents whose objects have to be created before it."""


def hold_back(
    steps: Iterable[NeededStep], problems: Sequence[Diagnostic], left_alone: Set[Address] = frozenset()
) -> Iterator[Step]:
    """Yield the steps, in the order in which they run, those that may not be sent without their request.

    A problem that only the live state shows holds its own document back, and whatever needs its object; all else goes
    on: one certificate that is gone must not keep a role from losing a right. The difference stays visible. What is
    left alone as a whole holds back what needs it.
    """
    causes = {problem.address: problem for problem in reversed(problems) if problem.address}
    withheld = {*causes, *left_alone}
    for step, needs in steps:
        cause = _explain_dependence(step, sorted(needs & withheld), causes, left_alone)
        if cause or step.refusal:
            withheld.add(step.address)
        # An object that is not there is told as that, whatever else is wrong with its document.
        if not cause or (step.refusal and step.obstacle is Obstacle.ABSENT):
            yield step
        else:
            yield replace(step, request=None, refusal=step.refusal or cause, obstacle=Obstacle.HELD_BACK)


def _explain_dependence(
    step: Step, missing: Sequence[Address], causes: Mapping[Address, Diagnostic], left_alone: Set[Address]
) -> str:
    """Say what else keeps a step from being sent; "" if nothing."""
    if problem := causes.get(step.address):
        return f"held back, since its document has a problem: {problem.source}: {problem.summary}"
    if missing:
        state = "is acknowledged and left alone" if missing[0] in left_alone else "is held back too"
        return f"held back, since it needs {missing[0]}, which {state}"
    return ""
