"""What was taken over from servers as files that change: found where the documents stand, and held in memory."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Address, Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.csv_tables import locate_table
from reconciler.documents.document import Document
from reconciler.documents.editing.csv_edits import edit_table
from reconciler.documents.editing.document_edits import FileEdit, edit_documents
from reconciler.documents.editing.text_edits import CannotEdit
from reconciler.documents.files import FileRef, InputFile, Unreadable
from reconciler.documents.held_files import EditedFile
from reconciler.documents.reader import parse_documents
from reconciler.errors import IncompleteError, StaleError
from reconciler.kinds.adoption import AddedDocument, AdoptedDocument, AdoptedRows
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import Registry
from reconciler.state.atomic import replace_file

_MARK = b"\xef\xbb\xbf"


class FileChange(NamedTuple):
    """A file's bytes as they were read, and as they are to be."""

    file: InputFile
    before: bytes
    after: bytes

    @property
    def shown(self) -> str:
        """How the file is called."""
        return self.file.shown


class WrittenDocument(NamedTuple):
    """A document where it stands: its file, all documents of that file, and its number among them."""

    file: InputFile
    document: Document
    siblings: Sequence[Document]


@dataclass(slots=True)
class AdoptedFiles:
    """The files of manifests as they are to be; nothing is written before all of them are known."""

    kinds: Registry
    places: Mapping[Address, WrittenDocument]
    documents: Mapping[Address, Wanted]
    contents: dict[str, bytes] = field(default_factory=dict)
    originals: dict[str, tuple[InputFile, bytes]] = field(default_factory=dict)

    def change(self, results: Iterable[AdoptedDocument | AddedDocument | AdoptedRows]) -> Iterator[tuple[Address, str]]:
        """Put results into their files; yields the document of each that has no written there, and why."""
        edits: dict[str, dict[Address, FileEdit]] = {}
        for result in results:
            if isinstance(result, AdoptedRows):
                yield from self._change_table(result)
                continue
            address = result.beside if isinstance(result, AddedDocument) else result.address
            written = self.places[address]
            file_edits = edits.setdefault(written.file.shown, {})
            edit = file_edits.get(address, FileEdit({}))
            if isinstance(result, AddedDocument):
                edit = edit._replace(additions=(*edit.additions, result.value))
            else:
                edit = edit._replace(values={written.document.number: result.value})
            file_edits[address] = edit._replace(comments={**edit.comments, **result.comments})
        for file_edits in edits.values():
            yield from self._change_documents(file_edits)

    def _change_documents(self, edits: Mapping[Address, FileEdit]) -> Iterator[tuple[Address, str]]:
        """Make the edits of one file, each by itself where all of them together can't be made."""
        done: dict[Address, FileEdit] = {}
        written = self.places[next(iter(edits))]
        for address, edit in edits.items():
            try:
                self._edit(written, [*done.values(), edit])
            except CannotEdit as reason:
                yield address, str(reason)
            else:
                done[address] = edit
        if done:
            self._hold(written.file, self._edit(written, done.values()))

    def _edit(self, written: WrittenDocument, edits: Iterable[FileEdit]) -> str:
        merged = FileEdit({})
        for edit in edits:
            merged = FileEdit(
                {**merged.values, **edit.values},
                (*merged.additions, *edit.additions),
                {**merged.comments, **edit.comments},
            )
        return edit_documents(written.document.file, written.siblings, merged)

    def _change_table(self, result: AdoptedRows) -> Iterator[tuple[Address, str]]:
        document, written = self.documents[result.address], self.places[result.address]
        table_file = locate_table(written.file, getattr(document.spec, result.field))
        columns = self.kinds[result.address.kind].tables[result.field]
        try:
            before = self.contents.get(table_file.shown) or table_file.read(limits.TABLE_BYTES)
            text = before.decode().removeprefix("\ufeff")
            self._hold(table_file, edit_table(text, table_file.shown, columns, result.rows))
        except (CannotEdit, Unreadable, UnicodeDecodeError) as reason:
            yield result.address, str(reason)

    def _hold(self, file: InputFile, text: str) -> None:
        before = self.originals[file.shown][1] if file.shown in self.originals else file.read(limits.TABLE_BYTES)
        self.originals.setdefault(file.shown, (file, before))
        # What an editor of Windows put there stays.
        self.contents[file.shown] = (_MARK if before.startswith(_MARK) else b"") + text.encode()

    def list_changes(self) -> list[FileChange]:
        """Return the files that differ, by name."""
        changes = (FileChange(*self.originals[name], content) for name, content in sorted(self.contents.items()))
        return [change for change in changes if change.before != change.after]


def read_places(files: Iterable[InputFile], documents: Iterable[Wanted]) -> dict[Address, WrittenDocument]:
    """Return where documents stand that were loaded from these files."""
    addresses: dict[Source, list[Address]] = {}
    for wanted in documents:
        addresses.setdefault(wanted.source, []).append(wanted.address)
    places: dict[Address, WrittenDocument] = {}
    for file in files:
        siblings, _ = parse_documents(file.read(limits.FILE_BYTES), file.shown)
        for document in siblings:
            written = WrittenDocument(file, document, siblings)
            places.update(dict.fromkeys(addresses.get(document.source, ()), written))
    return places


def overlay_files(files: Iterable[InputFile], changes: Iterable[FileChange]) -> list[InputFile]:
    """Return files as they are to be."""
    contents = {change.shown: change.after for change in changes}
    return [EditedFile(file, contents) for file in files]


def write_changes(changes: Sequence[FileChange]) -> None:
    """Write files that changed, each whole; raises StaleError, before any is written, where one is not as it was read.

    Raises IncompleteError, which names what was written, where the system refuses.
    """
    moved = [change for change in changes if _read_again(change) != change.before]
    if moved:
        reason, remedy = "nothing was written", "run again"
        raise StaleError(
            *(
                Diagnostic("adopt.file-changed", Source(change.shown), "changed while it was looked at", reason, remedy)
                for change in moved
            )
        )
    for number, change in enumerate(changes):
        path = _find_path(change.file)
        try:
            replace_file(path, change.after, mode=stat.S_IMODE(path.stat().st_mode))
        except OSError as error:
            written = ", ".join(done.shown for done in changes[:number]) or "nothing"
            summary = f"can't be written: {error.strerror or type(error).__name__}"
            problem = Diagnostic("output.unwritable", Source(change.shown), summary, f"written: {written}", "run again")
            raise IncompleteError(problem) from None


def _read_again(change: FileChange) -> bytes:
    try:
        return change.file.read(limits.TABLE_BYTES)
    except Unreadable:
        return b""


def _find_path(file: InputFile) -> Path:
    if not isinstance(file, FileRef):
        raise TypeError(f"{file.shown} lies in no folder")
    return file.path
