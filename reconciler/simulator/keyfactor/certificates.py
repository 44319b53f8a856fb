"""Certificates: list, one, history (KF 6.1, 6.4). What a caller may see depends on collection and container."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, encode_json_body
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.certificate_shape import CERTIFICATE_REPLY, HISTORY_REPLY
from reconciler.simulator.keyfactor.lists import (
    PAGING,
    add_total_count,
    build_list_reply,
    build_sort_refusal,
    find_page_bounds,
    is_descending,
)
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.certificate_json import RowStyle, serialize_certificate
from reconciler.simulator.world.certificate_rows import SORT_KEYS, Certificate, build_certificate_columns
from reconciler.simulator.world.query import CompiledQuery, compile_query, join_by_and
from reconciler.simulator.world.world import World

READ_CERTIFICATES = "/certificates/collections/read/"


def find_certificate(world: World, certificate_id: int) -> Certificate:
    """Return the certificate; raises ApiError 404 in the words of KF 0.7."""
    row = world.certificates.get(certificate_id)
    if row is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate' with Id '{certificate_id}'")
    return row


def compile_certificate_query(world: World, text: str, me: str = "") -> CompiledQuery:
    """Compile a certificate query by the switches in force."""
    return compile_query(
        text,
        build_certificate_columns(world.find_role_name),
        precedence=world.switches["query_and_or"],
        escape=world.switches["query_quote_escape"],
        me=me,
    )


def is_in_collection(world: World, collection_id: int, row: Certificate) -> bool:
    """Tell whether a collection's query selects the certificate."""
    collection = world.collections.get(collection_id)
    return collection is not None and compile_certificate_query(world, collection["Content"]).test(row)


def _can_read_certificates(call: RouteCall, collection_id: int) -> bool:
    if call.caller.holds(READ_CERTIFICATES):
        return True
    return collection_id > 0 and call.caller.holds(f"{READ_CERTIFICATES}{collection_id}/")


def _list_certificates(world: World, call: RouteCall) -> HttpReply:
    _check_list_readable(world, call)
    sort = (call.query["SortField"] or "CertId").lower()
    if sort not in SORT_KEYS:
        raise build_sort_refusal(call.query["SortField"])
    bounds = find_page_bounds(call, world.switches)
    ids = _select_certificates(world, call, sort)
    if _is_plain_list(call) and not world.has_stale_states:
        style = _choose_style(world)
        body = world.certificates.serialize_page(ids, bounds.begin, bounds.end, world.find_role_name, style)
    else:
        body = f"[{','.join(_render_certificate(world, call, i) for i in ids[bounds.begin : bounds.end])}]".encode()
    return add_total_count(HttpReply(200, body), len(ids), world.switches)


def _is_plain_list(call: RouteCall) -> bool:
    """Tell whether the rows are asked for without what is not the same for every caller."""
    return not any(call.query[flag] for flag in ("includeMetadata", "includeLocations", "includeHasPrivateKey"))


def _check_list_readable(world: World, call: RouteCall) -> None:
    collection_id = call.query["collectionId"]
    if collection_id and collection_id not in world.collections:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Collection' with Id '{collection_id}'")
    if not _can_read_certificates(call, collection_id):
        raise ApiError(403, "0xA0110003", "You do not have permission to read these certificates.")


def _select_certificates(world: World, call: RouteCall, sort: str) -> list[int]:
    """Return the ids that the list holds, sorted; the store remembers them by all that decides on them."""
    collection_id, falling = call.query["collectionId"], is_descending(call)
    scope = world.collections[collection_id]["Content"] if collection_id else ""
    parts = [part for part in (call.query["QueryString"], scope) if part]
    # Each by itself: in parentheses `CertId -eq 1) OR (CertId -eq 2` would be a query, and escape the collection.
    queries = [compile_certificate_query(world, part, call.caller.name) for part in parts]
    query = join_by_and(queries) if queries else None
    text = "\0".join(parts)
    revoked, expired = call.query["includeRevoked"], call.query["includeExpired"]
    row_filter, valid_minute = _build_row_filter(revoked=revoked, expired=expired)
    # A role's new name changes what a query by owner name selects: a list remembered before must not be found then.
    role_names = tuple((r["Id"], r["Name"]) for r in world.roles.values()) if "ownerrolename" in text.lower() else ()
    modes = (world.switches["query_and_or"], world.switches["query_quote_escape"], call.caller.name)
    key = (text, modes, role_names, revoked, expired, valid_minute, sort, falling)
    return world.certificates.select(key, query, row_filter, sort, falling=falling)


def _build_row_filter(*, revoked: bool, expired: bool) -> tuple[Callable[[Certificate], bool] | None, int]:
    """Return which certificates a list keeps, and the minute for which that holds (0 if time does not matter)."""
    # Certificates expire while a client pages. By the minute, most pages of one listing share one answer.
    minute = 0 if expired else int(datetime.now(UTC).timestamp()) // 60
    current_time = minute * 60
    if revoked and expired:
        return None, 0
    # Both flags default to false: a plain list hides revoked and expired certificates (KF 6.1).
    return lambda row: (revoked or row.state != 2) and (expired or row.not_after >= current_time), minute


