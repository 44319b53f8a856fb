"""A file's bytes, from regular files alone, bounded, and with one reason where they can't be had."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_FILE_BYTES = 1024 * 1024
"""Bytes of the largest file that is read: the vendors' own are small."""


class Unavailable(Exception):
    """Why something can't be had. The message goes on after its name, such as `can't be read (Permission denied)`."""


def read_regular_file(path: Path) -> bytes:
    """Return what a file holds; links are followed. Raises Unavailable, whatever the system says."""
    try:
        with open_regular_file(path) as handle:
            return read_bounded(handle, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise Unavailable(f"can't be read ({describe_file_error(error)})") from None


@contextmanager
def open_regular_file(path: Path, flags: int = 0) -> Iterator[int]:
    """Give the descriptor of a regular file; a pipe or a device, which could make us wait, is Unavailable.

    Raises OSError, and ValueError for what is no path.
    """
    # open(2): without O_NONBLOCK a FIFO waits for a writer; without O_NOCTTY a terminal may become ours.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY | flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unavailable("is not a regular file")
        yield handle
    finally:
        os.close(handle)


def read_bounded(handle: int, max_bytes: int) -> bytes:
    """Return the rest of an open file; raises Unavailable where that is more than `most` bytes, OSError."""
    data = bytearray()
    # read(2) may return less than was asked for, and a file may grow after its size was looked at.
    while chunk := os.read(handle, max_bytes + 1 - len(data)):
        data += chunk
        if len(data) > max_bytes:
            raise Unavailable(f"has more than {max_bytes // 1024} KiB and is hardly the file that was meant")
    return bytes(data)


def explain_hidden(path: Path) -> str:
    """Say why it can't be told whether a file is there: `Permission denied`; "" where it can be told."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, ValueError) as error:
        return describe_file_error(error)
    return ""


def describe_file_error(error: OSError | ValueError) -> str:
    """Return the system's own words; a path that is none (a NUL, a lone surrogate) is a ValueError."""
    return (error.strerror if isinstance(error, OSError) else None) or "it is not a valid path"
