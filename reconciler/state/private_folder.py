"""The folder of a local store: ours alone, on a disk of this machine, with a reserve for the day when it is full."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from reconciler.diagnostics import Explanation
from reconciler.state.store_errors import StoreReadOnly, StoreUnsafe

RESERVE_BYTES = 64 * 1024
"""Room for the results of what was sent already: a record is well below 1 KiB."""
_RESERVE = "reserve"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Locks of SQLite need fcntl(2) that works and memory that is the same for all: https://sqlite.org/faq.html#q5.
_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ncpfs|ceph|glusterfs|lustre|gpfs|beegfs|ocfs2|gfs2|fuse(\.(?!(fuse-overlayfs)$).*)?"
)
_MOUNTS = Path("/proc/self/mountinfo")


def prepare_folder(folder: Path) -> None:
    """Make the folder, for ourselves alone; raises StoreUnsafe where it is a link or open to others' writing."""
    try:
        if not os.path.lexists(folder):
            folder.mkdir(parents=True, mode=0o700)
            # What lies there is no part of the repository that it lies in.
            (folder / ".gitignore").write_text("*\n", "utf-8")
    except OSError as error:
        raise StoreReadOnly(str(folder), error.strerror or "it can't be made", "choose another folder") from None
    mode = folder.lstat().st_mode
    if not stat.S_ISDIR(mode):
        raise _make_unsafe(folder, "is no folder, or a link to one", "name the folder itself")
    # Windows has neither owners nor these bits.
    if hasattr(os, "geteuid") and mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _make_unsafe(folder, "can be written to by others", f"chmod go-w {folder}")


def check_folder_place(folder: Path) -> None:
    """Raise what `prepare_folder` would, as far as that can be told without making anything."""
    if os.path.lexists(folder):
        prepare_folder(folder)
        return
    parent = next(path for path in folder.absolute().parents if path.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        fault = "can't be written to" if parent.is_dir() else "is no folder"
        raise StoreReadOnly(str(folder), f"{parent} {fault}", "choose another folder")


def create_private_file(path: Path) -> None:
    """Make an empty file for ourselves, unless there is one; raises StoreUnsafe for one that others can read."""
    # open(2) and not SQLite: that would give it 0644 less the umask.
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0)
    try:
        os.close(os.open(path, flags, 0o600))
    except FileExistsError:
        check_private_file(path)
    except OSError as error:
        raise StoreReadOnly(str(path), error.strerror or "it can't be made", "choose another folder") from None


def check_private_file(path: Path) -> None:
    """Raise StoreUnsafe unless this is a regular file of ours that nobody else can read or write."""
    information = path.lstat()
    if not stat.S_ISREG(information.st_mode):
        raise _make_unsafe(path, "is a link or no regular file", "move it away")
    if hasattr(os, "geteuid") and information.st_uid not in (os.geteuid(), 0):
        raise _make_unsafe(path, "belongs to somebody else", f"chown it, or move {path} away")
    if hasattr(os, "geteuid") and information.st_mode & _OTHERS:
        raise _make_unsafe(path, "can be read or written by others", f"chmod 600 {path}")


def find_network_file_system(path: Path) -> str:
    """Return the type of the file system that a path is on if that is one of a network, else ""."""
    try:
        mounts = _MOUNTS.read_text("utf-8", errors="replace")
    except OSError:
        # Other systems don't tell so simply; there the documentation says it.
        return ""
    kind = find_mounted_type(os.path.realpath(path), mounts)
    return kind if _NETWORK.fullmatch(kind) else ""


def find_mounted_type(path: str, mounts: str) -> str:
    """Return the type of the file system at an absolute path, from the text of `/proc/self/mountinfo` (proc(5))."""
    best, kind = "", ""
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields.split(" ")[4])
        below = path == point or path.startswith(point.rstrip("/") + "/")
        # The last mount on a place hides those before it.
        if below and len(point) >= len(best):
            best, kind = point, rest.split(" ")[0]
    return kind


def check_file_system(folder: Path) -> None:
    """Raise StoreUnsafe where a folder is on a network file system."""
    kind = find_network_file_system(folder)
    if kind:
        reason = "SQLite files get damaged where two machines write to them over a network"
        remedy = "choose a folder on a local disk, PostgreSQL or git, or say {sqlite: {network: accepted}}"
        summary = f"{folder} is on a network file system ({kind})"
        raise StoreUnsafe(Explanation("state.network-file-system", summary, reason, remedy))


def make_reserve(folder: Path) -> None:
    """Set room aside, unless it is; without room there is none to set aside, and the first write says so."""
    path = folder / _RESERVE
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError:
        return
    try:
        # Not zeros: a file system that compresses would keep them in no room at all.
        os.write(descriptor, os.urandom(RESERVE_BYTES))
        os.fsync(descriptor)
    except OSError:
        path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def free_reserve(folder: Path) -> bool:
    """Give the room back; False if there was none."""
    try:
        (folder / _RESERVE).unlink()
    except OSError:
        return False
    return True


def _make_unsafe(path: Path, fault: str, remedy: str) -> StoreUnsafe:
    reason = "whoever can write there can make the tool forget what it did"
    return StoreUnsafe(Explanation("state.exposed", f"{path} {fault}", reason, remedy))
