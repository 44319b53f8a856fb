"""Which files of a tree are manifests: one set of rules, whether the tree lies on a disk or in a revision."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final, Generic, NamedTuple, Protocol, Self, TypeVar

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents import limits
from reconciler.documents.files import LINK, SPECIAL, InputFile, Unreadable, is_ignored, is_manifest

_SMALLER_FOLDER: Final = "name a smaller folder"
_MODULE: Final = Explanation(
    "document.unreadable-file",
    "is a submodule",
    "what it declares lies in another repository",
    "put the manifests themselves here",
)


class EntrySort(Enum):
    """What a name in a tree stands for; a `MODULE` is another repository's folder, which only a revision has."""

    FOLDER = "folder"
    FILE = "file"
    LINK = "link"
    FOLDER_LINK = "link to a folder"
    MODULE = "submodule"
    OTHER = "other"


_REFUSALS: Final = {
    EntrySort.LINK: LINK,
    EntrySort.FOLDER_LINK: LINK,
    EntrySort.MODULE: _MODULE,
    EntrySort.OTHER: SPECIAL,
}


class DiscoveredFiles(NamedTuple):
    """What a search found: manifests in order, what is wrong with others, and the names of what was passed over."""

    files: list[InputFile]
    problems: list[Diagnostic]
    ignored: list[str]


class TreeRef(InputFile, Protocol):
    """A file or folder of a tree."""

    def get_child(self, name: str) -> Self:
        """Return what is called `name` in this folder."""


RefT = TypeVar("RefT", bound=TreeRef)
RefT_contra = TypeVar("RefT_contra", bound=TreeRef, contravariant=True)


class FileTree(Protocol[RefT_contra]):
    """Where files are from."""

    def classify(self, ref: RefT_contra) -> EntrySort:
        """Say what a path is that was named."""

    def list_entries(self, ref: RefT_contra) -> list[tuple[str, EntrySort]]:
        """Return what is in a folder, in any order; raises Unreadable."""

    def identify(self, ref: RefT_contra) -> str:
        """Return the one name of a file that may be reached in several ways."""


def search_tree(refs: Iterable[RefT], tree: FileTree[RefT]) -> DiscoveredFiles:
    """Return the manifests at and below these places; a file that is reached twice comes once."""
    search = _Search(tree)
    for ref in refs:
        search.visit(ref)
    search.ignored.sort()
    return DiscoveredFiles(search.files, search.problems, search.ignored)


class _Search(Generic[RefT]):
    """Walks folders and collects; stops adding where a limit is passed, and says so once."""

    def __init__(self, tree: FileTree[RefT]) -> None:
        self.files: list[InputFile] = []
        self.problems: list[Diagnostic] = []
        self.ignored: list[str] = []
        self._tree = tree
        self._known: set[str] = set()
        self._entries = 0
        self._has_too_many_files = False

    def visit(self, ref: RefT) -> None:
        """Add a path that was named."""
        sort = self._tree.classify(ref)
        if sort is EntrySort.FOLDER:
            self._visit_folder(ref, 0)
        elif sort is EntrySort.FILE:
            self._add(ref)
        else:
            self._complain(ref, _REFUSALS[sort])

    def _visit_folder(self, ref: RefT, depth: int) -> None:
        if depth > limits.FOLDERS:
            summary = f"folders lie more than {limits.FOLDERS} deep"
            self._complain(ref, limits.describe_excess("FOLDERS", summary, remedy="move them up"))
            return
        try:
            entries = sorted(self._tree.list_entries(ref), key=lambda entry: entry[0])
        except Unreadable as refusal:
            self._complain(ref, refusal.explanation)
            return
        for name, sort in entries:
            self._entries += 1
            if self._entries > limits.ENTRIES:
                if self._entries == limits.ENTRIES + 1:
                    summary = f"more than {limits.ENTRIES} files and folders"
                    self._complain(ref, limits.describe_excess("ENTRIES", summary, remedy=_SMALLER_FOLDER))
                return
            self._visit_entry(ref.get_child(name), name, sort, depth + 1)

    def _visit_entry(self, ref: RefT, name: str, sort: EntrySort, depth: int) -> None:
        if is_ignored(name):
            self.ignored.append(ref.shown)
        elif sort is EntrySort.FOLDER:
            self._visit_folder(ref, depth)
        # Told aloud: passing linked manifests, or other ones in a folder, over in silence would drop what they declare.
        elif sort in {EntrySort.FOLDER_LINK, EntrySort.MODULE} or (sort is EntrySort.LINK and is_manifest(name)):
            self._complain(ref, _REFUSALS[sort])
        elif not is_manifest(name):
            self.ignored.append(ref.shown)
        elif sort is EntrySort.FILE:
            self._add(ref)
        else:
            self._complain(ref, SPECIAL)

    def _add(self, ref: RefT) -> None:
        identity = self._tree.identify(ref)
        if identity in self._known:
            return
        self._known.add(identity)
        if len(self.files) < limits.FILES:
            self.files.append(ref)
        elif not self._has_too_many_files:
            self._has_too_many_files = True
            summary = f"more than {limits.FILES} files"
            self._complain(ref, limits.describe_excess("FILES", summary, remedy=_SMALLER_FOLDER))

    def _complain(self, ref: RefT, explanation: Explanation) -> None:
        self.problems.append(explanation.locate(Source(ref.shown)))
