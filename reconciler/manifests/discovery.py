"""Which files are manifests: every folder below a path, in the order of names, whatever the file system's own order."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.documents import limits
from reconciler.documents.files import LINK, SPECIAL, SUFFIXES, Place, is_ignored, is_manifest, mode_of
from reconciler.errors import Problem, Source, UsageError
from reconciler.sanitize import escape_invisible


class Listing(NamedTuple):
    """What a search found: manifests in order, what is wrong with others, and the names of what was passed over."""

    files: list[Place]
    problems: list[Problem]
    ignored: list[str]


def find(paths: Sequence[Path | str], base: Path) -> Listing:
    """Return the manifests at and below paths, which may be relative to `base`; a file that is named twice comes once.

    Raises UsageError for every path that does not exist or is a file that can't be a manifest.
    """
    places = [_place(Path(path), base) for path in paths]
    unfit = [problem for place in places for problem in _unfit(place)]
    if unfit:
        raise UsageError(*unfit)
    search = _Search()
    for place in places:
        search.visit(place)
    search.ignored.sort()
    return Listing(search.files, search.problems, search.ignored)


def _place(path: Path, base: Path) -> Place:
    # Not resolve(): it would follow a symbolic link, and the search would never see that there was one.
    whole = Path(os.path.normpath(base / path))
    origin = Path(os.path.normpath(base.absolute()))
    shown = escape_invisible((whole.relative_to(origin) if whole.is_relative_to(origin) else whole).as_posix())
    if stat.S_ISDIR(mode_of(whole)):
        return Place(whole, (), shown)
    return Place(whole.parent, (whole.name,), shown)


def _unfit(place: Place) -> list[Problem]:
    path = place.path
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return [Problem(Source(place.shown), "this path does not exist; nothing could be read; correct the path")]
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "the name is not valid"
        message = f"this path can't be looked at ({reason}); nothing could be read; correct it or its permissions"
        return [Problem(Source(place.shown), message)]
    if stat.S_ISREG(mode_of(path)) and not is_manifest(path.name):
        message = f"not a manifest by its name; manifests end in {', '.join(SUFFIXES)}; rename it or name another file"
        return [Problem(Source(place.shown), message)]
    return []


class _Search:
    """Walks folders and collects; stops adding where a limit is passed, and says so once."""

    def __init__(self) -> None:
        self.files: list[Place] = []
        self.problems: list[Problem] = []
        self.ignored: list[str] = []
        self._known: set[str] = set()
        self._entries = 0

    def visit(self, place: Place) -> None:
        """Add a path that was named."""
        mode = mode_of(place.path)
        if stat.S_ISLNK(mode):
            self._complain(place, LINK)
        elif stat.S_ISDIR(mode):
            self._folder(place)
        elif stat.S_ISREG(mode):
            self._add(place)
        else:
            self._complain(place, SPECIAL)

    def _folder(self, place: Place) -> None:
        if len(place.parts) > limits.FOLDERS:
            self._complain(place, f"folders lie more than {limits.FOLDERS} deep (limit FOLDERS); move them up")
            return
        try:
            # Closed before the folders in it are entered: an open iterator holds a descriptor, one a level.
            with os.scandir(place.path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            self._complain(place, f"the folder can't be read ({error.strerror}); correct its permissions")
            return
        for entry in entries:
            self._entries += 1
            if self._entries > limits.ENTRIES:
                if self._entries == limits.ENTRIES + 1:
                    self._complain(
                        place, f"more than {limits.ENTRIES} files and folders (limit ENTRIES); name a smaller folder"
                    )
                return
            self._entry(place.below(entry.name), entry)

    def _entry(self, place: Place, entry: os.DirEntry[str]) -> None:
        name = entry.name
        if is_ignored(name):
            self.ignored.append(place.shown)
        elif entry.is_dir(follow_symlinks=False):
            self._folder(place)
        # Told aloud: passing a linked manifest over in silence would drop all that it declares.
        elif entry.is_symlink() and (is_manifest(name) or stat.S_ISDIR(mode_of(place.path, follow=True))):
            self._complain(place, LINK)
        elif not is_manifest(name):
            self.ignored.append(place.shown)
        elif entry.is_file(follow_symlinks=False):
            self._add(place)
        else:
            self._complain(place, SPECIAL)

    def _add(self, place: Place) -> None:
        # Paths that the operator named may overlap, or lead to one folder through a link above it.
        real = os.path.realpath(place.path)
        if real in self._known:
            return
        self._known.add(real)
        if len(self.files) < limits.FILES:
            self.files.append(place)
        elif len(self.files) == limits.FILES and not any("limit FILES" in one.message for one in self.problems):
            self._complain(place, f"more than {limits.FILES} manifests (limit FILES); name a smaller folder")

    def _complain(self, place: Place, message: str) -> None:
        self.problems.append(Problem(Source(place.shown), message))
