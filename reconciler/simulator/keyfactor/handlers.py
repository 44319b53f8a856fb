"""Event handlers: /EventHandlerRegistration (KF 5, seed 000)."""

from __future__ import annotations

from reconciler.simulator.http.messages import ApiError, HttpReply, build_json_reply
from reconciler.simulator.http.shapes import Field, build_array_fields
from reconciler.simulator.keyfactor.lists import PAGING, build_list_reply
from reconciler.simulator.keyfactor.routes import DELETE, GET, POST, PUT
from reconciler.simulator.routing.routes import RouteCall
from reconciler.simulator.world.world import Record, World, find_next_id


def _render_handler(world: World, handler: Record) -> Record:
    members = ("DisplayName", "ClassName", "Enabled", "SupportedEvents")
    # The vendor's page writes `id`, although Command's members are PascalCase elsewhere (KF 0.4, 5).
    return {world.switches["handler_id_member"]: handler["Id"], **{name: handler[name] for name in members}}


def _find_handler(world: World, handler_id: int) -> Record:
    handler = world.handlers.get(handler_id)
    if handler is None:
        raise ApiError(404, "0xA0110002", f"Unable to find 'Event Handler' with Id '{handler_id}'")
    return handler


def _list_handlers(world: World, call: RouteCall) -> HttpReply:
    def render(handler: Record) -> Record:
        current = _render_handler(world, handler)
        visible: Record = world.find_visible_state(("handler", handler["Id"]), current) or current
        return visible

    # Name is the documented default sort, but no handler has such a member (KF 5).
    fields = {"DisplayName": "string", "Enabled": "boolean", "Name": "string"}
    rows = [{**handler, "Name": handler["DisplayName"]} for handler in world.handlers.values()]
    return build_list_reply(world, call, rows, fields=fields, sort="Name", render=render)


def _get_handler(world: World, call: RouteCall) -> HttpReply:
    handler = _find_handler(world, call.params["id"])
    return build_json_reply(world.find_visible_state(("handler", handler["Id"]), _render_handler(world, handler)))


def _register_handlers(world: World, call: RouteCall) -> HttpReply:
    # The DLL has to lie in the server's extension folder already: nothing is uploaded here (KF 5).
    assembly_handlers = world.assemblies.get(call.data["AssemblyName"])
    if assembly_handlers is None:
        raise ApiError(400, "0xA0110002", f"Assembly '{call.data['AssemblyName']}' was not found.")
    class_names = {handler["ClassName"] for handler in world.handlers.values()}
    new_handlers = []
    for handler in assembly_handlers:
        if handler["ClassName"] in class_names:
            continue
        record = {"Id": find_next_id(world.handlers), **handler}
        world.handlers[record["Id"]] = record
        new_handlers.append(_render_handler(world, record))
    if new_handlers:
        ids = [handler[world.switches["handler_id_member"]] for handler in new_handlers]
        world.ledger.record(call, {"kind": "handler", "id": ids, "name": call.data["AssemblyName"]}, None, new_handlers)
    return build_json_reply(new_handlers)


def _update_handler(world: World, call: RouteCall) -> HttpReply:
    handler = _find_handler(world, call.params["id"])
    before = _render_handler(world, handler)
    # Both members are optional. The SDK has Enabled as a plain bool and DisplayName as nullable, so on the
    # server what is left out may well become false and null (KF 5).
    reset = world.switches["handler_put_omitted"] == "reset"
    data = call.data
    if reset or "DisplayName" in data:
        handler["DisplayName"] = world.convert_stored_text(data.get("DisplayName"))
    if reset or "Enabled" in data:
        handler["Enabled"] = bool(data.get("Enabled"))
    world.note_change(("handler", handler["Id"]), before)
    answer = _render_handler(world, handler)
    world.ledger.record(call, _build_subject(handler), before, answer)
    return build_json_reply(answer)


def _delete_handler(world: World, call: RouteCall) -> HttpReply:
    handler = _find_handler(world, call.params["id"])
    world.ledger.record(call, _build_subject(handler), _render_handler(world, handler), None)
    del world.handlers[handler["Id"]]
    return HttpReply(204)


def _build_subject(handler: Record) -> Record:
    return {"kind": "handler", "id": handler["Id"], "name": handler["ClassName"]}


_HANDLER_REPLY = (
    Field("Id", "integer"),
    Field("DisplayName", "string"),
    Field("ClassName", "string"),
    Field("Enabled", "boolean"),
    Field("SupportedEvents", "string", "one string (seed 000)"),
)
_ASSEMBLY_BODY = (Field("AssemblyName", "string", required=True),)
_OMITTED = "ND if left out"
_HANDLER_CHANGE = (Field("DisplayName", "string", _OMITTED), Field("Enabled", "boolean", _OMITTED, nullable=False))
_HANDLERS_PATH = "/EventHandlerRegistration"
_READ, _MODIFY = "/monitoring/handlers/registration/read/", "/monitoring/handlers/registration/modify/"

ROUTES = (
    GET(
        _HANDLERS_PATH,
        _list_handlers,
        "List event handlers",
        permission=_READ,
        query=PAGING,
        reply=build_array_fields(_HANDLER_REPLY),
    ),
    GET(_HANDLERS_PATH + "/{id:int}", _get_handler, "One event handler", permission=_READ, reply=_HANDLER_REPLY),
    POST(
        _HANDLERS_PATH,
        _register_handlers,
        "Register an assembly's handlers",
        permission=_MODIFY,
        body=_ASSEMBLY_BODY,
        reply=build_array_fields(_HANDLER_REPLY),
    ),
    PUT(
        _HANDLERS_PATH + "/{id:int}",
        _update_handler,
        "Change a handler",
        permission=_MODIFY,
        body=_HANDLER_CHANGE,
        reply=_HANDLER_REPLY,
    ),
    DELETE(_HANDLERS_PATH + "/{id:int}", _delete_handler, "Unregister a handler", permission=_MODIFY, success=204),
)
