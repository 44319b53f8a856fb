"""Live objects that no manifest declares: the lists of all kinds, read on purpose, beside all that is declared."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from reconciler.coverage import UnmanagedCounts
from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.engine.declaration import (
    RunInputs,
    RunOptions,
    list_declared_targets,
    list_manifest_paths,
    load_declared,
    pick_targets,
    read_settings,
)
from reconciler.engine.observe import observe_inventories
from reconciler.engine.pipeline import connect_targets, find_bound, list_readers
from reconciler.errors import Exit, UsageError
from reconciler.kinds.kind import Run
from reconciler.kinds.listed_objects import ListedObject
from reconciler.kinds.registry import Registry
from reconciler.manifests.load import LoadedManifests
from reconciler.manifests.selection import Selection, format_filters, split_object_pattern
from reconciler.model import Coverage, Gap, Plan
from reconciler.patterns import matches_pattern
from reconciler.plans.exit_code import exit_code
from reconciler.plans.masking import MaskedPlan, SecretMasker
from reconciler.plans.planner import LiveKey, Observed
from reconciler.plans.unmanaged import UnmanagedObjects, list_live_objects
from reconciler.settings.model import Settings

_NO_LABELS = Diagnostic(
    "usage.invalid-filter",
    Source("reconciler"),
    "--label is about documents, and what no document declares has no labels",
    "nothing could match",
    "select with --only, --exclude and --target",
)
_NO_LISTS = Diagnostic(
    "usage.selection-empty",
    Source("reconciler"),
    "none of the kinds and targets that are selected has objects that somebody should declare",
    "a pending request waits for a decision, and is no state",
    "select other kinds, or none for all",
)


class InventoryComparison(NamedTuple):
    """What exists beside what is declared: a plan without steps, and the objects that no document declares."""

    plan: MaskedPlan
    exit: Exit
    listings: tuple[UnmanagedObjects, ...]


class _Filter:
    """Which kinds and which objects a run is about; an object goes by its own name, since it has no document."""

    def __init__(self, selection: Selection, kinds: Registry) -> None:
        if selection.label:
            raise UsageError(_NO_LABELS)
        self._only = [split_object_pattern(text, "--only", kinds) for text in selection.only]
        self._exclude = [split_object_pattern(text, "--exclude", kinds) for text in selection.exclude]

    def has_kind(self, kind: str) -> bool:
        is_chosen = not self._only or any(name == kind for name, _ in self._only)
        return is_chosen and (kind, "*") not in self._exclude

    def has_object(self, kind: str, name: str) -> bool:
        is_chosen = not self._only or _matches_any(self._only, kind, name)
        return is_chosen and not _matches_any(self._exclude, kind, name)


def _matches_any(patterns: Sequence[tuple[str, str]], kind: str, name: str) -> bool:
    return any(kind == chosen and matches_pattern(pattern, name) for chosen, pattern in patterns)


def find_unmanaged(inputs: RunInputs, options: RunOptions, on_progress: Callable[[str], None]) -> InventoryComparison:
    """Read the lists of the selected kinds and targets, and return what of them no document declares.

    That nothing at all is declared is a beginning and no mistake: it becomes a note.
    """
    settings = read_settings(inputs, options.config, options.environment)
    object_filter = _Filter(options.selection, inputs.kinds)
    keys = _choose_lists(settings, options.selection, object_filter, inputs.kinds)
    loaded = load_inventory_documents(inputs, settings, options.paths, {kind for _, kind in keys})
    run = Run.of_documents(inputs.today, loaded.documents)
    with connect_targets(inputs, settings, sorted({target for target, _ in keys})) as apis:
        readers = {name: api.read for name, api in apis.items()}
        observed = observe_inventories(
            keys, loaded.documents, readers, run, inputs.kinds, on_progress, list_readers(apis)
        )
        bounds = {name: find_bound(api) for name, api in apis.items()}
        # Last: a token is known to its API's redactor only once it was fetched.
        masker = SecretMasker(api.redact for api in apis.values())
    comparison = _compare_lists(keys, observed, loaded, object_filter, inputs.kinds)
    notes = (*loaded.notes, *_note_emptiness(loaded, settings, options))
    plan = replace(comparison.plan, notes=notes, selection=format_filters(options.selection), targets=bounds)
    # In lists, not in objects: one that was read and is empty has been read all the same.
    lists = Plan((), Coverage(len(comparison.listings), len(keys)), gaps=plan.gaps)
    masked_listings = tuple(_mask_listing(listing, masker) for listing in comparison.listings)
    return InventoryComparison(masker.mask_plan(plan), exit_code(lists), masked_listings)


def _choose_lists(settings: Settings, selection: Selection, object_filter: _Filter, kinds: Registry) -> list[LiveKey]:
    names = pick_targets(settings, selection.target)
    kind_names = [name for name, kind in kinds.items() if any(kind.listed_as) and object_filter.has_kind(name)]
    pairs = product(names, kind_names)
    keys = [(target, kind) for target, kind in pairs if kinds[kind].api == settings.targets[target].api]
    if not keys:
        raise UsageError(_NO_LISTS)
    return keys


def load_inventory_documents(
    inputs: RunInputs, settings: Settings, paths: Sequence[str], kinds: Collection[str]
) -> LoadedManifests:
    """Read everything that is declared; a document with errors stops the run if it is of one of these kinds."""
    targets = list_declared_targets(settings)
    # A folder that is named must be there; that of the settings may still have to be made.
    if not paths and list_manifest_paths(settings, ()) and not any(map(Path.exists, settings.manifest_folders)):
        return LoadedManifests((), "", 0, ())
    return load_declared(
        inputs, settings, paths, targets, lambda document: document.address.kind in kinds, may_be_empty=True
    )


class _ListComparison(NamedTuple):
    plan: Plan
    listings: Sequence[UnmanagedObjects]


def _compare_lists(
    keys: Sequence[LiveKey], observed: Observed, loaded: LoadedManifests, object_filter: _Filter, kinds: Registry
) -> _ListComparison:
    """Return what is not declared of each list, and a plan of what was compared and what could not be told."""
    listings: list[UnmanagedObjects] = []
    gaps, listed_count = list(observed.gaps), 0
    for target, kind in (key for key in keys if key in observed.live):
        live_objects = list_live_objects(observed.live, target, kind, loaded.documents, kinds)
        if live_objects is None:
            gaps.append(Gap(explain_unclear_documents(target, kind), Exit.INCOMPLETE))
            continue
        objects = [item for item in live_objects if object_filter.has_object(kind, item.name)]
        listed_count += len(objects)
        listings.append(UnmanagedObjects(target, kind, [item for item in objects if not item.is_declared]))
    counts = _count_listings(keys, listings)
    coverage = Coverage(listed_count, listed_count)
    return _ListComparison(Plan((), coverage, gaps=tuple(sorted(set(gaps))), unmanaged=counts), listings)


def _count_listings(keys: Sequence[LiveKey], listings: Sequence[UnmanagedObjects]) -> UnmanagedCounts:
    """Return how many objects there are of each kind of which every list could be told."""
    counts: dict[str, dict[str, int]] = {}
    for target, kind, objects in listings:
        counts.setdefault(kind, {})[target] = len(objects)
    unknown = {kind for target, kind in keys if target not in counts.get(kind, {})}
    return {kind: counts[kind] for kind in sorted(counts.keys() - unknown)}


def explain_unclear_documents(target: str, kind: str) -> Diagnostic:
    """Say that it can't be told which objects of a kind are declared."""
    return Diagnostic(
        "live.unclear-documents",
        Source(f"target {target}"),
        f"which objects of kind {kind} are declared can't be told: a query of a document finds nothing",
        "what it is about would look as if nobody declared it",
        "see what plan says of it, and say allowEmpty: true where that is meant",
    )


def _note_emptiness(loaded: LoadedManifests, settings: Settings, options: RunOptions) -> tuple[Diagnostic, ...]:
    if loaded.documents:
        return ()
    path_names = " ".join(options.paths) or " ".join(folder.name for folder in settings.manifest_folders)
    summary, reason = "nothing is declared here", "everything that exists is listed"
    return (Diagnostic("manifest.nothing-declared", Source(path_names), summary, reason, severity=Severity.NOTE),)


def _mask_listing(listing: UnmanagedObjects, masker: SecretMasker) -> UnmanagedObjects:
    """Return the objects to look at. Where there is nothing to hide none is copied."""
    text = "\n".join(f"{item.name}\n{item.group}\n{_join_facts(item.facts)}" for item in listing.objects)
    if masker(text) == text:
        return listing
    return listing._replace(objects=[_mask_object(item, masker) for item in listing.objects])


def _join_facts(facts: Mapping[str, object]) -> str:
    return "\n".join(value for value in facts.values() if isinstance(value, str))


def _mask_object(item: ListedObject, masker: SecretMasker) -> ListedObject:
    facts = {name: masker(value) if isinstance(value, str) else value for name, value in item.facts.items()}
    return item._replace(name=masker(item.name), group=masker(item.group), facts=facts)
