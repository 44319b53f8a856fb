"""The files of this machine as a tree to be searched."""

from __future__ import annotations

import os
import stat

from reconciler.diagnostics import Explanation
from reconciler.documents.files import FileRef, Unreadable, read_mode
from reconciler.documents.tree_search import EntrySort


class LocalTree:
    """The files of this machine, as a search sees them."""

    def classify(self, ref: FileRef) -> EntrySort:
        """Say what a path is."""
        mode = read_mode(ref.path)
        sorts = {stat.S_IFLNK: EntrySort.LINK, stat.S_IFDIR: EntrySort.FOLDER, stat.S_IFREG: EntrySort.FILE}
        return sorts.get(stat.S_IFMT(mode), EntrySort.OTHER)

    def list_entries(self, ref: FileRef) -> list[tuple[str, EntrySort]]:
        """Return what is in a folder; raises Unreadable."""
        try:
            # Closed before the folders in it are entered: an open iterator holds a descriptor, one a level.
            with os.scandir(ref.path) as iterator:
                return [(entry.name, self._classify_entry(ref, entry)) for entry in iterator]
        except OSError as error:
            summary, remedy = f"the folder can't be read ({error.strerror})", "correct its permissions"
            raise Unreadable(Explanation("document.unreadable-file", summary, remedy=remedy)) from None

    def identify(self, ref: FileRef) -> str:
        """Return the file's one name: paths may overlap, or lead to one folder through a link above it."""
        return os.path.realpath(ref.path)

    def _classify_entry(self, folder: FileRef, entry: os.DirEntry[str]) -> EntrySort:
        if entry.is_dir(follow_symlinks=False):
            return EntrySort.FOLDER
        if entry.is_symlink():
            leads_to_folder = stat.S_ISDIR(read_mode(folder.get_child(entry.name).path, follow=True))
            return EntrySort.FOLDER_LINK if leads_to_folder else EntrySort.LINK
        return EntrySort.FILE if entry.is_file(follow_symlinks=False) else EntrySort.OTHER
