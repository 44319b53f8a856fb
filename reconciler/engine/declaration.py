"""What the files say: the settings and the manifests, offline. Here begins the way that `pipeline` goes on with."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.engine.phases import UNOBSERVED, PhaseObserver
from reconciler.engine.timing import REAL_TIME, Timing
from reconciler.errors import UsageError
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.manifests.declared_target import DeclaredTarget, DeclaredTargets, EnvironmentScope
from reconciler.manifests.load import LoadedManifests, load_manifests
from reconciler.manifests.manifest import Vocabulary
from reconciler.manifests.selection import DocumentTest, Selection, format_filters, make_document_test, select_documents
from reconciler.rights import RightsDemand
from reconciler.settings.load import load_settings
from reconciler.settings.locations import check_settings_location
from reconciler.settings.model import Settings, Target

if TYPE_CHECKING:
    from reconciler.engine.base_revision import BaseRevision
    from reconciler.transport.exchanges import TrafficWatch

DEFAULT_TARGETS = {"command": DeclaredTarget("keyfactor"), "csms": DeclaredTarget("csms")}
"""The targets that documents may name before any settings are there."""
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
    bytes however often it is asked for), who sees its requests, who its phases, who its settings and who the digest of
    its manifests, which both may raise a ReconcilerError, and who hears, from any thread, why it is slow.

    Of a fleet's run each process is about one `target`, as though nothing were declared for others, and the files are
    read once for all of them: `held`.
    """

    env: Mapping[str, str]
    cwd: Path
    today: date
    kinds: Registry
    now: float = 0.0
    timing: Timing = REAL_TIME
    read_standard_input: Callable[[], bytes] | None = None
    traffic: TrafficWatch | None = None
    phases: PhaseObserver = UNOBSERVED
    on_settings: Callable[[Settings], None] = lambda _settings: None
    on_manifests: Callable[[str], None] = lambda _digest: None
    on_slowdown: Callable[[str], None] = lambda _line: None
    target: str = ""
    held: HeldDeclaration | None = None


class RunOptions(NamedTuple):
    """What was asked for: manifests by path (none: those of the settings), the settings file, and a selection.

    `environment` is that of the settings, None for none: its targets, limits and protections hold, and its layers are
    read where no path is named. `base` is the revision that is to be compared with what is declared, None for none;
    `rights` is how much is to be seen of the rights that a plan gives and takes.
    """

    paths: Sequence[str] = ()
    config: str | None = None
    selection: Selection = Selection()
    base: str | None = None
    rights: RightsDemand = RightsDemand.NOTHING
    environment: str | None = None


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


class HeldDeclaration(NamedTuple):
    """What files said when they were read for `options`, for whoever is about to ask for the same.

    `commit` is that of the manifests, "" if there is none.
    """

    options: RunOptions
    declared: Declaration
    commit: str = ""

    def find_settings(self, config: str | None, environment: str | None) -> Settings | None:
        """Return the settings if they are those of this file and environment."""
        is_same = (config, environment) == (self.options.config, self.options.environment)
        return self.declared.settings if is_same else None

    def find_declaration(self, settings: Settings, options: RunOptions) -> Declaration | None:
        """Return the declaration if it is what these options ask for."""
        names = ("paths", "selection", "base")
        is_same = all(getattr(self.options, name) == getattr(options, name) for name in names)
        return self.declared if is_same and settings is self.declared.settings else None


def read_settings(inputs: RunInputs, config: str | None, environment: str | None) -> Settings:
    """Read the settings, those of an environment if one is named; raises UsageError."""
    settings = (inputs.held.find_settings(config, environment) if inputs.held else None) or load_settings(
        Path(config) if config is not None else None,
        env=inputs.env,
        cwd=inputs.cwd,
        kinds=inputs.kinds,
        environment=environment,
    )
    inputs.on_settings(settings)
    return settings


def read_declaration(inputs: RunInputs, options: RunOptions, *, offline: bool = False) -> Declaration:
    """Read the settings and the manifests; raises UsageError, InvalidError or, for nothing at all, RefusedError.

    Offline, the names that the targets have without a settings file serve where there are none.
    """
    with inputs.phases.observe_phase("load", {}) as facts:
        settings = read_settings(inputs, options.config, options.environment)
        declared = select_declared(inputs, settings, options, offline=offline)
        facts["documents"] = len(declared.selected)
    return declared


def select_declared(
    inputs: RunInputs, settings: Settings, options: RunOptions, *, offline: bool = False
) -> Declaration:
    """Read the manifests with settings that are read already; raises as `read_declaration` does."""
    held = inputs.held.find_declaration(settings, options) if inputs.held else None
    declared = held or _load_declaration(inputs, settings, options, offline=offline)
    inputs.on_manifests(declared.loaded.digest)
    return _restrict_declaration(declared, inputs.target) if inputs.target else declared


