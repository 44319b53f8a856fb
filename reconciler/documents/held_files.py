"""Files whose bytes are held in memory: standard input, a revision of a repository, and files as they are to become."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.diagnostics import Explanation
from reconciler.documents.files import FileRef, InputFile, Unreadable
from reconciler.sanitize import escape_invisible

STANDARD_INPUT = "-"
"""The path that stands for what is piped in."""
_MISSING = Explanation("document.unreadable-file", "does not exist", remedy="correct the name or add the file")


@dataclass(frozen=True, slots=True)
class StandardInput:
    """What was piped in; the tables that it names lie in `folder`."""

    folder: Path
    content: bytes = field(repr=False)
    shown: str = STANDARD_INPUT

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes, one more than `max_bytes` at most."""
        return self.content[: max_bytes + 1]

    def beside(self, parts: Sequence[str]) -> InputFile:
        """Return a file of the folder."""
        return FileRef(self.folder, tuple(parts), "/".join(map(escape_invisible, parts)))


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of a tree that is held as bytes by path; the paths have slashes and start at the tree's top.

    `prefix` stands before the path in how it is called.
    """

    tree: Mapping[str, bytes] = field(repr=False)
    path: str
    prefix: str = ""

    @property
    def shown(self) -> str:
        """How people call it."""
        return f"{self.prefix}{escape_invisible(self.path)}"

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes, one more than `max_bytes` at most; raises Unreadable where the tree has no such file."""
        if self.path not in self.tree:
            raise Unreadable(_MISSING)
        return self.tree[self.path][: max_bytes + 1]

    def get_child(self, name: str) -> HeldFile:
        """Return what is called `name` in this folder."""
        return HeldFile(self.tree, posixpath.join(self.path, name), self.prefix)

    def beside(self, parts: Sequence[str]) -> HeldFile:
        """Return the file at `parts`, seen from the folder in which this file is."""
        return HeldFile(self.tree, posixpath.join(posixpath.dirname(self.path), *parts), self.prefix)


@dataclass(frozen=True, slots=True)
class EditedFile:
    """A file as it is to become: `contents` are the new bytes of files by how they are called."""

    file: InputFile
    contents: Mapping[str, bytes] = field(repr=False)

    @property
    def shown(self) -> str:
        """How people call it."""
        return self.file.shown

    def read(self, max_bytes: int) -> bytes:
        """Return the bytes, one more than `max_bytes` at most; raises Unreadable."""
        content = self.contents.get(self.shown)
        return self.file.read(max_bytes) if content is None else content[: max_bytes + 1]

    def beside(self, parts: Sequence[str]) -> EditedFile:
        """Return the file at `parts`, seen from the folder in which this file is, as it is to become."""
        return EditedFile(self.file.beside(parts), self.contents)
