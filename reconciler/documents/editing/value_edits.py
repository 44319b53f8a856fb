"""The edits that turn what a document says into what it is to say, and touch nothing else.

Comments, order, quotes and indents of all that stays are kept. What goes takes the comment behind it along; comments on
lines of their own stay, since nobody can tell what they are about. What comes is written as its neighbours are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.documents.editing.block_edits import edit_block
from reconciler.documents.editing.flow_edits import edit_flow
from reconciler.documents.editing.member_changes import align_list, align_mapping, is_equal
from reconciler.documents.editing.scalar_edits import replace_scalar
from reconciler.documents.editing.source_tree import SourceSpan
from reconciler.documents.editing.text_edits import EditedText, TextEdit


def edit_value(document: EditedText, span: SourceSpan, old: Any, new: Any) -> Iterator[TextEdit]:
    """Yield the edits that make of a value another; raises CannotEdit where there is no place for it.

    `old` is what stands at `span`, as the readers give it: dict, list, str, int, float, bool, date.
    """
    if is_equal(old, new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        changes = align_mapping(old, new)
    elif isinstance(old, list) and isinstance(new, list):
        changes = align_list(old, new)
    else:
        yield replace_scalar(document.text, span, new, is_json=document.is_json)
        return
    members = list(old.values()) if isinstance(old, dict) else old
    for change in changes:
        if change.stays and change.old_index is not None:
            _, member = span.entries[change.old_index]
            yield from edit_value(document, member, members[change.old_index], change.value)
    if not all(change.stays for change in changes):
        yield from edit_flow(document, span, changes) if span.is_flow else edit_block(document, span, changes)
