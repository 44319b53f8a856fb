"""From the steps of a run to documents that say what their objects were before, or why there can be none. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pydantic import ValidationError

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.engine.run_history import PastRun, RecordedStep
from reconciler.errors import UsageError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.kinds.restoration import FormerDocument, RememberedStep, UndoObstacle
from reconciler.model import Action, Path
from reconciler.state.records import SettledAs


class FormerState(NamedTuple):
    """What the objects of a run's steps were before: documents, the steps behind them, and what stands in the way.

    `steps` are by the source that a document, or a place in it, gives itself.
    """

    documents: tuple[Wanted, ...]
    steps: Mapping[Source, RememberedStep]
    obstacles: tuple[UndoObstacle, ...]


def name_undo(run: str, number: int) -> Source:
    """Return the source of what takes back a step."""
    return Source(f"undo of run {run}, step {number + 1}")


def select_steps(run: PastRun, numbers: Sequence[int]) -> list[RecordedStep]:
    """Return the steps of these numbers, counted from 1; without any all that may have changed something.

    Raises UsageError for a number that no step of the run has.
    """
    if not numbers:
        return [step for step in run.steps if step.verdict is not SettledAs.NOT_APPLIED]
    steps = {step.intent.number + 1: step for step in run.steps}
    if unknown := sorted(set(numbers) - steps.keys()):
        summary = f"run {run.id} was never about to send a step {unknown[0]}"
        remedy = f"there are: {', '.join(map(str, sorted(steps))) or 'none'}; see `reconciler history {run.id}`"
        raise UsageError(Diagnostic("usage.unknown-step", Source("--step"), summary, remedy=remedy))
    return [steps[number] for number in sorted(set(numbers))]


def restore_steps(run: PastRun, steps: Sequence[RecordedStep], kinds: Registry) -> FormerState:
    """Return what the objects of these steps were before the run."""
    obstacles = [obstacle for step in steps if (obstacle := _find_obstacle(step, run, kinds))]
    barred = {number for obstacle in obstacles for number in obstacle.numbers}
    remembered = [_remember(step) for step in steps if step.intent.number not in barred]
    groups: dict[Address, list[RememberedStep]] = {}
    for step in remembered:
        groups.setdefault(step.address, []).append(step)
    findings = [finding for group in groups.values() for finding in _restore_group(run.id, group, kinds)]
    return FormerState(
        tuple(finding for finding in findings if isinstance(finding, Wanted)),
        {name_undo(run.id, step.number): step for step in remembered},
        (*obstacles, *(finding for finding in findings if isinstance(finding, UndoObstacle))),
    )


def _find_obstacle(step: RecordedStep, run: PastRun, kinds: Registry) -> UndoObstacle | None:
    """Return why a step can't be taken back, whatever is on the server; None if that is not so."""
    for reason, remedy in (*_judge_outcome(step), *_judge_action(step), *_judge_record(step, run, kinds)):
        return UndoObstacle((step.intent.number,), reason, remedy)
    return None


def _judge_outcome(step: RecordedStep) -> Iterator[tuple[str, str]]:
    if step.verdict is SettledAs.UNKNOWN:
        yield "nobody knows what came of it", "settle it with `reconciler recover` first"
    if step.verdict is SettledAs.NOT_APPLIED:
        yield "it was not applied, so there is nothing to take back", ""


def _judge_action(step: RecordedStep) -> Iterator[tuple[str, str]]:
    action = step.build_step().action
    if action is Action.CREATE:
        remedy = "remove the object in its own portal if it has to go"
        yield "it created its object, and nothing is ever deleted by this tool", remedy
    if action is Action.DENY:
        yield "a denial can't be undone", "have the certificates requested anew"


def _judge_record(step: RecordedStep, run: PastRun, kinds: Registry) -> Iterator[tuple[str, str]]:
    if step.body is None:
        manifests = f"the manifests of commit {run.record.commit}~" if run.record.commit else "manifests of before"
        yield step.explain_absence(), f"plan from {manifests}"
    elif step.body.is_masked:
        yield "a secret in it is masked, so that what was there before is not known", "change it in its own portal"
    if step.address.kind not in kinds:
        yield f"this version knows no kind {step.address.kind}", "use the version that applied it"


def _remember(step: RecordedStep) -> RememberedStep:
    body = step.body
    return RememberedStep(step.intent.number, step.address, body.identity if body else {}, body.changes if body else ())


def _restore_group(run: str, group: Sequence[RememberedStep], kinds: Registry) -> Iterator[Wanted | UndoObstacle]:
    kind = kinds[group[0].address.kind]
    try:
        restored = list(kind.restore(group))
    # Whoever can write to the store can write anything there.
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        yield UndoObstacle(tuple(step.number for step in group), "it is not recorded in a form that this version reads")
        return
    for former in restored:
        yield former if isinstance(former, UndoObstacle) else _load_document(run, former, kinds)


def _load_document(run: str, former: FormerDocument, kinds: Registry) -> Wanted | UndoObstacle:
    numbers = tuple(dict.fromkeys(former.origins.values()))
    spec_model = kinds[former.address.kind].spec
    try:
        spec = spec_model.load(former.spec)
        faults = [words.message for _, words in spec.check(former.address.name, {})]
    except ValidationError as error:
        faults = [_name_fault(former, fault["loc"]) or fault["msg"] for fault in error.errors()]
    if faults:
        reason = f"no manifest can say what was there before: {'; '.join(sorted(set(faults)))}"
        return UndoObstacle(numbers, reason, "change it in its own portal")
    source = name_undo(run, former.origins[()])
    at = partial(_locate, run, former.origins)
    return Wanted(former.address, spec, source, at=at, renamed_from=former.renamed_from)


def _name_fault(former: FormerDocument, place: Path) -> str:
    """Name the field of a document that can't be as it was."""
    if place[:1] == ("clear",) and len(place) > 1:
        return f"an empty {former.spec['clear'][place[1]]}"
    return ".".join(map(str, place))


def _locate(run: str, origins: Mapping[Path, int], path: Path) -> Source:
    """Return the source of a place of the document: that of the step which says so, or else the document's own."""
    return name_undo(run, origins.get(path[1:], origins[()]))
