"""A reply's body: decoded here, byte by counted byte, so that no compression can make much out of little."""

from __future__ import annotations

import zlib
from typing import Protocol

_CHUNK = 256 * 1024


class UnusableBody(Exception):
    """The body can't be used: too large, or in an encoding that wasn't asked for."""


class TruncatedBody(Exception):
    """The body ended before its own end mark."""


class RawBody(Protocol):
    """What of urllib3's answer is needed."""

    def read(self, amt: int | None = None, decode_content: bool | None = None) -> bytes:  # noqa: FBT001
        """Return up to `amt` bytes, b"" at the end."""


def read_body(raw: RawBody, encoding: str, cap: int) -> bytes:
    """Read all of a body in the encodings identity and gzip, at most `cap` bytes of it once decoded.

    Raises UnusableBody, TruncatedBody (gzip alone can tell) or whatever the socket raises.
    """
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return _read_plain(raw, cap)
    # RFC 9110, 8.4.1.3: a recipient should take x-gzip for gzip.
    if coding in ("gzip", "x-gzip"):
        return _read_gzip(raw, cap)
    raise UnusableBody("it is compressed in a way that was not asked for")


def _make_size_error(cap: int) -> UnusableBody:
    return UnusableBody(f"it is larger than {cap // (1024 * 1024)} MiB")


def _read_plain(raw: RawBody, cap: int) -> bytes:
    parts, size = [], 0
    while chunk := raw.read(_CHUNK, decode_content=False):
        size += len(chunk)
        if size > cap:
            raise _make_size_error(cap)
        parts.append(chunk)
    return b"".join(parts)


def _read_gzip(raw: RawBody, cap: int) -> bytes:
    parts, space_left = [], cap
    decompressor = zlib.decompressobj(wbits=31)
    try:
        # The library's own decoding is off: how much it makes of one read would be out of our hands.
        while chunk := raw.read(_CHUNK, decode_content=False):
            while chunk:
                if decompressor.eof:  # several members make one body
                    decompressor = zlib.decompressobj(wbits=31)
                # zlib makes no more than it is allowed: one byte over the cap is enough.
                part = decompressor.decompress(chunk, space_left + 1)
                space_left -= len(part)
                if space_left < 0:
                    raise _make_size_error(cap)
                parts.append(part)
                chunk = decompressor.unconsumed_tail or decompressor.unused_data
    except zlib.error:
        raise UnusableBody("its compression is damaged") from None
    # zlib raises nothing where input ends early; a member is whole once its trailer came (RFC 1952, 2.3).
    if not decompressor.eof and (parts or decompressor.unconsumed_tail):
        raise TruncatedBody
    return b"".join(parts)
