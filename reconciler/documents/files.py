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

from reconciler.documents import limits
from reconciler.sanitize import escape_invisible

SUFFIXES: Final = (".yaml", ".yml", ".json")
"""How the names of manifests end; letter case aside."""

# O_NOFOLLOW guards the last component of a path alone (open(2)), hence one open a folder.
_SAFELY: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
LINK: Final = "is a symbolic link; it could lead out of the folder that was reviewed; put the file itself here"
SPECIAL: Final = "is not a regular file; reading it could wait for ever; put a plain file here"


class Unreadable(Exception):
    """A file can't be read; the message says what, why and what to do."""


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder: `parts` below `root`, a folder that the operator named; `shown` is how it is called."""

    root: Path
    parts: tuple[str, ...]
    shown: str

    @property
    def path(self) -> Path:
        """The whole path."""
        return self.root.joinpath(*self.parts)

    def below(self, name: str) -> Place:
        """Return what is called `name` in this folder."""
        return Place(
            self.root,
            (*self.parts, name),
            f"{self.shown}/{escape_invisible(name)}" if self.shown != "." else escape_invisible(name),
        )

    def beside(self, parts: Sequence[str]) -> Place:
        """Return the file at `parts`, seen from the folder in which this file is."""
        folder = self.shown.rpartition("/")[0]
        shown = "/".join([*([folder] if folder else []), *map(escape_invisible, parts)])
        return Place(self.root, (*self.parts[:-1], *parts), shown)


def is_manifest(name: str) -> bool:
    """Say whether a file of that name is read."""
    return name.lower().endswith(SUFFIXES)


def is_ignored(name: str) -> bool:
    """Say whether a name is hidden or an editor's backup: `.x`, `x~`, `#x#`, `x.swp`."""
    return name.startswith(".") or name.endswith(("~", ".swp", ".swo")) or (name[:1] == "#" and name[-1:] == "#")


def mode_of(path: Path, *, follow: bool = False) -> int:
    """Return the mode that says what a path is, of what it links to if asked; 0 where nothing can be told."""
    try:
        return path.stat(follow_symlinks=follow).st_mode
    # ValueError: Python refuses a name that holds a NUL byte before any system call.
    except (OSError, ValueError):
        return 0


def read(place: Place, most: int = limits.FILE_BYTES) -> bytes:
    """Return a file's bytes, one more than `most` at most, so that the caller sees that there are more.

    Raises Unreadable for a symbolic link on the way, for what is no regular file, and where the system refuses.
    """
    opened: list[int] = []
    try:
        # No O_NOFOLLOW here: the operator named this folder. Below it, dir_fd closes the race between a check
        # of the path and its use, in which a folder could be swapped for a link.
        opened.append(os.open(place.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for name in place.parts[:-1]:
            opened.append(os.open(name, _SAFELY | os.O_DIRECTORY, dir_fd=opened[-1]))
        # Without O_NONBLOCK, opening a FIFO waits for a writer (fifo(7)); a regular file ignores it.
        opened.append(os.open(place.parts[-1], _SAFELY | os.O_NONBLOCK, dir_fd=opened[-1]))
        # fstat of the descriptor: what is judged is what is read, whatever the name points to by now.
        if not stat.S_ISREG(os.fstat(opened[-1]).st_mode):
            raise Unreadable(SPECIAL)
        return _all(opened[-1], most + 1)
    except (OSError, ValueError) as error:
        raise Unreadable(_refusal(place, error)) from None
    finally:
        for descriptor in reversed(opened):
            os.close(descriptor)


def _all(descriptor: int, most: int) -> bytes:
    parts: list[bytes] = []
    # read(2) may return less than was asked for; only nothing at all is the end.
    while most > 0 and (part := os.read(descriptor, min(most, 1 << 20))):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _refusal(place: Place, error: OSError | ValueError) -> str:
    """Say why a file couldn't be opened; a link shows as ELOOP, or as ENOTDIR where a folder was expected."""
    below = [Place(place.root, place.parts[: count + 1], "") for count in range(len(place.parts))]
    if any(stat.S_ISLNK(mode_of(one.path)) for one in below):
        return LINK
    if isinstance(error, FileNotFoundError):
        return "does not exist; correct the name or add the file"
    reason = error.strerror if isinstance(error, OSError) else "the name is not valid"
    return f"can't be read ({reason}); what it declares is unknown; correct its permissions or its name"
