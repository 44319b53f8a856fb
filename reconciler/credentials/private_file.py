"""A file that holds a secret: what it says, if nobody but us and root can read it or put another in its place.

The way to it is looked at from the root down. Every folder and every link on it must be ours or root's, and no folder
may be open to others' writing unless it is sticky, like /tmp. So nobody else can change what was looked at, and nothing
lies between the look and the reading.

A link at the end of the way is followed where it stays inside its own folder, as in a Kubernetes volume: there
`client-secret` leads to `..data/client-secret`, and `..data` to the folder of the newest version.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import reduce
from operator import or_
from pathlib import Path

from reconciler.diagnostics import Explanation

MAX_FILE_BYTES = 1024 * 1024
"""Bytes of the largest file that is read: the vendors' own are small."""
_MAX_LINKS = 40
"""Links on one way; as the kernel has it."""


_NO_OWNERS = Explanation(
    "settings.unsupported",
    "is not read on this system",
    "who else may read a file can't be told here",
    "give the secret as {env: NAME}",
)


class Unavailable(Exception):
    """Why something can't be had. The summary goes on after its name, such as `can't be read (Permission denied)`."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


def read_regular_file(path: Path) -> bytes:
    """Return what a file holds; links are followed. Raises Unavailable, whatever the system says."""
    try:
        with open_regular_file(path) as handle:
            return read_bounded(handle, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        cause = describe_file_error(error)
        raise Unavailable(Explanation("settings.secret-unreadable", f"can't be read ({cause})")) from None


def _combine_flags(*names: str) -> int:
    """Return those of the flags of open(2) together that this system has."""
    return reduce(or_, (getattr(os, name, 0) for name in names))


@contextmanager
def open_regular_file(path: Path, flags: int = 0) -> Iterator[int]:
    """Give the descriptor of a regular file; a pipe or a device, which could make us wait, is Unavailable.

    Raises OSError, and ValueError for what is no path.
    """
    # open(2): without O_NONBLOCK a FIFO waits for a writer; without O_NOCTTY a terminal may become ours.
    # Windows has none of the three, and no FIFO or terminal in the file system.
    handle = os.open(path, os.O_RDONLY | _combine_flags("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY") | flags)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unavailable(Explanation("settings.secret-unreadable", "is not a regular file"))
        yield handle
    finally:
        os.close(handle)


def read_bounded(handle: int, max_bytes: int) -> bytes:
    """Return the rest of an open file; raises Unavailable where that is more than `max_bytes`, OSError."""
    data = bytearray()
    # read(2) may return less than was asked for, and a file may grow after its size was looked at.
    while chunk := os.read(handle, max_bytes + 1 - len(data)):
        data += chunk
        if len(data) > max_bytes:
            size = f"{max_bytes // 1024} KiB"
            raise Unavailable(
                Explanation("settings.secret-unreadable", f"has more than {size} and is hardly the file that was meant")
            )
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


def read_private_file(path: Path, max_bytes: int) -> bytes:
    """Return a file's bytes, `max_bytes` at most; raises Unavailable with the command that mends it."""
    # Who else may read a file is told by POSIX's owners and modes alone.
    if not hasattr(os, "geteuid"):
        raise Unavailable(_NO_OWNERS)
    try:
        # open(2): ELOOP if the last part has meanwhile become a link.
        with open_regular_file(_follow_path(path), os.O_NOFOLLOW) as handle:
            # By the descriptor, not by the path: what is judged is what is read (CWE-367).
            _check_file(os.fstat(handle), path)
            return read_bounded(handle, max_bytes)
    except (OSError, ValueError) as error:
        cause, remedy = describe_file_error(error), "correct the path, or who may enter its folders"
        if isinstance(error, FileNotFoundError):
            remedy = "create it and `chmod 600` it"
        raise Unavailable(
            Explanation("settings.secret-unreadable", f"can't be read ({cause})", remedy=remedy)
        ) from None


def _follow_path(path: Path) -> Path:
    """Return where a path leads; raises OSError or ValueError, and Unavailable where others could turn it elsewhere."""
    start = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links that are to be looked at
    folder, remaining = Path(start.anchor), [*reversed(start.parts[1:])]
    links, must_stay = 0, False
    while remaining:
        name = remaining.pop()
        if name == "..":  # of a link: where we are no link is left
            folder = folder.parent
            continue
        # Before the entry is looked at: in a folder open to others it could be another one a moment later.
        _check_folder(folder)
        step = folder / name
        status = step.lstat()
        if not stat.S_ISLNK(status.st_mode):
            folder = step
            continue
        target, links, must_stay = step.readlink(), links + 1, must_stay or not remaining
        _check_link(step, status)
        if links > _MAX_LINKS or (must_stay and (target.is_absolute() or ".." in target.parts)):
            raise _make_exposed("is a symbolic link, which may be made to point elsewhere", "name the file itself")
        folder = Path(target.anchor) if target.is_absolute() else folder
        remaining += [part for part in reversed(target.parts) if part != target.anchor]
    return folder


def _list_trusted_ids() -> set[int]:
    """Return whom we trust, as users and as groups: root and ourselves; a user's own group has the user's number."""
    return {0, os.geteuid()}


def _check_folder(folder: Path) -> None:
    status = folder.lstat()
    if status.st_uid not in _list_trusted_ids():
        raise _make_exposed(
            f"lies below {folder}, whose owner is another user and could put another file there", "move it"
        )
    is_shared = status.st_mode & stat.S_IWOTH or (
        status.st_mode & stat.S_IWGRP and status.st_gid not in _list_trusted_ids()
    )
    # inode(7): in a sticky folder an entry is moved or removed by its owner, the folder's, or root.
    if is_shared and not status.st_mode & stat.S_ISVTX:
        mode = f"{stat.S_IMODE(status.st_mode):04o}"
        raise _make_exposed(
            f"lies below {folder}, where other users may write (mode {mode}) and could put another file",
            f"run: chmod go-w {folder}",
        )


def _check_link(link: Path, status: os.stat_result) -> None:
    if status.st_uid not in _list_trusted_ids():
        raise _make_exposed(f"is reached through {link}, a symbolic link of another user", "name the file itself")


def _check_file(status: os.stat_result, path: Path) -> None:
    """Refuse a file of somebody else's or one that is open to others.

    A group may read root's file, 0440: so Kubernetes makes it (with `fsGroup`) and systemd (whose access list for the
    service's user shows as the group's bits).
    """
    if status.st_uid not in _list_trusted_ids():
        raise _make_exposed("belongs to another user", f"run: chown {os.geteuid()} {path}")
    mode = stat.S_IMODE(status.st_mode)
    # acl(5): with an access list the group's bits are its mask, so 0440 may mean one named user.
    # 0o7377 leaves out the owner's reading alone: 0440 and 0040 pass, nothing wider does.
    if status.st_mode & 0o077 and not (status.st_uid == 0 and mode & 0o7377 == 0o040):
        is_own = os.geteuid() == status.st_uid
        volume = ", or set defaultMode: 0400 where a Kubernetes volume holds it" if path.is_symlink() else ""
        raise _make_exposed(
            f"is open to other users (mode {mode:04o})", f"run: chmod {600 if is_own else 440} {path}{volume}"
        )


def _make_exposed(summary: str, remedy: str) -> Unavailable:
    return Unavailable(Explanation("settings.secret-exposed", summary, remedy=remedy))
