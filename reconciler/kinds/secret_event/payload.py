"""Events as the API shows them and as a manifest says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.model import Json

BODY_MEMBERS = ("state", "event_types", "notification")


NOTIFICATION_MEMBERS = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}


_NOT_AN_EVENT = Explanation(
    "live.unusable-answer",
    "an event without name, state, event_types or notification",
    "nothing can be compared with it",
    "check the endpoint",
)


def check_event(event: Json, path: str) -> Mapping[str, Json]:
    notification = event.get("notification") if isinstance(event, Mapping) else None
    is_valid = (
        isinstance(notification, Mapping)
        and isinstance(event.get("name"), str)
        and isinstance(event.get("state"), str)
        and isinstance(event.get("event_types"), list)
        and all(isinstance(kind, str) for kind in event["event_types"])
    )
    if not is_valid:
        raise IncompleteError(_NOT_AN_EVENT.locate(Source(f"GET {path}")))
    return cast(Mapping[str, Json], event)


def convert_event_to_manifest(raw: Mapping[str, Json]) -> dict[str, Any]:
    notification = {field: raw["notification"].get(wire) for field, wire in NOTIFICATION_MEMBERS.items()}
    return {"state": raw["state"], "eventTypes": frozenset(raw["event_types"]), "notification": notification}


def find_unknown_members(raw: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the members of a live notification that this version does not know."""
    notification = raw["notification"] if raw else {}
    return {name: notification[name] for name in sorted(notification) if name not in NOTIFICATION_MEMBERS.values()}


def canonicalize_event(raw: Mapping[str, Json]) -> dict[str, Json]:
    """Return what an event is, its set sorted; the times are left out: their unit is uncertain and they add nothing."""
    notification = {
        wire: raw["notification"].get(wire) for wire in NOTIFICATION_MEMBERS.values()
    } | find_unknown_members(raw)
    members = {name: raw.get(name) for name in ("name", "event_id", "state")}
    return {**members, "event_types": sorted(raw["event_types"]), "notification": notification}
