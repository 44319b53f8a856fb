"""Event handlers: /EventHandlerRegistration (KF 5, seed 000)."""

from __future__ import annotations

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.routing import RouteCall
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, listed
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.world.world import Record, World, next_id


def _show(world: World, handler: Record) -> Record:
    members = ("DisplayName", "ClassName", "Enabled", "SupportedEvents")
    # The vendor's page writes `id`, although Command's members are PascalCase elsewhere (KF 0.4, 5).
    return {world.switches["handler_id_member"]: handler["Id"], **{name: handler[name] for name in members}}


def _find(world: World, handler_id: int) -> Record:
    handler = world.handlers.get(handler_id)
    if handler is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Event Handler' with Id '{handler_id}'")
    return handler


def _list(world: World, call: RouteCall) -> HttpReply:
    def render(handler: Record) -> Record:
        now = _show(world, handler)
        seen: Record = world.seen(("handler", handler["Id"]), now) or now
        return seen

    # Name is the documented default sort, but no handler has such a member (KF 5).
    fields = {"DisplayName": "string", "Enabled": "boolean", "Name": "string"}
    rows = [{**handler, "Name": handler["DisplayName"]} for handler in world.handlers.values()]
    return listed(world, call, rows, fields=fields, sort="Name", render=render)


def _get(world: World, call: RouteCall) -> HttpReply:
    handler = _find(world, call.params["id"])
    return build_json_reply(world.seen(("handler", handler["Id"]), _show(world, handler)))


def _register(world: World, call: RouteCall) -> HttpReply:
    # The DLL has to lie in the server's extension folder already: nothing is uploaded here (KF 5).
    found = world.assemblies.get(call.data["AssemblyName"])
    if found is None:
        raise ApiError(400, "0xA0110002", f"Assembly '{call.data['AssemblyName']}' was not found.")
    known = {handler["ClassName"] for handler in world.handlers.values()}
    added = []
    for handler in found:
        if handler["ClassName"] in known:
            continue
        stored = {"Id": next_id(world.handlers), **handler}
        world.handlers[stored["Id"]] = stored
        added.append(_show(world, stored))
    if added:
        ids = [handler[world.switches["handler_id_member"]] for handler in added]
        world.ledger.record(call, {"kind": "handler", "id": ids, "name": call.data["AssemblyName"]}, None, added)
    return build_json_reply(added)


def _update(world: World, call: RouteCall) -> HttpReply:
    handler = _find(world, call.params["id"])
    before = _show(world, handler)
    # Both members are optional. The SDK has Enabled as a plain bool and DisplayName as nullable, so on the
    # server what is left out may well become false and null (KF 5).
    reset = world.switches["handler_put_omitted"] == "reset"
    data = call.data
    if reset or "DisplayName" in data:
        handler["DisplayName"] = world.stored(data.get("DisplayName"))
    if reset or "Enabled" in data:
        handler["Enabled"] = bool(data.get("Enabled"))
    world.changed(("handler", handler["Id"]), before)
    shown = _show(world, handler)
    world.ledger.record(call, _subject(handler), before, shown)
    return build_json_reply(shown)


def _delete(world: World, call: RouteCall) -> HttpReply:
    handler = _find(world, call.params["id"])
    world.ledger.record(call, _subject(handler), _show(world, handler), None)
    del world.handlers[handler["Id"]]
    return HttpReply(204)


def _subject(handler: Record) -> Record:
    return {"kind": "handler", "id": handler["Id"], "name": handler["ClassName"]}


_REPLY = (
    Field("Id", "integer"),
    Field("DisplayName", "string"),
    Field("ClassName", "string"),
    Field("Enabled", "boolean"),
    Field("SupportedEvents", "string", "one string (seed 000)"),
)
_ASSEMBLY = (Field("AssemblyName", "string", required=True),)
_OMITTED = "ND if left out"
_UPDATE = (Field("DisplayName", "string", _OMITTED), Field("Enabled", "boolean", _OMITTED, nullable=False))
_PATH = "/EventHandlerRegistration"
_READ, _MODIFY = "/monitoring/handlers/registration/read/", "/monitoring/handlers/registration/modify/"

ROUTES = (
    GET(_PATH, _list, "List event handlers", permission=_READ, query=PAGING, reply=build_array_fields(_REPLY)),
    GET(_PATH + "/{id:int}", _get, "One event handler", permission=_READ, reply=_REPLY),
    POST(
        _PATH,
        _register,
        "Register an assembly's handlers",
        permission=_MODIFY,
        body=_ASSEMBLY,
        reply=build_array_fields(_REPLY),
    ),
    PUT(_PATH + "/{id:int}", _update, "Change a handler", permission=_MODIFY, body=_UPDATE, reply=_REPLY),
    DELETE(_PATH + "/{id:int}", _delete, "Unregister a handler", permission=_MODIFY, success=204),
)
