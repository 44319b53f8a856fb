"""Secret events: create, list, show, update, delete, and the notification records (CS 1, seed 003)."""

from __future__ import annotations

import re
import time
from copy import deepcopy
from functools import partial
from uuid import uuid4

from reconciler.simulator.csms.shapes import (
    EVENT_CHANGE,
    EVENT_CREATE,
    EVENT_NAME,
    EVENT_PAGE,
    EVENT_REPLY,
    EVENT_TYPES,
    PAGE_QUERY,
    RECORD_PAGE,
)
from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.routing.routes import Route, RouteCall
from reconciler.simulator.world.world import Record, World

UNDOCUMENTED_CODE = "CSMS.9"
"""Prefix of error codes that no document names: duplicate name, quota, referenced event."""


def render_event(world: World, event: Record) -> Record:
    """Return an event as answers carry it."""
    # By hand, as half of a list's time would go into deepcopy().
    notification = event["notification"]
    answer = {**event, "event_types": list(event["event_types"]), "notification": notification and {**notification}}
    extra_type = world.switches["csms_extra_event_type"]
    if extra_type and not event.get("_written"):
        answer["event_types"].append(extra_type)
    answer.pop("_written", None)
    if world.switches["csms_event_types_order"] == "canonical":
        answer["event_types"].sort(
            key=lambda event_type: EVENT_TYPES.index(event_type) if event_type in EVENT_TYPES else len(EVENT_TYPES)
        )
    # Huawei's text says seconds; all its examples have 13 digits, and Terraform divides by 1000 (CS 1.5).
    if world.switches["csms_timestamps"] == "seconds":
        answer |= {name: answer[name] // 1000 for name in ("create_time", "update_time")}
    return answer


def _find_event(world: World, call: RouteCall) -> Record:
    name = call.params["event_name"]
    event = world.events.get(name)
    if event is not None:
        return event
    # Behind the look-up: an event may have got a name that the pattern of today would refuse.
    if not re.fullmatch(_find_name_pattern(world), name):
        raise ApiError(400, "CSMS.0002", "The event name is invalid.")
    raise _build_not_found(world, name)


def _build_not_found(world: World, name: str) -> ApiError:
    # The table of errors files this code under 400; Terraform's authors met a 404 (CS 2.3).
    return ApiError(world.switches["csms_not_found"], "CSMS.0005", f"The event {name} does not exist.")


def _find_name_pattern(world: World) -> str:
    # One English page and the marker's own pattern allow the dot; all other sources do not (CS 1.2).
    return r"[a-zA-Z0-9._-]{1,64}" if world.switches["csms_name_dot"] == "accepted" else EVENT_NAME.pattern


def _check_event_types(world: World, types: list[str] | None) -> None:
    # A type that an event has is a type of this server, whatever the documents list.
    seen_types = {event_type for event in world.events.values() for event_type in event["event_types"]}
    known_types = {*EVENT_TYPES, *seen_types, world.switches["csms_extra_event_type"]}
    unknown = [event_type for event_type in types or [] if event_type not in known_types]
    if unknown:
        raise ApiError(400, "CSMS.0002", f"event_types: {unknown[0]} is not an event type.")
    if types == [] and world.switches["csms_empty_event_types"] == "400":
        raise ApiError(400, "CSMS.0002", "event_types must not be empty.")


def _create_event(world: World, call: RouteCall) -> HttpReply:
    _check_new_event(world, call.data)
    event = _build_event(call.data)
    world.events[event["name"]] = event
    world.note_change(("event", event["name"]), None)
    answer = render_event(world, event)
    world.ledger.record(call, _build_subject(event), None, answer)
    return build_json_reply({"event": answer})


def _check_new_event(world: World, data: Record) -> None:
    switches, name = world.switches, data["name"]
    if not re.fullmatch(_find_name_pattern(world), name):
        raise ApiError(400, "CSMS.0002", "The event name is invalid.")
    _check_event_types(world, data["event_types"])
    if name in world.events:
        status = switches["csms_duplicate_status"]
        raise ApiError(status, UNDOCUMENTED_CODE + "001", f"The event {name} already exists.")
    if len(world.events) >= switches["csms_quota"]:
        raise ApiError(switches["csms_quota_status"], UNDOCUMENTED_CODE + "002", "The event quota is used up.")


def _build_event(data: Record) -> Record:
    now = _read_milliseconds()
    return {
        "name": data["name"],
        "event_id": str(uuid4()),
        "event_types": list(data["event_types"]),
        "state": data["state"],
        "create_time": now,
        "update_time": now,
        "notification": dict(data["notification"]),
        "_written": True,
    }


def _read_milliseconds() -> int:
    return int(time.time() * 1000)


def _build_subject(event: Record) -> Record:
    return {"kind": "event", "id": event["event_id"], "name": event["name"]}


def _get_event(world: World, call: RouteCall) -> HttpReply:
    event = _find_event(world, call)
    answer = world.find_visible_state(("event", event["name"]), render_event(world, event))
    if answer is None:
        raise _build_not_found(world, event["name"])
    return build_json_reply({"event": answer})


def _update_event(world: World, call: RouteCall) -> HttpReply:
    event = _find_event(world, call)
    data = call.data
    if not data and world.switches["csms_put_empty_object"] == "400" and call.request.body:
        raise ApiError(400, "CSMS.0002", "Nothing to update.")
    _check_event_types(world, data.get("event_types"))
    before = render_event(world, event)
    members = _merge_members(world, event, data)
    is_unchanged = all(event[name] == value for name, value in members.items())
    event |= members
    event["_written"] = True
    if not is_unchanged or world.switches["csms_unchanged_put"] == "moves":
        # Two changes may come within one millisecond, and a clock may be set back.
        event["update_time"] = max(_read_milliseconds(), event["update_time"] + 1)
    world.note_change(("event", event["name"]), before)
    answer = render_event(world, event)
    world.ledger.record(call, _build_subject(event), before, answer)
    return build_json_reply({"event": answer})


def _merge_members(world: World, event: Record, data: Record) -> Record:
    """Return the members that a PUT can change, as they are after it."""
    base = {name: event[name] for name in ("state", "event_types", "notification")}
    # No page says it in words; the sample call sends one member, and its answer has all of them (CS 1.4).
    if world.switches["csms_put_omitted"] == "replace":
        base = {"state": "ENABLED", "event_types": [], "notification": None}
    return {**base, **deepcopy({name: value for name, value in data.items() if value is not None})}


def _delete_event(world: World, call: RouteCall) -> HttpReply:
    event = _find_event(world, call)
    # Huawei wants the secrets unlinked first; which status it refuses with is not documented (CS 1.7).
    if world.subscriptions.get(event["name"]):
        raise ApiError(
            world.switches["csms_referenced_delete"], UNDOCUMENTED_CODE + "003", "The event is referenced by a secret."
        )
    world.ledger.record(call, _build_subject(event), render_event(world, event), None)
    del world.events[event["name"]]
    return HttpReply(204)


def _list_events(world: World, call: RouteCall) -> HttpReply:
    limit = _parse_limit(world, call.query["limit"])
    events = sorted(world.events.values(), key=lambda event: event["name"])
    if world.switches["csms_list_order"] == "newest_first":
        events.sort(key=lambda event: -event["create_time"])
    start = _find_page_start(world, [event["name"] for event in events], call.query["marker"] or "")
    page = events[start : start + limit]
    rows = [world.find_visible_state(("event", event["name"]), render_event(world, event)) for event in page]
    page_info = _build_page_info(world, page, events[start + limit :])
    return build_json_reply({"events": [row for row in rows if row], "page_info": page_info})


def _build_page_info(world: World, page: list[Record], rest: list[Record]) -> Record:
    if not page:
        return {"current_count": 0}
    switches = world.switches
    info: Record = {"previous_marker": page[0]["name"], "current_count": len(page)}
    has_more = bool(rest) or switches["csms_marker"] == "ignored"
    # Whether a last page has one is not documented; a client has to stop by itself (CS 1.6).
    if has_more or switches["csms_last_marker"] == "present":
        is_inclusive = switches["csms_marker"] == "inclusive" and bool(rest)
        info = {"next_marker": rest[0]["name"] if is_inclusive else page[-1]["name"], **info}
    return info


def _parse_limit(world: World, text: str) -> int:
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) > 0:
        return min(int(text), int(world.switches["csms_limit_max"]))
    if world.switches["csms_limit_invalid"] == "400":
        raise ApiError(400, "CSMS.0002", "limit is invalid.")
    return 50


