"""Live state as a folder of manifests on which a plan is empty: laid out, read back, and then written as a whole."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Severity, Source
from reconciler.documents.document import Document
from reconciler.documents.files import FileRef, InputFile, is_manifest, name_path, read_mode
from reconciler.documents.held_files import HeldFile
from reconciler.documents.reader import parse_documents
from reconciler.documents.tree_search import DiscoveredFiles
from reconciler.engine.declaration import RunInputs, describe_scope, list_declared_targets
from reconciler.engine.exporting.export import format_drafts
from reconciler.engine.exporting.export_drafts import (
    Draft,
    ExportScope,
    count_targets,
    drop_refused,
    drop_unfit,
    read_drafts,
)
from reconciler.engine.exporting.export_layout import ExportLayout, lay_out_files
from reconciler.errors import Exit, IncompleteError, InvalidError, RefusedError, UsageError
from reconciler.manifests.discovery import find_manifests
from reconciler.manifests.load import LoadedManifests, load_files
from reconciler.settings.locations import check_settings_location
from reconciler.settings.model import Settings
from reconciler.state.new_files import find_obstacles, write_new_files

_MOST_NAMED = 5
"""Files that a note names one by one."""


class FileSummary(NamedTuple):
    """A file of an export: its path below the folder, and what it holds: documents, or rows of a table, and objects.

    Objects are what is managed: a document of an owner is about many certificates. Those of a table are its own.
    """

    path: str
    documents: int
    rows: int
    objects: int


class ExportedTree(NamedTuple):
    """An export as files by path, with slashes, what each holds, and why objects are missing from it."""

    files: Mapping[str, bytes]
    summaries: tuple[FileSummary, ...]
    problems: tuple[Diagnostic, ...]

    @property
    def exit(self) -> Exit:
        """The outcome: an export without something that exists is no whole one."""
        return Exit.INCOMPLETE if self.problems else Exit.OK


def export_tree(
    inputs: RunInputs,
    settings: Settings,
    scope: ExportScope,
    layout: ExportLayout,
    on_progress: Callable[[str], None],
) -> ExportedTree:
    """Return what exists as files that a run reads back; `target_folders` of the layout is chosen here.

    Raises as `export_manifests` does.
    """
    read = read_drafts(inputs, settings, scope, on_progress)
    if not read:
        return ExportedTree({}, (), ())
    drafts, problems = drop_unfit(read)
    documents = list(_read_back_drafts(drafts))
    taken, refusals = drop_refused(drafts, documents, inputs, settings)
    problems += refusals
    if not taken:
        raise IncompleteError(*problems)
    apis = {target.api for target in settings.targets.values()}
    layout = layout._replace(target_folders=any(count_targets(settings, api) > 1 for api in apis))
    absences = [f"{problem.source} is left out: {problem.summary}" for problem in problems]
    files = lay_out_files(taken, inputs.kinds, layout, absences)
    loaded = _load_tree(files, inputs, settings)
    return ExportedTree(files, tuple(_summarize_files(files, loaded)), tuple(problems))


def _read_back_drafts(drafts: Sequence[Draft]) -> Iterator[Document]:
    """Yield each draft as it reads; what is too large for a reader is told by the file that it comes into."""
    for number, draft in enumerate(drafts):
        documents, problems = parse_documents(format_drafts([draft]).encode(), f"{number}")
        if not documents:
            raise RefusedError(*map(_explain_unreadable, problems))
        yield documents[0]


def _load_tree(files: Mapping[str, bytes], inputs: RunInputs, settings: Settings) -> LoadedManifests:
    """Return what files declare, read as a run reads them, limits and all; raises RefusedError."""
    manifests: list[InputFile] = [HeldFile(files, path) for path in sorted(files) if is_manifest(path)]
    listing, targets = DiscoveredFiles(manifests, [], []), list_declared_targets(settings)
    try:
        return load_files(listing, kinds=inputs.kinds, targets=targets, environment=describe_scope(settings))
    except InvalidError as error:
        raise RefusedError(*map(_explain_unreadable, error.problems)) from None


def _explain_unreadable(problem: Diagnostic) -> Diagnostic:
    return Diagnostic(
        "export.unreadable-text",
        Source("export"),
        f"nothing is written, since plan could not read it back: {problem.message}",
        remedy="lay it out with --csv or --split owner, or export it in parts, with --kind, --match or --target",
    )


def _summarize_files(files: Mapping[str, bytes], loaded: LoadedManifests) -> Iterator[FileSummary]:
    """Yield what each file holds, in the order of their paths."""
    documents, objects, rows = Counter[str](), Counter[str](), Counter[str]()
    for document in loaded.documents:
        documents[document.source.file] += 1
        objects[document.source.file] += 0 if document.tables else document.spec.size({})
        rows.update({table.file: len(table.lines) for table in document.tables.values()})
    for path in sorted(files):
        yield FileSummary(path, documents[path], rows[path], rows[path] or objects[path])


def check_export_folder(inputs: RunInputs, settings: Settings, folder: Path) -> None:
    """Raise UsageError for a folder that no run would read manifests of, before anything is read from a server."""
    check_settings_location(settings.own_places, folder, inputs.cwd)
    mode = read_mode(folder, follow=True)
    if mode and not stat.S_ISDIR(mode):
        source = Source(name_path(folder, inputs.cwd))
        raise UsageError(Diagnostic("usage.unwritable", source, "is no folder", remedy="name another place"))


def write_tree(tree: ExportedTree, folder: Path, label: str) -> tuple[str, ...]:
    """Write the files of an export that are not there yet; return their paths below the folder.

    Raises UsageError with every file that is in the way, before the first write, and OSError.
    """
    if obstacles := find_obstacles(folder, tree.files):
        raise UsageError(
            *(_explain_obstacle(reason).locate(Source(f"{label}/{path}")) for path, reason in obstacles.items())
        )
    return tuple(write_new_files(folder, tree.files))


def find_other_manifests(tree: ExportedTree, folder: Path, inputs: RunInputs) -> tuple[Diagnostic, ...]:
    """Return a note of the manifests that are in the folder beside those of an export: a run reads them, too."""
    if not tree.files:
        return ()
    own = {folder.joinpath(path) for path in tree.files}
    manifests = [file for file in find_manifests([folder], inputs.cwd).files if isinstance(file, FileRef)]
    foreign_names = [file.shown for file in manifests if file.path not in own]
    if not foreign_names:
        return ()
    names = ", ".join(foreign_names[:_MOST_NAMED]) + (
        f" and {len(foreign_names) - _MOST_NAMED} more" if foreign_names[_MOST_NAMED:] else ""
    )
    summary = f"manifests that are no part of this export: {names}"
    reason, remedy = "a plan of the folder is about them, too", "remove those whose objects are gone or are told twice"
    source = Source(name_path(folder, inputs.cwd))
    return (Diagnostic("export.other-manifests", source, summary, reason, remedy, Severity.NOTE),)


def _explain_obstacle(reason: str) -> Explanation:
    return Explanation(
        "export.file-in-the-way",
        f"it is in the way, since it {reason}",
        "nothing was written: what is there may be somebody's work",
        "move it, or name another folder",
    )