def _render_certificate(world: World, call: RouteCall, certificate_id: int) -> str:
    query = call.query
    row = world.certificates[certificate_id]
    visible_row: Certificate = world.find_visible_state(("certificate", certificate_id), row)
    metadata = {"Department": row.department, "Email-Contact": row.email} if query["includeMetadata"] else {}
    locations = [_build_location(row)] if query["includeLocations"] and row.has_private_key else []
    return serialize_certificate(
        visible_row,
        world.find_role_name,
        _choose_style(world),
        metadata=encode_json_body(metadata).decode(),
        locations=encode_json_body(locations).decode(),
        # Without the flag HasPrivateKey is false for every row, whatever the truth (KF 6.1).
        key=bool(query["includeHasPrivateKey"]),
    )


def _choose_style(world: World) -> RowStyle:
    return RowStyle(
        # The Go SDK of 25.0 reads RFC 3339 and refuses a date without its zone; an older one takes it for none.
        "Z" if world.switches["certificate_dates"] == "zone" else "",
        '""' if world.switches["common_name_absent"] == "empty" else "null",
    )


def _build_location(row: Certificate) -> dict[str, Any]:
    return {
        "StoreMachine": "web01.corp.example.com",
        "StorePath": "/etc/tls",
        "StoreType": 2,
        "Alias": row.cn,
        "ChainLevel": 0,
        "CertStoreId": "0c1d2e3f-0000-4000-8000-000000000001",
    }


def _get_certificate(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    check_visible(world, call, row)
    # The flag is documented for the list alone (KF 6.1).
    call.query.setdefault("includeHasPrivateKey", True)
    return HttpReply(200, _render_certificate(world, call, row.id).encode())


def check_visible(world: World, call: RouteCall, row: Certificate) -> None:
    """Raise ApiError where the caller may not see the certificate."""
    collection_id = call.query["collectionId"]
    is_member = not collection_id or is_in_collection(world, collection_id, row)
    if not _can_read_certificates(call, collection_id) or not is_member:
        # Which of the two Command says is open; 403 admits that the certificate exists, 404 hides it.
        if world.switches["certificate_hidden"] == "404":
            raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate' with Id '{row.id}'")
        raise ApiError(403, "0xA0110003", "You do not have permission to read this certificate.")


def _list_history(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    check_visible(world, call, row)
    start = datetime.fromtimestamp(row.not_before, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first_entry = {
        "Id": 1,
        "OperationStart": start,
        "OperationEnd": start,
        "Username": row.requester,
        "Comment": "Imported from the CA",
        "Action": "Imported",
    }
    rows = [first_entry, *world.history.get(row.id, [])]
    # The sort field is UserName, the member Username (KF 6.4).
    fields = {"OperationStart": "string", "OperationEnd": "string", "UserName": "string"}
    return build_list_reply(world, call, rows, fields=fields, sort="OperationStart")


def add_history(world: World, certificate_id: int, user: str, comment: str) -> None:
    """Add an owner change to a certificate's history (seed 001; the wording is ND)."""
    if world.switches["history_owner"] == "absent":
        return
    entries: list[dict[str, Any]] = world.history.setdefault(certificate_id, [])
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries.append(
        {
            "Id": len(entries) + 2,
            "OperationStart": now,
            "OperationEnd": now,
            "Username": user,
            "Comment": comment if world.switches["history_owner"] == "named" else "",
            "Action": "Owner Changed",
        }
    )


_INCLUDE_FLAGS = tuple(Field(name, "boolean", default=False) for name in ("includeLocations", "includeMetadata"))
COLLECTION_ID = Field("collectionId", "integer", "scope of the permission", default=0)
"""The query parameter that narrows a certificate's permission to a collection."""
_LIST_QUERY = (
    *PAGING,
    COLLECTION_ID,
    *_INCLUDE_FLAGS,
    *(Field(name, "boolean", default=False) for name in ("includeRevoked", "includeExpired", "includeHasPrivateKey")),
)
SCOPED_READ = READ_CERTIFICATES + "[#]/"
"""To read certificates, everywhere or in one collection."""

ROUTES = (
    GET(
        "/Certificates",
        _list_certificates,
        "List certificates",
        permission=SCOPED_READ,
        decides=True,
        query=_LIST_QUERY,
        reply=build_array_fields(CERTIFICATE_REPLY),
    ),
    GET(
        "/Certificates/{id:int}",
        _get_certificate,
        "One certificate",
        permission=SCOPED_READ,
        decides=True,
        query=(COLLECTION_ID, *_INCLUDE_FLAGS),
        reply=CERTIFICATE_REPLY,
    ),
    GET(
        "/Certificates/{id:int}/History",
        _list_history,
        "A certificate's history",
        permission=SCOPED_READ,
        decides=True,
        query=(*PAGING, COLLECTION_ID),
        reply=build_array_fields(HISTORY_REPLY),
    ),
)