def _load_declaration(inputs: RunInputs, settings: Settings, options: RunOptions, *, offline: bool) -> Declaration:
    targets = list_declared_targets(settings) or (DEFAULT_TARGETS if offline else {})
    if not targets:
        raise UsageError(_NO_TARGETS)
    # Before a manifest is read: what is not selected can't stop a run.
    is_selected = make_document_test(options.selection, targets, inputs.kinds, settings.environment)
    loaded = load_declared(inputs, settings, options.paths, targets, is_selected)
    selected = select_documents(loaded.documents, options.selection, is_selected)
    base = _read_base(inputs, settings, options, targets, is_selected)
    return Declaration(settings, loaded, selected, format_filters(options.selection), base)


def _restrict_declaration(declared: Declaration, target: str) -> Declaration:
    """Return what is declared for one target; what is told of the files stays, and so does the digest of all."""
    loaded, base = declared.loaded, declared.base
    former = [document for document in base.documents if document.address.target == target] if base else []
    return declared._replace(
        loaded=replace(loaded, documents=_slice_target(loaded.documents, target)),
        selected=_slice_target(declared.selected, target),
        base=base._replace(documents=former) if base else None,
    )


def _slice_target(documents: Sequence[Wanted], target: str) -> tuple[Wanted, ...]:
    """Return the documents of a target; they are in the order of their addresses."""

    def get_target(document: Wanted) -> str:
        return document.address.target

    # A forked process that looked at all of them would have a copy of each page that they lie on.
    begin = bisect_left(documents, target, key=get_target)
    return tuple(documents[begin : bisect_right(documents, target, begin, key=get_target)])


def _read_base(
    inputs: RunInputs, settings: Settings, options: RunOptions, targets: DeclaredTargets, is_selected: DocumentTest
) -> BaseRevision | None:
    if options.base is None:
        return None
    # Who names no revision does without what reads one from git.
    from reconciler.engine.base_revision import read_base_revision  # noqa: PLC0415

    paths = list_manifest_paths(settings, options.paths)
    vocabulary = Vocabulary(inputs.kinds, targets, environment=describe_scope(settings))
    is_layered = bool(settings.layers) and not options.paths
    return read_base_revision(
        options.base, paths, inputs.cwd, inputs.env, vocabulary, is_selected, is_layered=is_layered
    )


def list_manifest_paths(settings: Settings, paths: Sequence[str]) -> Sequence[str]:
    """Return the paths that are named, or else where the settings have their manifests.

    Raises UsageError where they have them in environments, and none was chosen.
    """
    if paths:
        return paths
    # A repository that comes to environments step by step keeps its folder of manifests for a while.
    if settings.environment_names and not settings.environment and not settings.manifests.exists():
        summary = "the settings have environments, and none is chosen"
        reason = f"outside of them there are no manifests: {settings.manifests} does not exist"
        remedy = f"name one of {', '.join(settings.environment_names)}, or name manifests"
        raise UsageError(Diagnostic("usage.no-environment", Source("--environment"), summary, reason, remedy))
    return [str(folder) for folder in settings.manifest_folders]


def load_declared(
    inputs: RunInputs,
    settings: Settings,
    paths: Sequence[str],
    targets: DeclaredTargets,
    is_selected: DocumentTest,
    *,
    may_be_empty: bool = False,
) -> LoadedManifests:
    """Read the manifests at these paths, or those of the settings, for these targets."""
    # Before a manifest is read: whoever may change manifests could else say where credentials are sent.
    for path in paths:
        check_settings_location(settings.own_places, inputs.cwd / path, inputs.cwd)
    return load_manifests(
        list_manifest_paths(settings, paths),
        kinds=inputs.kinds,
        targets=targets,
        environment=describe_scope(settings),
        base=inputs.cwd,
        is_selected=is_selected,
        read_standard_input=inputs.read_standard_input,
        may_be_empty=may_be_empty,
        today=inputs.today,
        # Whoever names files means those, as they are.
        layers=() if paths else settings.layers,
    )


def list_declared_targets(settings: Settings) -> dict[str, DeclaredTarget]:
    """Return what documents may know of the targets of the settings."""
    return {name: _describe_target(target) for name, target in settings.targets.items()}


def describe_scope(settings: Settings) -> EnvironmentScope:
    """Return which environment documents are read for, and which targets that leaves out."""
    other_targets = {name: _describe_target(target) for name, target in settings.other_targets.items()}
    return EnvironmentScope(settings.environment, other_targets)


def _describe_target(target: Target) -> DeclaredTarget:
    return DeclaredTarget(target.api, target.labels, target.values, target.source)


def pick_targets(settings: Settings, chosen: Sequence[str]) -> list[str]:
    """Return the names of the chosen targets, or of all; raises UsageError for one that the settings don't have."""
    if unknown := sorted(set(chosen) - settings.targets.keys()):
        known = ", ".join(sorted(settings.targets)) or "none"
        where = f' of the environment "{settings.environment}"' if settings.environment else ""
        summary = f"no target{where} is called {unknown[0]!r}"
        raise UsageError(Diagnostic("usage.unknown-target", Source("--target"), summary, remedy=f"there are: {known}"))
    if not settings.targets:
        raise UsageError(_NO_TARGETS)
    return sorted(chosen) or sorted(settings.targets)
