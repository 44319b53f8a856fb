"""Pages of a long list straight from bytes into plain columns, wherever the bytes prove that nothing is amiss.

The strict reader (`strict_json`) makes a dict of each object, which for 100,000 certificates takes two seconds. What it
saw on one page is the shape of the next ones: their rows are decoded as typed values with exactly these members, and
written again. Only where that gives the page's own bytes the rows are taken. A member that came twice, or in another
spelling, a number in a form of its own, text that is no UTF-8: whatever a reader might take in two ways is lost in the
decoding or comes out otherwise, and the page is one for the strict reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from threading import Lock
from typing import Any, Final

import msgspec

from reconciler.model import Json

_JSON_SPACE: Final = b" \t\r\n"
_MOST_MEMBERS: Final = 200
PART_BYTES: Final = 32 * 1024
"""Bytes of a page that are proved at a time: measured, a page's rows don't fit the processor's cache, and cost more."""
_ROW_END: Final = 2
"""Bytes by which the end of a row is recognised: its brace, and what closes its last member."""
_SCALAR: Final = str | int | float | bool | None
_SCALARS: Final[Mapping[type, Any]] = {str: str | None, int: int | None, bool: bool | None, float: int | float | None}
_ENCODER: Final = msgspec.json.Encoder()


class PageShape:
    """The members of a list's rows, in their order, and what may stand in each. Safe for many threads."""

    def __init__(self, rows: Sequence[Mapping[str, Json]]) -> None:
        """Learn the shape from rows that the strict reader read; raises ValueError where they have none in common."""
        self.members: Final = tuple(rows[0]) if rows else ()
        if not self.members or any(tuple(row) != self.members for row in rows):
            raise ValueError("the rows have not the same members")
        row_type: Any = _choose_object_type(rows, count())
        if row_type is None:
            raise ValueError("the rows have members that can't be declared")
        self._fields: Final = dict(zip(self.members, row_type.__struct_fields__, strict=True))
        self._decode: Final[Callable[[bytes], list[Any]]] = msgspec.json.Decoder(list[row_type]).decode
        # One page after the other in one place: neither decoding nor writing lets another thread run.
        self._lock: Final = Lock()
        self._copy: Final = bytearray()
        self._containers: Final = {name for row in rows for name, value in row.items() if type(value) in (dict, list)}
        self._border = _find_border(rows, self.members[0])

    def read_columns(self, body: bytes, names: Sequence[str]) -> list[Sequence[Json]] | None:
        """Return these members of all rows, a list each, with None for one that the shape lacks.

        None where the page has to be read strictly; that says nothing about whether anything is wrong with it.
        """
        text = body.strip(_JSON_SPACE)
        with self._lock:
            columns = self._read_parts(_split_list(text, self._border), names)
            if columns is None and self._border and (columns := self._read_parts([text], names)):
                # What stands between two rows stands inside of them too, and the page was cut there.
                self._border = b""
        return columns

    def _read_parts(self, parts: Iterable[bytes], names: Sequence[str]) -> list[Sequence[Json]] | None:
        fields = [self._fields.get(name, "") for name in names]
        columns: list[list[Json]] = [[] for _ in names]
        try:
            for part in parts:
                rows = self._decode(part)
                _ENCODER.encode_into(rows, self._copy)
                if self._copy != part:
                    return None
                for field, column in zip(fields, columns, strict=True):
                    column.extend(map(attrgetter(field), rows) if field else [None] * len(rows))
        # RecursionError comes of deep nesting; all others that are told of input are ValueErrors.
        except (ValueError, RecursionError):
            return None
        return [
            _LazyColumn(column) if name in self._containers else column
            for name, column in zip(names, columns, strict=True)
        ]


def _split_list(text: bytes, border: bytes) -> Iterator[bytes]:
    """Yield lists of rows that, joined by commas, are the text, if that is a list: so each proves its own part.

    If the text is no list, or is cut at a wrong place, a part is no list either.
    """
    start, end = 1, len(text) - 1
    if not border or text[:1] != b"[" or text[-1:] != b"]":
        yield text
        return
    while start < end or start == 1:
        cut = text.find(border, start + PART_BYTES)
        stop = end if cut < 0 else cut + _ROW_END
        yield b"[%b]" % text[start:stop]
        start = stop + 1


def _find_border(rows: Sequence[Mapping[str, Json]], first_member: str) -> bytes:
    """Return what stands between two rows, with their last and first bytes; empty where rows end in several ways."""
    ends = {_ENCODER.encode(row)[-_ROW_END:] for row in rows}
    return b"%b,{%b:" % (ends.pop(), _ENCODER.encode(first_member)) if len(ends) == 1 else b""


class _LazyColumn(Sequence[Json]):
    """A column of objects and lists, each of which is made a plain one when it is asked for, as few are."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, index: Any) -> Json:
        return msgspec.to_builtins(self._values[index])


def _choose_object_type(values: Sequence[Mapping[str, Json]], numbers: Iterator[int]) -> Any:
    """Return a type that has exactly the members of these objects; None where they differ, or have none."""
    members = tuple(values[0])
    if not 0 < len(members) <= _MOST_MEMBERS or any(tuple(value) != members for value in values):
        return None
    types = [
        (f"m{index}", _choose_type([value[name] for value in values], numbers)) for index, name in enumerate(members)
    ]
    spelling = {field: name for (field, _), name in zip(types, members, strict=True)}
    try:
        return msgspec.defstruct(f"Object{next(numbers)}", types, rename=spelling, forbid_unknown_fields=True, gc=False)
    except ValueError:  # a name that would have to be escaped
        return None


def _choose_type(values: Sequence[Json], numbers: Iterator[int]) -> Any:
    """Return the narrowest type that all these values have; whatever has another one is read strictly."""
    types = {type(value) for value in values} - {type(None)}
    if not types:
        return _SCALAR
    if len(types) > 1:
        return Any
    (only_type,) = types
    present = [value for value in values if value is not None]
    if only_type is dict:
        object_type = _choose_object_type(present, numbers)
        return Any if object_type is None else object_type | None
    if only_type is list:
        items = [item for value in present for item in value]
        item_type: Any = _choose_type(items, numbers) if items else Any
        return list[item_type] | None
    return _SCALARS[only_type]
