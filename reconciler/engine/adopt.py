"""From servers into the manifests: what documents declare becomes what there is.

The way is that of a plan, backwards. What would be written is loaded and compared before it is: files are only offered
where a plan of what was taken over has nothing left to send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.documents.files import InputFile
from reconciler.documents.held_files import STANDARD_INPUT
from reconciler.engine.adopted_files import AdoptedFiles, FileChange, WrittenDocument, overlay_files, read_places
from reconciler.engine.compared_documents import (
    ComparedDocuments,
    compare_documents,
    describe_obstacle,
    leave_unfit_fields,
)
from reconciler.engine.observe import observe
from reconciler.engine.pipeline import (
    Declaration,
    RunInputs,
    RunOptions,
    compare_with_servers,
    connect_targets,
    read_declaration,
)
from reconciler.errors import Exit, InvalidError, RefusedError, UsageError
from reconciler.kinds.adoption import (
    AddedDocument,
    Adopted,
    AdoptedDocument,
    AdoptedRows,
    AdoptionObstacle,
)
from reconciler.kinds.kind import Run
from reconciler.kinds.registry import Registry
from reconciler.manifests.discovery import find_manifests
from reconciler.manifests.load import load_files
from reconciler.manifests.selection import make_document_test
from reconciler.manifests.tree_search import DiscoveredFiles
from reconciler.model import Coverage, Obstacle, Plan
from reconciler.plans.exit_code import exit_code
from reconciler.plans.masking import MaskedPlan, MaskedStep, SecretMasker
from reconciler.plans.planner import Observed

if TYPE_CHECKING:
    from reconciler.apis.connect import Api

AdoptedPart = AdoptedDocument | AddedDocument | AdoptedRows


class Adoption(NamedTuple):
    """Files as they would be, the documents that they take over, and what could not be taken over.

    `plan` is what was compared and could not be, as it is shown, without steps.
    """

    changes: tuple[FileChange, ...]
    documents: tuple[Address, ...]
    problems: tuple[Diagnostic, ...]
    notes: tuple[Diagnostic, ...]
    plan: MaskedPlan
    masker: SecretMasker
    exit: Exit


@dataclass(slots=True)
class _TakenOver:
    """What kinds have taken over so far, and what they could not."""

    parts: list[AdoptedPart]
    obstacles: list[AdoptionObstacle]


def adopt_live_state(inputs: RunInputs, options: RunOptions, on_progress: Callable[[str], None]) -> Adoption:
    """Return the manifests with what the servers have in the place of what they declare; nothing is written.

    Raises as `read_declaration` does, UsageError for manifests that are piped in, and RefusedError where what would be
    written is not what a plan of it would leave alone.
    """
    if STANDARD_INPUT in options.paths:
        summary, reason = "what is piped in can't be edited in place", "nothing was read"
        raise UsageError(Diagnostic("usage.not-a-manifest", Source(STANDARD_INPUT), summary, reason, "name a file"))
    declared = read_declaration(inputs, options)
    paths = options.paths or [str(declared.settings.manifests)]
    files = find_manifests(paths, inputs.cwd).files
    places = read_places(files, declared.loaded.documents)
    with connect_targets(inputs, declared.settings, declared.targets) as apis:
        run = Run.of_documents(inputs.today, declared.selected)
        readers = {name: api.read for name, api in apis.items()}
        observed = observe(declared.selected, readers, run, inputs.kinds, on_progress)
        comparison = compare_documents(
            declared.loaded.documents, declared.selected, places, observed, run, inputs.kinds
        )
        taken = _take_over(comparison, observed, inputs.kinds)
        changes = _edit_files(taken, declared, places, inputs.kinds)
        on_progress("comparing what would be written")
        check = _Check(inputs, options, declared, comparison, taken)
        check.prove(files, changes, taken.parts, apis, on_progress)
        masker = SecretMasker(api.redact for api in apis.values())
    _refuse_secrets(changes, masker)
    return _build_adoption(declared, observed, comparison, taken, changes, masker)


def _take_over(comparison: ComparedDocuments, observed: Observed, kinds: Registry) -> _TakenOver:
    taken = _TakenOver([], [])
    for key, documents in comparison.groups.items():
        kind = kinds[key[1]]
        compared = {document.address: document for document in documents}
        for result in kind.adopt(documents, observed.live[key]):
            parts: Iterable[Adopted] = [result]
            if isinstance(result, AdoptedDocument):
                parts = leave_unfit_fields(kind, compared[result.address], result)
            for part in parts:
                if isinstance(part, AdoptionObstacle):
                    taken.obstacles.append(part)
                else:
                    taken.parts.append(part)
    return taken


def _edit_files(
    taken: _TakenOver, declared: Declaration, places: Mapping[Address, WrittenDocument], kinds: Registry
) -> list[FileChange]:
    """Return the files that change; what has no place in them is left out of what was taken over, and told."""
    documents = {document.address: document for document in declared.loaded.documents}
    while True:
        files = AdoptedFiles(kinds, places, documents)
        failures = dict(files.change(taken.parts))
        if not failures:
            return files.list_changes()
        for address, reason in failures.items():
            source, remedy = documents[address].source, "edit it by hand"
            words = f"it can't be edited in place: {reason}"
            taken.obstacles.append(AdoptionObstacle(address, source, words, remedy))
        taken.parts = [part for part in taken.parts if not _depends_on(part, failures, kinds)]


def _find_address(part: AdoptedPart) -> Address:
    return part.beside if isinstance(part, AddedDocument) else part.address


def _depends_on(part: AdoptedPart, failures: Iterable[Address], kinds: Registry) -> bool:
    """Say whether a part can't stand without what failed: objects may have moved between documents of one kind."""
    address = _find_address(part)
    return any(
        address == failed or (kinds[failed.kind].names_objects and address[:2] == failed[:2]) for failed in failures
    )