def _find_page_start(world: World, names: list[str], marker: str) -> int:
    if not marker or world.switches["csms_marker"] == "ignored":
        return 0
    if marker in names:
        # Called last name of this page and first of the next. Terraform stops at an empty page, which an inclusive
        # marker would never yield (CS 1.6).
        return names.index(marker) + (1 if world.switches["csms_marker"] == "exclusive" else 0)
    if world.switches["csms_marker_unknown"] == "400":
        raise ApiError(400, "CSMS.0002", "marker is invalid.")
    if world.switches["csms_marker_unknown"] == "empty":
        return len(names)
    return sum(name <= marker for name in names)


def _list_records(world: World, _call: RouteCall) -> HttpReply:
    return build_json_reply({"records": world.records, "page_info": {"current_count": len(world.records)}})


_EVENTS_PATH = "/v1/{project_id}/csms/events"
_EVENT_ROUTE = partial(
    Route, "csms", path=_EVENTS_PATH + "/{event_name}", names=(EVENT_NAME._replace(name="event_name"),)
)

ROUTES = (
    # 200 and not 201: the pages and the OpenAPI text agree (CS 1).
    Route("csms", "POST", _EVENTS_PATH, _create_event, "CreateSecretEvent", body=EVENT_CREATE, reply=EVENT_REPLY),
    Route("csms", "GET", _EVENTS_PATH, _list_events, "ListSecretEvents", query=PAGE_QUERY, reply=EVENT_PAGE),
    _EVENT_ROUTE(method="GET", handle=_get_event, text="ShowSecretEvent", reply=EVENT_REPLY),
    _EVENT_ROUTE(method="PUT", handle=_update_event, text="UpdateSecretEvent", body=EVENT_CHANGE, reply=EVENT_REPLY),
    _EVENT_ROUTE(method="DELETE", handle=_delete_event, text="DeleteSecretEvent", success=204),
    Route(
        "csms",
        "GET",
        "/v1/{project_id}/csms/notification-records",
        _list_records,
        "ListNotificationRecords",
        reply=RECORD_PAGE,
    ),
)
