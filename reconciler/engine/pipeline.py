"""Settings, manifests, selection, reading, comparison: the one way from the declared to a plan.

`plan`, `apply` and `drift` all come through here, so what one of them calls a difference is one for all. Only the read
half of an API passes through this module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.base_revision import BaseRevision, read_base_revision
from reconciler.engine.observe import observe
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.kinds.kind import ClaimedActs, Run, Wanted
from reconciler.kinds.registry import Registry
from reconciler.manifests.load import LoadedManifests, load_manifests
from reconciler.manifests.manifest import Vocabulary
from reconciler.manifests.selection import DocumentTest, Selection, format_filters, make_document_test, select_documents
from reconciler.model import Bound, Plan
from reconciler.plans.exit_code import exit_code
from reconciler.plans.guards import find_refusals, list_withheld_steps
from reconciler.plans.masking import MaskedPlan, SecretMasker
from reconciler.plans.planner import Observed, PlanScope
from reconciler.plans.planner import plan as make_plan
from reconciler.plans.withdrawals import Withdrawal, find_existing_objects, find_withdrawals
from reconciler.settings.load import check_settings_location, load_settings
from reconciler.settings.model import Settings

if TYPE_CHECKING:
    from reconciler.apis.connect import Api
    from reconciler.transport.exchanges import TrafficWatch

DEFAULT_APIS = {"command": "keyfactor", "csms": "csms"}
"""The targets, with their APIs, that documents may name before any settings are there."""
_NO_TARGETS = Diagnostic(
    "usage.no-targets",
    Source("reconciler"),
    "no target is configured: there is no reconciler.yaml here, "
    "and neither KEYFACTOR_HOSTNAME nor HW_ACCESS_KEY is set",
    "nothing can be compared",
    "write one, or name it with --config",
)


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run may know: environment variables, the folder that paths start from, the day in UTC (what `expires`
    means), the kinds there are, when it started (seconds since the epoch), how time passes, what is piped in (the same
    bytes however often it is asked for), and who sees its requests.
    """

    env: Mapping[str, str]
    cwd: Path
    today: date
    kinds: Registry
    now: float = 0.0
    timing: Timing = REAL_TIME
    read_standard_input: Callable[[], bytes] | None = None
    traffic: TrafficWatch | None = None


class RunOptions(NamedTuple):
    """What was asked for: manifests by path (none: those of the settings), the settings file, and a selection.

    `base` is the revision that is to be compared with what is declared, None for none.
    """

    paths: Sequence[str] = ()
    config: str | None = None
    selection: Selection = Selection()
    base: str | None = None


class Declaration(NamedTuple):
    """What the files say: the settings, everything that is declared, and what of it was selected.

    `base` is what they said earlier, where that was asked for.
    """

    settings: Settings
    loaded: LoadedManifests
    selected: Sequence[Wanted]
    selection: str
    base: BaseRevision | None = None

    @property
    def targets(self) -> list[str]:
        """The targets that the selected documents are about."""
        return sorted({document.address.target for document in self.selected})


class BaseComparison(NamedTuple):
    """A revision, and what it declared that is no longer declared; nothing of this is a part of the plan."""

    revision: BaseRevision
    withdrawals: tuple[Withdrawal, ...]


class JudgedPlan(NamedTuple):
    """A plan, the same plan with secrets masked, as it is shown, and every reason not to apply it.

    `withheld` says why single steps are not sent, while the others are. `base` is there where a revision was given.
    """

    # Sent and saved, never printed: live values as they are, and one may quote a secret.
    plan: Plan
    masker: SecretMasker
    masked_plan: MaskedPlan
    refusals: tuple[Diagnostic, ...]
    withheld: tuple[Diagnostic, ...] = ()
    base: BaseComparison | None = None

    @property
    def base_notes(self) -> tuple[Diagnostic, ...]:
        """What of the revision could not be read."""
        return self.base.revision.notes if self.base else ()

    def exit(self, *, changes: Exit = Exit.OK, absences: Exit = Exit.OK, refused: bool = True) -> Exit:
        """Return the outcome of looking only; `changes` is what a step is worth, `absences` what a missing object is
        that is only to be told.
        """
        causes = (absences,) if self.plan.absences else ()
        return exit_code(self.plan, changes=changes, refused=refused and bool(self.refusals), causes=causes)


def read_settings(inputs: RunInputs, config: str | None) -> Settings:
    """Read the settings; raises UsageError."""
    return load_settings(
        Path(config) if config is not None else None, env=inputs.env, cwd=inputs.cwd, kinds=inputs.kinds
    )


def read_declaration(inputs: RunInputs, options: RunOptions, *, offline: bool = False) -> Declaration:
    """Read the settings and the manifests; raises UsageError, InvalidError or, for nothing at all, RefusedError.

    Offline, the names that the targets have without a settings file serve where there are none.
    """
    settings = read_settings(inputs, options.config)
    return select_declared(inputs, settings, options, offline=offline)


