"""Certificates: list, one, history (KF 6.1, 6.4). What a caller may see depends on collection and container."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reconciler.simulator.http.messages import ApiError, HttpReply, encode_json_body
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.certificate_shape import CERTIFICATE, HISTORY
from reconciler.simulator.keyfactor.lists import PAGING, bad_sort, counted, is_falling, listed, page_slice
from reconciler.simulator.keyfactor.routes import GET
from reconciler.simulator.world.query import Query, compile_query
from reconciler.simulator.world.store_certificates import SORTS, Certificate, certificate_json, columns
from reconciler.simulator.world.world import World

READ = "/certificates/collections/read/"


def find_certificate(world: World, certificate_id: int) -> Certificate:
    """Return the certificate; raises ApiError 404 in the words of KF 0.7."""
    row = world.certificates.get(certificate_id)
    if row is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate' with Id '{certificate_id}'")
    return row


def certificate_query(world: World, text: str, me: str = "") -> Query:
    """Compile a certificate query by the switches in force."""
    return compile_query(
        text,
        columns(world.role_name),
        precedence=world.switches["query_and_or"],
        escape=world.switches["query_quote_escape"],
        me=me,
    )


def in_collection(world: World, collection_id: int, row: Certificate) -> bool:
    """Tell whether a collection's query selects the certificate."""
    collection = world.collections.get(collection_id)
    return collection is not None and certificate_query(world, collection["Content"]).test(row)


def _may_read(call: RouteCall, collection_id: int) -> bool:
    if call.caller.holds(READ):
        return True
    return collection_id > 0 and call.caller.holds(f"{READ}{collection_id}/")


def _list(world: World, call: RouteCall) -> HttpReply:
    asked = call.query
    collection_id = asked["collectionId"]
    if collection_id and collection_id not in world.collections:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate Collection' with Id '{collection_id}'")
    if not _may_read(call, collection_id):
        raise ApiError(403, "0xA0110003", "You do not have permission to read these certificates.")
    sort = (asked["SortField"] or "CertId").lower()
    if sort not in SORTS:
        raise bad_sort(asked["SortField"])
    bounds, falling = page_slice(call, world.switches), is_falling(call)
    scope = world.collections[collection_id]["Content"] if collection_id else ""
    text = " AND ".join(f"({part})" for part in (asked["QueryString"], scope) if part)
    query = certificate_query(world, text, call.caller.name) if text else None
    keep, day = _kept(revoked=asked["includeRevoked"], expired=asked["includeExpired"])
    # A role that is renamed changes what a query by owner name selects, so a remembered list must not be
    # found again then.
    names = tuple((r["Id"], r["Name"]) for r in world.roles.values()) if "ownerrolename" in text.lower() else ()
    modes = (world.switches["query_and_or"], world.switches["query_quote_escape"], call.caller.name)
    key = (text, modes, names, asked["includeRevoked"], asked["includeExpired"], day, sort, falling)
    ids = world.certificates.select(key, query, keep, sort, falling=falling)
    shown = (_json(world, call, i) for i in ids[bounds.begin : bounds.end])
    return counted(HttpReply(200, f"[{','.join(shown)}]".encode()), len(ids), world.switches)


def _kept(*, revoked: bool, expired: bool) -> tuple[Callable[[Certificate], bool] | None, int]:
    """Return which certificates a list keeps, and the minute for which that holds (0 if time does not matter)."""
    # Certificates expire while a client pages. By the minute, most pages of one listing share one answer.
    minute = 0 if expired else int(datetime.now(UTC).timestamp()) // 60
    now = minute * 60
    if revoked and expired:
        return None, 0
    # Both flags default to false: a plain list hides revoked and expired certificates (KF 6.1).
    return lambda row: (revoked or row.state != 2) and (expired or row.not_after >= now), minute


