"""Plain values as YAML that every reader understands alike: for `export`, and for what `adopt` puts into a text.

Block style, keys in the order given. Text that a reader of YAML 1.1 or 1.2 could take for anything else is quoted, and
`read_documents` gives back exactly what was written.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from typing import Any, Final

from reconciler.documents import characters, limits
from reconciler.documents.scalars import resolve_scalar

_PLAIN_TEXT: Final = re.compile(r"[A-Za-z/_](?:[A-Za-z0-9_./+@%=~^()-]| (?! )|:(?=[A-Za-z0-9/_]))*")
"""Unquoted text: letters, digits and signs that mean nothing in any place, and no colon that could end a key."""
_UNSAFE_END: Final = re.compile(r"[ :]\Z")
# YAML limits a key without `?` to 1024 characters on one line, its quotes and escapes included.
_MAX_KEY_LENGTH: Final = 200


Comments = Mapping[tuple[str | int, ...], str]
"""Comments of one document by the path of the scalar or the member that they stand behind; an empty one is none."""


def format_yaml(
    documents: Iterable[Mapping[str, Any]],
    remarks: Iterable[Sequence[str]] = (),
    comments: Iterable[Comments] = (),
) -> str:
    """Return documents as one text, each preceded by its remarks as comments; "" for no documents.

    Members are str, bool, int, finite float, date, None, and mappings and sequences of such; sets are not, since they
    have no order. Raises TypeError for other values, and ValueError for text that `characters.refused` would not let in
    again and for numbers and keys too long to be read back.
    """
    texts = []
    for document, notes, line_comments in zip_longest(documents, remarks, comments):
        if document is None:
            raise ValueError("there are more remarks than documents")
        head = "".join(
            f"# {characters.escape_unsafe_text(line)}\n" for note in notes or () for line in note.split("\n")
        )
        lines = _format_mapping(document, "", (), line_comments or {}) if document else ("{}\n",)
        texts.append("".join([head, *lines]))
    return "---\n".join(texts)


def format_yaml_member(key: str | None, value: Any, indent: str, comment: str = "") -> str:
    """Return the lines of one member in block style, behind an indent: of a mapping, or of a list where `key` is None.

    Raises as `format_yaml` does.
    """
    if key is None:
        return "".join(_format_list([value], indent, (), {(0,): comment}))
    return "".join(_format_mapping({key: value}, indent, (), {(key,): comment}))


def format_yaml_flow(value: Any) -> str:
    """Return a value on one line, mappings and lists in brackets; raises as `format_yaml` does."""
    if isinstance(value, Mapping):
        members = (f"{_format_key(key)}: {format_yaml_flow(member)}" for key, member in value.items())
        return f"{{{', '.join(members)}}}"
    return f"[{', '.join(map(format_yaml_flow, value))}]" if _is_list(value) else _format_scalar(value)


def _format_mapping(
    value: Mapping[str, Any], indent: str, path: tuple[str | int, ...], comments: Comments
) -> Iterator[str]:
    for key, member in value.items():
        name, place = _format_key(key), (*path, key)
        if isinstance(member, Mapping) and member:
            yield f"{indent}{name}:{_format_comment(comments, place)}\n"
            yield from _format_mapping(member, f"{indent}  ", place, comments)
        elif _is_list(member) and member:
            yield f"{indent}{name}:{_format_comment(comments, place)}\n"
            yield from _format_list(member, f"{indent}  ", place, comments)
        else:
            yield f"{indent}{name}: {_format_scalar(member)}{_format_comment(comments, place)}\n"


def _format_comment(comments: Comments, place: tuple[str | int, ...]) -> str:
    comment = comments.get(place, "")
    return f"  # {characters.escape_unsafe_text(comment)}" if comment else ""


def _format_list(value: Sequence[Any], indent: str, path: tuple[str | int, ...], comments: Comments) -> Iterator[str]:
    for index, member in enumerate(value):
        place = (*path, index)
        if isinstance(member, Mapping) and member:
            lines = _format_mapping(member, f"{indent}  ", place, comments)
        elif _is_list(member) and member:
            lines = _format_list(member, f"{indent}  ", place, comments)
        else:
            yield f"{indent}- {_format_scalar(member)}{_format_comment(comments, place)}\n"
            continue
        first = next(lines)
        yield f"{indent}- {first[len(indent) + 2 :]}"
        yield from lines


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)


def _format_key(key: object) -> str:
    if not isinstance(key, str) or len(key) > _MAX_KEY_LENGTH:
        raise ValueError(f"a key is text of at most {_MAX_KEY_LENGTH} characters")
    return format_yaml_text(key)


def _format_scalar(value: object) -> str:
    # Before int, of which bool is a subclass.
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        return _format_number(value)
    if isinstance(value, Mapping) or _is_list(value):
        return "{}" if isinstance(value, Mapping) else "[]"
    # Not isinstance: datetime is a subclass of date.
    if type(value) is date:
        return value.isoformat()
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} has no form in a manifest")
    return format_yaml_text(value)


def _format_number(value: float) -> str:
    if isinstance(value, int):
        if abs(value) >= 10**300:
            raise ValueError("the number is too long")
        return str(value)
    if not math.isfinite(value):
        raise ValueError("infinity and nan have no form in a manifest")
    # repr gives 1e+16, which is text to YAML 1.1 for want of a point, and a number to YAML 1.2.
    digits = format(Decimal(repr(value)), "f")
    return digits if "." in digits else f"{digits}.0"


def format_yaml_text(value: str) -> str:
    """Return text as a YAML scalar on one line: plain where nobody could misread it, else in quotes.

    Raises ValueError for what `explain_unwritable_text` explains.
    """
    if reason := explain_unwritable_text(value):
        raise ValueError(reason)
    if _PLAIN_TEXT.fullmatch(value) and not _UNSAFE_END.search(value) and isinstance(resolve_scalar(value), str):
        return value
    if "\\" in value and value.isprintable() and "'" not in value:
        return f"'{value}'"
    # Double quotes in YAML 1.1 know every escape of JSON but `\/`, which dumps never writes.
    return json.dumps(value, ensure_ascii=False)


def explain_unwritable_text(value: str) -> str:
    """Say why a text can't be written so that it is read back, such as `text holds U+001B ...`; "" if it can."""
    if unsafe := characters.explain_unsafe_text(value):
        return unsafe.add_subject("text").summary
    return f"text has more than {limits.SCALAR_BYTES} bytes" if len(value.encode()) > limits.SCALAR_BYTES else ""
