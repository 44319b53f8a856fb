"""News that could not be told, kept beside the differences in the store until a later drift run has told it.

Which it is stands in the address of a record, since the store knows no more of a difference: nothing of the news
itself is kept, and no receiver's URL, but a digest of where that comes from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from reconciler.credentials.sources import Origin
from reconciler.diagnostics import Source
from reconciler.engine.run_store import identify_bound, open_settings_store, report_store_errors
from reconciler.errors import ReconcilerError
from reconciler.event_names import RunEventName
from reconciler.model import Bound
from reconciler.plans.run_events import UntoldNews
from reconciler.settings.model import Settings
from reconciler.state.records import MARKER_PREFIX, DriftItem
from reconciler.state.store import Store

_PREFIX = f"{MARKER_PREFIX}Notification/"


class ToldNews(NamedTuple):
    """What a run has told, of what earlier ones could not, and what it could not tell itself."""

    told: Collection[UntoldNews]
    untold: Collection[UntoldNews]


def identify_receiver(url: Origin) -> str:
    """Return what a receiver is remembered by: where its URL comes from, as a digest."""
    return hashlib.sha256(str(url).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def list_untold_news(store: Store, targets: Iterable[str]) -> Iterator[UntoldNews]:
    """Yield what earlier runs on these targets could not tell; raises StoreError."""
    names = {event.value: event for event in RunEventName}
    for target in targets:
        for record in store.list_drift(target):
            prefix, _, receiver_event = record.item.address.partition("/")
            receiver, _, event = receiver_event.partition("/")
            if f"{prefix}/" == _PREFIX and event in names and not record.cleared:
                yield UntoldNews(receiver, names[event], record.first_seen)


def keep_untold_news(
    news: ToldNews, run: str, bounds: Mapping[str, Bound], settings: Settings, env: Mapping[str, str]
) -> bool:
    """Remember for a later run what this one could not tell, and forget what it told; False where that can't be done.

    `bounds` are the run's targets. The store is opened anew: messages are sent when all else is over.
    """
    targets = sorted(set(map(identify_bound, bounds.values())))
    if not targets or not run:
        return False
    addresses = {_address(entry) for entry in (*news.told, *news.untold)}
    try:
        with open_settings_store(settings, env) as store, report_store_errors(Source(settings.name)):
            for number, target in enumerate(targets):
                # What is wanting stands at one target alone, so that it is told once; what was told may be at any.
                items = [DriftItem(_address(entry), "", "") for entry in news.untold] if number == 0 else []
                store.remember_drift(target, run, items, addresses)
    except ReconcilerError:
        return False
    return True


def _address(entry: UntoldNews) -> str:
    return f"{_PREFIX}{entry.receiver}/{entry.event.value}"
