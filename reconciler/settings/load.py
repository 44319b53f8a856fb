"""Finding and reading the settings. All that is wrong is told at once and is a UsageError; no secret is needed."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.credentials.private_file import describe_file_error
from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.files import name_path, read_mode
from reconciler.errors import InvalidError, UsageError
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import PlanSettings, Receiver, Settings, StateSettings, Target
from reconciler.state.locations import LocalState

if TYPE_CHECKING:
    from reconciler.documents.document import Document
    from reconciler.settings.schema import SettingsFile

SETTINGS_FILE_NAME = "reconciler.yaml"
_SECRET_KEYS = frozenset(
    {"password", "token", "clientSecret", "accessKey", "secretKey", "securityToken", "key", "privateKey"}
)
"""Keys below which nothing is quoted in a message."""


def read_process_environment() -> Mapping[str, str]:
    """Return the process's environment, read-only: the one place where it is looked at."""
    # A copy: os.environ is live, and what a library sets there would reach the rest of the run.
    return MappingProxyType(dict(os.environ))  # noqa: TID251 - this is the owner


def load_settings(config: Path | None, *, env: Mapping[str, str], cwd: Path, kinds: Collection[str]) -> Settings:
    """Return the settings of the file named by `config`, or of `reconciler.yaml` in `cwd`, or of the environment alone.

    With a file that names no targets, and with no file, the variables and files of the vendors' own tools make the
    targets `command` and `csms`. Relative paths in the file are relative to its folder.

    `kinds` are the names of the kinds that limits and protections may be about. Raises UsageError with every problem,
    each at its place in the file.
    """
    if config is not None:
        return _load_file(Path(os.path.normpath(cwd / config)), env, cwd, kinds)
    if os.path.lexists(cwd / SETTINGS_FILE_NAME):
        return _load_file(cwd / SETTINGS_FILE_NAME, env, cwd, kinds)
    return Settings(
        file=None,
        manifests=cwd / "manifests",
        state=StateSettings(LocalState(cwd / ".reconciler")),
        targets=_read_vendor_targets(env),
    )


def check_settings_location(file: Path | None, folder: Path, cwd: Path) -> None:
    """Raise UsageError if the settings lie in a folder of manifests: whoever may change those could change these."""
    if file is None or not stat.S_ISDIR(read_mode(folder, follow=True)):
        return
    # realpath on both: else a symbolic link would hide where the file really lies.
    if Path(os.path.realpath(file)).is_relative_to(os.path.realpath(folder)):
        problem = Diagnostic(
            "settings.inside-manifests",
            Source(name_path(file, cwd)),
            f"the settings lie inside the manifest folder {name_path(folder, cwd)}",
            "whoever may change manifests could then change where credentials are sent",
            "move the file out of that folder",
        )
        raise UsageError(problem)


def _load_file(path: Path, env: Mapping[str, str], cwd: Path, kinds: Collection[str]) -> Settings:
    """Return the settings of one file; positions show it as somebody in `cwd` calls it."""
    source = Source(escape_and_shorten(name_path(path, cwd), 200))
    try:
        with path.open("rb") as file:
            # One byte too many tells a file that is too large; the size by stat(2) is 0 for a pipe.
            data = file.read(limits.FILE_BYTES + 1)
    except (OSError, ValueError) as error:
        problem = Diagnostic(
            "settings.unreadable-file",
            source,
            f"the settings can't be read ({describe_file_error(error)})",
            remedy="check the path given with --config",
        )
        raise UsageError(problem) from None
    settings_file = _parse_settings(data, source.file, kinds)
    folder = path.parent
    manifests = Path(os.path.normpath(folder / settings_file.manifests))
    check_settings_location(path, manifests, cwd)
    return Settings(
        file=path,
        manifests=manifests,
        state=_build_state(settings_file, folder),
        targets=_build_targets(settings_file, folder, source) or _read_vendor_targets(env),
        limits={kind: limit.changes for kind, limit in sorted(settings_file.limits.items())},
        protected=tuple(settings_file.protected),
        allowed_lockouts=frozenset(settings_file.allow.lockout),
        name=source.file,
        plans=_build_plan_settings(settings_file, folder),
        receivers=_build_receivers(settings_file, folder),
    )


