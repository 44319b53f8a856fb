"""Finding and opening files that nobody vouches for: below a folder that was named, and nowhere else.

Below that folder no symbolic link is followed, at no depth and at no moment: every folder on the way is opened relative
to the one before. Where the system has no such way to open (Windows), the path is looked at before and after, and what
changed in between is not read. Only regular files are read; a pipe or a device can't make the tool wait.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from reconciler.diagnostics import Explanation
from reconciler.documents import limits
from reconciler.sanitize import escape_invisible

_MAX_CLIMB: Final = 2
"""Folders up that a relative path may lead before the whole path says more."""
SUFFIXES: Final = (".yaml", ".yml", ".json")
"""How the names of manifests end; letter case aside."""

# POSIX.1-2008 has these, Windows has none of them.
_CAN_OPEN_BELOW: Final = os.open in os.supports_dir_fd and all(
    hasattr(os, name) for name in ("O_NOFOLLOW", "O_DIRECTORY", "O_NONBLOCK", "O_CLOEXEC")
)
LINK: Final = Explanation(
    "document.unreadable-file",
    "is a symbolic link",
    "it could lead out of the folder that was reviewed",
    "put the file itself here",
)
_MOVED: Final = Explanation(
    "document.unreadable-file",
    "was replaced while it was opened",
    "what would be read is not what was looked at",
    "run again when nobody changes it",
)
SPECIAL: Final = Explanation(
    "document.unreadable-file",
    "is not a regular file",
    "reading it could wait for ever",
    "put a plain file here",
)


class Unreadable(Exception):
    """A file can't be read; the summary is a sentence whose subject is the file."""

    def __init__(self, explanation: Explanation) -> None:
        super().__init__(explanation.message)
        self.explanation = explanation


class InputFile(Protocol):
    """Where bytes that nobody vouches for come from; `shown` is how people call it, and no two files have one name."""

    @property
    def shown(self) -> str: ...

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes, one more than `max_bytes` at most, so that the caller sees that there are more.

        Raises Unreadable.
        """

    def beside(self, parts: Sequence[str]) -> InputFile:
        """Return the file at `parts`, seen from the folder in which this file is."""


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file or folder: `parts` below `root`, a folder that the operator named; `shown` is how it is called."""

    root: Path
    parts: tuple[str, ...]
    shown: str

    @property
    def path(self) -> Path:
        """The whole path."""
        return self.root.joinpath(*self.parts)

    def read(self, max_bytes: int = limits.FILE_BYTES) -> bytes:
        """Return the file's bytes, one more than `max_bytes` at most; raises Unreadable.

        That is for a symbolic link on the way, for what is no regular file, and where the system refuses.
        """
        return _read_file(self, max_bytes)

    def get_child(self, name: str) -> FileRef:
        """Return what is called `name` in this folder."""
        return FileRef(
            self.root,
            (*self.parts, name),
            f"{self.shown}/{escape_invisible(name)}" if self.shown != "." else escape_invisible(name),
        )

    def beside(self, parts: Sequence[str]) -> FileRef:
        """Return the file at `parts`, seen from the folder in which this file is."""
        folder = self.shown.rpartition("/")[0]
        display_name = "/".join([*([folder] if folder else []), *map(escape_invisible, parts)])
        return FileRef(self.root, (*self.parts[:-1], *parts), display_name)


def name_path(path: Path, folder: Path) -> str:
    """Return how a path is called by somebody who stands in a folder: relative to it, if it is not far away."""
    full_path, origin = os.path.normpath(folder / path), os.path.abspath(folder)  # noqa: PTH100 - no link is followed
    # Windows' drives have no common path, and ValueError says so.
    if os.path.splitdrive(full_path)[0] != os.path.splitdrive(origin)[0]:
        return escape_invisible(Path(full_path).as_posix())
    relative_path = Path(os.path.relpath(full_path, origin))
    shares_root_alone = os.path.commonpath([full_path, origin]) == os.path.sep
    is_far = shares_root_alone or relative_path.parts.count("..") > _MAX_CLIMB
    return escape_invisible((Path(full_path) if is_far else relative_path).as_posix())


def is_manifest(name: str) -> bool:
    """Say whether a file of that name is read."""
    return name.lower().endswith(SUFFIXES)


