"""Command's lists: filter, sort, page and count, the same for every resource (KF 0.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.simulator.http.messages import ApiError, HttpReply, Json, build_json_reply
from reconciler.simulator.http.shapes import Field, Fields
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.query import QueryColumn, compile_query
from reconciler.simulator.world.switches import Switches
from reconciler.simulator.world.world import World

PAGING: Fields = (
    Field("QueryString", "string", "filter, grammar in KF 6.2"),
    Field("PageReturned", "integer", "1-based", default=1),
    # 50 silently cuts a longer list; Keyfactor's own clients had to be mended for it repeatedly (KF 9, row 2).
    Field("ReturnLimit", "integer", "rows a page", default=50),
    Field("SortField", "string", "an unknown field is refused with 0xA011004A"),
    Field("SortAscending", "integer", "0 ascending, 1 descending", enum=(0, 1), default=0),
)


class PageBounds(NamedTuple):
    """Which rows of a list are the page that was asked for."""

    begin: int
    end: int


def find_page_bounds(call: RouteCall, switches: Switches) -> PageBounds:
    """Return the page's bounds; raises ApiError 400 for a page or limit below 1 unless a switch says otherwise."""
    number, limit = call.query["PageReturned"], call.query["ReturnLimit"]
    if number < 1 or limit < 1:
        if switches["return_limit_invalid"] == "400":
            raise ApiError(400, "0xA011000F", "PageReturned and ReturnLimit must be greater than 0.")
        number, limit = max(number, 1), limit if limit > 0 else 50
    if switches["return_limit_max"]:
        limit = min(limit, switches["return_limit_max"])
    # No snapshot and no cursor: rows that come and go meanwhile shift all later pages (KF 0.5).
    return PageBounds((number - 1) * limit, number * limit)


def is_descending(call: RouteCall) -> bool:
    """Tell whether the sort is descending."""
    return bool(call.query["SortAscending"])


def build_sort_refusal(name: str) -> ApiError:
    """Return the refusal of an unknown sort field, in the words of KF 0.7."""
    return ApiError(400, "0xA011004A", f"Invalid sort field: {name}.")


def add_total_count(reply: HttpReply, total: int, switches: Switches) -> HttpReply:
    """Return the reply with x-total-count, unless the switch leaves it out."""
    return reply if switches["total_count"] == "absent" else reply.with_headers(("x-total-count", str(total)))


def build_list_reply(
    world: World,
    call: RouteCall,
    rows: Sequence[Mapping[str, Any]],
    *,
    fields: Mapping[str, str],
    sort: str,
    render: Callable[[Any], Json] = dict,
) -> HttpReply:
    """Answer a list. `fields` are the queryable and sortable members with their kinds; `sort` is the default field."""
    matches = _filter_rows(world, call, rows, fields)
    sorted_rows = _sort_rows(call, matches, (*fields, sort), sort)
    bounds = find_page_bounds(call, world.switches)
    # A bare array, empty behind the last page; the header counts the matches before paging (KF 0.3, 0.5).
    reply = build_json_reply([render(row) for row in sorted_rows[bounds.begin : bounds.end]])
    return add_total_count(reply, len(matches), world.switches)


def _filter_rows(
    world: World, call: RouteCall, rows: Sequence[Mapping[str, Any]], fields: Mapping[str, str]
) -> Sequence[Mapping[str, Any]]:
    text = call.query["QueryString"]
    if not text:
        return rows
    columns = {
        name.lower(): QueryColumn(kind, lambda row, member=name: row.get(member))  # type: ignore[misc]
        for name, kind in fields.items()
    }
    precedence, escape = world.switches["query_and_or"], world.switches["query_quote_escape"]
    query = compile_query(text, columns, precedence=precedence, escape=escape, me=call.caller.name)
    return [row for row in rows if query.test(row)]


def _sort_rows(
    call: RouteCall, rows: Sequence[Mapping[str, Any]], names: Sequence[str], default: str
) -> list[Mapping[str, Any]]:
    sort_field = call.query["SortField"]
    members = {name.lower(): name for name in names}
    if sort_field and sort_field.lower() not in members:
        raise build_sort_refusal(sort_field)
    member = members[(sort_field or default).lower()]
    return sorted(rows, key=lambda row: _build_sort_key(row.get(member)), reverse=is_descending(call))


def _build_sort_key(value: Any) -> tuple[int, Any]:
    # SQL Server takes NULL for the lowest value; Python would refuse to compare.
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, int) else (2, str(value).lower())
