"""Requests as RFC 9112 frames them, read strictly.

What two readers could take for two different requests is refused, and so is what ends too early.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BufferedIOBase
from typing import NamedTuple

from reconciler.simulator.http.messages import HttpRequest

# RFC 9112, 3, asks for 8,000 octets of request line at least; a longer one is a 414, never cut short.
_MAX_LINE = 65_536
_MAX_HEADERS = 100
_MAX_BLANK_LINES = 4
_MAX_BODY = 16 * 1024 * 1024
_MAX_SIZE_DIGITS = 16

# token and quoted-string of RFC 9110, 5.6.2 and 5.6.4.
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
_FIELD_NAME = re.compile(_TOKEN)
# The origin form alone (RFC 9112, 3.2.1): this is no proxy. A fragment never travels, so no `#`.
_REQUEST_LINE = re.compile(rb"(%b) (/[!\"$-~]*) HTTP/1\.([0-9])" % _TOKEN)
_OTHER_VERSION = re.compile(rb"%b [!-~]+ HTTP/[02-9]\.[0-9]" % _TOKEN)
# RFC 9110, 5.5: CR, LF and NUL in a field are dangerous, other controls invalid; a tab is a blank.
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+;=%:\[\]-]+")
_DIGITS = re.compile(r"[0-9]+")
_CHUNK_HEADER = re.compile(
    rb"([0-9A-Fa-f]+)(?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*" % (_TOKEN, _TOKEN, _QUOTED)
)


class MalformedRequest(Exception):
    """What arrived is not a request; carries the status that says so."""

    def __init__(self, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(status)
        self.status = status


class ReceivedRequest(NamedTuple):
    """A request, and whether its sender wants the connection closed after the answer."""

    request: HttpRequest
    last: bool


def read_request(stream: BufferedIOBase, send_continue: Callable[[], None]) -> ReceivedRequest | None:
    """Return the next request, None where there is none; `send_continue` answers `Expect: 100-continue`.

    Raises MalformedRequest, after which nothing more can be read, and OSError.
    """
    request_line = _read_request_line(stream)
    if request_line is None:
        return None
    match = _REQUEST_LINE.fullmatch(request_line)
    if match is None:
        other_version = _OTHER_VERSION.fullmatch(request_line)
        raise MalformedRequest(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED if other_version else HTTPStatus.BAD_REQUEST)
    method, target, is_http11 = match[1].decode(), match[2].decode(), match[3] != b"0"
    headers = _read_fields(stream)
    # RFC 9112, 3.2: 400 without Host, with an invalid one, or with two (by now one text with a comma).
    if not _HOST.fullmatch(headers.get("host", "")):
        raise MalformedRequest
    path, _, query = target.partition("?")
    body = _read_body(stream, headers, send_continue, is_http11=is_http11)
    # A list, in any case (RFC 9110, 7.6.1); `keep-alive` in HTTP/1.0 may be ignored (RFC 9112, 9.3).
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    return ReceivedRequest(HttpRequest(method, path, query, headers, body), "close" in options or not is_http11)


def _read_request_line(stream: BufferedIOBase) -> bytes | None:
    for _ in range(_MAX_BLANK_LINES + 1):
        line = stream.readline(_MAX_LINE + 1)
        if not line:
            return None
        # RFC 9112, 2.2: some old clients send an empty line after a body, which belongs to no request.
        if line != b"\r\n":
            return _strip_line_end(line, HTTPStatus.REQUEST_URI_TOO_LONG)
    raise MalformedRequest


def _read_line(stream: BufferedIOBase) -> bytes:
    """Return a line without its end; a lone line feed or carriage return is none, as to some other reader it is."""
    return _strip_line_end(stream.readline(_MAX_LINE + 1), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _strip_line_end(line: bytes, too_long: HTTPStatus) -> bytes:
    if len(line) > _MAX_LINE:
        raise MalformedRequest(too_long)
    # RFC 9112, 2.2, lets a reader take a bare LF for a line's end. A proxy that does and a server that
    # does not see two different requests, which is how requests are smuggled.
    if not line.endswith(b"\r\n") or _CONTROL_CHARACTER.search(line, 0, len(line) - 2):
        raise MalformedRequest
    return line[:-2]


def _read_fields(stream: BufferedIOBase) -> dict[str, str]:
    """Read fields to the empty line; what is given twice becomes a list, which for a length or a host is no value."""
    fields: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = _read_line(stream)
        if not line:
            return fields
        name, colon, value = line.partition(b":")
        # No blank before the colon (RFC 9112, 5.1) and no folded line (5.2): both have served for smuggling.
        if not colon or not _FIELD_NAME.fullmatch(name):
            raise MalformedRequest
        # Latin-1 has a character for each octet, so obs-text (RFC 9110, 5.5) neither fails nor gets lost.
        key, text = name.decode().lower(), value.strip(b" \t").decode("latin-1")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    raise MalformedRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)


def _expects_continue(headers: Mapping[str, str]) -> bool:
    expectation = headers.get("expect", "").lower()
    if expectation not in ("", "100-continue"):
        raise MalformedRequest(HTTPStatus.EXPECTATION_FAILED)
    return bool(expectation)


def _read_body(
    stream: BufferedIOBase, headers: Mapping[str, str], send_continue: Callable[[], None], *, is_http11: bool
) -> bytes:
    length, codings = headers.get("content-length"), headers.get("transfer-encoding")
    if length is not None and not _DIGITS.fullmatch(length):
        raise MalformedRequest
    size = _parse_size(length or "0", 10)
    if codings is not None:
        # RFC 9112, 6.1: both fields together may be smuggling; HTTP/1.0 knows no transfer codings.
        if length is not None or not is_http11:
            raise MalformedRequest
        _require_chunked(codings)
    # RFC 9110, 10.1.1: in HTTP/1.0 the expectation is ignored, and without a body nobody waits for a 100.
    if _expects_continue(headers) and is_http11 and (size or codings):
        send_continue()
    return _read_chunks(stream) if codings is not None else _read_exactly(stream, size)


def _require_chunked(codings: str) -> None:
    names = [coding.strip().lower() for coding in codings.split(",")]
    if names == ["chunked"]:
        return
    # RFC 9112, 6.3: unless chunked comes last, a request's length can't be told (400). Other codings
    # before it are well formed, but not offered (501).
    is_framed = names[-1] == "chunked" and names.count("chunked") == 1 and all(names)
    raise MalformedRequest(HTTPStatus.NOT_IMPLEMENTED if is_framed else HTTPStatus.BAD_REQUEST)


def _parse_size(digits: str, base: int) -> int:
    # int() raises ValueError beyond 4,300 decimal digits, and a line has room for 65,000.
    size = int(digits, base) if len(digits.lstrip("0")) <= _MAX_SIZE_DIGITS else _MAX_BODY + 1
    if size > _MAX_BODY:
        raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return size


def _read_exactly(stream: BufferedIOBase, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise MalformedRequest
    return body


def _read_chunks(stream: BufferedIOBase) -> bytes:
    body = bytearray()
    while True:
        match = _CHUNK_HEADER.fullmatch(_read_line(stream))
        if match is None:
            raise MalformedRequest
        length = _parse_size(match[1].decode(), 16)
        if not length:
            # Trailers may be dropped (RFC 9112, 7.1.2); as headers they could change what the request means.
            _read_fields(stream)
            return bytes(body)
        if len(body) + length > _MAX_BODY:
            raise MalformedRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        body += _read_exactly(stream, length)
        if _read_exactly(stream, 2) != b"\r\n":
            raise MalformedRequest
