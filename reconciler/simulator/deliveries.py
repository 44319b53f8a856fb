"""How an answer leaves, and what faults make of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.simulator.csms import api as csms
from reconciler.simulator.http.faults import InjectedFault
from reconciler.simulator.http.messages import (
    ApiError,
    HttpReply,
    JsonBodyError,
    build_json_reply,
    decode_json_body,
    encode_json_body,
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How an answer leaves: whole, not at all (`reply` is None), cut short, drip by drip, or with a sudden end."""

    reply: HttpReply | None
    cut: int = 0
    chunk: int = 0
    interval: float = 0.0
    close: bool = False


_LOGIN_PAGE = HttpReply(
    200, b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>", (), "text/html; charset=utf-8"
)


def build_early_delivery(fault: InjectedFault, api: str) -> Delivery:
    """Return what a fault answers in place of the API."""
    name, params = fault.kind.name, fault.params
    if name == "status":
        return Delivery(_override_reply(params, build_json_reply({"ErrorCode": "0xA0110000", "Message": "Injected"})))
    if name == "throttle":
        return Delivery(_build_throttle_reply(params["retry_after"], api))
    if name == "redirect":
        return Delivery(HttpReply(params["status"], b"", (("Location", params["location"]),)))
    return Delivery(_LOGIN_PAGE if name == "html" else None)


def _build_throttle_reply(retry_after: int | None, api: str) -> HttpReply:
    # None by default: neither vendor documents a Retry-After with its 429 (KF 0.6, CS 2.4).
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    if api != "csms":
        return build_json_reply({"ErrorCode": "0xA0110429", "Message": "Too many requests"}, 429, headers)
    message = "The throttling threshold has been reached: policy user over ratelimit,limit:200,time:1 second"
    return csms.build_gateway_error(ApiError(429, "APIGW.0308", message, headers))


def _override_reply(params: Mapping[str, Any], reply: HttpReply) -> HttpReply:
    body = params["body"]
    if body is not None:
        reply = replace(reply, body=body.encode() if isinstance(body, str) else encode_json_body(body))
    headers = tuple((params["headers"] or {}).items())
    return replace(reply, status=params["status"], headers=(*reply.headers, *headers))


def spoil_delivery(fault: InjectedFault, delivery: Delivery, reply: HttpReply) -> Delivery:
    """Return what a fault makes of the API's answer."""
    name, params = fault.kind.name, fault.params
    if name == "drop_after":
        return Delivery(None)
    if name == "slow_drip":
        return replace(delivery, chunk=params["chunk"], interval=params["interval"])
    if name == "truncated":
        return replace(delivery, cut=params["cut"], close=True)
    if name == "close":
        return replace(delivery, close=True)
    return replace(delivery, reply=_spoil_reply(name, params, reply))


def _spoil_reply(name: str, params: Mapping[str, Any], reply: HttpReply) -> HttpReply:
    if name == "status_after":
        if params["status"] >= 400 and params["body"] is None:
            reply = build_json_reply(
                {"ErrorCode": "0xA0110000", "Message": "Injected after the request was carried out"}
            )
        return _override_reply(params, reply)
    if name == "html_after":
        return _LOGIN_PAGE
    if name == "wrong_shape":
        return replace(reply, body=encode_json_body(params["body"]))
    if name == "duplicate_key":
        return replace(reply, body=_repeat_first_members(reply.body))
    # An empty array with blank space in it (RFC 8259, 2): valid JSON, so that size is all that is wrong.
    payload = gzip.compress(b"[" + b" " * params["size"] + b"]", 9)
    return replace(reply, body=payload, headers=(*reply.headers, ("Content-Encoding", "gzip")))


class _RepeatedFirstItem(dict[str, Any]):
    """An object whose items are written with the first one twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        # RFC 8259, 4: what a reader makes of equal names can't be predicted; Python's keeps the last.
        self._pairs = [*pairs[:1], *pairs]

    def items(self) -> Any:
        return self._pairs


def _repeat_first_members(body: bytes) -> bytes:
    try:
        decode_json_body(body)
    except JsonBodyError:
        return body
    value = json.loads(body, object_pairs_hook=_RepeatedFirstItem)
    return b"".join(part.encode() for part in json.JSONEncoder(separators=(",", ":"), indent=None).iterencode(value))
