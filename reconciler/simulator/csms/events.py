"""Secret events: create, list, show, update, delete, and the notification records (CS 1, seed 003)."""

from __future__ import annotations

import re
import time
from copy import deepcopy
from functools import partial
from uuid import uuid4

from reconciler.simulator.csms.shapes import CHANGE, CREATE, EVENT_TYPES, NAME, PAGE, PAGES, RECORDS, REPLY
from reconciler.simulator.http.messages import Refused, Reply, json_reply
from reconciler.simulator.http.routing import Call, Route
from reconciler.simulator.world.world import Record, World

INVENTED = "CSMS.9"
"""Prefix of error codes that no document names: duplicate name, quota, referenced event."""


def show_event(world: World, event: Record) -> Record:
    """Return an event as answers carry it."""
    shown = deepcopy(event)
    named = world.switches["csms_extra_event_type"]
    if named and not event.get("_written"):
        shown["event_types"].append(named)
    shown.pop("_written", None)
    if world.switches["csms_event_types_order"] == "canonical":
        shown["event_types"].sort(key=lambda one: EVENT_TYPES.index(one) if one in EVENT_TYPES else len(EVENT_TYPES))
    # Huawei's text says seconds; all its examples have 13 digits, and Terraform divides by 1000 (CS 1.5).
    if world.switches["csms_timestamps"] == "seconds":
        shown |= {name: shown[name] // 1000 for name in ("create_time", "update_time")}
    return shown


def _find(world: World, call: Call) -> Record:
    name = call.params["event_name"]
    if not re.fullmatch(_name_pattern(world), name):
        raise Refused(400, "CSMS.0002", "The event name is invalid.")
    event = world.events.get(name)
    if event is None:
        raise _absent(world, name)
    return event


def _absent(world: World, name: str) -> Refused:
    # The table of errors files this code under 400; Terraform's authors met a 404 (CS 2.3).
    return Refused(world.switches["csms_not_found"], "CSMS.0005", f"The event {name} does not exist.")


def _name_pattern(world: World) -> str:
    # One English page and the marker's own pattern allow the dot; all other sources do not (CS 1.2).
    return r"[a-zA-Z0-9._-]{1,64}" if world.switches["csms_name_dot"] == "accepted" else NAME.pattern


def _check_types(world: World, types: list[str] | None) -> None:
    extra = world.switches["csms_extra_event_type"]
    unknown = [one for one in types or [] if one not in EVENT_TYPES and one != extra]
    if unknown:
        raise Refused(400, "CSMS.0002", f"event_types: {unknown[0]} is not an event type.")
    if types == [] and world.switches["csms_empty_event_types"] == "400":
        raise Refused(400, "CSMS.0002", "event_types must not be empty.")


def _create(world: World, call: Call) -> Reply:
    data = call.data
    if not re.fullmatch(_name_pattern(world), data["name"]):
        raise Refused(400, "CSMS.0002", "The event name is invalid.")
    _check_types(world, data["event_types"])
    if data["name"] in world.events:
        raise Refused(
            world.switches["csms_duplicate_status"], INVENTED + "001", f"The event {data['name']} already exists."
        )
    if len(world.events) >= world.switches["csms_quota"]:
        raise Refused(world.switches["csms_quota_status"], INVENTED + "002", "The event quota is used up.")
    now = _now()
    event = {
        "name": data["name"],
        "event_id": str(uuid4()),
        "event_types": list(data["event_types"]),
        "state": data["state"],
        "create_time": now,
        "update_time": now,
        "notification": dict(data["notification"]),
        "_written": True,
    }
    world.events[data["name"]] = event
    world.changed(("event", data["name"]), None)
    shown = show_event(world, event)
    world.ledger.record(call, _subject(event), None, shown)
    return json_reply({"event": shown})


def _now() -> int:
    return int(time.time() * 1000)


def _subject(event: Record) -> Record:
    return {"kind": "event", "id": event["event_id"], "name": event["name"]}


def _show(world: World, call: Call) -> Reply:
    event = _find(world, call)
    seen = world.seen(("event", event["name"]), show_event(world, event))
    if seen is None:
        raise _absent(world, event["name"])
    return json_reply({"event": seen})


def _update(world: World, call: Call) -> Reply:
    event = _find(world, call)
    data = call.data
    if not data and world.switches["csms_put_empty_object"] == "400" and call.request.body:
        raise Refused(400, "CSMS.0002", "Nothing to update.")
    _check_types(world, data.get("event_types"))
    before = show_event(world, event)
    kept = {name: event[name] for name in ("state", "event_types", "notification")}
    # No page says it in words; the sample call sends one member, and its answer has all of them (CS 1.4).
    if world.switches["csms_put_omitted"] == "replace":
        kept = {"state": "ENABLED", "event_types": [], "notification": None}
    sent = {name: value for name, value in data.items() if value is not None}
    changes = {**kept, **deepcopy(sent)}
    same = all(event[name] == value for name, value in changes.items())
    event |= changes
    if "event_types" in changes:
        event["_written"] = True
    if not same or world.switches["csms_unchanged_put"] == "moves":
        # Two changes may come within one millisecond, and a clock may be set back.
        event["update_time"] = max(_now(), event["update_time"] + 1)
    world.changed(("event", event["name"]), before)
    shown = show_event(world, event)
    world.ledger.record(call, _subject(event), before, shown)
    return json_reply({"event": shown})


def _delete(world: World, call: Call) -> Reply:
    event = _find(world, call)
    # Huawei wants the secrets unlinked first; which status it refuses with is not documented (CS 1.7).
    if world.subscriptions.get(event["name"]):
        raise Refused(
            world.switches["csms_referenced_delete"], INVENTED + "003", "The event is referenced by a secret."
        )
    world.ledger.record(call, _subject(event), show_event(world, event), None)
    del world.events[event["name"]]
    return Reply(204)


def _list(world: World, call: Call) -> Reply:
    limit = _limit(world, call.query["limit"])
    events = sorted(world.events.values(), key=lambda event: event["name"])
    if world.switches["csms_list_order"] == "newest_first":
        events.sort(key=lambda event: -event["create_time"])
    names = [event["name"] for event in events]
    start = _start(world, names, call.query["marker"] or "")
    page = events[start : start + limit]
    info: Record = {"next_marker": None, "previous_marker": None, "current_count": len(page)}
    if page:
        info["previous_marker"] = page[0]["name"]
        more = start + limit < len(events) or world.switches["csms_marker"] == "ignored"
        # Whether a last page has one is not documented; a client has to stop by itself (CS 1.6).
        if more or world.switches["csms_last_marker"] == "present":
            inclusive = world.switches["csms_marker"] == "inclusive" and start + limit < len(events)
            info["next_marker"] = events[start + limit]["name"] if inclusive else page[-1]["name"]
    shown = [world.seen(("event", event["name"]), show_event(world, event)) for event in page]
    return json_reply(
        {"events": [one for one in shown if one], "page_info": {k: v for k, v in info.items() if v is not None}}
    )


def _limit(world: World, text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) > 0:
        return min(int(text), int(world.switches["csms_limit_max"]))
    if world.switches["csms_limit_invalid"] == "400":
        raise Refused(400, "CSMS.0002", "limit is invalid.")
    return 50


def _start(world: World, names: list[str], marker: str) -> int:
    if not marker or world.switches["csms_marker"] == "ignored":
        return 0
    if marker in names:
        # The marker is called last name of this page and first of the next. Terraform stops at an empty
        # page, which an inclusive marker would never yield (CS 1.6).
        return names.index(marker) + (1 if world.switches["csms_marker"] == "exclusive" else 0)
    if world.switches["csms_marker_unknown"] == "400":
        raise Refused(400, "CSMS.0002", "marker is invalid.")
    if world.switches["csms_marker_unknown"] == "empty":
        return len(names)
    return sum(name <= marker for name in names)


def _records(world: World, _call: Call) -> Reply:
    return json_reply({"records": world.records, "page_info": {"current_count": len(world.records)}})


_BASE = "/v1/{project_id}/csms/events"
_ONE = partial(Route, "csms", path=_BASE + "/{event_name}", names=(NAME._replace(name="event_name"),))

ROUTES = (
    # 200 and not 201: the pages and the OpenAPI text agree (CS 1).
    Route("csms", "POST", _BASE, _create, "CreateSecretEvent", body=CREATE, reply=REPLY),
    Route("csms", "GET", _BASE, _list, "ListSecretEvents", query=PAGES, reply=PAGE),
    _ONE(method="GET", handle=_show, text="ShowSecretEvent", reply=REPLY),
    _ONE(method="PUT", handle=_update, text="UpdateSecretEvent", body=CHANGE, reply=REPLY),
    _ONE(method="DELETE", handle=_delete, text="DeleteSecretEvent", success=204),
    Route(
        "csms", "GET", "/v1/{project_id}/csms/notification-records", _records, "ListNotificationRecords", reply=RECORDS
    ),
)
