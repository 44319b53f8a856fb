"""Documents of one file as they are to be, in the place of what they are; read back before anybody gets to see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from reconciler.documents.document import Document, SourceFile
from reconciler.documents.editing.member_changes import is_equal
from reconciler.documents.editing.source_tree import read_source_tree
from reconciler.documents.editing.text_edits import CannotEdit, EditedText, TextEdit, apply_edits
from reconciler.documents.editing.value_edits import edit_value
from reconciler.documents.reader import parse_documents
from reconciler.documents.writer import format_yaml


class FileEdit(NamedTuple):
    """What is to become of a file's documents: new values by number, and documents that come behind the last.

    `comments` stand behind single values that come new, by the value.
    """

    values: Mapping[int, Any]
    additions: Sequence[Mapping[str, Any]] = ()
    comments: Mapping[Any, str] = {}


def edit_documents(file: SourceFile, documents: Sequence[Document], edit: FileEdit) -> str:
    """Return the text of a file with its documents as they are to be, and every other line as it was.

    `documents` are all that the file holds. Raises CannotEdit where a value has no place in the text, or where what was
    written would be read as something else.
    """
    document_text = EditedText(file.text, file.json, edit.comments)
    try:
        tops = [span for top in read_source_tree(file.text) for span in _split_top(file, top)]
    except ValueError as error:
        raise CannotEdit(str(error)) from None
    if len(tops) != len(documents):
        raise CannotEdit("its documents can't be told apart in the text")
    edits = [
        text_edit
        for number, value in edit.values.items()
        for text_edit in edit_value(document_text, tops[number], documents[number].value, value)
    ]
    text = apply_edits(file.text, [*edits, *_append(document_text, edit)])
    _check(file, text, [edit.values.get(number, document.value) for number, document in enumerate(documents)], edit)
    return text


def _split_top(file: SourceFile, top: Any) -> list[Any]:
    return [value for _, value in top.entries] if file.json and top.style == "[" else [top]


def _append(document: EditedText, edit: FileEdit) -> list[TextEdit]:
    """Return the edit that puts new documents behind the last one."""
    if not edit.additions:
        return []
    if document.is_json:
        raise CannotEdit("a file of JSON takes no further document")
    text, newline = document.text, document.newline
    comments = [_place_comments(addition, edit.comments) for addition in edit.additions]
    try:
        lines = f"---\n{format_yaml(edit.additions, comments=comments)}"
    except ValueError as error:
        raise CannotEdit(str(error)) from None
    head = "" if text.endswith("\n") else newline
    return [TextEdit(len(text), len(text), head + lines.replace("\n", newline))]


def _place_comments(value: Any, comments: Mapping[Any, str], path: tuple[str | int, ...] = ()) -> dict[Any, str]:
    """Return the comments of the scalars of a value, by their path."""
    if isinstance(value, Mapping | list):
        members = value.items() if isinstance(value, Mapping) else enumerate(value)
        return {
            inner_path: text
            for name, member in members
            for inner_path, text in _place_comments(member, comments, (*path, name)).items()
        }
    return {path: comments[value]} if value in comments else {}


def _check(file: SourceFile, text: str, values: Sequence[Any], edit: FileEdit) -> None:
    """Read back what would be written: quotes, indents and comments have more cases than anybody thinks of."""
    documents, problems = parse_documents(text.encode(), file.name)
    expected_values = [*values, *edit.additions]
    if problems or not is_equal([document.value for document in documents], expected_values):
        raise CannotEdit("what would be written does not read back as it was meant")