class _Check:
    """Proves, before anything is written, that a plan of what would be written has nothing to send."""

    def __init__(
        self,
        inputs: RunInputs,
        options: RunOptions,
        declared: Declaration,
        comparison: ComparedDocuments,
        taken: _TakenOver,
    ) -> None:
        self._inputs, self._options, self._declared = inputs, options, declared
        self._left = {(obstacle.address, obstacle.field) for obstacle in taken.obstacles}
        self._known = {(problem.address, problem.message) for problem in comparison.problems}

    def prove(
        self,
        files: Iterable[InputFile],
        changes: Sequence[FileChange],
        parts: Iterable[AdoptedPart],
        apis: Mapping[str, Api],
        on_progress: Callable[[str], None],
    ) -> None:
        """Raise RefusedError with all that the plan would still do, or that can't be read any more."""
        if not changes:
            return
        declared = self._load(files, changes, set(map(_name_part, parts)))
        plan = compare_with_servers(self._inputs, declared, apis, on_progress).masked_plan
        problems = [problem for problem in plan.problems if (problem.address, problem.message) not in self._known]
        problems += [gap.problem for gap in plan.gaps]
        problems += [
            Diagnostic(
                "adopt.still-differs",
                step.source,
                f"{step.address} would still differ: {', '.join(change.path for change in step.changes)}",
                "the server changed meanwhile, or a manifest can't say what it holds",
                "run again, or leave it out with --exclude",
                address=step.address,
            )
            for step in plan.steps
            if self._is_unexpected(step)
        ]
        if problems:
            raise RefusedError(*_add_reason(problems))

    def _is_unexpected(self, step: MaskedStep) -> bool:
        """Say whether a step is left that nobody was told of: an object is missing, a field can't be taken over."""
        fields = {change.path.partition(".")[0] for change in step.changes}
        is_left = all((step.address, name) in self._left for name in fields)
        return not is_left and (step.request is not None or step.obstacle is not Obstacle.ABSENT)

    def _load(self, files: Iterable[InputFile], changes: Sequence[FileChange], touched: set[Address]) -> Declaration:
        """Load what would be written, of which these documents are to be compared."""
        targets = {name: target.api for name, target in self._declared.settings.targets.items()}
        is_selected = make_document_test(self._options.selection, targets, self._inputs.kinds)
        listing = DiscoveredFiles(overlay_files(files, changes), [], [])
        try:
            loaded = load_files(listing, kinds=self._inputs.kinds, targets=targets, is_selected=is_selected)
        except InvalidError as error:
            raise RefusedError(*_add_reason(error.problems)) from None
        documents = [document for document in loaded.documents if document.address in touched]
        return self._declared._replace(loaded=loaded, selected=documents)


def _name_part(part: AdoptedPart) -> Address:
    """Return the address of what a part leaves: a role that keeps its former name has another one."""
    address = _find_address(part)
    return address if isinstance(part, AdoptedRows) else address._replace(name=part.value["metadata"]["name"])


def _add_reason(problems: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    head = "nothing was written, since of what would be: "
    for problem in problems:
        yield Diagnostic(
            "adopt.still-differs",
            problem.source,
            f"{head}{problem.summary}",
            problem.reason,
            problem.remedy,
            address=problem.address,
        )


def _refuse_secrets(changes: Iterable[FileChange], masker: SecretMasker) -> None:
    """Raise RefusedError where a file would hold a secret of this tool that it doesn't hold yet."""
    problems = [
        Diagnostic(
            "adopt.secret",
            Source(change.shown),
            "what the server holds quotes a secret that this tool uses",
            "it would end up in Git, where everybody reads it",
            "take it out of the server's text, and change the secret",
        )
        for change in changes
        if _hides_more(change, masker)
    ]
    if problems:
        raise RefusedError(*problems)


def _hides_more(change: FileChange, masker: SecretMasker) -> bool:
    before, after = (content.decode("utf-8", "replace") for content in (change.before, change.after))
    return masker(after) != after and masker(before) == before


def _build_adoption(
    declared: Declaration,
    observed: Observed,
    comparison: ComparedDocuments,
    taken: _TakenOver,
    changes: Sequence[FileChange],
    masker: SecretMasker,
) -> Adoption:
    adopted = tuple(sorted(set(map(_name_part, taken.parts))))
    obstacles = sorted({describe_obstacle(obstacle) for obstacle in taken.obstacles if not obstacle.is_expected})
    expected = [describe_obstacle(obstacle) for obstacle in taken.obstacles if obstacle.is_expected]
    notes = [_make_note(note) for note in (*comparison.notes, *expected)]
    problems = tuple(problem for problem in comparison.problems if problem.address not in adopted)
    sizes = {document.address: document.spec.size(document.tables) for document in declared.selected}
    compared = sum(size for address, size in sizes.items() if address[:2] in observed.live)
    plan = Plan((), Coverage(compared, sum(sizes.values())), problems, observed.gaps, selection=declared.selection)
    exit_ = exit_code(plan, causes=[Exit.INCOMPLETE] if obstacles else [])
    return Adoption(
        tuple(changes),
        adopted,
        masker.mask_diagnostics(obstacles),
        masker.mask_diagnostics(sorted({*notes, *declared.loaded.notes})),
        masker.mask_plan(plan),
        masker,
        exit_,
    )


def _make_note(problem: Diagnostic) -> Diagnostic:
    return Diagnostic(
        problem.rule,
        problem.source,
        problem.summary,
        problem.reason,
        problem.remedy,
        Severity.NOTE,
        problem.address,
        problem.object_name,
    )
