"""What goes over the wire: a request as it was received, a reply as it will be sent, and a refusal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn, TypeAlias
from urllib.parse import unquote

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""


# Made once: json.dumps() with settings of its own makes one a call.
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. `path` and `query` are raw (percent-encoded); header names are lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    def pairs(self, *, plus: str = "+") -> list[tuple[str, str]]:
        """Return the query as decoded pairs in the order sent; `plus` is what a `+` stands for."""
        # `+` is a blank in HTML forms and a plus in RFC 3986. Before unquote(), so that %2B remains a plus.
        query = self.query.replace("+", plus)
        return [
            (unquote(name), unquote(value))
            for name, _, value in (part.partition("=") for part in query.split("&") if part)
        ]


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One HTTP answer. A body of b"" is sent with Content-Length 0, or not at all for 204."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json; charset=utf-8"

    def with_headers(self, *headers: tuple[str, str]) -> HttpReply:
        """Return the reply with more headers."""
        return replace(self, headers=(*self.headers, *headers))


def build_json_reply(value: Json, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> HttpReply:
    """Return a reply with a compact JSON body."""
    return HttpReply(status, encode_json_body(value), tuple(headers))


def encode_json_body(value: Json) -> bytes:
    """Serialise as both servers do: compact, UTF-8."""
    return _ENCODER.encode(value).encode()


@dataclass
class ApiError(Exception):
    """The server says no. Rendered in the error shape of the API that it concerns; nothing was changed."""

    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    bare: bool = field(default=False)
    """True for an answer without a body, such as a 405."""


class JsonBodyError(ValueError):
    """The bytes are not one JSON document."""


def decode_json_body(body: bytes) -> Json:
    """Parse one JSON document strictly: Unicode, no NaN or Infinity, nothing behind it; raises JsonBodyError."""
    try:
        # json.loads() would take UTF-16 and UTF-32 bytes too; between systems JSON is UTF-8 (RFC 8259, 8.1).
        return _require_characters(json.loads(body.decode("utf-8"), parse_constant=_reject_constant), body)
    except (ValueError, RecursionError) as error:
        raise JsonBodyError(str(error)) from error


def _require_characters(value: Json, body: bytes) -> Json:
    """Return the value; raises ValueError where an escape is half of a surrogate pair, which is no character."""
    # Only an escape can bring in half a pair (RFC 8259, 8.2), as strict UTF-8 can't; most have none.
    if b"\\u" in body:
        encode_json_body(value)
    return value


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
