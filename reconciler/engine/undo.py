"""The way back from a run: documents that say what its objects were before, planned like any others.

What comes of it is an ordinary plan. None is made where a step can't be taken back, or where an object has moved since:
what somebody did after the run would be lost, and nobody had decided that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.declaration import Declaration, RunInputs
from reconciler.engine.former_state import FormerState, name_undo, restore_steps, select_steps
from reconciler.engine.pipeline import JudgedPlan, compare_with_servers, connect_targets
from reconciler.engine.run_history import PastRun
from reconciler.errors import Exit, RefusedError, find_worst_exit
from reconciler.kinds.kind import Kind
from reconciler.kinds.restoration import RememberedStep, UndoObstacle
from reconciler.manifests.load import LoadedManifests
from reconciler.model import Change, Json, Obstacle, Plan, Step
from reconciler.rights import RightsDemand
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import Settings


class UndoPlan(NamedTuple):
    """The plan of a way back, and everything that speaks against saving it; `notes` are told and change nothing.

    `numbers` are the steps that it takes back, counted from 1.
    """

    judged: JudgedPlan
    exit: Exit
    obstacles: tuple[Diagnostic, ...]
    notes: tuple[Diagnostic, ...]
    numbers: tuple[int, ...]

    @property
    def can_be_saved(self) -> bool:
        """True where nothing at all speaks against it."""
        judged = self.judged
        return not self.obstacles and not judged.refusals and not judged.withheld and judged.plan.complete


def plan_undo(
    inputs: RunInputs, settings: Settings, run: PastRun, numbers: Sequence[int], on_progress: Callable[[str], None]
) -> UndoPlan:
    """Plan back to what the objects of a run were before it, or of these steps of it, counted from 1.

    Raises RefusedError where nothing can be taken back, UsageError for a number that there is not.
    """
    steps = select_steps(run, numbers)
    former = restore_steps(run, steps, inputs.kinds)
    obstacles = list(_describe_obstacles(run, former))
    if not former.documents:
        nothing = Diagnostic("undo.nothing", Source(f"run {run.id}"), "it applied nothing", "there is no way back")
        raise RefusedError(*(obstacles or [nothing]))
    words = f", step {format_numbers(numbers)}" if numbers else ""
    loaded = LoadedManifests(former.documents, "", 0, ())
    declared = Declaration(settings, loaded, former.documents, f"undo of run {run.id}{words}")
    with connect_targets(inputs, settings, declared.targets) as apis:
        judged = compare_with_servers(inputs, declared, apis, on_progress, rights=RightsDemand.REPORT)
    return _judge_undo(judged, former, tuple(obstacles), inputs.kinds)


def _judge_undo(
    judged: JudgedPlan, former: FormerState, obstacles: tuple[Diagnostic, ...], kinds: Mapping[str, Kind]
) -> UndoPlan:
    moves = judged.masker.mask_diagnostics(_find_moves(judged.plan, former, kinds))
    codes = {judged.exit()} | ({Exit.REFUSED} if obstacles or judged.withheld else set())
    # An object that is gone has a problem of its own, which is told as such; that it moved decides.
    codes |= {Exit.STALE} if moves else set()
    notes = tuple(_list_settled(judged.plan, former))
    return UndoPlan(judged, find_worst_exit(codes), (*obstacles, *moves), notes, _list_free_numbers(former))


def _list_free_numbers(former: FormerState) -> tuple[int, ...]:
    """Return the steps that can be taken back, counted from 1."""
    barred = {number for obstacle in former.obstacles for number in obstacle.numbers}
    return tuple(sorted(step.number + 1 for step in former.steps.values() if step.number not in barred))


def format_numbers(numbers: Iterable[int]) -> str:
    """Return numbers in order, those that follow each other as a range: `1-3,5`."""
    ranges: list[list[int]] = []
    for number in sorted(set(numbers)):
        if ranges and number == ranges[-1][-1] + 1:
            ranges[-1] = [ranges[-1][0], number]
        else:
            ranges.append([number])
    return ",".join("-".join(map(str, bounds)) for bounds in ranges)


def _describe_obstacles(run: PastRun, former: FormerState) -> Iterator[Diagnostic]:
    """Yield why steps can't be taken back, and which of the others can."""
    barred, free = sum(len(obstacle.numbers) for obstacle in former.obstacles), _list_free_numbers(former)
    for obstacle in former.obstacles:
        for number in obstacle.numbers:
            yield _describe_obstacle(run, number, obstacle)
    if former.obstacles and free:
        yield Diagnostic(
            "undo.partial",
            Source(f"run {run.id}"),
            f"{barred:,} of {barred + len(free):,} steps can't be taken back",
            "nothing was saved",
            f"the others can be by themselves: --step {format_numbers(free)}",
        )


def _describe_obstacle(run: PastRun, number: int, obstacle: UndoObstacle) -> Diagnostic:
    step = next(step for step in run.steps if step.intent.number == number)
    label = f" ({step.body.object})" if step.body and step.body.object else ""
    summary = f"{step.address}{label}: {obstacle.reason}"
    return Diagnostic("undo.impossible", name_undo(run.id, number), summary, remedy=obstacle.remedy)


def _find_moves(plan: Plan, former: FormerState, kinds: Mapping[str, Kind]) -> Iterator[Diagnostic]:
    """Yield what is no longer as the run left it: taking the step back would take that back as well."""
    for step in plan.steps:
        remembered = former.steps.get(step.source)
        if remembered is None:
            yield _describe_move(step, "it is no longer there that the run put it")
        elif step.finds_nothing or step.obstacle is Obstacle.ABSENT:
            yield _describe_move(step, "the object is gone")
        else:
            for change in step.changes:
                if reason := _explain_move(change, remembered, kinds[step.address.kind]):
                    yield _describe_move(step, reason)


def _explain_move(change: Change, remembered: RememberedStep, kind: Kind) -> str:
    recorded = {entry.path: entry for entry in remembered.changes}
    if change.path in recorded:
        recorded_value = recorded[change.path].after
        if kind.is_same_value(change.path, change.before, recorded_value):
            return ""
        return f"{change.path} is {_quote(change.before)} now, and the run left {_quote(recorded_value)}"
    # A claim that comes back to a role brings its own description along; one that is there keeps what it has.
    if change.before is None and change.path.partition(".")[0] in recorded:
        return ""
    return f"{change.path} would change as well, which the run did not change"


def _describe_move(step: Step, reason: str) -> Diagnostic:
    label = "" if step.finds_nothing else f" ({step.object})"
    summary = f"{step.address}{label} has moved since: {reason}"
    remedy = "look at who changed it, and plan from manifests what is to be; or take back other steps with --step"
    return Diagnostic("undo.moved", step.source, summary, "nothing was saved", remedy, address=step.address)


def _list_settled(plan: Plan, former: FormerState) -> Iterator[Diagnostic]:
    """Yield the steps of which everything is as it was before already."""
    concerned = {step.source for step in plan.steps} | {problem.source for problem in plan.problems}
    if plan.gaps:
        return
    free = _list_free_numbers(former)
    for source, step in sorted(former.steps.items(), key=lambda item: item[1].number):
        if source not in concerned and step.number + 1 in free:
            summary = f"{step.address}: all that it changed is as it was before"
            yield Diagnostic("undo.done", source, summary, severity=Severity.NOTE, address=step.address)


def _quote(value: Json) -> str:
    return escape_and_shorten(json.dumps(value, ensure_ascii=False), 200)
