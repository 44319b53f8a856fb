"""One request from arrival to departure: faults, the API that it is for, the log."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from secrets import token_urlsafe
from typing import Any, NamedTuple

from reconciler.simulator.csms import api as csms
from reconciler.simulator.csms import cts, iam
from reconciler.simulator.deliveries import Delivery, build_early_delivery, spoil_delivery
from reconciler.simulator.http.faults import FaultRegistry, InjectedFault
from reconciler.simulator.http.messages import HttpReply, HttpRequest, build_json_reply
from reconciler.simulator.keyfactor import api as keyfactor
from reconciler.simulator.openapi import ROUTES, build_openapi_path
from reconciler.simulator.routing.callers import serve_oauth_token
from reconciler.simulator.routing.routes import list_by_likeness
from reconciler.simulator.world.places import Places
from reconciler.simulator.world.world import World

EDIT_HEADER = "x-simulator-edit"
TOKEN_PATH = "/oauth/token"  # noqa: S105
_INSTANCE_PATH = re.compile(r"/instances/([^/]+)(/.*)")
_PROJECT_PATH = re.compile(r"/v[13]/([^/]+)/")


class PathTarget(NamedTuple):
    """What a raw path leads to: the API, "" where nobody serves it, the path below its prefix, and what it names.

    That is an instance of Command, with `inner` as the path below it, or a project of CSMS and CTS.
    """

    api: str
    path: str
    named: str = ""
    inner: str = ""

    @property
    def fault_path(self) -> str:
        """The path that faults are looked for in: an instance's own says which it is."""
        return f"/instances/{self.named}{self.path}" if self.inner else self.path


def find_path_target(path: str) -> PathTarget:
    """Return what a raw path leads to."""
    if match := _INSTANCE_PATH.fullmatch(path):
        return _find_command(match[2])._replace(named=match[1], inner=match[2])
    if path.startswith(csms.CSMS_PREFIX) or cts.CTS_PATH.fullmatch(path):
        project = _PROJECT_PATH.match(path)
        return PathTarget("csms" if path.startswith(csms.CSMS_PREFIX) else "cts", path, project[1] if project else "")
    return PathTarget("iam", path) if path.startswith(iam.IAM_PREFIX) else _find_command(path)


def _find_command(path: str) -> PathTarget:
    # Documents say /KeyfactorApi, clients /KeyfactorAPI, and IIS does not mind (KF 0.1).
    if path.lower() == keyfactor.COMMAND_PREFIX or path.lower().startswith(keyfactor.COMMAND_PREFIX + "/"):
        return PathTarget("keyfactor", path[len(keyfactor.COMMAND_PREFIX) :] or "/")
    return PathTarget("oauth" if path == TOKEN_PATH else "", path)


_SERVERS: Mapping[tuple[str, str], Callable[[World, HttpRequest], HttpReply]] = {
    ("iam", ""): iam.serve_iam,
    ("cts", ""): cts.serve_cts,
    ("oauth", "POST"): serve_oauth_token,
}


class Exchange:
    """Answers the requests of both APIs. `edit` carries out a hand edit for a fault that was injected over HTTP."""

    def __init__(self, places: Places, faults: FaultRegistry, latency: float, edit: Callable[..., Any]) -> None:
        self.log: list[dict[str, Any]] = []
        self.edit_key = token_urlsafe(16)
        self._places = places
        self._lock = places.first.lock
        self._faults = faults
        self._latency = latency
        self._edit = edit
        self._ghosts: list[tuple[int, HttpRequest]] = []
        self._timers: list[threading.Timer] = []

    def answer(self, request: HttpRequest) -> Delivery:
        """Answer one request and log it. Called by many threads at once."""
        target = find_path_target(request.path)
        # A secret of this run: no client can spare itself a fault by the header's name alone.
        if request.headers.get(EDIT_HEADER) == self.edit_key:
            reply = self.process(request)
            self._log_request(request, target, reply.status, edit=True)
            return Delivery(reply)
        if self._latency:
            time.sleep(self._latency)
        faults = self._faults.find_firing(request.method, target.fault_path)
        early_delivery = self._before(faults, target.api)
        self._release_ghosts()
        delivery = early_delivery or self._after(faults, self._carry_out(faults, request))
        self._log_request(request, target, delivery.reply.status if delivery.reply else 0)
        # Last, or this request would count as the first of those that come after it.
        if early_delivery is not None:
            self._schedule_ghost(faults, request)
        return delivery

    def stop(self) -> None:
        """Forget the requests that were still to land."""
        for timer in self._timers:
            timer.cancel()

    def _log_request(self, request: HttpRequest, target: PathTarget, status: int, **marks: bool) -> None:
        world = self._find_world(target)
        entry = {
            "place": world.place if world else target.named,
            "api": target.api,
            "method": request.method,
            "path": target.path,
            "query": request.query,
            "status": status,
            **marks,
        }
        with self._lock:
            self.log.append(entry)

    def _find_world(self, target: PathTarget) -> World | None:
        if target.api in ("csms", "cts"):
            return self._places.find_project(target.named)
        return self._places.find_instance(target.named)

    def _carry_out(self, faults: list[InjectedFault], request: HttpRequest) -> Delivery:
        deny_limit = next((fault.params["n"] for fault in faults if fault.kind.name == "partial_deny"), None)
        # Held over both deliveries, which take it again (it is reentrant): nobody comes between the two.
        with self._lock:
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
        target = find_path_target(request.path)
        api, world = target.api, self._find_world(target)
        if world is None:
            return self._explain_absence(f"/instances/{target.named}/", self._list_instance_paths())
        with self._lock:
            if api == "keyfactor":
                return keyfactor.serve_keyfactor(world, request, target.path, deny_at_most)
            if api == "csms":
                return csms.serve_csms(world, request, f"{len(self.log):032x}")
            serve = _SERVERS.get((api, request.method) if api == "oauth" else (api, ""))
            if serve:
                return serve(world, request)
        if api == "oauth":
            return HttpReply(405)
        endpoints = {f"{route.method} {build_openapi_path(route)}" for route in ROUTES}
        return self._explain_absence(f"{request.method} {request.path}", endpoints)

    def _list_instance_paths(self) -> set[str]:
        # A likeness takes its time, and of a thousand names hardly anybody reads more than these.
        return {f"/instances/{name}/" for name in list(self._places.instances)[:20]} or {"no instance beside the first"}

    @staticmethod
    def _explain_absence(asked: str, known: set[str]) -> HttpReply:
        return build_json_reply({"Message": f"There is nothing; {list_by_likeness(known, asked)}"}, 404)

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
        with self._lock:
            for world in self._places.list_made():
                world.bearer_tokens.expire()
                world.iam_tokens.expire()
                world.security_tokens.expire()

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
            with self._lock:
                self._ghosts.append((fault.params["requests"], request))

    def _release_ghosts(self) -> None:
        if not self._ghosts:
            return
        with self._lock:
            ghosts = [(remaining - 1, request) for remaining, request in self._ghosts]
            self._ghosts = [(remaining, request) for remaining, request in ghosts if remaining > 0]
            for remaining, request in ghosts:
                if remaining <= 0:
                    self.process(request)
