"""From servers into the manifests: what documents declare becomes what there is.

The way is that of a plan, backwards. What would be written is loaded and compared before it is: files are only offered
where a plan of what was taken over has nothing left to send.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Severity, Source
from reconciler.documents.held_files import STANDARD_INPUT
from reconciler.engine.adoption.adopted_files import AdoptedFiles, FileChange, WrittenDocument, read_places
from reconciler.engine.adoption.adoption_check import AdoptionCheck, Told, add_reason
from reconciler.engine.adoption.compared_documents import (
    AdoptionScope,
    ComparedDocuments,
    compare_documents,
    describe_obstacle,
    keep_looked_up_fields,
    leave_unfit_fields,
)
from reconciler.engine.declaration import Declaration, RunInputs, RunOptions, list_manifest_paths, read_declaration
from reconciler.engine.observe import observe
from reconciler.engine.pipeline import connect_targets, find_deferrals, list_readers
from reconciler.errors import Exit, RefusedError, UsageError
from reconciler.kinds.adoption import (
    AddedDocument,
    Adopted,
    AdoptedDocument,
    AdoptedRows,
    AdoptionObstacle,
    ComparedDocument,
)
from reconciler.kinds.kind import Kind, Run, Wanted
from reconciler.kinds.registry import Registry
from reconciler.manifests.discovery import find_manifests
from reconciler.model import Coverage, Plan
from reconciler.plans.exit_code import exit_code
from reconciler.plans.masking import MaskedPlan, SecretMasker
from reconciler.plans.planner import Observed

AdoptedPart = AdoptedDocument | AddedDocument | AdoptedRows
# What has to be left out may be what something else needed; each round reads the servers once.
_MAX_ROUNDS = 4


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

    def leave(self, failures: Collection[Address]) -> None:
        """Leave out the parts of these documents, and those that stand or fall with them."""
        groups = {part.group for part in self.parts if part.group and _find_address(part) in failures}
        self.parts = [part for part in self.parts if _find_address(part) not in failures and part.group not in groups]


def adopt_live_state(inputs: RunInputs, options: RunOptions, on_progress: Callable[[str], None]) -> Adoption:
    """Return the manifests with what the servers have in the place of what they declare; nothing is written.

    Raises as `read_declaration` does, UsageError for manifests that are piped in, and RefusedError where what would be
    written is not what a plan of it would leave alone.
    """
    if STANDARD_INPUT in options.paths:
        summary, reason = "what is piped in can't be edited in place", "nothing was read"
        raise UsageError(Diagnostic("usage.not-a-manifest", Source(STANDARD_INPUT), summary, reason, "name a file"))
    declared = read_declaration(inputs, options)
    if declared.settings.layers and not options.paths:
        # A value of one target that is written into the base would be that of all environments.
        place = Source(f"--environment {declared.settings.environment}")
        summary, reason = "which layer is to have what the servers have can't be told", "nothing was read from them"
        remedy = "write a patch into the last layer; `plan` shows the values"
        raise UsageError(Diagnostic("usage.adopt-in-layers", place, summary, reason, remedy))
    files = find_manifests(list_manifest_paths(declared.settings, options.paths), inputs.cwd).files
    places = read_places(files, declared.loaded.documents)
    with connect_targets(inputs, declared.settings, declared.targets) as apis:
        run = Run.of_documents(inputs.today, declared.selected)
        readers = {name: api.read for name, api in apis.items()}
        observed = observe(declared.selected, readers, run, inputs.kinds, on_progress, readers=list_readers(apis))
        values = {name: target.values for name, target in declared.settings.targets.items()}
        scope = AdoptionScope(declared.loaded.documents, declared.selected, find_deferrals(inputs, declared), values)
        comparison = compare_documents(scope, places, observed, run, inputs.kinds)
        taken = _take_over(comparison, places, observed, inputs.kinds)
        check = AdoptionCheck(inputs, options, declared, files, apis, on_progress)
        gaps = [gap.problem for gap in (*observed.gaps, *comparison.gaps)]
        known = {(told.address, told.rule) for told in (*comparison.problems, *gaps)}
        changes, remaining = _settle(taken, declared, places, check, known)
        masker = SecretMasker(api.redact for api in apis.values())
    _refuse_secrets(changes, masker)
    return _build_adoption(declared, observed, comparison, taken, remaining, changes, masker)


def _take_over(
    comparison: ComparedDocuments, places: Mapping[Address, WrittenDocument], observed: Observed, kinds: Registry
) -> _TakenOver:
    taken = _TakenOver([], [*comparison.obstacles])
    for key, documents in comparison.groups.items():
        kind = kinds[key[1]]
        compared = {document.address: document for document in documents}
        for result in kind.adopt(documents, observed.live[key]):
            parts: Iterable[Adopted] = [result]
            if isinstance(result, AdoptedDocument):
                parts = _fit_into(places[result.address], kind, compared[result.address], result)
            for part in parts:
                if isinstance(part, AdoptionObstacle):
                    taken.obstacles.append(part)
                else:
                    taken.parts.append(part)
    return taken


def _fit_into(
    written: WrittenDocument, kind: Kind, compared: ComparedDocument, adopted: AdoptedDocument
) -> Iterator[AdoptedDocument | AdoptionObstacle]:
    """Yield a document as it can be written, and why some of its fields stay as they are."""
    value: Any = written.document.value
    for part in leave_unfit_fields(kind, compared, adopted):
        if isinstance(part, AdoptedDocument):
            yield from keep_looked_up_fields(value, compared, part)
        else:
            yield part


def _settle(
    taken: _TakenOver,
    declared: Declaration,
    places: Mapping[Address, WrittenDocument],
    check: AdoptionCheck,
    known: Told,
) -> tuple[list[FileChange], Told]:
    """Return the files that change, and what a plan of them tells; what it refuses is left out.

    Raises RefusedError where that can't be told apart from the rest.
    """
    faults: Sequence[Diagnostic] = ()
    for _ in range(_MAX_ROUNDS):
        changes = _edit_files(taken, declared, places, check.inputs.kinds)
        if not changes:
            break
        check.on_progress("comparing what would be written")
        left = {(obstacle.address, obstacle.field or obstacle.object) for obstacle in taken.obstacles}
        proof = check.prove(changes, set(map(_name_part, taken.parts)), left, known)
        faults = proof.faults
        if not faults:
            return changes, proof.remaining
        if not _leave_faulty(taken, faults, declared, places):
            raise RefusedError(*add_reason(faults))
    else:
        raise RefusedError(*add_reason(faults))
    return [], known


def _leave_faulty(
    taken: _TakenOver, faults: Sequence[Diagnostic], declared: Declaration, places: Mapping[Address, WrittenDocument]
) -> bool:
    """Leave out what faults are about, and what can't stand without it; False where they are about nothing of it."""
    documents = {document.address: document for document in declared.loaded.documents}
    failures: dict[Address, Diagnostic] = {}
    for fault in faults:
        for part in taken.parts:
            # What makes a file no manifest any more is known by its place alone.
            name, file = (fault.address, "") if fault.address else (_name_part(part), fault.source.file)
            if name == _name_part(part) and file in {"", _find_file(part, documents, places)}:
                failures.setdefault(_find_address(part), fault)
    for address, fault in failures.items():
        words = f"is left as it is, since what would be written is refused: {fault.summary}"
        taken.obstacles.append(AdoptionObstacle(address, documents[address].source, words, fault.remedy))
    taken.leave(failures)
    return bool(failures)