def is_ignored(name: str) -> bool:
    """Say whether a name is hidden or an editor's backup: `.x`, `x~`, `#x#`, `x.swp`."""
    return name.startswith(".") or name.endswith(("~", ".swp", ".swo")) or (name[:1] == "#" and name[-1:] == "#")


def read_mode(path: Path, *, follow: bool = False) -> int:
    """Return the mode that says what a path is, of what it links to if asked; 0 where nothing can be told."""
    try:
        return path.stat(follow_symlinks=follow).st_mode
    # ValueError: Python refuses a name that holds a NUL byte before any system call.
    except (OSError, ValueError):
        return 0


def _read_file(file: FileRef, max_bytes: int) -> bytes:
    descriptor = -1
    try:
        with ExitStack() as stack:
            for descriptor in _open_below(file) if _CAN_OPEN_BELOW else _open_by_path(file):
                stack.callback(os.close, descriptor)
            # fstat of the descriptor: what is judged is what is read, whatever the name points to by now.
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable(SPECIAL)
            return _read_bytes(descriptor, max_bytes + 1)
    except (OSError, ValueError) as error:
        raise Unreadable(_explain_refusal(file, error)) from None


def _open_below(file: FileRef) -> Iterator[int]:
    """Yield a descriptor of each folder on the way and of the file, each opened relative to the one before."""
    # O_NOFOLLOW guards the last component of a path alone (open(2)), hence one open a folder.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    # No O_NOFOLLOW here: the operator named this folder. Below it, dir_fd closes the race between a check
    # of the path and its use, in which a folder could be swapped for a link.
    descriptor = os.open(file.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    yield descriptor
    for name in file.parts[:-1]:
        descriptor = os.open(name, flags | os.O_DIRECTORY, dir_fd=descriptor)
        yield descriptor
    # Without O_NONBLOCK, opening a FIFO waits for a writer (fifo(7)); a regular file ignores it.
    yield os.open(file.parts[-1], flags | os.O_NONBLOCK, dir_fd=descriptor)


def _open_by_path(file: FileRef) -> Iterator[int]:
    """Yield a descriptor of the file, if the way to it is the same after it was opened as before."""
    before = _examine_way(file)
    # Without O_BINARY Windows turns line ends into others.
    descriptor = os.open(file.path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    yield descriptor
    after = [*_examine_way(file)[:-1], os.fstat(descriptor)]
    if not all(map(os.path.samestat, before, after)):
        raise Unreadable(_MOVED)


def _examine_way(file: FileRef) -> list[os.stat_result]:
    """Return the status of each folder below the root and of the file; raises Unreadable for what is not read."""
    statuses = [file.root.joinpath(*file.parts[: count + 1]).lstat() for count in range(len(file.parts))]
    if any(map(_is_link, statuses)):
        raise Unreadable(LINK)
    if not stat.S_ISREG(statuses[-1].st_mode):
        raise Unreadable(SPECIAL)
    return statuses


def _is_link(status: os.stat_result) -> bool:
    # A junction is Windows' link to a folder, and no symbolic link to lstat.
    tag = getattr(status, "st_reparse_tag", 0)
    return stat.S_ISLNK(status.st_mode) or bool(tag and tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None))


def _read_bytes(descriptor: int, remaining: int) -> bytes:
    parts: list[bytes] = []
    # read(2) may return less than was asked for; only nothing at all is the end.
    while remaining > 0 and (part := os.read(descriptor, min(remaining, 1 << 20))):
        parts.append(part)
        remaining -= len(part)
    return b"".join(parts)


def _explain_refusal(file: FileRef, error: OSError | ValueError) -> Explanation:
    """Say why a file couldn't be opened; a link shows as ELOOP, or as ENOTDIR where a folder was expected."""
    prefixes = [FileRef(file.root, file.parts[: count + 1], "") for count in range(len(file.parts))]
    if any(stat.S_ISLNK(read_mode(prefix.path)) for prefix in prefixes):
        return LINK
    if isinstance(error, FileNotFoundError):
        return Explanation("document.unreadable-file", "does not exist", remedy="correct the name or add the file")
    cause = error.strerror if isinstance(error, OSError) else "the name is not valid"
    return Explanation(
        "document.unreadable-file",
        f"can't be read ({cause})",
        "what it declares is unknown",
        "correct its permissions or its name",
    )
