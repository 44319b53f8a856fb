"""Members of a list or mapping in block style: each has its own lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

from reconciler.documents.editing.member_changes import MemberChange
from reconciler.documents.editing.scalar_edits import format_like
from reconciler.documents.editing.source_tree import SourceSpan
from reconciler.documents.editing.text_edits import (
    CannotEdit,
    EditedText,
    TextEdit,
    begin_line,
    begins_line,
    find_line_end,
    find_line_start,
)
from reconciler.documents.writer import format_yaml_member


def edit_block(document: EditedText, span: SourceSpan, changes: Sequence[MemberChange]) -> Iterator[TextEdit]:
    """Yield the edits by which members go and come; raises CannotEdit where that would leave nothing."""
    if all(change.is_gone for change in changes):
        raise CannotEdit("nothing would be left of it")
    text = document.text
    last_index: int | None = None
    for change in changes:
        if change.old_index is None:
            yield _insert_member(document, span, change, last_index)
            continue
        last_index = change.old_index
        if change.is_gone:
            yield _remove_member(text, span, last_index)


def _remove_member(text: str, span: SourceSpan, index: int) -> TextEdit:
    key, value = span.entries[index]
    start = key.start if key else _find_dash(text, span, index)
    if begins_line(text, start):
        return TextEdit(find_line_start(text, start), find_line_end(text, value.end), "")
    # The first key of a mapping in a list stands behind the dash, and the next one takes its place.
    following = span.entries[index + 1][0] if key and index + 1 < len(span.entries) else None
    if not following or "#" in text[find_line_end(text, value.end) : following.start]:
        raise CannotEdit("it stands on one line with something that stays")
    return TextEdit(start, following.start, "")


def _insert_member(document: EditedText, span: SourceSpan, change: MemberChange, after: int | None) -> TextEdit:
    """Return the edit that puts a member on lines of its own, behind the one of that index or before the first."""
    text, newline = document.text, document.newline
    indent = " " * (span.start - find_line_start(text, span.start))
    lines = _format_member(document, span, change, indent).replace("\n", newline)
    if after is None:
        offset = _find_first_line(text, span)
        return TextEdit(offset, offset, lines)
    offset = find_line_end(text, span.entries[after][1].end)
    return TextEdit(offset, offset, begin_line(text, offset, newline) + lines)


def _format_member(document: EditedText, span: SourceSpan, change: MemberChange, indent: str) -> str:
    """Return the lines of a member, written as its neighbours are."""
    neighbours = [value for _, value in span.entries]
    comment = document.comments.get(change.value, "") if isinstance(change.value, str | int) else ""
    try:
        if isinstance(change.value, list | dict) and _is_written_flow(neighbours, change.value):
            value = format_like(change.value, "", is_json=False)
            return f"{indent}{change.key}: {value}\n" if change.key else f"{indent}- {value}\n"
        style = neighbours[0].style if change.key is None and neighbours else ""
        if isinstance(change.value, str) and style in {"'", '"'}:
            value = format_like(change.value, style, is_json=False)
            return f"{indent}- {value}{f'  # {comment}' if comment else ''}\n"
        return format_yaml_member(change.key, change.value, indent, comment)
    except (ValueError, TypeError) as error:
        raise CannotEdit(str(error)) from None


def _is_written_flow(neighbours: Sequence[SourceSpan], value: Any) -> bool:
    """Say whether a list or mapping goes into brackets: where its neighbours do, or one would in an example."""
    sign = "{" if isinstance(value, dict) else "["
    collections = [span.is_flow for span in neighbours if span.style == sign]
    return all(collections) if collections else isinstance(value, dict) or len(value) == 1


def _find_dash(text: str, span: SourceSpan, index: int) -> int:
    """Return where the dash of a list's member stands: in the list's column, on its line or on one above it."""
    column = span.start - find_line_start(text, span.start)
    start = find_line_start(text, span.entries[index][1].start)
    while start >= 0:
        offset = start + column
        if text[offset : offset + 1] == "-" and not text[start:offset].strip(" -"):
            return offset
        if start == 0:
            break
        start = find_line_start(text, start - 1)
    raise CannotEdit("its place in the list can't be told")


def _find_first_line(text: str, span: SourceSpan) -> int:
    """Return where the line of the first member begins, or of the comments that stand above it."""
    start = find_line_start(text, span.start)
    if not begins_line(text, span.start):
        raise CannotEdit("it stands on one line with something that stays")
    lines_above = reversed(text[:start].splitlines(keepends=True))
    return start - sum(map(len, takewhile(lambda line: line.lstrip().startswith("#"), lines_above)))
