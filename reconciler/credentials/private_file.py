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
from pathlib import Path

from reconciler.credentials.regular_file import Unavailable, opened, whole, why

_LINKS = 40
"""Links on one way; as the kernel has it."""


def private(path: Path, most: int) -> bytes:
    """Return a file's bytes, `most` at most; raises Unavailable with the command that mends it."""
    try:
        # open(2): ELOOP if the last part has meanwhile become a link.
        with opened(_led_to(path), os.O_NOFOLLOW) as handle:
            # By the descriptor, not by the path: what is judged is what is read (CWE-367).
            _judge(os.fstat(handle), path)
            return whole(handle, most)
    except FileNotFoundError as error:
        raise Unavailable(f"can't be read ({why(error)}); create it and `chmod 600` it") from None
    except (OSError, ValueError) as error:
        raise Unavailable(f"can't be read ({why(error)}); correct the path, or who may enter its folders") from None


def _led_to(path: Path) -> Path:
    """Return where a path leads; raises OSError or ValueError, and Unavailable where others could turn it elsewhere."""
    start = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the links that are to be looked at
    place, rest = Path(start.anchor), [*reversed(start.parts[1:])]
    links, stays = 0, False
    while rest:
        name = rest.pop()
        if name == "..":  # of a link: where we are no link is left
            place = place.parent
            continue
        # Before the entry is looked at: in a folder open to others it could be another one a moment later.
        _judge_folder(place)
        step = place / name
        found = step.lstat()
        if not stat.S_ISLNK(found.st_mode):
            place = step
            continue
        target, links, stays = step.readlink(), links + 1, stays or not rest
        _judge_link(step, found)
        if links > _LINKS or (stays and (target.is_absolute() or ".." in target.parts)):
            raise Unavailable("is a symbolic link, which may be made to point elsewhere; name the file itself")
        place = Path(target.anchor) if target.is_absolute() else place
        rest += [part for part in reversed(target.parts) if part != target.anchor]
    return place


def _ours() -> set[int]:
    """Return whom we trust, as users and as groups: root and ourselves; a user's own group has the user's number."""
    return {0, os.geteuid()}


def _judge_folder(folder: Path) -> None:
    found = folder.lstat()
    if found.st_uid not in _ours():
        raise Unavailable(f"lies below {folder}, whose owner is another user and could put another file there; move it")
    shared = found.st_mode & stat.S_IWOTH or (found.st_mode & stat.S_IWGRP and found.st_gid not in _ours())
    # inode(7): in a sticky folder an entry is moved or removed by its owner, the folder's, or root.
    if shared and not found.st_mode & stat.S_ISVTX:
        raise Unavailable(
            f"lies below {folder}, where other users may write (mode {stat.S_IMODE(found.st_mode):04o}) and could put "
            f"another file; run: chmod go-w {folder}"
        )


def _judge_link(link: Path, found: os.stat_result) -> None:
    if found.st_uid not in _ours():
        raise Unavailable(f"is reached through {link}, a symbolic link of another user; name the file itself")


def _judge(found: os.stat_result, path: Path) -> None:
    """Refuse a file of somebody else's or one that is open to others.

    A group may read root's file, 0440: so Kubernetes makes it (with `fsGroup`) and systemd (whose access list for the
    service's user shows as the group's bits).
    """
    if found.st_uid not in _ours():
        raise Unavailable(f"belongs to another user; run: chown {os.geteuid()} {path}")
    mode = stat.S_IMODE(found.st_mode)
    # acl(5): with an access list the group's bits are its mask, so 0440 may mean one named user.
    # 0o7377 leaves out the owner's reading alone: 0440 and 0040 pass, nothing wider does.
    if found.st_mode & 0o077 and not (found.st_uid == 0 and mode & 0o7377 == 0o040):
        own = os.geteuid() == found.st_uid
        volume = ", or set defaultMode: 0400 where a Kubernetes volume holds it" if path.is_symlink() else ""
        raise Unavailable(f"is open to other users (mode {mode:04o}); run: chmod {600 if own else 440} {path}{volume}")
