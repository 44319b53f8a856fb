"""Members of a list or mapping in brackets, as YAML's flow style and JSON have them: separated by commas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.documents.editing.member_changes import MemberChange
from reconciler.documents.editing.scalar_edits import format_like
from reconciler.documents.editing.source_tree import SourceSpan
from reconciler.documents.editing.text_edits import (
    CannotEdit,
    EditedText,
    TextEdit,
    begins_line,
    find_line_end,
    find_line_start,
)


def edit_flow(document: EditedText, span: SourceSpan, changes: Sequence[MemberChange]) -> Iterator[TextEdit]:
    """Yield the edits by which members go and come; raises CannotEdit where that would leave nothing."""
    if all(change.is_gone for change in changes):
        raise CannotEdit("nothing would be left of it")
    starts = [(key or value).start for key, value in span.entries]
    ends = [value.end for _, value in span.entries]
    if not any(change.stays for change in changes):
        start, end = (starts[0], ends[-1]) if starts else (span.start + 1, span.end - 1)
        yield TextEdit(start, end, ", ".join(_format_coming(document, span, changes)))
    elif _has_lines(document.text, span, starts, ends):
        yield from _edit_lines(document, span, changes, starts, ends)
    elif any("#" in document.text[end:start] for end, start in zip(ends, [*starts[1:], span.end], strict=True)):
        raise CannotEdit("there are comments between brackets")
    else:
        yield from _edit_inline(document, span, changes, starts, ends)


def _format_coming(document: EditedText, span: SourceSpan, changes: Sequence[MemberChange]) -> list[str]:
    return [_format_member(document, span, change) for change in changes if change.old_index is None]


def _has_lines(text: str, span: SourceSpan, starts: Sequence[int], ends: Sequence[int]) -> bool:
    """Say whether each member has lines of its own, and the brackets have theirs."""
    return all(begins_line(text, start) for start in starts) and "\n" in text[ends[-1] : span.end]


def _edit_lines(
    document: EditedText, span: SourceSpan, changes: Sequence[MemberChange], starts: Sequence[int], ends: Sequence[int]
) -> Iterator[TextEdit]:
    text = document.text
    indent = text[find_line_start(text, starts[0]) : starts[0]]
    last_change = [change for change in changes if not change.is_gone][-1]
    offset = find_line_start(text, starts[0])
    for change in changes:
        comma = "" if change is last_change else ","
        if change.old_index is None:
            member = f"{indent}{_format_member(document, span, change)}{comma}{document.newline}"
            yield TextEdit(offset, offset, member)
            continue
        end = ends[change.old_index]
        offset = find_line_end(text, end)
        if change.is_gone:
            yield TextEdit(find_line_start(text, starts[change.old_index]), offset, "")
        else:
            yield from _correct_comma(document, end, comma)


def _correct_comma(document: EditedText, end: int, comma: str) -> Iterator[TextEdit]:
    """Put a comma behind a member that is followed by one, or take it away where JSON allows none."""
    following = document.text[end:].lstrip()
    if comma and not following.startswith(","):
        yield TextEdit(end, end, ",")
    # YAML takes a comma behind the last member, and a line that is left alone needs no review.
    elif not comma and document.is_json and following.startswith(","):
        yield TextEdit(end, document.text.index(",", end) + 1, "")


def _edit_inline(
    document: EditedText, span: SourceSpan, changes: Sequence[MemberChange], starts: Sequence[int], ends: Sequence[int]
) -> Iterator[TextEdit]:
    staying = [change.old_index for change in changes if change.stays and change.old_index is not None]
    before: int | None = None
    for change in changes:
        index = change.old_index
        if index is None:
            member = _format_member(document, span, change)
            # Where nothing that stays stands before it, the first that does comes behind it.
            offset = starts[staying[0]] if before is None else ends[before]
            yield TextEdit(offset, offset, f"{member}, " if before is None else f", {member}")
        elif not change.is_gone:
            before = index
        elif index < staying[-1]:
            yield TextEdit(starts[index], starts[index + 1], "")
        elif index == staying[-1] + 1:
            yield TextEdit(ends[staying[-1]], ends[-1], "")


def _format_member(document: EditedText, span: SourceSpan, change: MemberChange) -> str:
    """Return a member on one line, its text in the quotes that its neighbours have."""
    keys = [key.style for key, _ in span.entries if key]
    scalars = [value.style for _, value in span.entries if value.style not in {"{", "["}]
    style = scalars[0] if scalars and change.key is None else ""
    value = format_like(change.value, style, is_json=document.is_json)
    if change.key is None:
        return value
    return f"{format_like(change.key, keys[0] if keys else '', is_json=document.is_json)}: {value}"
