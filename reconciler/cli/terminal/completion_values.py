"""What may stand in an option, for a shell that completes it: offline, in about a second, and silent where it fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from reconciler.cli.terminal.context import Session
    from reconciler.documents.files import InputFile
    from reconciler.settings.model import Settings

_SECONDS = 1.0
"""How long manifests are looked through: a person waits for it at each key."""
_LARGEST_FILE = 2**18
"""Bytes of the largest file that is looked into."""


def complete_kinds(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the kinds that begin so."""
    from reconciler.kinds.registry import KINDS

    return [name for name in KINDS if name.startswith(incomplete)]


def complete_objects(context: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return kinds, and behind a slash the objects that the manifests of the settings' folder declare."""
    kind, slash, _ = incomplete.partition("/")
    if not slash:
        kinds = complete_kinds(context, param, incomplete)
        return [word for name in kinds for word in (name, f"{name}/")]
    from reconciler.patterns import escape_wildcards

    names = sorted({name for name in _find_names(context, kind) if name.isprintable()})
    return [word for name in names if (word := f"{kind}/{escape_wildcards(name)}").startswith(incomplete)]


def complete_targets(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the targets of the settings that begin so."""
    settings = _read_settings(context)
    return [name for name in sorted(settings.targets if settings else ()) if name.startswith(incomplete)]


def complete_environments(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the environments of the settings that begin so."""
    settings = _read_settings(context)
    return [name for name in (settings.environment_names if settings else ()) if name.startswith(incomplete)]


def complete_reports(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the formats of reports that begin so, each up to where its file is named."""
    from reconciler.reports.formats import FORMATS

    return [word for name in FORMATS if (word := f"{name}=").startswith(incomplete)]


def complete_revisions(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return HEAD, branches and tags of the manifests' repository that begin so; behind three dots as well."""
    from reconciler.engine.git_revision import find_repository, list_references
    from reconciler.errors import ReconcilerError

    settings, session = _read_settings(context), context.obj
    with suppress(ReconcilerError, OSError):
        folders = [folder for folder in (settings.manifest_folders if settings else ()) if folder.exists()]
        place = folders[0] if folders else session.cwd
        repository = find_repository(place, session.env)
        before, dots, _ = incomplete.rpartition("...")
        words = [f"{before}{dots}{name}" for name in (list_references(repository) if repository else ())]
        return [word for word in words if word.startswith(incomplete)]
    return []


def _read_settings(context: click.Context) -> Settings | None:
    from reconciler.engine.declaration import read_settings
    from reconciler.errors import ReconcilerError

    session: Session = context.obj
    config, environment = context.params.get("config"), context.params.get("environment")
    # What stands there may still be typed, or be wrong: then all that the settings have can be named.
    for choice in dict.fromkeys((environment, None)):
        with suppress(ReconcilerError, OSError):
            return read_settings(session.inputs, config, choice)
    return None


def _find_names(context: click.Context, kind: str) -> Iterator[str]:
    """Yield the names of the documents of a kind, as many as can be found in time."""
    from reconciler.documents.files import Unreadable
    from reconciler.errors import ReconcilerError
    from reconciler.manifests.discovery import find_manifests

    settings, deadline = _read_settings(context), time.monotonic() + _SECONDS
    if settings is None:
        return
    session: Session = context.obj
    with suppress(ReconcilerError, Unreadable, OSError):
        for file in find_manifests(settings.manifest_folders, session.cwd).files:
            if time.monotonic() > deadline:
                return
            yield from _read_names(file, kind)


def _read_names(file: InputFile, kind: str) -> Iterator[str]:
    from reconciler.documents.reader import parse_documents

    data = file.read(_LARGEST_FILE)
    for document in parse_documents(data, file.shown)[0] if len(data) <= _LARGEST_FILE else ():
        value = document.value if isinstance(document.value, dict) else {}
        metadata = value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if value.get("kind") == kind and isinstance(name, str):
            yield name
