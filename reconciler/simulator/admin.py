"""/_sim/: what a test or a demonstration asks the simulator itself. No credentials; loopback alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from reconciler.simulator import openapi
from reconciler.simulator.http.faults import InjectedFault
from reconciler.simulator.http.messages import (
    HttpReply,
    HttpRequest,
    Json,
    JsonBodyError,
    build_json_reply,
    decode_json_body,
)
from reconciler.simulator.world.switches import DECLARED

if TYPE_CHECKING:
    from reconciler.simulator.simulator import Simulator

ADMIN_PREFIX = "/_sim/"
_FAULT_MEMBERS = ("kind", "method", "path", "nth", "times")


def serve_admin(simulator: Simulator, request: HttpRequest) -> HttpReply:
    """Answer a request below /_sim/; 400 says what was wrong with it."""
    action = _ACTIONS.get((request.method, request.path))
    if action is None:
        actions = sorted(f"{method} {path}" for method, path in _ACTIONS)
        return build_json_reply({"error": f"there is {', '.join(actions)}"}, 404)
    try:
        body = decode_json_body(request.body) if request.body else None
        return build_json_reply(action(simulator, body))
    # TypeError: members become keyword arguments, and Python's text names the one that does not fit.
    except (JsonBodyError, ValueError, TypeError, KeyError) as error:
        return build_json_reply({"error": str(error)}, 400)


def _get_switches(simulator: Simulator, _body: Json) -> Json:
    return simulator.world.switches.values()


def _set_switches(simulator: Simulator, body: Json) -> Json:
    simulator.switch(**_require_object(body))
    return simulator.world.switches.values()


def _describe_switches(_simulator: Simulator, _body: Json) -> Json:
    return [
        {
            "name": switch.name,
            "default": switch.default,
            "allowed": list(switch.allowed) if isinstance(switch.allowed, tuple) else switch.allowed.__name__,
            "text": switch.text,
            "source": switch.source,
        }
        for switch in DECLARED.values()
    ]


def _inject_fault(simulator: Simulator, body: Json) -> Json:
    members = dict(_require_object(body))
    params: dict[str, Any] = dict(members.pop("params", {}))
    params |= {name: members.pop(name) for name in list(members) if name not in _FAULT_MEMBERS}
    params.pop("call", None)
    fault = InjectedFault(
        members["kind"],
        members.get("method", ""),
        members.get("path", ""),
        nth=int(members.get("nth", 1)),
        times=int(members.get("times", 1)),
        params=params,
    )
    return {"id": simulator.faults.inject(fault)}


def _clear_faults(simulator: Simulator, _body: Json) -> Json:
    simulator.clear_faults()
    return {}


def _forget_requests(simulator: Simulator, _body: Json) -> Json:
    simulator.forget_requests()
    return {}


def _expire_tokens(simulator: Simulator, _body: Json) -> Json:
    simulator.expire_tokens()
    return {}


def _edit_by_hand(simulator: Simulator, body: Json) -> Json:
    status, reply = simulator.edit(**_require_object(body))
    return {"status": status, "body": reply}


def _require_object(body: Json) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise TypeError("a JSON object is expected")
    return body


_ACTIONS: Mapping[tuple[str, str], Callable[[Simulator, Json], Json]] = {
    ("GET", ADMIN_PREFIX + "ledger"): lambda simulator, _body: simulator.ledger,
    ("GET", ADMIN_PREFIX + "requests"): lambda simulator, _body: simulator.requests,
    ("DELETE", ADMIN_PREFIX + "requests"): _forget_requests,
    ("GET", ADMIN_PREFIX + "switches"): _get_switches,
    ("PUT", ADMIN_PREFIX + "switches"): _set_switches,
    ("GET", ADMIN_PREFIX + "switches/described"): _describe_switches,
    ("POST", ADMIN_PREFIX + "faults"): _inject_fault,
    ("DELETE", ADMIN_PREFIX + "faults"): _clear_faults,
    ("DELETE", ADMIN_PREFIX + "tokens"): _expire_tokens,
    ("POST", ADMIN_PREFIX + "edit"): _edit_by_hand,
    ("GET", ADMIN_PREFIX + "openapi.json"): lambda _simulator, _body: openapi.describe_apis(),
}
