"""A request as it is sent, whole: the line, the headers that matter and the body, as a reviewer approves it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from reconciler.model import Call, Json
from reconciler.reports.layout import Line, build_line
from reconciler.reports.perspective import View

_LABEL = "request"


def format_call(request: Call, url: str = "") -> str:
    """Return the request line as it is sent: method, path (below the target's URL) and encoded query."""
    query = "&".join(f"{_encode_query_part(name)}={_encode_query_part(value)}" for name, value in request.query)
    return f"{request.method} {url}{request.path}{'?' + query if query else ''}"


def render_request(call: Call, view: View, column: int) -> Iterator[Line]:
    """Yield the whole request, its parts in a column of their own; no credential is among them.

    The body is laid out for reading: sent are these members with these values in this order, without the blanks.
    """
    bound = view.targets.get(call.target)
    headers = view.headers(bound.api, call.version) if view.headers and bound else {}
    body = json.dumps(call.body, ensure_ascii=False, indent=2, default=_convert_mapping)
    texts = (
        format_call(call, bound.url if bound else ""),
        *(f"{name}: {value}" for name, value in headers.items()),
        *body.split("\n"),
    )
    for number, text in enumerate(texts):
        label, style = ("", "") if number else (f"    {_LABEL}", "bold")
        yield build_line((f"{label:{column}}{text}", style), hang=column + len(text) - len(text.lstrip(" ")) + 2)


def _encode_query_part(text: str) -> str:
    # Otherwise quote() raises for a lone surrogate. A blank is %20, never +: Huawei's signature wants it
    # so.
    return quote(text, safe="", errors="backslashreplace")


def _convert_mapping(value: Json) -> Json:
    return dict(value) if isinstance(value, Mapping) else str(value)
