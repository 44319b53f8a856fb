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
    reason = "whoever may change manifests could then change where credentials are sent"
    for path in own_places:
        summary = remedy = ""
        if _lies_in(path, folder):
            summary = f"the settings lie inside the manifest folder {name_path(folder, cwd)}"
            remedy = "move the file out of that folder"
        # A folder of targets is searched as one of manifests is: what lies there is read as targets.
        elif _lies_in(folder, path):
            summary = f"the manifests {name_path(folder, cwd)} lie inside this folder of targets"
            remedy = "move them out of that folder"
        if summary:
            yield Diagnostic("settings.inside-manifests", Source(name_path(path, cwd)), summary, reason, remedy)


def _lies_in(path: Path, folder: Path) -> bool:
    if not stat.S_ISDIR(read_mode(folder, follow=True)):
        return False
    # realpath on both: else a symbolic link would hide where they really lie.
    try:
        return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
    # No file can be called so, which is told when it is read.
    except (OSError, ValueError):
        return False
