"""Finding and opening files that nobody vouches for: below a folder that was named, and nowhere else.

Below that folder no symbolic link is followed, at no depth and at no moment: every folder on the way is opened relative
to the one before. Only regular files are read; a pipe or a device can't make the tool wait.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.diagnostics import Explanation
from reconciler.documents import limits
from reconciler.sanitize import escape_invisible

_MAX_CLIMB: Final = 2
"""Folders up that a relative path may lead before the whole path says more."""
SUFFIXES: Final = (".yaml", ".yml", ".json")
"""How the names of manifests end; letter case aside."""

# O_NOFOLLOW guards the last component of a path alone (open(2)), hence one open a folder.
_SAFE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
LINK: Final = Explanation(
    "document.unreadable-file",
    "is a symbolic link",
    "it could lead out of the folder that was reviewed",
    "put the file itself here",
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


def read_file(file: FileRef, max_bytes: int = limits.FILE_BYTES) -> bytes:
    """Return a file's bytes, one more than `max_bytes` at most, so that the caller sees that there are more.

    Raises Unreadable for a symbolic link on the way, for what is no regular file, and where the system refuses.
    """
    descriptors: list[int] = []
    try:
        # No O_NOFOLLOW here: the operator named this folder. Below it, dir_fd closes the race between a check
        # of the path and its use, in which a folder could be swapped for a link.
        descriptors.append(os.open(file.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for name in file.parts[:-1]:
            descriptors.append(os.open(name, _SAFE_FLAGS | os.O_DIRECTORY, dir_fd=descriptors[-1]))
        # Without O_NONBLOCK, opening a FIFO waits for a writer (fifo(7)); a regular file ignores it.
        descriptors.append(os.open(file.parts[-1], _SAFE_FLAGS | os.O_NONBLOCK, dir_fd=descriptors[-1]))
        # fstat of the descriptor: what is judged is what is read, whatever the name points to by now.
        if not stat.S_ISREG(os.fstat(descriptors[-1]).st_mode):
            raise Unreadable(SPECIAL)
        return _read_bytes(descriptors[-1], max_bytes + 1)
    except (OSError, ValueError) as error:
        raise Unreadable(_explain_refusal(file, error)) from None
    finally:
        for descriptor in reversed(descriptors):
            os.close(descriptor)


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
