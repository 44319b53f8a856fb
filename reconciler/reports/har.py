"""The requests of a run as an HTTP Archive that browsers' developer tools open.

HAR 1.2: http://www.softwareishard.com/blog/har-12-spec/. Whatever a server sent, the result is valid JSON, and holds no
secret: what is known by value goes in every form, what is one by its name goes whole.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from reconciler import __version__
from reconciler.credentials.redaction import HIDDEN, Redactor
from reconciler.credentials.secret_members import find_secret_members, hide_secret_members, is_secret_header
from reconciler.engine.traffic_log import BODY_CAP, BODY_MARGIN, KeptExchange
from reconciler.model import Json
from reconciler.transport.exchanges import AnswerHead, WireExchange, WireHeaders

_SHORTEST_LEARNED = 8
"""Characters of the shortest value of a secret's name that is looked for elsewhere as well."""
_MOST_LEARNED = 200
# PEP 383: what bytes that are no UTF-8 become.
_BYTE = re.compile("[\udc80-\udcff]")
_PAGE = "run"
_NO_TYPE = "x-unknown"
"""What browsers write where there is no type."""

Hide = Callable[[str], str]


class _Body(NamedTuple):
    text: str
    encoding: str = ""
    comment: str = ""


class HarTitle(NamedTuple):
    """What the document is called, and since when the run goes on (aware)."""

    text: str
    started: datetime


def render_har(title: HarTitle, entries: Iterable[KeptExchange], redact: Hide, left_out: int = 0) -> str:
    """Return the document; `redact` blots out what is known by value, and `left_out` requests had no room."""
    ordered = sorted(entries, key=lambda entry: entry.exchange.started)
    hide = _make_hide(redact, _learn_members(ordered))
    log: dict[str, Json] = {
        "version": "1.2",
        "creator": {"name": "reconciler", "version": __version__},
        # HAR may do without, but Firefox opens no document that has no page.
        "pages": [
            {"startedDateTime": _format_time(title.started), "id": _PAGE, "title": title.text, "pageTimings": {}}
        ],
        "entries": [_encode_entry(entry, hide) for entry in ordered],
    }
    if left_out:
        log["comment"] = f"{left_out} later requests left out: the trace would have become too large"
    # ASCII: a header may hold what is no character of UTF-8.
    return json.dumps({"log": log}, indent=1) + "\n"


def _make_hide(redact: Hide, learned: Hide) -> Hide:
    # The known values first: a name says only where one begins.
    return lambda text: hide_secret_members(learned(redact(text)))


def _learn_members(entries: Sequence[KeptExchange]) -> Redactor:
    """Return what knows the values that are secrets by their name, so that they are found without it, too."""
    redactor = Redactor()
    values: dict[str, None] = {}
    for _, exchange, *_ in entries:
        for body in (exchange.request_body, exchange.body):
            # Pages of objects are long, and what a login says is short.
            if body and len(body) < BODY_CAP // 4 and len(values) < _MOST_LEARNED:
                text = body.decode("utf-8", "replace")
                if hide_secret_members(text) != text:
                    values |= dict.fromkeys(find_secret_members(text))
    redactor.learn(*(value for value in values if len(value) >= _SHORTEST_LEARNED))
    return redactor


def _encode_entry(entry: KeptExchange, hide: Hide) -> dict[str, Json]:
    target, exchange, request_size, answer_size = entry
    blocked, waited, received = (round(seconds * 1000, 3) for seconds in exchange.times)
    # Connecting and sending are part of waiting: HAR knows -1 for what doesn't apply, and wants a number of `send`.
    encoded: dict[str, Json] = {
        "pageref": _PAGE,
        "startedDateTime": _format_time(datetime.fromtimestamp(exchange.started, UTC)),
        "time": round(blocked + waited + received, 3),
        "request": _encode_request(exchange, request_size, hide),
        "response": _encode_response(exchange, answer_size, hide),
        "cache": {},
        "timings": {"blocked": blocked, "send": 0, "wait": waited, "receive": received},
        "_target": hide(target),
    }
    return encoded | ({"comment": hide(exchange.failure)} if exchange.failure else {})