def _json(world: World, call: RouteCall, certificate_id: int) -> str:
    asked = call.query
    row = world.certificates[certificate_id]
    seen: Certificate = world.seen(("certificate", certificate_id), row)
    if seen is row and not (asked["includeMetadata"] or asked["includeLocations"] or asked["includeHasPrivateKey"]):
        return world.certificates.json(certificate_id, world.role_name)
    metadata = (
        encode_json_body({"Department": row.department, "Email-Contact": row.email})
        if asked["includeMetadata"]
        else b"{}"
    )
    where = [
        {
            "StoreMachine": "web01.corp.example.com",
            "StorePath": "/etc/tls",
            "StoreType": 2,
            "Alias": row.cn,
            "ChainLevel": 0,
            "CertStoreId": "0c1d2e3f-0000-4000-8000-000000000001",
        }
    ]
    locations = encode_json_body(where if asked["includeLocations"] and row.has_private_key else [])
    return certificate_json(
        seen,
        world.role_name,
        metadata=metadata.decode(),
        locations=locations.decode(),
        # Without the flag HasPrivateKey is false for every row, whatever the truth (KF 6.1).
        key=bool(asked["includeHasPrivateKey"]),
    )


def _get(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    _check_visible(world, call, row)
    # The flag is documented for the list alone (KF 6.1).
    call.query.setdefault("includeHasPrivateKey", True)
    return HttpReply(200, _json(world, call, row.id).encode())


def _check_visible(world: World, call: RouteCall, row: Certificate) -> None:
    collection_id = call.query["collectionId"]
    member = not collection_id or in_collection(world, collection_id, row)
    if not _may_read(call, collection_id) or not member:
        # Which of the two Command says is open; 403 admits that the certificate exists, 404 hides it.
        if world.switches["certificate_hidden"] == "404":
            raise ApiError(404, "0xA0110002", f"Unable to find 'Certificate' with Id '{row.id}'")
        raise ApiError(403, "0xA0110003", "You do not have permission to read this certificate.")


def _history(world: World, call: RouteCall) -> HttpReply:
    row = find_certificate(world, call.params["id"])
    _check_visible(world, call, row)
    start = datetime.fromtimestamp(row.not_before, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    first = {
        "Id": 1,
        "OperationStart": start,
        "OperationEnd": start,
        "Username": row.requester,
        "Comment": "Imported from the CA",
        "Action": "Imported",
    }
    rows = [first, *world.history.get(row.id, [])]
    # The sort field is UserName, the member Username (KF 6.4).
    fields = {"OperationStart": "string", "OperationEnd": "string", "UserName": "string"}
    return listed(world, call, rows, fields=fields, sort="OperationStart")


def add_history(world: World, certificate_id: int, user: str, comment: str) -> None:
    """Add an owner change to a certificate's history (seed 001; the wording is ND)."""
    entries: list[dict[str, Any]] = world.history.setdefault(certificate_id, [])
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    entries.append(
        {
            "Id": len(entries) + 2,
            "OperationStart": now,
            "OperationEnd": now,
            "Username": user,
            "Comment": comment,
            "Action": "Owner Changed",
        }
    )


_FLAGS = tuple(Field(name, "boolean", default=False) for name in ("includeLocations", "includeMetadata"))
_COLLECTION = Field("collectionId", "integer", "scope of the permission", default=0)
_LIST = (
    *PAGING,
    _COLLECTION,
    *_FLAGS,
    *(Field(name, "boolean", default=False) for name in ("includeRevoked", "includeExpired", "includeHasPrivateKey")),
)
_SCOPED = READ + "[#]/"

ROUTES = (
    GET(
        "/Certificates",
        _list,
        "List certificates",
        permission=_SCOPED,
        decides=True,
        query=_LIST,
        reply=build_array_fields(CERTIFICATE),
    ),
    GET(
        "/Certificates/{id:int}",
        _get,
        "One certificate",
        permission=_SCOPED,
        decides=True,
        query=(_COLLECTION, *_FLAGS),
        reply=CERTIFICATE,
    ),
    GET(
        "/Certificates/{id:int}/History",
        _history,
        "A certificate's history",
        permission=_SCOPED,
        decides=True,
        query=(*PAGING, _COLLECTION),
        reply=build_array_fields(HISTORY),
    ),
)
