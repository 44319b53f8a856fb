"""From where the settings say that runs are remembered to what opens: the secrets on that way are fetched here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from reconciler.credentials.sources import resolve_secret
from reconciler.diagnostics import Source
from reconciler.settings.model import DatabaseOrigin, Settings, StateSettings
from reconciler.state.locations import DatabaseState, GitState, StateLocation


def resolve_location(state: StateSettings, env: Mapping[str, str], source: Source) -> StateLocation:
    """Return where the store is; raises AuthError where the URL of a database can't be had."""
    place = state.place
    if isinstance(place, DatabaseOrigin):
        return DatabaseState(resolve_secret(place.url, env, purpose="state: postgresql.url", source=source).reveal())
    return place


def resolve_state_key(state: StateSettings, env: Mapping[str, str], source: Source) -> str:
    """Return the secret that bodies are encrypted with, "" if they are not; raises AuthError where it can't be had."""
    return resolve_secret(state.key, env, purpose="state: key", source=source).reveal() if state.key else ""


def write_pin(settings: Settings, identity: str) -> str:
    """Return the line of the settings file that pins a store, with `...` for what stands there already."""
    place = settings.state.place
    folder = settings.file.parent if settings.file else settings.manifests.parent
    if isinstance(place, DatabaseOrigin):
        kept = "postgresql: ..., "
    elif isinstance(place, GitState):
        kept = "git: ..., "
    elif place.folder == folder / ".reconciler":
        kept = ""
    else:
        kept = "sqlite: ..., " if place.network_accepted else f"sqlite: {{folder: {_shorten(place.folder, folder)}}}, "
    # YAML reads digits alone, and digits about one `e`, as a number.
    text = identity if re.search("[a-df]", identity) else f"'{identity}'"
    return f"state: {{{kept}id: {text}}}"


def _shorten(path: Path, folder: Path) -> str:
    return f"{path.relative_to(folder)}/" if path.is_relative_to(folder) else f"{path}"
