"""The manifests of an earlier revision, `--base`: what they declared, as far as it can be read."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Diagnostic, Severity, Source
from reconciler.documents.held_files import STANDARD_INPUT, HeldFile
from reconciler.documents.tree_search import search_tree
from reconciler.engine.git_revision import Repository, find_repository, find_revision, read_tree
from reconciler.errors import UsageError
from reconciler.kinds.kind import Wanted
from reconciler.manifests.layer_files import LayerFiles, merge_listings
from reconciler.manifests.load import salvage_documents
from reconciler.manifests.manifest import Vocabulary
from reconciler.manifests.selection import DocumentTest

_REASON = "whether it is still declared can't be told"


class BaseRevision(NamedTuple):
    """What a revision declared, of what is selected, and why the rest of it could not be read.

    `ref` is the revision as it was named; `commit` is what it stood for.
    """

    ref: str
    commit: str
    documents: Sequence[Wanted]
    notes: tuple[Diagnostic, ...]


def read_base_revision(
    ref: str,
    paths: Sequence[Path | str],
    cwd: Path,
    env: Mapping[str, str],
    vocabulary: Vocabulary,
    is_selected: DocumentTest,
    *,
    is_layered: bool = False,
) -> BaseRevision:
    """Read what the files of a revision declared that lay where these paths are, each of which may be a layer.

    Raises UsageError where no path lies in a repository, or where that has no such revision. What is wrong with its
    manifests ends nothing: it becomes notes.
    """
    repository, roots = _find_roots(paths, cwd, env)
    commit = find_revision(repository, ref)
    # No name of git's for a merge base can have a path behind it.
    prefix = f"{commit[:12] if '...' in ref else ref}:"
    tree = read_tree(repository, commit, list(roots.values()))
    files = {path: HeldFile(tree, root, prefix) for path, root in roots.items()}
    layers = [LayerFiles(path, search_tree([file], tree)) for path, file in files.items()] if is_layered else []
    listing = merge_listings(layers) if is_layered else search_tree(files.values(), tree)
    tree.fetch_files([file.path for file in listing.files if isinstance(file, HeldFile)])
    salvaged = salvage_documents(listing, vocabulary, layers)
    notes = [_note_unread(problem) for problem in salvaged.problems]
    notes += [_note_outside(str(path), ref) for path in paths if str(path) not in roots]
    selected = [document for document in salvaged.documents if is_selected(document)]
    return BaseRevision(ref, commit, selected, tuple(sorted(set(notes))))


def _find_roots(paths: Sequence[Path | str], cwd: Path, env: Mapping[str, str]) -> tuple[Repository, dict[str, str]]:
    """Return the repository that paths lie in, and where in it, "" for its top; those outside of it are left out."""
    folders = {str(path): Path(os.path.realpath(cwd / path)) for path in paths if path != STANDARD_INPUT}
    repositories = {name: find_repository(folder, env) for name, folder in folders.items()}
    repository = next(filter(None, repositories.values()), None)
    if repository is None:
        raise UsageError(_explain_no_repository(paths))
    # git and this machine may spell one folder in two ways, with a link on the way.
    top = os.path.realpath(repository.top)
    inside = [name for name, other in repositories.items() if other and other.top == repository.top]
    relative_paths = {name: Path(os.path.relpath(folders[name], top)).as_posix() for name in inside}
    return repository, {name: "" if path == "." else path for name, path in relative_paths.items()}


def _note_unread(problem: Diagnostic) -> Diagnostic:
    return Diagnostic("base.unread-manifest", problem.source, problem.summary, _REASON, severity=Severity.NOTE)


def _note_outside(path: str, ref: str) -> Diagnostic:
    summary = f"lies outside of the repository that {ref} is a revision of"
    return Diagnostic("base.outside-repository", Source(path), summary, _REASON, severity=Severity.NOTE)


def _explain_no_repository(paths: Sequence[Path | str]) -> Diagnostic:
    path_names = " ".join(str(path) for path in paths)
    summary = f"the manifests ({path_names}) lie in no Git repository, or git can't read it"
    reason, remedy = "there is no earlier revision of them", "see what `git status` says there"
    if all(path == STANDARD_INPUT for path in paths):
        summary, remedy = "what is piped in lies in no Git repository", "name the files or folders of the manifests"
    return Diagnostic("usage.no-repository", Source("--base"), summary, reason, f"leave --base out, or {remedy}")
