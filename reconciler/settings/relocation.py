"""A settings file's content as it reads from another folder: the same targets, the same secrets by reference."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_PATHS: Final = frozenset({"file", "caBundle", "publicKey", "certificate", "key", "ca", "targets"})
"""Members that hold a path, where they hold text."""
_PROGRAMS: Final = frozenset({"command", "sign", "verify"})
"""Members that hold a program and its arguments."""
_FREE_TEXTS: Final = frozenset({"labels", "values"})
"""Members whose own members are called as somebody likes."""
_STATE: Final = ".reconciler/"


def relocate_settings(content: Mapping[str, Any], old_folder: Path, new_folder: Path) -> dict[str, Any]:
    """Return the content of a settings file for another folder, with manifests and local state of its own.

    Relative paths lead to where they led; a program's arguments are left as they are. Environments are left out, since
    their layers are the other folder's manifests.
    """
    relocated: dict[str, Any] = _relocate_members(content, old_folder, new_folder)
    relocated.pop("environments", None)
    state = relocated.get("state", _STATE)
    # What one folder remembers of its runs is not what another does; a database or a git remote is shared.
    is_shared = isinstance(state, dict) and not state.keys().isdisjoint({"postgresql", "git"})
    return {**relocated, "manifests": "manifests/", "state": state if is_shared else _STATE}


def _relocate_members(content: Mapping[str, Any], old_folder: Path, new_folder: Path) -> dict[str, Any]:
    return {name: _relocate_value(name, value, old_folder, new_folder) for name, value in content.items()}


def _relocate_value(name: str, value: Any, old_folder: Path, new_folder: Path) -> Any:
    # A target may be called so, too, but holds more than texts.
    if name in _FREE_TEXTS and isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return value
    if isinstance(value, dict):
        return _relocate_members(value, old_folder, new_folder)
    if name in _PATHS and isinstance(value, str):
        return show_path(old_folder / value, new_folder)
    if name in _PROGRAMS and isinstance(value, list) and value and "/" in value[0]:
        return [show_path(old_folder / value[0], new_folder), *value[1:]]
    return value


def show_path(path: Path, folder: Path) -> str:
    """Return a path as a settings file in a folder says it: relative where it lies below, else as a whole."""
    full_path = Path(os.path.normpath(path))
    return full_path.relative_to(folder).as_posix() if full_path.is_relative_to(folder) else full_path.as_posix()
