"""Bytes over a pipe, so that the other end knows where they end: their number in four bytes, then they."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct(">I")


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Write one frame, whole; raises OSError where nobody reads any more."""
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    # A signal may end a write to a pipe in the middle, and then it says how much it wrote.
    while rest:
        rest = rest[stream.write(rest) :]


def read_frame(stream: IO[bytes]) -> bytes | None:
    """Return the next frame, or None at the end; what was broken off in the middle is no frame."""
    head = _read_exactly(stream, _LENGTH.size)
    return None if head is None else _read_exactly(stream, _LENGTH.unpack(head)[0])


def _read_exactly(stream: IO[bytes], size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        # Of a pipe without a buffer one read gives what is there, not what was asked for.
        part = stream.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
