"""Files that an option names, looked at before anything is read: what would fail, or cost a file, only after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Source

if TYPE_CHECKING:
    from reconciler.engine.declaration import RunInputs

_LOOKED_AT = 4096


class FilePurpose(NamedTuple):
    """What an option writes: `format` and `plural` name it, `former` is how a file begins that may be written over.

    `rule` is that of a place which can't be taken, `example` a name that could be.
    """

    option: str
    rule: str
    format: str
    plural: str
    former: re.Pattern[bytes]
    example: str


class OutputFile(NamedTuple):
    """A file to be written, how it was typed, and what for."""

    path: Path
    label: str
    purpose: FilePurpose


class NeighbourFiles(NamedTuple):
    """What a command reads or writes beside a file, and the folders where its manifests lie (or are some)."""

    files: Sequence[Path] = ()
    folders: Sequence[Path] = ()


def list_neighbour_files(inputs: RunInputs, params: Mapping[str, Any]) -> NeighbourFiles:
    """Return what a command uses itself; `params` are its own, by their names. Raises as reading the settings does."""
    from reconciler.engine.declaration import read_settings

    cwd, config, paths = inputs.cwd, params.get("config"), params.get("paths") or ()
    folders = read_settings(inputs, config, params.get("environment")).all_manifest_folders
    names = (params.get("out"), params.get("planfile"), config, *paths, *(params.get("report_files") or ()))
    files = [cwd / file for file in names if isinstance(file, str) and file]
    return NeighbourFiles(files, [*(cwd / path for path in paths), *folders])


def explain_unwritable(path: Path) -> str:
    """Say what keeps a file from being written there, "" if nothing."""
    try:
        if path.exists() and not path.is_file():
            return "is a folder" if path.is_dir() else "is not a regular file"
        return "" if path.parent.is_dir() else "its folder does not exist"
    # Before Python 3.14 pathlib's exists() raises EACCES and ENAMETOOLONG, and calls other errors False.
    except (OSError, ValueError) as error:  # no file can have that name, or nobody may look there
        return getattr(error, "strerror", None) or "no file can be called so"


def check_output_file(output: OutputFile, neighbours: NeighbourFiles) -> Diagnostic | None:
    """Say why a file can't or shouldn't be written there; None if it can."""
    return _explain_no_place(output) or _find_clash(output, neighbours) or _check_former_file(output)


def _explain_no_place(output: OutputFile) -> Diagnostic | None:
    """Say why no file can be written there, where that is so."""
    path, label, purpose = output
    if not label or label == "-":
        summary, remedy = f"{purpose.option} needs a file of its own", f"name one, such as {purpose.example}"
        return Diagnostic(purpose.rule, Source(purpose.option), summary, remedy=remedy)
    if cause := explain_unwritable(path) or _explain_locked_folder(path.parent):
        remedy = f"give {purpose.option} a file in a folder that exists, where you may write"
        return Diagnostic("usage.unwritable", Source(label), f"can't be written: {cause}", remedy=remedy)
    return None


def _find_clash(output: OutputFile, neighbours: NeighbourFiles) -> Diagnostic | None:
    """Say what a file there would be taken for, where that is so."""
    from os.path import realpath

    from reconciler.manifests.discovery import would_read

    path, label, purpose = output
    if path.suffix.lower() in {".yaml", ".yml"} or any(would_read(folder, path) for folder in neighbours.folders):
        summary = f"{purpose.option} would be read as a manifest"
        reason, remedy = "every run from then on would refuse it", f"name it otherwise, such as {purpose.example}"
        return Diagnostic(purpose.rule, Source(label), summary, reason, remedy)
    if realpath(path) in map(realpath, neighbours.files):
        summary = "this command reads or writes that file itself"
        remedy = f"name another file, such as {purpose.example}"
        return Diagnostic(purpose.rule, Source(label), summary, remedy=remedy)
    return None


def _explain_locked_folder(folder: Path) -> str:
    from os import W_OK, X_OK, access

    return "" if access(folder, W_OK | X_OK) else "nobody may write in its folder"


def _check_former_file(output: OutputFile) -> Diagnostic | None:
    """Refuse to write over what is something else: a slip of the fingers must not cost a file."""
    path, label, purpose = output
    try:
        if not path.exists():
            return None
        with path.open("rb") as file:
            is_replaceable = purpose.former.match(file.read(_LOOKED_AT)) is not None
    except OSError as error:
        summary = f"what is there can't be looked at: {error.strerror or type(error).__name__}"
        return Diagnostic("usage.unwritable", Source(label), summary, remedy="name another file")
    if is_replaceable:
        return None
    summary = f"is there already and is no {purpose.format}"
    reason = f"{purpose.option} writes over earlier {purpose.plural} alone"
    return Diagnostic(purpose.rule, Source(label), summary, reason, f"name another file, such as {purpose.example}")
