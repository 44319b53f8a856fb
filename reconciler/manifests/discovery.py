"""Which files are manifests: every folder below a path, in the order of names, whatever the file system's own order."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.files import SUFFIXES, FileRef, is_ignored, is_manifest, name_path, read_mode
from reconciler.documents.held_files import STANDARD_INPUT, StandardInput
from reconciler.documents.local_tree import LocalTree
from reconciler.documents.tree_search import DiscoveredFiles, search_tree
from reconciler.errors import UsageError
from reconciler.manifests.layer_files import LayerFiles, LayerFolder


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
    listing = search_tree(refs, LocalTree())
    if read_standard_input is not None and is_piped:
        listing.files.insert(0, StandardInput(base, read_standard_input()))
    return listing


def find_layer_files(layers: Iterable[LayerFolder], base: Path) -> list[LayerFiles]:
    """Return the manifests of each layer, the lowest first; raises as `find_manifests` does."""
    return [LayerFiles(layer.name, find_manifests([layer.folder], base)) for layer in layers]


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