def _find_file(
    part: AdoptedPart, documents: Mapping[Address, Wanted], places: Mapping[Address, WrittenDocument]
) -> str:
    address = _find_address(part)
    return documents[address].tables[part.field].file if isinstance(part, AdoptedRows) else places[address].file.shown


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
        taken.leave(failures)


def _find_address(part: AdoptedPart) -> Address:
    return part.beside if isinstance(part, AddedDocument) else part.address


def _name_part(part: AdoptedPart) -> Address:
    """Return the address of what a part leaves: a role that keeps its former name has another one."""
    address = _find_address(part)
    return address if isinstance(part, AdoptedRows) else address._replace(name=part.value["metadata"]["name"])


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
    remaining: Told,
    changes: Sequence[FileChange],
    masker: SecretMasker,
) -> Adoption:
    adopted = tuple(sorted(set(map(_name_part, taken.parts))))
    obstacles = sorted({describe_obstacle(obstacle) for obstacle in taken.obstacles if not obstacle.is_expected})
    expected = [describe_obstacle(obstacle) for obstacle in taken.obstacles if obstacle.is_expected]
    touched = set(map(_find_address, taken.parts))

    def is_still_so(told: Diagnostic) -> bool:
        return told.address not in touched or (told.address, told.rule) in remaining

    notes = [_make_note(note) for note in (*filter(is_still_so, comparison.notes), *expected)]
    problems = tuple(filter(is_still_so, comparison.problems))
    sizes = {document.address: document.spec.size(document.tables) for document in declared.selected}
    unread = {gap.problem.address for gap in comparison.gaps}
    compared = sum(size for address, size in sizes.items() if address[:2] in observed.live and address not in unread)
    gaps = tuple(sorted({*observed.gaps, *comparison.gaps}))
    plan = Plan((), Coverage(compared, sum(sizes.values())), problems, gaps, selection=declared.selection)
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
