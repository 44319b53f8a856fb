"""The irreversible acts that the store of earlier runs knows of, for who only looks."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.apis.connect import Api
from reconciler.engine.recovery import list_claimed_acts
from reconciler.engine.run_store import find_settings_store, identify_bound, report_store_errors
from reconciler.errors import ReconcilerError
from reconciler.kinds.claimed_acts import ClaimedActs
from reconciler.settings.model import Settings


def find_stored_acts(settings: Settings, env: Mapping[str, str], apis: Mapping[str, Api]) -> ClaimedActs:
    """Return what earlier runs did, or may have, and can't be undone; nothing where there is no store.

    Raises a ReconcilerError where the store can't be read.
    """
    with find_settings_store(settings, env) as store, report_store_errors():
        if store is None:
            return {}
        # A target that can't be identified can't be read either, and so nothing is planned for it.
        targets = {name: _identify_target(api) for name, api in apis.items()}
        return {name: list_claimed_acts(store, target) for name, target in targets.items() if target}


def _identify_target(api: Api) -> str:
    try:
        return identify_bound(api.bound())
    except ReconcilerError:
        return ""
