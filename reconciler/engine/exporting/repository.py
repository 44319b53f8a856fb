"""A new repository: settings, manifests of what a server has or examples, and what stands around them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from reconciler.credentials.sources import FromEnvironment
from reconciler.diagnostics import Diagnostic, Explanation, Severity, Source
from reconciler.engine.declaration import (
    DEFAULT_TARGETS,
    RunInputs,
    list_declared_targets,
    pick_targets,
    read_settings,
)
from reconciler.engine.exporting.export_drafts import ExportScope
from reconciler.engine.exporting.export_files import ExportedTree, FileSummary, export_tree
from reconciler.engine.exporting.export_layout import ExportLayout
from reconciler.engine.exporting.repository_settings import MANIFEST_FOLDER, Foundation, lay_foundation
from reconciler.engine.exporting.starter_files import Ci, build_example_manifests, read_ci_files, read_starter_file
from reconciler.errors import Exit, ReconcilerError, UsageError
from reconciler.settings.encoding import list_secrets
from reconciler.settings.load import SETTINGS_FILE_NAME
from reconciler.settings.model import Settings
from reconciler.state.new_files import find_obstacles

Origin: TypeAlias = Literal["auto", "server", "examples"]
"""What manifests are made of; `auto` is the server where there is one that answers, else examples."""

_APPLY_SETTINGS: Final = "reconciler.apply.yaml"


class RepositoryPlan(NamedTuple):
    """What to begin a repository with: in which folder, with the jobs of whom, made of what and laid out how.

    `label` is how people call the folder. With `keep` what is there of the files around manifests and settings stays.
    """

    folder: Path
    label: str
    ci: Ci = "none"
    origin: Origin = "auto"
    layout: ExportLayout = ExportLayout()
    keep: bool = False


class NewRepository(NamedTuple):
    """A repository before it is written: its files by path, what is in the manifests, and what is to be told.

    `is_example` says that the servers that its settings name are made up.
    """

    files: Mapping[str, bytes]
    summaries: tuple[FileSummary, ...]
    kept_paths: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    is_example: bool = False

    @property
    def exit(self) -> Exit:
        """The outcome: without something that the server has it is no whole one."""
        return Exit.INCOMPLETE if self.problems else Exit.OK


def build_repository(
    inputs: RunInputs, config: str | None, plan: RepositoryPlan, on_progress: Callable[[str], None]
) -> NewRepository:
    """Return the files of a new repository.

    Raises UsageError with everything that is in the way, before a server is asked, and as `export_tree` does.
    """
    foundation = lay_foundation(read_settings(inputs, config, None), plan.folder)
    around = _build_surroundings(foundation, plan.ci)
    manifests = _find_manifest_folder(foundation.settings, plan.folder)
    kept_paths = _check_way(plan, around, manifests)
    remarks = [_note(remark, "mend it in reconciler.yaml, or in the environment") for remark in foundation.remarks]
    remarks += _find_unhanded_secrets(foundation.settings, read_ci_files(plan.ci)) if plan.ci != "none" else []
    if plan.origin == "server" and remarks and not foundation.settings.targets:
        raise UsageError(*remarks)
    tree, notes = _make_manifests(inputs, foundation.settings, plan, on_progress)
    files = {path: data for path, data in around.items() if path not in kept_paths}
    summaries = [summary._replace(path=f"{manifests}/{summary.path}") for summary in tree.summaries]
    return NewRepository(
        files | {f"{manifests}/{path}": data for path, data in tree.files.items()},
        (*(FileSummary(path, 0, 0, 0) for path in sorted(files)), *summaries),
        kept_paths,
        (*remarks, *notes),
        tree.problems,
        is_example=not foundation.settings.targets,
    )


def _build_surroundings(foundation: Foundation, ci: Ci) -> dict[str, bytes]:
    """Return every file but the manifests, by its path."""
    files = {".gitignore": read_starter_file("gitignore"), "README.md": read_starter_file("README.md")}
    if foundation.text is not None:
        files[SETTINGS_FILE_NAME] = foundation.text.encode()
    if ci != "none":
        files |= {_APPLY_SETTINGS: foundation.apply_text.encode(), **read_ci_files(ci)}
    return files


def _find_manifest_folder(settings: Settings, folder: Path) -> str:
    """Return where the manifests go, below the folder; raises UsageError for settings that have them elsewhere."""
    if settings.file is None:
        return MANIFEST_FOLDER
    if settings.manifests == folder or not settings.manifests.is_relative_to(folder):
        summary = f"its manifests are in {settings.manifests}, which is not below its own folder"
        raise UsageError(
            Diagnostic(
                "usage.command-line", Source(settings.name), summary, remedy="name another folder for `manifests`"
            )
        )
    return settings.manifests.relative_to(folder).as_posix()


def _check_way(plan: RepositoryPlan, around: Mapping[str, bytes], manifests: str) -> tuple[str, ...]:
    """Return which files stay as they are; raises UsageError with everything else that is in the way."""
    obstacles = find_obstacles(plan.folder, dict.fromkeys(around))
    spared = {path for path, reason in obstacles.items() if plan.keep and reason == "is there already"}
    spared -= {SETTINGS_FILE_NAME}
    folder = plan.folder / manifests
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        obstacles[f"{manifests}/"] = "is there already"
    if in_the_way := {path: reason for path, reason in obstacles.items() if path not in spared}:
        raise UsageError(*_explain_obstacles(in_the_way, plan.label))
    return tuple(sorted(spared))


def _explain_obstacles(obstacles: Mapping[str, str], label: str) -> Iterator[Diagnostic]:
    for path, reason in obstacles.items():
        remedy = "move it, or name another folder"
        if path == SETTINGS_FILE_NAME:
            remedy = "move it, or begin from it with --config"
        elif not path.endswith("/"):
            remedy = "move it, or leave such files as they are with --keep"
        words = Explanation(
            "init.file-in-the-way", reason, "nothing was written, since it may be somebody's work", remedy
        )
        yield words.locate(Source(path if label == "." else f"{label}/{path}"))


def _make_manifests(
    inputs: RunInputs, settings: Settings, plan: RepositoryPlan, on_progress: Callable[[str], None]
) -> tuple[ExportedTree, tuple[Diagnostic, ...]]:
    """Return manifests of the servers or of examples, and why of examples where nobody asked for them."""
    if plan.origin == "server" or (plan.origin == "auto" and settings.targets):
        pick_targets(settings, ())
        try:
            return export_tree(inputs, settings, ExportScope(), plan.layout, on_progress), ()
        except ReconcilerError as error:
            if plan.origin == "server" or error.exit is not Exit.UNREACHABLE:
                raise
            unreached = "the manifests are examples, since the server did not answer"
            remedy = (
                "move them away and run `reconciler export --out` once it does; to plan them would ask for the examples"
            )
            causes = (replace(problem, severity=Severity.NOTE) for problem in error.problems)
            return _make_examples(inputs, settings), (_note(unreached, remedy), *causes)
    unasked = _note("the manifests are examples, since no server is configured", "name yours in reconciler.yaml")
    return _make_examples(inputs, settings), () if plan.origin == "examples" else (unasked,)


def _make_examples(inputs: RunInputs, settings: Settings) -> ExportedTree:
    targets = list_declared_targets(settings) or DEFAULT_TARGETS
    examples = build_example_manifests(inputs.kinds, {name: target.api for name, target in targets.items()})
    counts = {example.path: 0 if example.is_comment else 1 for example in examples}
    files = {example.path: example.data for example in examples}
    return ExportedTree(files, tuple(FileSummary(path, count, 0, count) for path, count in sorted(counts.items())), ())


def _find_unhanded_secrets(settings: Settings, files: Mapping[str, bytes]) -> list[Diagnostic]:
    """Return a note for each secret that the settings want and the jobs don't have: those are the guides' own."""
    handed_over = {word for data in files.values() for word in re.findall(rb"(?m)^ *([A-Z][A-Z0-9_]+):", data)}
    return [
        _note(
            f"target {target.name}: the jobs hand over nothing for auth.{field}, which comes from {origin}",
            "say {env: NAME} in both settings files, and hand that variable over in the jobs",
        )
        for target in settings.targets.values()
        for field, origin in list_secrets(target.auth)
        if not (isinstance(origin, FromEnvironment) and origin.name.encode() in handed_over)
    ]


def _note(summary: str, remedy: str) -> Diagnostic:
    return Diagnostic("init.not-as-it-was", Source("init"), summary, remedy=remedy, severity=Severity.NOTE)
