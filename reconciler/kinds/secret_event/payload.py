"""Events as the API shows them and as a manifest says them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from reconciler.diagnostics import Explanation, Source
from reconciler.errors import IncompleteError
from reconciler.model import Json

BODY_MEMBERS = ("state", "event_types", "notification")
"""What a PUT carries; a POST has the name as well."""

NOTIFICATION_MEMBERS = {"targetType": "target_type", "targetId": "target_id", "targetName": "target_name"}
"""Members of a notification: as a manifest says them, and as the API does."""


_NOT_AN_EVENT = Explanation(
    "live.unusable-answer",
    "an event without name, state, event_types or notification",
    "nothing can be compared with it",
    "check the endpoint",
)


def check_event(event: Json, path: str) -> Mapping[str, Json]:
    """Return an event of an answer; raises IncompleteError for what is none."""
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
    """Return an event, as read or as sent, by the manifest's field names; its types are a set."""
    notification = {field: raw["notification"].get(wire) for field, wire in NOTIFICATION_MEMBERS.items()}
    return {"state": raw["state"], "eventTypes": frozenset(raw["event_types"]), "notification": notification}


def find_unknown_members(raw: Mapping[str, Json] | None) -> dict[str, Json]:
    """Return the members of a live notification that this version does not know."""
    notification = raw["notification"] if raw else {}
    return {name: notification[name] for name in sorted(notification) if name not in NOTIFICATION_MEMBERS.values()}


def canonicalize_event(raw: Mapping[str, Json], types: Sequence[str] = ()) -> dict[str, Json]:
    """Return what an event is; the times are left out: their unit is uncertain and they add nothing.

    Its event types stand in the order of `types` where they are the same ones, as the order means nothing.
    """
    notification = {
        wire: raw["notification"].get(wire) for wire in NOTIFICATION_MEMBERS.values()
    } | find_unknown_members(raw)
    members = {name: raw.get(name) for name in ("name", "event_id", "state")}
    is_same = sorted(raw["event_types"]) == sorted(types)
    return {**members, "event_types": list(types if is_same else raw["event_types"]), "notification": notification}


def order_event_types(types: Collection[str], live_types: Sequence[str]) -> list[str]:
    """Return event types as they are sent: those that stay in the order in which they were read, new ones after them.

    The same ones go back exactly as they were read. Terraform's resource holds them as a list, and would plan a
    difference for another order.
    """
    if frozenset(types) == frozenset(live_types):
        return list(live_types)
    kept_types = [value for value in dict.fromkeys(live_types) if value in types]
    return kept_types + sorted(frozenset(types) - frozenset(live_types))


def encode_event(raw: Mapping[str, Json] | None, after: Mapping[str, Any]) -> dict[str, Json]:
    """Return the members of a body: the event as read (None for a new one) with the declared fields over it.

    A notification is replaced as a whole, so its members that this version does not know are sent back.
    """
    fields = {**(convert_event_to_manifest(raw) if raw else {}), **after}
    declared = {NOTIFICATION_MEMBERS[field]: value for field, value in after.get("notification", {}).items()}
    return {
        "state": fields["state"],
        "event_types": order_event_types(fields["eventTypes"], raw["event_types"] if raw else ()),
        "notification": {**(raw["notification"] if raw else {}), **declared},
    }
