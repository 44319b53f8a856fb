"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

# Of the place itself, and not of how it was named: no room, no quota, too large for a limit, a device that fails.
_STORAGE_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def is_storage_failure(error: OSError) -> bool:
    """Say whether a write failed for what lies beneath a file, so that another name alone would mend nothing."""
    return error.errno in _STORAGE_ERRORS


def append_to_file(path: Path, data: bytes, limit: int) -> None:
    """Add to the end of a file in one piece, if it then has no more bytes than `limit`. Raises OSError."""
    # O_APPEND: where several processes write, each begins at what is the end then (write(2)).
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        if os.fstat(descriptor).st_size + len(data) > limit:
            raise OSError(errno.EFBIG, "it would be too large")
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)


def replace_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Write a file durably: beside its place first, flushed to the disk, then renamed over it. Raises OSError.

    What is there and no regular file (a device, a pipe) is left alone: it is no place that a file can take.
    """
    # A rename puts a file in the place of /dev/null, for everybody, where one runs as root.
    if path.exists() and not path.is_file():
        raise OSError(errno.EEXIST, "what is there is not a regular file")
    # In the same folder: rename(2) is atomic within one file system, and fails between two (EXDEV). mkstemp opens
    # with O_EXCL, so nobody's prepared link is followed.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            # mkstemp gives 0600; fchmod, other than open(), takes no umask into account.
            if hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            # Before the rename: a file system may write names before data; after a power loss an empty file would bear
            # the name.
            os.fsync(file.fileno())
        temporary.replace(path)
    # KeyboardInterrupt too leaves nothing half-written behind.
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    # Windows opens no folder.
    if not hasattr(os, "O_DIRECTORY"):
        return
    # fsync(2) of a file doesn't reach its entry in the folder: without this a power loss may undo the rename.
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
