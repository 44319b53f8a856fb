"""From the bytes of a settings file to settings: all that is wrong with it and with its files of targets, at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents.document import Document
from reconciler.documents.limits import limit_problems
from reconciler.documents.reader import read_documents, validate_value
from reconciler.documents.suggestions import find_nearest
from reconciler.errors import InvalidError, UsageError
from reconciler.model import Path as DocumentPath
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.build import build_engine, build_plan_settings, build_receivers, build_state, build_target
from reconciler.settings.locations import find_misplaced_settings
from reconciler.settings.model import Settings, Target
from reconciler.settings.schema import SECRET_KEYS, SETTINGS_RULES, SettingsFile
from reconciler.settings.schema_environments import EnvironmentSettings
from reconciler.settings.vendor_targets import VENDOR_TARGETS, read_vendor_targets


class FileContext(NamedTuple):
    """A settings file: its path, how people call it, where they stand, their variables, and the kinds there are."""

    path: Path
    name: str
    cwd: Path
    env: Mapping[str, str]
    kinds: Collection[str]


def parse_settings(data: bytes, context: FileContext, environment: str | None) -> Settings:
    """Return the settings that a file has for an environment, None for none; raises UsageError with every problem."""
    document = _read_document(data, context.name)
    # A secret pasted in the place of its reference would else be quoted in a CI job's log.
    content, problems = validate_value(SettingsFile, document.value, document, rules=SETTINGS_RULES, secret=SECRET_KEYS)
    # Even where the settings themselves are wrong: all mistakes are told in one run.
    target_files = _find_target_files(document, context.path.parent)
    misplaced = _find_misplaced(content, target_files, context) if content else []
    # What lies where it may not is no folder of targets, however much there is in it, and is told as that alone.
    root = None if misplaced else target_files
    split, target_problems = _read_split_targets(root, context.cwd) if root else ({}, [])
    if content is None:
        raise UsageError(*limit_problems(problems), *target_problems)
    targets = split or _build_targets(content, context)
    problems += _find_unknown_kinds(content, document, context.kinds)
    # A folder that turned out to hold none is no lack of targets: the variables may be another server's.
    if not targets and target_files is None:
        targets = read_vendor_targets(context.env)
    settings = _build_settings(content, targets, target_files, context)
    if content.environments:
        # Most settings have none.
        from reconciler.settings.environments import find_environment_problems, list_layer_folders  # noqa: PLC0415

        settings = replace(settings, layer_folders=list_layer_folders(content.environments, context.path.parent))
        # Of targets that can't be read nobody knows the names and the labels.
        labels_by_target = None if target_problems or misplaced else _list_labels(targets)
        problems += find_environment_problems(content.environments, document, context.path.parent, labels_by_target)
    if problems or target_problems or misplaced:
        raise UsageError(*limit_problems(problems), *target_problems, *misplaced)
    return settings if environment is None else _choose_environment(settings, content, environment)


def _read_document(data: bytes, name: str) -> Document:
    """Return the one document of a settings file."""
    try:
        documents = read_documents(data, name)
    except InvalidError as error:
        raise UsageError(*error.problems) from None
    if len(documents) != 1:
        problem = Diagnostic(
            "settings.not-one-document",
            documents[1].source if documents else Source(name),
            f"a settings file holds one document, this one holds {len(documents)}",
            remedy="keep one",
        )
        raise UsageError(problem)
    return documents[0]


def _find_target_files(document: Document, folder: Path) -> Path | None:
    """Return where the targets' own files lie, whatever else is wrong with the settings; None without any."""
    text = document.value.get("targets") if isinstance(document.value, dict) else None
    # What the model refuses is no path to be looked at.
    if not isinstance(text, str) or not text or not text.isprintable() or text.startswith("~"):
        return None
    return Path(os.path.normpath(folder / text))


def _read_split_targets(root: Path, cwd: Path) -> tuple[Mapping[str, Target], list[Diagnostic]]:
    # Most settings have their targets in themselves.
    from reconciler.settings.target_files import read_split_targets  # noqa: PLC0415

    return read_split_targets(root, cwd)


def _list_labels(targets: Mapping[str, Target]) -> Mapping[str, Mapping[str, str]]:
    # Which of these two there are depends on the variables, which a check without a server does without.
    return {name: target.labels for name, target in targets.items()} or {name: {} for name in VENDOR_TARGETS}


def _choose_environment(settings: Settings, content: SettingsFile, name: str) -> Settings:
    from reconciler.settings.environments import choose_environment  # noqa: PLC0415 - as above

    return choose_environment(settings, content.environments, name)


def _find_misplaced(content: SettingsFile, target_files: Path | None, context: FileContext) -> list[Diagnostic]:
    """Return what lies where it may not, whichever environment is chosen."""
    layers = (layer for environment in content.environments.values() for layer in environment.layers)
    folders = dict.fromkeys(context.path.parent / name for name in (content.manifests, *layers))
    places = [path for path in (context.path, target_files) if path]
    return [problem for folder in folders for problem in find_misplaced_settings(places, folder, context.cwd)]


def _build_targets(content: SettingsFile, context: FileContext) -> dict[str, Target]:
    """Return the targets that stand in the file itself."""
    if isinstance(content.targets, str):
        return {}
    folder, source = context.path.parent, Source(context.name)
    return {name: build_target(name, target, folder, source) for name, target in sorted(content.targets.items())}


def _build_settings(
    content: SettingsFile, targets: Mapping[str, Target], target_files: Path | None, context: FileContext
) -> Settings:
    folder, names = context.path.parent, tuple(sorted(content.environments))
    return Settings(
        context.path,
        Path(os.path.normpath(folder / content.manifests)),
        build_state(content.state, folder),
        targets,
        {kind: limit.changes for kind, limit in sorted(content.limits.items())},
        tuple(content.protected),
        allowed_lockouts=frozenset(content.allow.lockout),
        name=context.name,
        plans=build_plan_settings(content.plans, folder),
        receivers=build_receivers(content.notify, folder) if content.notify else (),
        engine=build_engine(content.engine, folder) if content.engine else None,
        environment_names=names,
        target_files=target_files,
    )


def _find_unknown_kinds(content: SettingsFile, document: Document, kinds: Collection[str]) -> Iterator[Diagnostic]:
    """Refuse a limit or a protection of a kind that doesn't exist: it would protect nothing."""
    guards: dict[DocumentPath, SettingsFile | EnvironmentSettings] = {(): content}
    guards |= {("environments", name): environment for name, environment in content.environments.items()}
    for path, guard in guards.items():
        for kind in guard.limits.keys() - set(kinds):
            yield _explain_unknown_kind(kind, "", kinds).locate(document.key((*path, "limits", kind)))
        for index, pattern in enumerate(guard.protected):
            kind, _, name_pattern = pattern.partition("/")
            if kind not in kinds:
                source = document.at((*path, "protected", index))
                yield _explain_unknown_kind(kind, f"/{name_pattern}", kinds).locate(source)


def _explain_unknown_kind(kind: str, rest: str, kinds: Collection[str]) -> Explanation:
    nearest = find_nearest(kind, kinds)
    remedy = f"did you mean {nearest}{escape_and_shorten(rest)}?" if nearest else f"the kinds are {', '.join(kinds)}"
    summary = f"{escape_and_shorten(kind)} is not a kind"
    return Explanation("settings.unknown-kind", summary, "it would hold nothing back", remedy)