def _encode_request(exchange: WireExchange, size: int, hide: Hide) -> dict[str, Json]:
    url = hide(exchange.url)
    encoded: dict[str, Json] = {
        "method": exchange.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        # Cookies are never sent; those that a server sets stand, hidden, among its headers.
        "cookies": [],
        "headers": _encode_headers(exchange.request_headers, hide),
        "queryString": _encode_query(url, hide),
        "headersSize": -1,
        "bodySize": max(size, 0),
    }
    if exchange.request_body is None:
        return encoded
    body = _encode_body(exchange.request_body, size, hide)
    mime_type = _find_header(exchange.request_headers, "content-type") or _NO_TYPE
    return encoded | {"postData": _without_empty({"mimeType": mime_type, "text": body.text, "comment": body.comment})}


def _encode_query(url: str, hide: Hide) -> list[Json]:
    fields = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return [{"name": hide(name), "value": hide(value)} for name, value in fields]


def _encode_response(exchange: WireExchange, size: int, hide: Hide) -> dict[str, Json]:
    head = exchange.head or AnswerHead(0, "", "", ())
    return {
        "status": head.status,
        "statusText": hide(head.reason),
        "httpVersion": head.version,
        "cookies": [],
        "headers": _encode_headers(head.headers, hide),
        "content": _encode_content(exchange.body, size, _find_header(head.headers, "content-type"), hide),
        "redirectURL": hide(_find_header(head.headers, "location")),
        "headersSize": -1,
        # The body as the tool decoded it; what it took on the wire isn't known where it was compressed.
        "bodySize": -1 if _find_header(head.headers, "content-encoding") else size,
    }


def _encode_content(data: bytes | None, size: int, mime_type: str, hide: Hide) -> dict[str, Json]:
    content: dict[str, Json] = {"size": max(size, 0), "mimeType": hide(mime_type or _NO_TYPE)}
    if data is None:
        return content
    body = _encode_body(data, size, hide)
    return content | {"text": body.text} | _without_empty({"encoding": body.encoding, "comment": body.comment})


def _encode_headers(headers: WireHeaders, hide: Hide) -> list[Json]:
    return [{"name": hide(name), "value": HIDDEN if is_secret_header(name) else hide(value)} for name, value in headers]


def _encode_body(body: bytes, size: int, hide: Hide) -> _Body:
    """Return a body as text without secrets; what isn't UTF-8 as base64, as HAR has it."""
    if size > 0 and not body:
        return _Body("", comment=f"{size} bytes left out: the trace would have become too large")
    # Bytes that are no UTF-8 become lone surrogates and bytes again; in base64 nothing could be found any more.
    hidden, comment = _hide_wide_text(body.decode("utf-8", "surrogateescape"), hide), ""
    if size > len(body):
        hidden = hidden[: max(min(BODY_CAP, len(hidden) - BODY_MARGIN), 0)]
        comment = f"cut: the first part of {size} bytes"
    if _BYTE.search(hidden):
        return _Body(base64.b64encode(hidden.encode("utf-8", "surrogateescape")).decode(), "base64", comment)
    return _Body(hidden, comment=comment)


def _format_time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _hide_wide_text(text: str, hide: Hide) -> str:
    """Hide what is in a text, and all of one that is UTF-16 and holds a secret: it has a zero beside each letter."""
    hidden = hide(text)
    narrow = hidden.replace("\0", "")
    return HIDDEN if narrow != hidden and hide(narrow) != narrow else hidden


def _find_header(headers: WireHeaders, name: str) -> str:
    return reduce(lambda found, header: header[1] if header[0].lower() == name else found, headers, "")


def _without_empty(members: dict[str, str]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value}
