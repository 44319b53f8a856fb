"""A scalar in the place of another, in the style in which that was written: its quotes, or its several lines."""

from __future__ import annotations

import json
import re
from typing import Any

from reconciler.documents import characters
from reconciler.documents.editing.source_tree import SourceSpan
from reconciler.documents.editing.text_edits import CannotEdit, TextEdit, find_line_end
from reconciler.documents.writer import format_yaml_flow

_LINES = ("|", ">")


def format_like(value: Any, style: str, *, is_json: bool) -> str:
    """Return a value on one line, text in quotes of this style; raises CannotEdit for what no manifest may hold."""
    if isinstance(value, str) and (unsafe := characters.explain_unsafe_text(value)):
        raise CannotEdit(unsafe.summary)
    if is_json:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and style == '"':
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and style == "'" and "\n" not in value and "\t" not in value:
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    try:
        return format_yaml_flow(value)
    except (ValueError, TypeError) as error:
        raise CannotEdit(str(error)) from None


def replace_scalar(text: str, span: SourceSpan, value: Any, *, is_json: bool) -> TextEdit:
    """Return the edit that puts a value in the place of another."""
    replacement = format_like(value, span.style, is_json=is_json)
    if isinstance(value, str) and span.style in _LINES:
        replacement = _format_lines(text, span, value) or replacement
    return TextEdit(span.start, span.end, replacement)


def _format_lines(text: str, span: SourceSpan, value: str) -> str:
    """Return text as lines under the header that is there; "" where that could be read as something else."""
    header_end = find_line_end(text, span.start)
    first_line = re.match(r"[\r\n]*( +)", text[header_end : span.end])
    lines = value.split("\n")
    # A line that begins with a blank would set the indent, or would not be folded.
    if (
        not first_line
        or re.search(r"[0-9]", text[span.start : header_end].partition("#")[0])
        or any(map(_is_odd, lines))
    ):
        return ""
    newline = "\r\n" if text[:header_end].endswith("\r\n") else "\n"
    between = newline * (2 if span.style == ">" else 1)
    return text[span.start : header_end] + between.join(f"{first_line[1]}{line}" if line else "" for line in lines)


def _is_odd(line: str) -> bool:
    return line != line.strip() or "\t" in line
