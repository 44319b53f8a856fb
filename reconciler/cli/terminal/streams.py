"""Writing to a stream, whatever it can encode and however little of it is taken at once, and reading one to its end.

Imports nothing of the tool: `--help` needs this alone, and should not wait for anything else.
"""

from __future__ import annotations

from errno import EAGAIN
from io import RawIOBase
from os import strerror
from typing import TextIO


def write_text(stream: TextIO, text: str) -> str:
    """Write and flush; what the stream can't encode is spelled out, and a reader who has gone is no fault.

    Returns why not all of it could be written, or "".
    """
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        # A stream is ASCII or Latin-1 under PYTHONIOENCODING or an old locale.
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        _write_all(stream, text, encoding)
    # Python ignores SIGPIPE, so a reader such as `head` that has had enough shows as EPIPE.
    except BrokenPipeError:
        pass
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _write_all(stream: TextIO, text: str, encoding: str) -> None:
    """Write all of a text. With PYTHONUNBUFFERED a stream would drop what a signal or a full disk leaves over."""
    raw = getattr(stream, "buffer", None)
    # Only an unbuffered stream has a raw one here; TextIOWrapper takes no notice of how much its write() took.
    if not isinstance(raw, RawIOBase):
        stream.write(text)
        stream.flush()
        return
    unwritten = memoryview(text.encode(encoding))
    while unwritten:
        count = raw.write(unwritten)
        # A descriptor that would block. O_NONBLOCK belongs to the open file, which is shared with whoever passed it
        # on: another process can have set it.
        if count is None:
            raise BlockingIOError(EAGAIN, strerror(EAGAIN))
        unwritten = unwritten[count:]


def read_piped_bytes(stream: TextIO) -> bytes:
    """Return all that a stream has to give, as it was sent."""
    raw = getattr(stream, "buffer", None)
    # A stream of a test or of another program may have text alone.
    return bytes(raw.read()) if raw is not None else stream.read().encode("utf-8", "surrogatepass")
