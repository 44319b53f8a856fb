"""From where the settings say that runs are remembered to what opens: the secrets on that way are fetched here."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.credentials.sources import resolve_secret
from reconciler.diagnostics import Source
from reconciler.settings.model import DatabaseOrigin, StateSettings
from reconciler.state.locations import DatabaseState, StateLocation


def resolve_location(state: StateSettings, env: Mapping[str, str], source: Source) -> StateLocation:
    """Return where the store is; raises AuthError where the URL of a database can't be had."""
    place = state.place
    if isinstance(place, DatabaseOrigin):
        return DatabaseState(resolve_secret(place.url, env, purpose="state: postgresql.url", source=source).reveal())
    return place


def resolve_state_key(state: StateSettings, env: Mapping[str, str], source: Source) -> str:
    """Return the secret that bodies are encrypted with, "" if they are not; raises AuthError where it can't be had."""
    return resolve_secret(state.key, env, purpose="state: key", source=source).reveal() if state.key else ""