def select_declared(
    inputs: RunInputs, settings: Settings, options: RunOptions, *, offline: bool = False
) -> Declaration:
    """Read the manifests with settings that are read already; raises as `read_declaration` does."""
    apis = {name: target.api for name, target in settings.targets.items()} or (DEFAULT_APIS if offline else {})
    if not apis:
        raise UsageError(_NO_TARGETS)
    # Before a manifest is read: what is not selected can't stop a run.
    is_selected = make_document_test(options.selection, apis, inputs.kinds)
    loaded = load_declared(inputs, settings, options.paths, apis, is_selected)
    selected = select_documents(loaded.documents, options.selection, is_selected)
    base = None
    if options.base is not None:
        paths, vocabulary = options.paths or [str(settings.manifests)], Vocabulary(inputs.kinds, apis)
        base = read_base_revision(options.base, paths, inputs.cwd, inputs.env, vocabulary, is_selected)
    return Declaration(settings, loaded, selected, format_filters(options.selection), base)


def load_declared(
    inputs: RunInputs,
    settings: Settings,
    paths: Sequence[str],
    apis: Mapping[str, str],
    is_selected: DocumentTest,
    *,
    may_be_empty: bool = False,
) -> LoadedManifests:
    """Read the manifests at these paths, or those of the settings; `apis` maps targets to their APIs."""
    # Before a manifest is read: whoever may change manifests could else say where credentials are sent.
    for path in paths:
        check_settings_location(settings.file, inputs.cwd / path, inputs.cwd)
    return load_manifests(
        paths or [str(settings.manifests)],
        kinds=inputs.kinds,
        targets=apis,
        base=inputs.cwd,
        is_selected=is_selected,
        read_standard_input=inputs.read_standard_input,
        may_be_empty=may_be_empty,
    )


def pick_targets(settings: Settings, chosen: Sequence[str]) -> list[str]:
    """Return the names of the chosen targets, or of all; raises UsageError for one that the settings don't have."""
    if unknown := sorted(set(chosen) - settings.targets.keys()):
        known = ", ".join(sorted(settings.targets)) or "none"
        summary = f"no target is called {unknown[0]!r}"
        raise UsageError(Diagnostic("usage.unknown-target", Source("--target"), summary, remedy=f"there are: {known}"))
    if not settings.targets:
        raise UsageError(_NO_TARGETS)
    return sorted(chosen) or sorted(settings.targets)


@contextmanager
def connect_targets(inputs: RunInputs, settings: Settings, targets: Sequence[str]) -> Iterator[Mapping[str, Api]]:
    """Connect these targets; the connections are closed on the way out."""
    # requests takes 114 ms to import: what works offline does without.
    from reconciler.apis.connect import Machine, connect  # noqa: PLC0415

    with ExitStack() as stack:
        machine = Machine(traffic=inputs.traffic)
        yield {
            name: stack.enter_context(connect(settings.targets[name], inputs.env, machine=machine)) for name in targets
        }


def compare_with_servers(
    inputs: RunInputs,
    declared: Declaration,
    apis: Mapping[str, Api],
    on_progress: Callable[[str], None],
    claimed_acts: ClaimedActs | None = None,
) -> JudgedPlan:
    """Read what exists of everything that is selected, and plan.

    `claimed_acts` are what earlier runs did, or may have done, and nobody can undo: none of it is planned again.
    """
    settings, loaded = declared.settings, declared.loaded
    run = Run.of_documents(inputs.today, declared.selected, claimed_acts)
    readers = {name: api.read for name, api in apis.items()}
    observed = observe(declared.selected, readers, run, inputs.kinds, on_progress)
    scope = PlanScope(
        declared=loaded.documents,
        selection=declared.selection,
        targets={name: find_bound(api) for name, api in apis.items()},
        manifests=loaded.digest,
        unread=loaded.unread,
    )
    plan = make_plan(declared.selected, observed, run, inputs.kinds, scope)
    plan = replace(plan, notes=tuple(sorted({*plan.notes, *loaded.notes})))
    # Last: a token is known to its API's redactor only once it was fetched.
    judged_plan = judge_plan(plan, settings, apis, inputs.kinds)
    return judged_plan._replace(base=_compare_with_base(declared, observed, inputs.kinds))


def _compare_with_base(declared: Declaration, observed: Observed, kinds: Registry) -> BaseComparison | None:
    if declared.base is None:
        return None
    documents = declared.loaded.documents
    withdrawals = find_withdrawals(declared.base.documents, documents)
    # Of a kind with a document that nobody can read it can't be told what is declared by another identity.
    live = {key: value for key, value in observed.live.items() if key[1] not in declared.loaded.unread}
    return BaseComparison(declared.base, tuple(find_existing_objects(withdrawals, live, documents, kinds)))


def judge_plan(plan: Plan, settings: Settings, apis: Mapping[str, Api], kinds: Registry) -> JudgedPlan:
    """Hold a plan against the settings' limits, and mask the secrets that these APIs have used so far."""
    source = Source(settings.name)
    problems = find_refusals(plan, settings.limits, settings.protected, kinds, source)
    masker = SecretMasker(api.redact for api in apis.values())
    withheld = list_withheld_steps(plan)
    return JudgedPlan(
        plan, masker, masker.mask_plan(plan), masker.mask_diagnostics(problems), masker.mask_diagnostics(withheld)
    )


def find_bound(api: Api) -> Bound:
    """Return what a plan is bound to. Where IAM doesn't tell the project nothing was read, so nothing will be sent."""
    try:
        return api.bound()
    except ReconcilerError:
        return api.target.bound()
