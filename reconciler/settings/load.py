"""Finding and reading the settings. All that is wrong is told at once and is a UsageError; no secret is needed."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType

from reconciler.credentials.private_file import describe_file_error
from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.files import name_path
from reconciler.errors import UsageError
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import Settings, StateSettings
from reconciler.settings.vendor_targets import read_vendor_targets
from reconciler.state.locations import LocalState

SETTINGS_FILE_NAME = "reconciler.yaml"


def read_process_environment() -> Mapping[str, str]:
    """Return the process's environment, read-only: the one place where it is looked at."""
    # A copy: os.environ is live, and what a library sets there would reach the rest of the run.
    return MappingProxyType(dict(os.environ))  # noqa: TID251 - this is the owner


def load_settings(
    config: Path | None,
    *,
    env: Mapping[str, str],
    cwd: Path,
    kinds: Collection[str],
    environment: str | None = None,
) -> Settings:
    """Return the settings of the file named by `config`, or of `reconciler.yaml` in `cwd`, or of the variables alone.

    With a file that names no targets, and with no file, the variables and files of the vendors' own tools make the
    targets `command` and `csms`. Relative paths in the file are relative to its folder.

    With an `environment` they are those that hold in it. `kinds` are the names of the kinds that limits and protections
    may be about. Raises UsageError with every problem, each at its place in the file.
    """
    if config is not None:
        return _load_file(Path(os.path.normpath(cwd / config)), env, cwd, kinds, environment)
    if os.path.lexists(cwd / SETTINGS_FILE_NAME):
        return _load_file(cwd / SETTINGS_FILE_NAME, env, cwd, kinds, environment)
    settings = Settings(
        file=None,
        manifests=cwd / "manifests",
        state=StateSettings(LocalState(cwd / ".reconciler")),
        targets=read_vendor_targets(env),
    )
    if environment is not None:
        from reconciler.settings.environments import choose_environment  # noqa: PLC0415 - models, as below

        return choose_environment(settings, {}, environment)
    return settings


def _load_file(
    path: Path, env: Mapping[str, str], cwd: Path, kinds: Collection[str], environment: str | None
) -> Settings:
    """Return the settings of one file; positions show it as somebody in `cwd` calls it."""
    source = Source(escape_and_shorten(name_path(path, cwd), 200))
    try:
        with path.open("rb") as file:
            # One byte too many tells a file that is too large; the size by stat(2) is 0 for a pipe.
            data = file.read(limits.FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        summary, remedy = (
            f"the settings can't be read ({describe_file_error(error)})",
            "check the path given with --config",
        )
        raise UsageError(Diagnostic("settings.unreadable-file", source, summary, remedy=remedy)) from None
    # Measured: pydantic takes 84 ms to import, 105 with 19 models; Python itself starts in 10.
    from reconciler.settings.settings_file import FileContext, parse_settings  # noqa: PLC0415 - only a file needs it

    return parse_settings(data, FileContext(path, source.file, cwd, env, kinds), environment)
