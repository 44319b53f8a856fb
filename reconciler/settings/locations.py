"""Where settings may not lie: whoever may change manifests could else say where credentials are sent."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.files import name_path, read_mode
from reconciler.errors import UsageError


def check_settings_location(own_places: Iterable[Path], folder: Path, cwd: Path) -> None:
    """Raise UsageError if settings lie in a folder of manifests, or manifests in a folder of settings.

    `own_places` are files and folders of settings, as `Settings.own_places` has them; `folder` may also be a file.
    """
    if problems := list(find_misplaced_settings(own_places, folder, cwd)):
        raise UsageError(*problems)


def find_misplaced_settings(own_places: Iterable[Path], folder: Path, cwd: Path) -> Iterator[Diagnostic]:
    """Yield what is wrong with where settings and a folder of manifests lie."""
    real_folder = _resolve_path(folder)
    for path in own_places:
        real_path = _resolve_path(path)
        if real_folder is None or real_path is None:
            continue
        if _is_folder(folder) and real_path.is_relative_to(real_folder):
            summary = f"the settings lie inside the manifest folder {name_path(folder, cwd)}"
            remedy = "move the file out of that folder"
        # A folder of targets is searched as one of manifests is: what lies there is read as targets.
        elif _is_folder(path) and real_folder.is_relative_to(real_path):
            summary = f"the manifests {name_path(folder, cwd)} lie inside this folder of targets"
            remedy = "move them out of that folder"
        else:
            continue
        yield Diagnostic(
            "settings.inside-manifests",
            Source(name_path(path, cwd)),
            summary,
            "whoever may change manifests could then change where credentials are sent",
            remedy,
        )


def _resolve_path(path: Path) -> Path | None:
    """Return where a path leads, None where none can be called so, which is told when it is read."""
    # By realpath: else a symbolic link would hide where something really lies.
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):
        return None


def _is_folder(path: Path) -> bool:
    return stat.S_ISDIR(read_mode(path, follow=True))