def _parse_settings(data: bytes, name: str, kinds: Collection[str]) -> SettingsFile:
    """Return the one document of a settings file, in its shape and with names that mean something."""
    # Measured: pydantic takes 84 ms to import, 105 with 19 models; Python itself starts in 10.
    from reconciler.documents.reader import read_documents, validate_value  # noqa: PLC0415 - only a file needs models
    from reconciler.settings.schema import SETTINGS_RULES, SettingsFile  # noqa: PLC0415

    try:
        documents = read_documents(data, name)
    except InvalidError as error:
        raise UsageError(*error.problems) from None
    if len(documents) != 1:
        problem = Diagnostic(
            "settings.not-one-document",
            documents[1].source if documents else Source(name),
            f"a settings file holds one document, this one holds {len(documents)}",
            remedy="keep one",
        )
        raise UsageError(problem)
    document = documents[0]
    # A secret pasted in the place of its reference would else be quoted in a CI job's log.
    settings_file, problems = validate_value(
        SettingsFile, document.value, document, rules=SETTINGS_RULES, secret=_SECRET_KEYS
    )
    problems = [*problems, *(_find_unknown_kinds(settings_file, document, kinds) if settings_file else ())]
    if settings_file is None or problems:
        raise UsageError(*problems)
    return settings_file


def _find_unknown_kinds(
    settings_file: SettingsFile, document: Document, kinds: Collection[str]
) -> Iterator[Diagnostic]:
    """Refuse a limit or a protection of a kind that doesn't exist: it would protect nothing."""
    from reconciler.documents.suggestions import find_nearest  # noqa: PLC0415 - models, as above

    places = [(kind, "", document.key(("limits", kind))) for kind in settings_file.limits.keys() - set(kinds)]
    for index, pattern in enumerate(settings_file.protected):
        kind, _, name_pattern = pattern.partition("/")
        if kind not in kinds:
            places.append((kind, f"/{name_pattern}", document.at(("protected", index))))
    for kind, rest, source in places:
        nearest = find_nearest(kind, kinds)
        remedy = (
            f"did you mean {nearest}{escape_and_shorten(rest)}?" if nearest else f"the kinds are {', '.join(kinds)}"
        )
        yield Diagnostic(
            "settings.unknown-kind",
            source,
            f"{escape_and_shorten(kind)} is not a kind",
            "it would hold nothing back",
            remedy,
        )


def _build_targets(settings_file: SettingsFile, folder: Path, source: Source) -> dict[str, Target]:
    """Return the targets that a file names; relative paths are relative to its folder."""
    from reconciler.settings.build import build_target  # noqa: PLC0415 - models, as above

    return {
        name: build_target(name, target_settings, folder, source)
        for name, target_settings in sorted(settings_file.targets.items())
    }


def _build_state(settings_file: SettingsFile, folder: Path) -> StateSettings:
    """Return where a file says that runs are remembered."""
    from reconciler.settings.build import build_state  # noqa: PLC0415 - models, as above

    return build_state(settings_file.state, folder)


def _build_plan_settings(settings_file: SettingsFile, folder: Path) -> PlanSettings:
    """Return what a file says of saved plans."""
    from reconciler.settings.build import build_plan_settings  # noqa: PLC0415 - models, as above

    return build_plan_settings(settings_file.plans, folder)


def _build_receivers(settings_file: SettingsFile, folder: Path) -> tuple[Receiver, ...]:
    """Return who a file says is told of what."""
    if not settings_file.notify:
        return ()
    from reconciler.settings.build import build_receivers  # noqa: PLC0415 - models, as above

    return build_receivers(settings_file.notify, folder)


def _read_vendor_targets(env: Mapping[str, str]) -> dict[str, Target]:
    # A settings file with targets leaves the vendors' variables and files alone, and does without what reads them.
    from reconciler.settings.huawei_env import read_huawei_target  # noqa: PLC0415
    from reconciler.settings.keyfactor_env import read_keyfactor_target  # noqa: PLC0415

    home = Path(env["HOME"]) if env.get("HOME") else None
    targets = (read_keyfactor_target(env, home), read_huawei_target(env, home))
    return {target.name: target for target in targets if target}
