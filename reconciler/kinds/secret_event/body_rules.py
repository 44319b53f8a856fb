"""What CSMS takes of a whole event: all of it is sent, so that a live value which it refuses would end an apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from reconciler.kinds.secret_event.payload import NOTIFICATION_MEMBERS, convert_event_to_manifest
from reconciler.kinds.secret_event.spec import MAX_EVENT_TYPES, SecretEvent
from reconciler.model import Json


def explain_refused_body(body: Mapping[str, Json]) -> str:
    """Say what of a body the request schema refuses, and what to declare; "" if nothing."""
    reasons = dict(_find_refused_fields(body))
    if not reasons:
        return ""
    fields = ", ".join(dict.fromkeys(field.partition(".")[0] for field in reasons))
    return f"CSMS would refuse the whole event, since {'; '.join(reasons.values())}; declare {fields} as it has to be"


def _find_refused_fields(body: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    manifest = convert_event_to_manifest(body)
    values = {"state": manifest["state"]} | {
        f"notification.{field}": value for field, value in manifest["notification"].items()
    }
    for name in find_invalid_fields(manifest):
        yield name, f"{name} is {values[name]!r}" if values.get(name) is not None else f"{name} is missing"
    types = body["event_types"]
    repeated_types = sorted({value for value in types if types.count(value) > 1})
    # The request schema allows none and the response schema forbids it; the names it lists may grow.
    if not types:
        yield "eventTypes", "it has no eventTypes"
    elif repeated_types:
        yield "eventTypes", f"eventTypes holds {', '.join(repeated_types)} twice"
    elif len(types) > MAX_EVENT_TYPES:
        yield "eventTypes", f"eventTypes holds {len(types)} of at most {MAX_EVENT_TYPES}"


def find_invalid_fields(manifest: Mapping[str, Json]) -> list[str]:
    """Return the fields whose values no manifest may hold, event types aside."""
    notification = {field: manifest["notification"][field] for field in NOTIFICATION_MEMBERS}
    try:
        SecretEvent.load({"state": manifest["state"], "notification": notification})
    except ValidationError as error:
        return sorted({".".join(map(str, details["loc"])) for details in error.errors()})
    return []
