"""A settings file as its model, with every fault at its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.reader import Document, read_documents, validate_value
from reconciler.errors import InvalidError, Problem, UsageError
from reconciler.kinds.registry import KINDS
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.build import build_target
from reconciler.settings.model import Target
from reconciler.settings.schema import SettingsFile

_SECRET_KEYS = frozenset({"password", "token", "clientSecret", "accessKey", "secretKey", "securityToken"})
"""Keys below which nothing is quoted in a message."""


def build_targets(settings_file: SettingsFile, folder: Path, source: Source) -> dict[str, Target]:
    """Return the targets that a file names; relative paths are relative to its folder."""
    return {
        name: build_target(name, target_settings, folder, source)
        for name, target_settings in sorted(settings_file.targets.items())
    }


def parse_settings(data: bytes, name: str) -> SettingsFile:
    """Return the one document of a settings file, in its shape and with names that mean something."""
    try:
        documents = read_documents(data, name)
    except InvalidError as error:
        raise UsageError(*error.problems) from None
    if len(documents) != 1:
        raise UsageError(
            Problem(
                documents[1].source if documents else Source(name),
                f"a settings file holds one document, this one holds {len(documents)}; keep one",
            )
        )
    document = documents[0]
    # A secret pasted in the place of its reference would else be quoted in a CI job's log.
    settings_file, problems = validate_value(SettingsFile, document.value, document, secret=_SECRET_KEYS)
    problems = [*problems, *(_find_unknown_kinds(settings_file, document) if settings_file else ())]
    if settings_file is None or problems:
        raise UsageError(*problems)
    return settings_file


def _find_unknown_kinds(settings_file: SettingsFile, document: Document) -> Iterator[Diagnostic]:
    """Refuse a limit or a protection of a kind that doesn't exist: it would protect nothing."""
    advice = f"it would hold nothing back; the kinds are {', '.join(KINDS)}"
    for kind in settings_file.limits.keys() - KINDS.keys():
        yield Problem(document.key(("limits", kind)), f"{escape_and_shorten(kind)} is not a kind; {advice}")
    for index, pattern in enumerate(settings_file.protected):
        kind = pattern.partition("/")[0]
        if kind not in KINDS:
            yield Problem(document.at(("protected", index)), f"{escape_and_shorten(kind)} is not a kind; {advice}")
