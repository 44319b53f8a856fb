"""Requests as RFC 9112 frames them, read strictly.

What two readers could take for two different requests is refused, and so is what ends too early.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BufferedIOBase
from typing import NamedTuple

from reconciler.simulator.http.messages import Request

# RFC 9112, 3, asks for 8,000 octets of request line at least; a longer one is a 414, never cut short.
_LONGEST_LINE = 65_536
_MOST_HEADERS = 100
_MOST_BLANK_LINES = 4
_LARGEST_BODY = 16 * 1024 * 1024
_MOST_DIGITS = 16

# token and quoted-string of RFC 9110, 5.6.2 and 5.6.4.
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_NAME = re.compile(_TOKEN)
# The origin form alone (RFC 9112, 3.2.1): this is no proxy. A fragment never travels, so no `#`.
_START = re.compile(rb"(%b) (/[!\"$-~]*) HTTP/1\.([0-9])" % _TOKEN)
_OTHER_VERSION = re.compile(rb"%b [!-~]+ HTTP/[02-9]\.[0-9]" % _TOKEN)
# RFC 9110, 5.5: CR, LF and NUL in a field are dangerous, other controls invalid; a tab is a blank.
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]+")
_LENGTH = re.compile(r"[0-9]+")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*" % (_TOKEN, _TOKEN, _QUOTED))


class Malformed(Exception):
    """What arrived is not a request; carries the status that says so."""

    def __init__(self, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status)
        self.status = status


class Received(NamedTuple):
    """A request, and whether its sender wants the connection closed after the answer."""

    request: Request
    last: bool


def read_request(stream: BufferedIOBase, encourage: Callable[[], None]) -> Received | None:
    """Return the next request, None where there is none; `encourage` answers `Expect: 100-continue`.

    Raises Malformed, after which nothing more can be read, and OSError.
    """
    start = _first_line(stream)
    if start is None:
        return None
    found = _START.fullmatch(start)
    if found is None:
        other = _OTHER_VERSION.fullmatch(start)
        raise Malformed(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED if other else HTTPStatus.BAD_REQUEST)
    method, target, modern = found[1].decode(), found[2].decode(), found[3] != b"0"
    headers = _fields(stream)
    # RFC 9112, 3.2: 400 without Host, with an invalid one, or with two (by now one text with a comma).
    if not _HOST.fullmatch(headers.get("host", "")):
        raise Malformed
    path, _, query = target.partition("?")
    body = _body(stream, headers, encourage, modern=modern)
    # A list, in any case (RFC 9110, 7.6.1); `keep-alive` in HTTP/1.0 may be ignored (RFC 9112, 9.3).
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    return Received(Request(method, path, query, headers, body), "close" in options or not modern)


def _first_line(stream: BufferedIOBase) -> bytes | None:
    for _ in range(_MOST_BLANK_LINES + 1):
        line = stream.readline(_LONGEST_LINE + 1)
        if not line:
            return None
        # RFC 9112, 2.2: some old clients send an empty line after a body, which belongs to no request.
        if line != b"\r\n":
            return _bare(line, HTTPStatus.REQUEST_URI_TOO_LONG)
    raise Malformed


def _line(stream: BufferedIOBase) -> bytes:
    """Return a line without its end; a lone line feed or carriage return is none, as to some other reader it is."""
    return _bare(stream.readline(_LONGEST_LINE + 1), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _bare(line: bytes, too_long: HTTPStatus) -> bytes:
    if len(line) > _LONGEST_LINE:
        raise Malformed(too_long)
    # RFC 9112, 2.2, lets a reader take a bare LF for a line's end. A proxy that does and a server that
    # does not see two different requests, which is how requests are smuggled.
    if not line.endswith(b"\r\n") or _CONTROL.search(line, 0, len(line) - 2):
        raise Malformed
    return line[:-2]


def _fields(stream: BufferedIOBase) -> dict[str, str]:
    """Read fields to the empty line; what is given twice becomes a list, which for a length or a host is no value."""
    fields: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = _line(stream)
        if not line:
            return fields
        name, colon, value = line.partition(b":")
        # No blank before the colon (RFC 9112, 5.1) and no folded line (5.2): both have served for smuggling.
        if not colon or not _NAME.fullmatch(name):
            raise Malformed
        # Latin-1 has a character for each octet, so obs-text (RFC 9110, 5.5) neither fails nor gets lost.
        key, text = name.decode().lower(), value.strip(b" \t").decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    raise Malformed(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _body(stream: BufferedIOBase, headers: Mapping[str, str], encourage: Callable[[], None], *, modern: bool) -> bytes:
    length, codings = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and not _LENGTH.fullmatch(length):
        raise Malformed
    size = _size(length or "0", 10)
    if codings is not None:
        # RFC 9112, 6.1: both fields together may be smuggling; HTTP/1.0 knows no transfer codings.
        if length is not None or not modern:
            raise Malformed
        _only_chunked(codings)
    expected = headers.get("expect", "").lower()
    if expected not in ("", "100-continue"):
        raise Malformed(HTTPStatus.EXPECTATION_FAILED)
    # RFC 9110, 10.1.1: in HTTP/1.0 the expectation is ignored, and without a body nobody waits for a 100.
    if expected and modern and (size or codings):
        encourage()
    return _chunks(stream) if codings is not None else _exactly(stream, size)


def _only_chunked(codings: str) -> None:
    named = [coding.strip().lower() for coding in codings.split(",")]
    if named == ["chunked"]:
        return
    # RFC 9112, 6.3: unless chunked comes last, a request's length can't be told (400). Other codings
    # before it are well formed, but not offered (501).
    framed = named[-1] == "chunked" and named.count("chunked") == 1 and all(named)
    raise Malformed(HTTPStatus.NOT_IMPLEMENTED if framed else HTTPStatus.BAD_REQUEST)


def _size(digits: str, base: int) -> int:
    # int() raises ValueError beyond 4,300 decimal digits, and a line has room for 65,000.
    size = int(digits, base) if len(digits.lstrip("0")) <= _MOST_DIGITS else _LARGEST_BODY + 1
    if size > _LARGEST_BODY:
        raise Malformed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return size


def _exactly(stream: BufferedIOBase, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise Malformed
    return body


def _chunks(stream: BufferedIOBase) -> bytes:
    body = bytearray()
    while True:
        found = _CHUNK.fullmatch(_line(stream))
        if found is None:
            raise Malformed
        length = _size(found[1].decode(), 16)
        if not length:
            # Trailers may be dropped (RFC 9112, 7.1.2); as headers they could change what the request means.
            _fields(stream)
            return bytes(body)
        if len(body) + length > _LARGEST_BODY:
            raise Malformed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += _exactly(stream, length)
        if _exactly(stream, 2) != b"\r\n":
            raise Malformed
