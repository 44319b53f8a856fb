"""One request from arrival to departure: faults, the API that it is for, the log."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import Any

from reconciler.simulator.auth import token_endpoint
from reconciler.simulator.csms import api as csms
from reconciler.simulator.csms import iam
from reconciler.simulator.http.faults import Fault, Faults
from reconciler.simulator.http.messages import NotJson, Refused, Reply, Request, decode, encode, json_reply
from reconciler.simulator.keyfactor import api as keyfactor
from reconciler.simulator.world.world import World

EDIT_HEADER = "x-simulator-edit"
TOKEN_PATH = "/oauth/token"  # noqa: S105
_PAGE = Reply(200, b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>", (), "text/html; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer leaves: whole, not at all (`reply` is None), cut short, drip by drip, or with a sudden end."""

    reply: Reply | None
    cut: int = 0
    chunk: int = 0
    interval: float = 0.0
    close: bool = False


def split_prefix(path: str) -> tuple[str, str]:
    """Return (API, path below the API's prefix) of a raw path; the API is "" where nobody serves it."""
    # Documents say /KeyfactorApi, clients /KeyfactorAPI, and IIS does not mind (KF 0.1).
    if path.lower() == keyfactor.PREFIX or path.lower().startswith(keyfactor.PREFIX + "/"):
        return "keyfactor", path[len(keyfactor.PREFIX) :] or "/"
    if path == TOKEN_PATH:
        return "oauth", path
    if path.startswith(csms.PREFIX):
        return "csms", path
    return ("iam", path) if path.startswith(iam.PREFIX) else ("", path)


class Exchange:
    """Answers the requests of both APIs. `edit` carries out a hand edit for a fault that was injected over HTTP."""

    def __init__(self, world: World, faults: Faults, latency: float, edit: Callable[..., Any]) -> None:
        self.log: list[dict[str, Any]] = []
        self.edit_key = token_urlsafe(16)
        self._world = world
        self._faults = faults
        self._latency = latency
        self._edit = edit
        self._ghosts: list[tuple[int, Request]] = []
        self._timers: list[threading.Timer] = []

    def answer(self, request: Request) -> Delivery:
        """Answer one request and log it. Called by many threads at once."""
        api, path = split_prefix(request.path)
        # A secret of this run: no client can spare itself a fault by the header's name alone.
        if request.headers.get(EDIT_HEADER) == self.edit_key:
            reply = self.process(request)
            self._note(request, api, path, reply.status, edit=True)
            return Delivery(reply)
        if self._latency:
            time.sleep(self._latency)
        faults = self._faults.taken(request.method, path)
        early = self._before(faults, api)
        self._release_ghosts()
        delivery = early or self._after(faults, self._carry_out(faults, request))
        self._note(request, api, path, delivery.reply.status if delivery.reply else 0)
        # Last, or this request would count as the first of those that come after it.
        if early is not None and any(fault.kind.name == "ghost" for fault in faults):
            self._hold_back(faults, request)
        return delivery

    def stop(self) -> None:
        """Forget the requests that were still to land."""
        for timer in self._timers:
            timer.cancel()

    def _note(self, request: Request, api: str, path: str, status: int, **more: bool) -> None:
        entry = {"api": api, "method": request.method, "path": path, "query": request.query, "status": status, **more}
        with self._world.lock:
            self.log.append(entry)

    def _carry_out(self, faults: list[Fault], request: Request) -> Delivery:
        at_most = next((fault.params["n"] for fault in faults if fault.kind.name == "partial_deny"), None)
        # Held over both deliveries, which take it again (it is reentrant): nobody comes between the two.
        with self._world.lock:
            reply = self.process(request, at_most)
            if any(fault.kind.name == "twice" for fault in faults):
                reply = self.process(request, at_most)
        return Delivery(None if at_most is not None else reply)

    def process(self, request: Request, deny_at_most: int | None = None) -> Reply:
        """Let the API that a request is for answer it, without faults; a bug of the simulator is a 500 that says so."""
        try:
            return self._process(request, deny_at_most)
        except Exception as error:  # noqa: BLE001
            return json_reply(
                {"ErrorCode": "0xA0110000", "Message": f"simulator: {type(error).__name__}: {error}"}, 500
            )

    def _process(self, request: Request, deny_at_most: int | None) -> Reply:
        api, path = split_prefix(request.path)
        with self._world.lock:
            if api == "keyfactor":
                return keyfactor.serve(self._world, request, path, deny_at_most)
            if api == "csms":
                return csms.serve(self._world, request, f"{len(self.log):032x}")
            if api == "iam":
                return iam.serve(self._world, request)
            if api == "oauth" and request.method == "POST":
                return token_endpoint(self._world, request)
        return Reply(405 if api == "oauth" else 404)

    def _before(self, faults: list[Fault], api: str) -> Delivery | None:
        early: Delivery | None = None
        for fault in faults:
            if fault.kind.name == "delay":
                time.sleep(fault.params["seconds"])
            elif fault.kind.name == "edit":
                self._hand_edit(fault)
            elif fault.kind.name == "expire_tokens":
                self.expire_tokens()
            elif fault.kind.phase == "before" and early is None:
                early = _early(fault, api)
        return early

    def expire_tokens(self) -> None:
        """Let every OAuth and IAM token handed out so far expire now."""
        with self._world.lock:
            self._world.bearer_tokens.expire()
            self._world.iam_tokens.expire()
            self._world.security_tokens.expire()

    def _after(self, faults: list[Fault], delivery: Delivery) -> Delivery:
        for fault in faults:
            if fault.kind.name == "delay_after":
                time.sleep(fault.params["seconds"])
            elif fault.kind.name == "edit_after":
                self._hand_edit(fault)
            elif fault.kind.phase == "after" and delivery.reply is not None:
                delivery = _spoiled(fault, delivery, delivery.reply)
        return delivery

    def _hand_edit(self, fault: Fault) -> None:
        if fault.params["call"] is not None:
            fault.params["call"]()
        # Never with the world's lock: the edit is a request over HTTP that another thread has to answer.
        if fault.params["edit"] is not None:
            self._edit(**fault.params["edit"])

    def _hold_back(self, faults: list[Fault], request: Request) -> None:
        fault = next(fault for fault in faults if fault.kind.name == "ghost")
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
            waiting = [(left - 1, request) for left, request in self._ghosts]
            self._ghosts = [(left, request) for left, request in waiting if left > 0]
            for left, request in waiting:
                if left <= 0:
                    self.process(request)


