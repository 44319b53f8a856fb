"""One request from arrival to departure: faults, the API that it is for, the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from secrets import token_urlsafe
from typing import Any

from reconciler.simulator.csms import api as csms
from reconciler.simulator.csms import cts, iam
from reconciler.simulator.deliveries import Delivery, build_early_delivery, spoil_delivery
from reconciler.simulator.http.faults import FaultRegistry, InjectedFault
from reconciler.simulator.http.messages import HttpReply, HttpRequest, build_json_reply
from reconciler.simulator.keyfactor import api as keyfactor
from reconciler.simulator.openapi import ROUTES, build_openapi_path
from reconciler.simulator.routing.callers import serve_oauth_token
from reconciler.simulator.routing.routes import list_by_likeness
from reconciler.simulator.world.world import World

EDIT_HEADER = "x-simulator-edit"
TOKEN_PATH = "/oauth/token"  # noqa: S105


def split_prefix(path: str) -> tuple[str, str]:
    """Return (API, path below the API's prefix) of a raw path; the API is "" where nobody serves it."""
    # Documents say /KeyfactorApi, clients /KeyfactorAPI, and IIS does not mind (KF 0.1).
    if path.lower() == keyfactor.COMMAND_PREFIX or path.lower().startswith(keyfactor.COMMAND_PREFIX + "/"):
        return "keyfactor", path[len(keyfactor.COMMAND_PREFIX) :] or "/"
    if path == TOKEN_PATH:
        return "oauth", path
    if path.startswith(csms.CSMS_PREFIX):
        return "csms", path
    if cts.CTS_PATH.fullmatch(path):
        return "cts", path
    return ("iam", path) if path.startswith(iam.IAM_PREFIX) else ("", path)


_SERVERS: Mapping[tuple[str, str], Callable[[World, HttpRequest], HttpReply]] = {
    ("iam", ""): iam.serve_iam,
    ("cts", ""): cts.serve_cts,
    ("oauth", "POST"): serve_oauth_token,
}


class Exchange:
    """Answers the requests of both APIs. `edit` carries out a hand edit for a fault that was injected over HTTP."""

    def __init__(self, world: World, faults: FaultRegistry, latency: float, edit: Callable[..., Any]) -> None:
        self.log: list[dict[str, Any]] = []
        self.edit_key = token_urlsafe(16)
        self._world = world
        self._faults = faults
        self._latency = latency
        self._edit = edit
        self._ghosts: list[tuple[int, HttpRequest]] = []
        self._timers: list[threading.Timer] = []

    def answer(self, request: HttpRequest) -> Delivery:
        """Answer one request and log it. Called by many threads at once."""
        api, path = split_prefix(request.path)
        # A secret of this run: no client can spare itself a fault by the header's name alone.
        if request.headers.get(EDIT_HEADER) == self.edit_key:
            reply = self.process(request)
            self._log_request(request, api, path, reply.status, edit=True)
            return Delivery(reply)
        if self._latency:
            time.sleep(self._latency)
        faults = self._faults.find_firing(request.method, path)
        early_delivery = self._before(faults, api)
        self._release_ghosts()
        delivery = early_delivery or self._after(faults, self._carry_out(faults, request))
        self._log_request(request, api, path, delivery.reply.status if delivery.reply else 0)
        # Last, or this request would count as the first of those that come after it.
        if early_delivery is not None:
            self._schedule_ghost(faults, request)
        return delivery

    def stop(self) -> None:
        """Forget the requests that were still to land."""
        for timer in self._timers:
            timer.cancel()

    def _log_request(self, request: HttpRequest, api: str, path: str, status: int, **marks: bool) -> None:
        entry = {"api": api, "method": request.method, "path": path, "query": request.query, "status": status, **marks}
        with self._world.lock:
            self.log.append(entry)

    def _carry_out(self, faults: list[InjectedFault], request: HttpRequest) -> Delivery:
        deny_limit = next((fault.params["n"] for fault in faults if fault.kind.name == "partial_deny"), None)
        # Held over both deliveries, which take it again (it is reentrant): nobody comes between the two.
        with self._world.lock:
            reply = self.process(request, deny_limit)
            if any(fault.kind.name == "twice" for fault in faults):
                reply = self.process(request, deny_limit)
        return Delivery(None if deny_limit is not None else reply)

    def process(self, request: HttpRequest, deny_at_most: int | None = None) -> HttpReply:
        """Let the API that a request is for answer it, without faults; a bug of the simulator is a 500 that says so."""
        try:
            return self._dispatch(request, deny_at_most)
        except Exception as error:  # noqa: BLE001
            return build_json_reply(
                {"ErrorCode": "0xA0110000", "Message": f"simulator: {type(error).__name__}: {error}"}, 500
            )

    def _dispatch(self, request: HttpRequest, deny_at_most: int | None) -> HttpReply:
        api, path = split_prefix(request.path)
        with self._world.lock:
            if api == "keyfactor":
                return keyfactor.serve_keyfactor(self._world, request, path, deny_at_most)
            if api == "csms":
                return csms.serve_csms(self._world, request, f"{len(self.log):032x}")
            serve = _SERVERS.get((api, request.method) if api == "oauth" else (api, ""))
            if serve:
                return serve(self._world, request)
        if api == "oauth":
            return HttpReply(405)
        endpoints = {f"{route.method} {build_openapi_path(route)}" for route in ROUTES}
        message = f"There is nothing; {list_by_likeness(endpoints, f'{request.method} {request.path}')}"
        return build_json_reply({"Message": message}, 404)

    def _before(self, faults: list[InjectedFault], api: str) -> Delivery | None:
        delivery: Delivery | None = None
        for fault in faults:
            if fault.kind.name == "delay":
                time.sleep(fault.params["seconds"])
            elif fault.kind.name == "edit":
                self._edit_by_hand(fault)
            elif fault.kind.name == "expire_tokens":
                self.expire_tokens()
            elif fault.kind.phase == "before" and delivery is None:
                delivery = build_early_delivery(fault, api)
        return delivery

    def expire_tokens(self) -> None:
        """Let every OAuth, IAM and security token handed out so far expire now."""
        with self._world.lock:
            self._world.bearer_tokens.expire()
            self._world.iam_tokens.expire()
            self._world.security_tokens.expire()

    def _after(self, faults: list[InjectedFault], delivery: Delivery) -> Delivery:
        for fault in faults:
            if fault.kind.name == "delay_after":
                time.sleep(fault.params["seconds"])
            elif fault.kind.name == "edit_after":
                self._edit_by_hand(fault)
            elif fault.kind.phase == "after" and delivery.reply is not None:
                delivery = spoil_delivery(fault, delivery, delivery.reply)
        return delivery

    def _edit_by_hand(self, fault: InjectedFault) -> None:
        if fault.params["call"] is not None:
            fault.params["call"]()
        # Never with the world's lock: the edit is a request over HTTP that another thread has to answer.
        if fault.params["edit"] is not None:
            self._edit(**fault.params["edit"])

    def _schedule_ghost(self, faults: list[InjectedFault], request: HttpRequest) -> None:
        fault = next((fault for fault in faults if fault.kind.name == "ghost"), None)
        if fault is None:
            return
        if fault.params["seconds"] is not None:
            timer = threading.Timer(fault.params["seconds"], self.process, (request,))
            timer.daemon = True
            self._timers.append(timer)
            timer.start()
        else:
            with self._world.lock:
                self._ghosts.append((fault.params["requests"], request))

    def _release_ghosts(self) -> None:
        if not self._ghosts:
            return
        with self._world.lock:
            ghosts = [(remaining - 1, request) for remaining, request in self._ghosts]
            self._ghosts = [(remaining, request) for remaining, request in ghosts if remaining > 0]
            for remaining, request in ghosts:
                if remaining <= 0:
                    self.process(request)
