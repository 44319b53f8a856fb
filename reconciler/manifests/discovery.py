"""Which files are manifests: every folder below a path, in the order of names, whatever the file system's own order."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import limits
from reconciler.documents.files import (
    LINK,
    SPECIAL,
    SUFFIXES,
    FileRef,
    InputFile,
    is_ignored,
    is_manifest,
    name_path,
    read_mode,
)
from reconciler.documents.held_files import STANDARD_INPUT, StandardInput
from reconciler.errors import UsageError

_SMALLER_FOLDER: Final = "name a smaller folder"


class DiscoveredFiles(NamedTuple):
    """What a search found: manifests in order, what is wrong with others, and the names of what was passed over."""

    files: list[InputFile]
    problems: list[Diagnostic]
    ignored: list[str]


def find_manifests(
    paths: Sequence[Path | str], base: Path, read_standard_input: Callable[[], bytes] | None = None
) -> DiscoveredFiles:
    """Return the manifests at and below paths, which may be relative to `base`; a file that is named twice comes once.

    The path "-" is standard input, where there is one. Raises UsageError for every path that does not exist or is a
    file that can't be a manifest.
    """
    is_piped = read_standard_input is not None and STANDARD_INPUT in paths
    refs = [_resolve_path(Path(path), base) for path in paths if not (is_piped and path == STANDARD_INPUT)]
    path_problems = [problem for ref in refs if (problem := _check_path(ref))]
    if path_problems:
        raise UsageError(*path_problems)
    search = _Search()
    if read_standard_input is not None and is_piped:
        search.files.append(StandardInput(base, read_standard_input()))
    for ref in refs:
        search.visit(ref)
    search.ignored.sort()
    return DiscoveredFiles(search.files, search.problems, search.ignored)


def would_read(path: Path, file: Path) -> bool:
    """Say whether a search at a path, a folder or a file, would read a file, which may not exist yet."""
    # realpath: else a symbolic link would hide where the file really lies.
    root, real_file = Path(os.path.realpath(path)), Path(os.path.realpath(file))
    if not real_file.is_relative_to(root) or not is_manifest(real_file.name):
        return False
    return not any(map(is_ignored, real_file.relative_to(root).parts))


def _resolve_path(path: Path, base: Path) -> FileRef:
    # Not resolve(): it would follow a symbolic link, and the search would never see that there was one.
    full_path = Path(os.path.normpath(base / path))
    display_name = name_path(full_path, base)
    if stat.S_ISDIR(read_mode(full_path)):
        return FileRef(full_path, (), display_name)
    return FileRef(full_path.parent, (full_path.name,), display_name)


def _check_path(ref: FileRef) -> Diagnostic | None:
    path, source = ref.path, Source(ref.shown)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Diagnostic(
            "usage.unknown-path",
            source,
            "this path does not exist",
            "nothing could be read",
            "correct the path",
        )
    except (OSError, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or "the name is not valid"
        return Diagnostic(
            "usage.unknown-path",
            source,
            f"this path can't be looked at ({cause})",
            "nothing could be read",
            "correct it or its permissions",
        )
    if stat.S_ISREG(read_mode(path)) and not is_manifest(path.name):
        return Diagnostic(
            "usage.not-a-manifest",
            source,
            "not a manifest by its name",
            f"manifests end in {', '.join(SUFFIXES)}",
            "rename it or name another file",
        )
    return None


class _Search:
    """Walks folders and collects; stops adding where a limit is passed, and says so once."""

    def __init__(self) -> None:
        self.files: list[InputFile] = []
        self.problems: list[Diagnostic] = []
        self.ignored: list[str] = []
        self._known: set[str] = set()
        self._entries = 0
        self._has_too_many_files = False

    def visit(self, ref: FileRef) -> None:
        """Add a path that was named."""
        mode = read_mode(ref.path)
        if stat.S_ISLNK(mode):
            self._complain(ref, LINK)
        elif stat.S_ISDIR(mode):
            self._folder(ref)
        elif stat.S_ISREG(mode):
            self._add(ref)
        else:
            self._complain(ref, SPECIAL)

    def _folder(self, ref: FileRef) -> None:
        if len(ref.parts) > limits.FOLDERS:
            summary = f"folders lie more than {limits.FOLDERS} deep"
            self._complain(ref, limits.describe_excess("FOLDERS", summary, remedy="move them up"))
            return
        for entry in self._list_entries(ref):
            self._entries += 1
            if self._entries > limits.ENTRIES:
                if self._entries == limits.ENTRIES + 1:
                    summary = f"more than {limits.ENTRIES} files and folders"
                    self._complain(ref, limits.describe_excess("ENTRIES", summary, remedy=_SMALLER_FOLDER))
                return
            self._visit_entry(ref.get_child(entry.name), entry)

    def _list_entries(self, ref: FileRef) -> Sequence[os.DirEntry[str]]:
        try:
            # Closed before the folders in it are entered: an open iterator holds a descriptor, one a level.
            with os.scandir(ref.path) as iterator:
                return sorted(iterator, key=lambda entry: entry.name)
        except OSError as error:
            summary, remedy = f"the folder can't be read ({error.strerror})", "correct its permissions"
            self._complain(ref, Explanation("document.unreadable-file", summary, remedy=remedy))
            return ()

    def _visit_entry(self, ref: FileRef, entry: os.DirEntry[str]) -> None:
        name = entry.name
        if is_ignored(name):
            self.ignored.append(ref.shown)
        elif entry.is_dir(follow_symlinks=False):
            self._folder(ref)
        # Told aloud: passing a linked manifest over in silence would drop all that it declares.
        elif entry.is_symlink() and (is_manifest(name) or stat.S_ISDIR(read_mode(ref.path, follow=True))):
            self._complain(ref, LINK)
        elif not is_manifest(name):
            self.ignored.append(ref.shown)
        elif entry.is_file(follow_symlinks=False):
            self._add(ref)
        else:
            self._complain(ref, SPECIAL)

    def _add(self, ref: FileRef) -> None:
        # Paths that the operator named may overlap, or lead to one folder through a link above it.
        real_path = os.path.realpath(ref.path)
        if real_path in self._known:
            return
        self._known.add(real_path)
        if len(self.files) < limits.FILES:
            self.files.append(ref)
        elif not self._has_too_many_files:
            self._has_too_many_files = True
            summary = f"more than {limits.FILES} manifests"
            self._complain(ref, limits.describe_excess("FILES", summary, remedy=_SMALLER_FOLDER))

    def _complain(self, ref: FileRef, explanation: Explanation) -> None:
        self.problems.append(explanation.locate(Source(ref.shown)))
