"""Which policies a run is judged by: those of its manifests; of a saved plan those of the manifests as they are now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.directives.policy import Policy, PolicyScope
from reconciler.documents.held_files import STANDARD_INPUT
from reconciler.engine.declaration import (
    Declaration,
    RunInputs,
    RunOptions,
    describe_scope,
    list_declared_targets,
    list_manifest_paths,
    select_declared,
)
from reconciler.engine.plan_rights import WeighedPlan
from reconciler.errors import ReconcilerError, RefusedError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.manifests.discovery import find_layer_files, find_manifests
from reconciler.manifests.load import salvage_documents
from reconciler.manifests.manifest import Vocabulary
from reconciler.plans.planfile import SavedPlan
from reconciler.plans.policies import (
    PolicyFindings,
    judge_policies,
    list_change_subjects,
    list_document_subjects,
    list_policies,
    list_principal_subjects,
    refuse_unjudged,
)
from reconciler.settings.model import Settings


class JudgedManifests(NamedTuple):
    """What a plan is judged beside: everything that is declared, what of it the plan is about, and the directives."""

    documents: Sequence[Wanted] = ()
    selected: Sequence[Wanted] = ()
    directives: Sequence[Wanted] = ()
    is_whole: bool = False

    @classmethod
    def of_declaration(cls, declared: Declaration) -> JudgedManifests:
        """Return those of a run."""
        loaded = declared.loaded
        return cls(loaded.documents, declared.selected, loaded.directives, not declared.selection)

    def judges_principals(self) -> bool:
        """True where a policy asks who may do what after a plan."""
        return bool(list_policies(self.directives, PolicyScope.PRINCIPAL))


def judge_documents(declared: Declaration, today: date) -> PolicyFindings:
    """Judge what can be judged offline."""
    scopes = () if declared.selection else (PolicyScope.DOCUMENT,)
    return judge_policies(declared.loaded.directives, list_document_subjects(declared.selected), today, scopes)


def judge_planned(manifests: JudgedManifests, weighed: WeighedPlan, kinds: Registry, today: date) -> PolicyFindings:
    """Judge documents, what a plan would send, and those whose rights it changes."""
    labels = {document.address: document.labels for document in manifests.documents}
    # One by one: a plan may have a hundred thousand steps.
    subjects = chain(
        list_document_subjects(manifests.selected),
        list_change_subjects(weighed.plan, kinds, labels),
        list_principal_subjects(weighed.principals),
    )
    # A principal that this plan leaves as it is may need its waiver all the same.
    scopes = (PolicyScope.DOCUMENT, PolicyScope.CHANGE) if manifests.is_whole else ()
    findings = judge_policies(manifests.directives, subjects, today, scopes)
    cause = "not every role was read, so who may do what after the plan is not known"
    principal_policies = list_policies(manifests.directives, PolicyScope.PRINCIPAL)
    return findings.join(refuse_unjudged(principal_policies, weighed.unknown, cause))


def read_judged_manifests(
    inputs: RunInputs, settings: Settings, saved_plan: SavedPlan, declared: Declaration | None
) -> JudgedManifests:
    """Return what a saved plan is judged by: the policies of the manifests here and now, and the documents of its
    steps. `declared` are these manifests where they could be read as the plan was made.

    Raises RefusedError where there are policies and something of the manifests is wrong: nobody gets past a policy by
    breaking a file. Where there are no manifests at all, nothing is judged again.
    """
    # What was piped in then is not there now; what lies in the folder of the settings is.
    paths = () if STANDARD_INPUT in saved_plan.paths else saved_plan.paths
    if declared is None:
        try:
            declared = select_declared(inputs, settings, RunOptions(paths))
        except ReconcilerError as error:
            _refuse_unread_policies(inputs, settings, paths, error)
            return JudgedManifests()
    addresses = {step.address for step in saved_plan.plan.steps}
    loaded = declared.loaded
    about = [document for document in loaded.documents if document.address in addresses]
    return JudgedManifests(loaded.documents, about, loaded.directives)


def _refuse_unread_policies(
    inputs: RunInputs, settings: Settings, paths: Sequence[str], error: ReconcilerError
) -> None:
    try:
        listing = find_manifests(list_manifest_paths(settings, paths), inputs.cwd)
        layers = find_layer_files(() if paths else settings.layers, inputs.cwd)
    # A job that applies need not have a checkout: what was approved was judged when it was planned.
    except ReconcilerError:
        return
    scope = describe_scope(settings)
    vocabulary = Vocabulary(inputs.kinds, list_declared_targets(settings), environment=scope)
    directives = salvage_documents(listing, vocabulary, layers).directives
    if any(isinstance(directive.spec, Policy) for directive in directives):
        problem = Diagnostic(
            "policy.unread",
            Source(paths[0] if paths else str(settings.manifest_folders[0])),
            f"the manifests here have policies and can't be read: {error.problems[0]}",
            "a saved plan is judged by the policies that there are when it is applied",
            "mend the manifests, or check out what is right",
        )
        raise RefusedError(problem)


WeighRights = Callable[[bool], WeighedPlan]
"""Weighs a saved plan; True asks for everybody whose rights it changes."""


def judge_saved_plan(
    manifests: JudgedManifests, weigh: WeighRights, inputs: RunInputs
) -> tuple[WeighedPlan, PolicyFindings]:
    """Weigh a saved plan, and judge it once more: a policy may be new, and a waiver may have ended."""
    # 1+N requests more where somebody wants to know who may do what, and none where nobody does.
    weighed = weigh(manifests.judges_principals())
    if not manifests.directives:
        return weighed, PolicyFindings()
    return weighed, judge_planned(manifests, weighed, inputs.kinds, inputs.today)
