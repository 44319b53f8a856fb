"""Proof, before anything is written, that a plan of what was taken over has nothing to send."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Address, Diagnostic
from reconciler.documents.files import InputFile
from reconciler.documents.tree_search import DiscoveredFiles
from reconciler.engine.adoption.adopted_files import FileChange, overlay_files
from reconciler.engine.declaration import (
    Declaration,
    RunInputs,
    RunOptions,
    describe_scope,
    list_declared_targets,
)
from reconciler.engine.pipeline import compare_with_servers
from reconciler.errors import InvalidError
from reconciler.manifests.load import load_files
from reconciler.manifests.selection import make_document_test
from reconciler.model import Obstacle
from reconciler.plans.masking import MaskedPlan, MaskedStep

if TYPE_CHECKING:
    from reconciler.apis.connect import Api

Told = Collection[tuple[Address | None, str]]
"""What is wrong or told, by document and rule: lines and words move when documents change."""


class Proof(NamedTuple):
    """What would be wrong with what was taken over, and all that its plan tells."""

    faults: Sequence[Diagnostic]
    remaining: Told = frozenset()


@dataclass(frozen=True, slots=True)
class AdoptionCheck:
    """Compares what would be written with the servers; `files` are all that were read."""

    inputs: RunInputs
    options: RunOptions
    declared: Declaration
    files: Sequence[InputFile]
    apis: Mapping[str, Api]
    on_progress: Callable[[str], None]

    def prove(
        self,
        changes: Sequence[FileChange],
        touched: Collection[Address],
        left: Collection[tuple[Address, str]],
        known: Told,
    ) -> Proof:
        """Return what a plan of all that is selected would still do with what was touched, and what is new in it.

        `known` is what was wrong before, `left` the fields and objects that are known to stay as they are.
        """
        try:
            declared = self._load(changes, touched)
        except InvalidError as error:
            return Proof(error.problems)
        plan = compare_with_servers(self.inputs, declared, self.apis, self.on_progress).masked_plan
        remaining = {(told.address, told.rule) for told in (*plan.problems, *plan.notes)}
        faults = [problem for problem in plan.problems if (problem.address, problem.rule) not in known]
        faults += [gap.problem for gap in plan.gaps if (gap.problem.address, gap.problem.rule) not in known]
        return Proof([*faults, *_find_open_steps(plan, touched, left)], remaining)

    def _load(self, changes: Sequence[FileChange], touched: Collection[Address]) -> Declaration:
        """Load what would be written; raises InvalidError."""
        settings = self.declared.settings
        targets, environment = list_declared_targets(settings), describe_scope(settings)
        is_selected = make_document_test(self.options.selection, targets, self.inputs.kinds, environment.name)
        listing = DiscoveredFiles(overlay_files(self.files, changes), [], [])
        loaded = load_files(
            listing, kinds=self.inputs.kinds, targets=targets, environment=environment, is_selected=is_selected
        )
        # A role that keeps its name, and a document that comes new, may be called what was not asked for.
        selected = [document for document in loaded.documents if document.address in touched or is_selected(document)]
        return self.declared._replace(loaded=loaded, selected=selected)


def _find_open_steps(
    plan: MaskedPlan, touched: Collection[Address], left: Collection[tuple[Address, str]]
) -> Iterator[Diagnostic]:
    """Yield each step of what was touched that nobody was told of."""
    for step in plan.steps:
        if step.address in touched and _is_unexpected(step, left):
            yield Diagnostic(
                "adopt.still-differs",
                step.source,
                f"{step.address} would still differ: {', '.join(change.path for change in step.changes)}",
                "the server changed meanwhile, or a manifest can't say what it holds",
                "run again, or leave it out with --exclude",
                address=step.address,
            )


def _is_unexpected(step: MaskedStep, left: Collection[tuple[Address, str]]) -> bool:
    """Say whether a step is none of a missing object, and none of fields that could not be taken over."""
    fields = {change.path.partition(".")[0] for change in step.changes}
    is_left = (step.address, step.object) in left or all((step.address, name) in left for name in fields)
    return not is_left and (step.request is not None or step.obstacle is not Obstacle.ABSENT)


def add_reason(problems: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield problems as reasons not to write what they are about."""
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
