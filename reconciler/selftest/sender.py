"""The way between a run and the server, without sockets: what `Transport` does on a network, and what can go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from reconciler.errors import NoReply
from reconciler.model import Reply
from reconciler.selftest.environment import Environment, Process
from reconciler.selftest.history import ReadAnswered, WriteSent, identify_call
from reconciler.simulator.exchange import TOKEN_PATH, find_path_target
from reconciler.simulator.http.messages import HttpReply, HttpRequest
from reconciler.transport.transport import OBJECT_CAP

_PAGE = Reply(200, {"content-type": "text/html"}, b"<!DOCTYPE html><html><body><form>Sign in</form></body></html>")
_ERROR = b'{"ErrorCode":"0xA0110000","Message":"The server failed."}'
_GATEWAY_LIMIT = b'{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached"}'
_SHORT_DELAY, _LONG_DELAY = 5.0, 60.0
LONGEST_FLIGHT = 7.0
"""Seconds after which the server has carried out whatever reached it; the tool rules a little later than that."""


class _Answer(NamedTuple):
    """What comes back: a reply, or why none does. `is_done_for` says that it can be known that nothing was done."""

    reply: Reply | None
    words: str = ""
    is_sent: bool = True
    is_done_for: bool = False


class SimulatedSender:
    """A `transport.Sender` of one process to one origin."""

    def __init__(self, environment: Environment, process: Process, url: str, *_options: Any, **_seams: Any) -> None:
        self._environment, self._process, self._origin = environment, process, urlsplit(url)[:2]
        self._is_closed = False

    @property
    def stopped(self) -> bool:
        """As `Transport.stopped` has it."""
        return self._is_closed

    def close(self) -> None:
        """As `Transport.close` has it."""
        self._is_closed = True

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, cap: int = OBJECT_CAP
    ) -> Reply:
        """As `Transport.send` has it."""
        parts = urlsplit(url)
        if parts[:2] != self._origin:
            raise NoReply("the request was for another host than the target's and was not sent", sent=False)
        lower_headers = {name.lower(): value for name, value in headers.items()}
        request = HttpRequest(method, parts.path, parts.query, lower_headers, body or b"")
        if method == "GET":
            answer = self._read(request)
        elif parts.path == TOKEN_PATH:
            answer = self._log_in(request)
        else:
            answer = self._write(request)
        if answer.reply is None:
            raise NoReply(answer.words, sent=answer.is_sent)
        if len(answer.reply.body) > cap:
            raise NoReply("the answer is too large", sent=True)
        return answer.reply

    def _log_in(self, request: HttpRequest) -> _Answer:
        fault = self._environment.begin_event(self._process, "login", "token")
        early = self._answer_early(fault)
        answer = early or _Answer(_convert(self._environment.exchange.process(request)))
        self._environment.end_event(self._process, fault)
        return answer

    def _read(self, request: HttpRequest) -> _Answer:
        environment, label = self._environment, f"{request.path}?{request.query}".rstrip("?")
        fault = environment.begin_event(self._process, "read", f"GET {label}")
        ledger = len(environment.world.ledger)
        earlier = environment.shown.get(label)
        if fault == "stale_read" and earlier:
            reply, ledger = earlier
        else:
            reply = _convert(environment.exchange.process(request))
            environment.shown[label] = reply, ledger
        environment.history.add(ReadAnswered(self._process.run, label, ledger))
        answer = self._answer_early(fault) or _spoil_answer(fault, _Answer(reply), environment.clock.sleep)
        environment.end_event(self._process, fault)
        return answer

    def _write(self, request: HttpRequest) -> _Answer:
        environment = self._environment
        api, path = find_path_target(request.path)[:2]
        body = json.loads(request.body)
        call = identify_call(api, request.method, path, body)
        fault = environment.begin_event(self._process, "write", f"{request.method} {path}")
        ledger = len(environment.world.ledger)
        answer = self._answer_early(fault) or self._carry_out(fault, request, call)
        environment.history.add(WriteSent(self._process.run, call, ledger, not answer.is_done_for))
        environment.tell(f"{self._process.run[-4:]}   -> {answer.reply.status if answer.reply else answer.words}")
        environment.end_event(self._process, fault)
        return answer

    def _carry_out(self, fault: str, request: HttpRequest, call: str) -> _Answer:
        environment, process = self._environment, self._process
        if fault in ("ghost", "accepted_later", "crash_in_flight"):
            # The event's own number is as good as a die, and the same each time.
            flight = 0.3 + environment.event_count * 1.7 % (LONGEST_FLIGHT - 0.4)
            environment.perform_later(flight, process, call, request)
            is_accepted = fault == "accepted_later"
            return _Answer(Reply(202, {}, b"{}")) if is_accepted else _Answer(None, "no answer within the deadline")
        if fault == "throttle":
            is_gateway = request.path.startswith("/v1/")
            return _Answer(Reply(429, {}, _GATEWAY_LIMIT if is_gateway else _ERROR), is_done_for=is_gateway)
        if fault == "error_200":
            return _Answer(Reply(200, {}, _ERROR))
        reply = _convert(environment.perform(process, call, request, 1 if fault == "partial_deny" else None))
        if fault == "partial_deny":
            return _Answer(None, "the connection was closed")
        # 408 and 5xx leave open whether anything was done, and so does what a proxy wants.
        is_refusal = 400 <= reply.status < 500 and reply.status not in (407, 408, 429)
        return _spoil_answer(fault, _Answer(reply, is_done_for=is_refusal), environment.clock.sleep)

    def _answer_early(self, fault: str) -> _Answer | None:
        """Return what comes back where the server never sees the request; None where it does."""
        if fault == "refused":
            return _Answer(None, "connection refused", is_sent=False, is_done_for=True)
        if fault in ("drop_before", "reset"):
            return _Answer(None, "the connection was reset")
        if fault == "html_before":
            return _Answer(_PAGE)
        if fault == "error_before":
            return _Answer(Reply(503, {}, _ERROR))
        return None


def _convert(reply: HttpReply) -> Reply:
    headers = {name.lower(): value for name, value in reply.headers}
    return Reply(reply.status, {"content-type": reply.content_type, **headers}, reply.body)


def _spoil_answer(fault: str, answer: _Answer, sleep: Callable[[float], None]) -> _Answer:
    """Return what comes back of an answer."""
    reply = answer.reply
    if reply is None:
        return answer
    if fault == "drop_after":
        return _Answer(None, "the connection was closed")
    if fault == "truncate":
        return _Answer(None, "the answer was cut off")
    if fault == "delay":
        is_long = len(reply.body) % 2 == 1
        sleep(_LONG_DELAY if is_long else _SHORT_DELAY)
        return _Answer(None, "no answer within 60 seconds") if is_long else answer
    spoiled = {
        "html_after": _PAGE,
        "error_after": Reply(500, {}, _ERROR),
        "error_200": Reply(200, {}, _ERROR),
        "wrong_shape": Reply(reply.status, reply.headers, b'{"Unexpected":true}'),
        "throttle": Reply(429, {}, _ERROR),
    }
    return _Answer(spoiled[fault]) if fault in spoiled else answer
