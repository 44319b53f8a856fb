"""GET /Audit and its neighbours: who did what, for those who may read everything (AU 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.audit_entries import list_audit_entries
from reconciler.simulator.keyfactor.lists import (
    PAGING,
    add_total_count,
    build_sort_refusal,
    find_page_bounds,
    is_descending,
)
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.query import QueryColumn, compile_query
from reconciler.simulator.world.world import Record, World

_READ_AUDIT = "/auditing/read/"
_DOCUMENTED = {
    "category": QueryColumn("string", lambda row: row["_subcategory"].lower()),
    "immutableidentifier": QueryColumn("integer", lambda row: int(row["ImmutableIdentifier"])),
    "timestamp": QueryColumn("date", lambda row: datetime.fromtimestamp(row["_seconds"]).astimezone()),
}
_OTHERS = {
    "user": QueryColumn("string", lambda row: (row["User"] or "").lower()),
    "name": QueryColumn("string", lambda row: str(row["AuditIdentifier"]).lower()),
    "level": QueryColumn("integer", lambda row: row["Level"]),
    "operation": QueryColumn("integer", lambda row: row["Operation"]),
}
_SORT_KEYS = {
    "id": "Id",
    "timestamp": "_seconds",
    "category": "Category",
    "level": "Level",
    "operation": "Operation",
    "immutableidentifier": "ImmutableIdentifier",
}
_BY_NUMBER = re.compile(r"category\s+-\w+\s+\"?[0-9]+\"?", re.IGNORECASE)


def _list_entries(world: World, call: RouteCall) -> HttpReply:
    return _build_page(world, call, _select_entries(world, call, list_audit_entries(world)))


def _list_related(world: World, call: RouteCall) -> HttpReply:
    if "immutableidentifier" not in (call.query["QueryString"] or "").lower():
        raise ApiError(400, "0xA011000F", "The query must name one ImmutableIdentifier.")
    entries = list_audit_entries(world)
    named = {entry["ImmutableIdentifier"] for entry in _select_entries(world, call, entries)}
    return _build_page(world, call, [entry for entry in entries if entry["ImmutableIdentifier"] in named])


def _select_entries(world: World, call: RouteCall, entries: Sequence[Record]) -> Sequence[Record]:
    text = call.query["QueryString"]
    if not text:
        return entries
    # Categories are compared by their text; what a number does there is not documented (AU 1.3).
    if _BY_NUMBER.search(text):
        if world.switches["audit_category_number"] == "400":
            raise ApiError(400, "0xA011004A", "Invalid query value.")
        return ()
    columns = _DOCUMENTED | (_OTHERS if world.switches["audit_query_fields"] == "all" else {})
    query = compile_query(
        text,
        columns,
        precedence=world.switches["query_and_or"],
        escape=world.switches["query_quote_escape"],
        me=call.caller.name,
    )
    return [entry for entry in entries if query.test(entry)]


def _build_page(world: World, call: RouteCall, entries: Sequence[Record]) -> HttpReply:
    sort = (call.query["SortField"] or "Id").lower()
    if sort not in _SORT_KEYS:
        raise build_sort_refusal(call.query["SortField"])
    # Oldest first where nothing is asked: a first page says nothing of today (AU 1.2).
    ordered = sorted(entries, key=lambda entry: (entry[_SORT_KEYS[sort]], entry["Id"]), reverse=is_descending(call))
    bounds = find_page_bounds(call, world.switches)
    reply = build_json_reply([_show_entry(entry) for entry in ordered[bounds.begin : bounds.end]])
    return add_total_count(reply, len(ordered), world.switches)


def _show_entry(entry: Record) -> Record:
    return {name: value for name, value in entry.items() if not name.startswith("_")}


def _get_entry(world: World, call: RouteCall) -> HttpReply:
    return build_json_reply(_show_entry(_find_entry(world, call)))


def _validate_entry(world: World, call: RouteCall) -> HttpReply:
    _find_entry(world, call)
    return build_json_reply(True)  # noqa: FBT003 - the answer is a bare true


def _find_entry(world: World, call: RouteCall) -> Record:
    for entry in list_audit_entries(world):
        if entry["Id"] == call.params["id"]:
            return entry
    raise ApiError(404, "0xA0110002", f"Unable to find 'Audit Log' with Id '{call.params['id']}'")


_ENTRY_REPLY = (
    Field("Id", "integer"),
    Field("Timestamp", "string", "UTC"),
    Field("Message", "string", "XML of the change"),
    Field("Signature", "string"),
    *(Field(name, "integer") for name in ("Category", "Operation", "Level")),
    *(Field(name, "string") for name in ("User", "EntityType", "AuditIdentifier", "ImmutableIdentifier")),
)
_PAGE_REPLY = build_array_fields(_ENTRY_REPLY)
_VALID_REPLY = (Field("", "boolean", nullable=False),)
_RELATED_QUERY = (PAGING[0]._replace(required=True), *PAGING[1:])
_GET_AUDIT = partial(GET, permission=_READ_AUDIT)

ROUTES = (
    _GET_AUDIT("/Audit", _list_entries, "The audit log", query=PAGING, reply=_PAGE_REPLY),
    _GET_AUDIT(
        "/Audit/RelatedEntities", _list_related, "Entries of one object", query=_RELATED_QUERY, reply=_PAGE_REPLY
    ),
    _GET_AUDIT("/Audit/{id:int}", _get_entry, "One entry", reply=_ENTRY_REPLY),
    _GET_AUDIT("/Audit/{id:int}/Validate", _validate_entry, "Whether an entry's signature holds", reply=_VALID_REPLY),
)
