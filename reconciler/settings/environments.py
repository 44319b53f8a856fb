"""Environments: what is wrong with them, and the settings that hold in one of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents.document import Document
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.errors import UsageError
from reconciler.model import Path as DocumentPath
from reconciler.settings.model import ManifestLayer, Settings
from reconciler.settings.schema_environments import EnvironmentMap
from reconciler.target_selector import TargetSelector, describe_selector, find_unknown_names, select_target_names

_OVERLAP: Final = "its documents would be in two layers at once"


def find_environment_problems(
    environments: EnvironmentMap,
    document: Document,
    folder: Path,
    labels_by_target: Mapping[str, Mapping[str, str]] | None,
) -> Iterator[Diagnostic]:
    """Yield what no environment's fields alone can tell; `folder` is where relative paths begin.

    Which targets there are is not looked at where `labels_by_target` is None.
    """
    for name, environment in environments.items():
        for index, explanation in _find_overlaps(environment.layers, folder):
            yield explanation.locate(document.at(("environments", name, "layers", index)))
        path = ("environments", name, "targets")
        if environment.targets is not None and labels_by_target is not None:
            for steps, explanation in _find_unknown_targets(environment.targets, labels_by_target):
                yield explanation.locate(document.at((*path, *steps)))


def _find_unknown_targets(
    selector: TargetSelector, labels_by_target: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[DocumentPath, Explanation]]:
    """Yield why a selector means no target, or means one that there isn't, and where in it."""
    unknown = find_unknown_names(selector, labels_by_target)
    for index, target in unknown:
        summary, remedy = f"no target is called {quote_text(target)}", suggest_option(target, labels_by_target)
        yield (index,), Explanation("settings.unknown-target", summary, "it would be left out", remedy)
    if not unknown and not select_target_names(selector, labels_by_target):
        summary = f"no target has the labels {describe_selector(selector)}"
        reason, remedy = "a run about nothing would look like success", "correct them, or give them to a target"
        yield (), Explanation("settings.unknown-target", summary, reason, remedy)


def choose_environment(settings: Settings, environments: EnvironmentMap, name: str) -> Settings:
    """Return the settings that hold in an environment; raises UsageError where there is none of that name.

    Its limits take the place of those of the same kinds. What it protects joins what is protected everywhere.
    """
    environment = environments.get(name)
    if environment is None or settings.file is None:
        raise UsageError(explain_unknown_environment(name, settings))
    folder, settings = settings.file.parent, _narrow_targets(settings, environment.targets)
    limits = {**settings.limits} | {kind: limit.changes for kind, limit in environment.limits.items()}
    # Joined and not replaced: what is protected everywhere can't be opened by a line for one environment.
    protected = tuple(dict.fromkeys((*settings.protected, *environment.protected)))
    layers = tuple(ManifestLayer(layer, _locate_layer(layer, folder)) for layer in environment.layers)
    return replace(settings, environment=name, layers=layers, limits=dict(sorted(limits.items())), protected=protected)


def _narrow_targets(settings: Settings, selector: TargetSelector | None) -> Settings:
    if selector is None:
        return settings
    targets = settings.targets
    names = select_target_names(selector, {name: target.labels for name, target in targets.items()})
    # What is declared for one of the others is no mistake, and is told as that.
    other_targets = {name: target for name, target in targets.items() if name not in names}
    return replace(settings, targets={name: targets[name] for name in names}, other_targets=other_targets)


def list_layer_folders(environments: EnvironmentMap, folder: Path) -> tuple[Path, ...]:
    """Return the folders of all layers, each once."""
    layers = (layer for environment in environments.values() for layer in environment.layers)
    return tuple(dict.fromkeys(_locate_layer(layer, folder) for layer in layers))


def explain_unknown_environment(name: str, settings: Settings) -> Diagnostic:
    """Say that there is no environment of a name, and which there are."""
    names = settings.environment_names
    if names:
        summary, remedy = f"no environment is called {quote_text(name)}", f"there are: {', '.join(names)}"
    else:
        summary = f"the settings have no environments, so none is called {quote_text(name)}"
        remedy = "add `environments:` to the settings, or leave the option out"
    return Diagnostic("usage.unknown-environment", Source("--environment"), summary, remedy=remedy)


def _find_overlaps(layers: list[str], folder: Path) -> Iterator[tuple[int, Explanation]]:
    """Yield each layer that lies in an earlier one, or around one, with why it can't."""
    # realpath: two folders may be one, by a link.
    paths = [Path(os.path.realpath(_locate_layer(layer, folder))) for layer in layers]
    for index, path in enumerate(paths):
        for earlier, layer in zip(paths[:index], layers, strict=False):
            if path.is_relative_to(earlier) or earlier.is_relative_to(path):
                words = "is the same folder as" if path == earlier else "lies within or around"
                summary = f"layer {quote_text(layers[index])} {words} layer {quote_text(layer)}"
                yield index, Explanation("settings.inconsistent", summary, _OVERLAP, "name folders beside each other")
                break


def _locate_layer(layer: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / layer))