def _early(fault: Fault, api: str) -> Delivery:
    name, params = fault.kind.name, fault.params
    if name == "status":
        return Delivery(_stated(params, json_reply({"ErrorCode": "0xA0110000", "Message": "Injected"})))
    if name == "throttle":
        wait = params["retry_after"]
        # None by default: neither vendor documents a Retry-After with its 429 (KF 0.6, CS 2.4).
        headers = () if wait is None else (("Retry-After", str(wait)),)
        if api == "csms":
            refused = Refused(
                429,
                "APIGW.0308",
                "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second",
                headers,
            )
            return Delivery(csms.gateway_error(refused))
        return Delivery(json_reply({"ErrorCode": "0xA0110429", "Message": "Too many requests"}, 429, headers))
    if name == "redirect":
        return Delivery(Reply(params["status"], b"", (("Location", params["location"]),)))
    return Delivery(_PAGE if name == "html" else None)


def _stated(params: Mapping[str, Any], reply: Reply) -> Reply:
    body = params["body"]
    if body is not None:
        reply = replace(reply, body=body.encode() if isinstance(body, str) else encode(body))
    headers = tuple((params["headers"] or {}).items())
    return replace(reply, status=params["status"], headers=(*reply.headers, *headers))


def _spoiled(fault: Fault, delivery: Delivery, reply: Reply) -> Delivery:
    name, params = fault.kind.name, fault.params
    if name == "drop_after":
        return Delivery(None)
    if name == "slow_drip":
        return replace(delivery, chunk=params["chunk"], interval=params["interval"])
    if name == "truncated":
        return replace(delivery, cut=params["cut"], close=True)
    if name == "close":
        return replace(delivery, close=True)
    return replace(delivery, reply=_spoiled_reply(name, params, reply))


def _spoiled_reply(name: str, params: Mapping[str, Any], reply: Reply) -> Reply:
    if name == "status_after":
        if params["status"] >= 400 and params["body"] is None:
            reply = json_reply({"ErrorCode": "0xA0110000", "Message": "Injected after the request was carried out"})
        return _stated(params, reply)
    if name == "html_after":
        return _PAGE
    if name == "wrong_shape":
        return replace(reply, body=encode(params["body"]))
    if name == "duplicate_key":
        return replace(reply, body=_duplicated(reply.body))
    # An empty array with blank space in it (RFC 8259, 2): valid JSON, so that size is all that is wrong.
    packed = gzip.compress(b"[" + b" " * params["size"] + b"]", 9)
    return replace(reply, body=packed, headers=(*reply.headers, ("Content-Encoding", "gzip")))


class _Pairs(dict[str, Any]):
    """An object whose items are written with the first one twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        # RFC 8259, 4: what a reader makes of equal names can't be predicted; Python's keeps the last.
        self._pairs = [*pairs[:1], *pairs]

    def items(self) -> Any:
        return self._pairs


def _duplicated(body: bytes) -> bytes:
    try:
        decode(body)
    except NotJson:
        return body
    value = json.loads(body, object_pairs_hook=_Pairs)
    return b"".join(part.encode() for part in json.JSONEncoder(separators=(",", ":"), indent=None).iterencode(value))
