"""Pages of a long list straight from bytes into plain columns, wherever the bytes prove that nothing is amiss.

The strict reader (`strict_json`) makes a dict of each object, which for 100,000 certificates takes two seconds. What it
saw on one page is the shape of the next ones: their rows are decoded as typed values with exactly these members, and
written again. Only where that gives the page's own bytes the rows are taken. A member that came twice, or in another
spelling, a number in a form of its own, text that is no UTF-8: whatever a reader might take in two ways is lost in the
decoding or comes out otherwise, and the page is one for the strict reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from operator import attrgetter
from threading import Lock
from typing import Any, Final

import msgspec

from reconciler.model import Json

_JSON_SPACE: Final = b" \t\r\n"
_MOST_MEMBERS: Final = 200
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

    def read_columns(self, body: bytes, names: Sequence[str]) -> list[list[Json]] | None:
        """Return these members of all rows, a list each, with None for one that the shape lacks.

        None where the page has to be read strictly; that says nothing about whether anything is wrong with it.
        """
        text = body.strip(_JSON_SPACE)
        try:
            with self._lock:
                rows = self._decode(text)
                _ENCODER.encode_into(rows, self._copy)
                if self._copy != text:
                    return None
                columns = _ENCODER.encode([self._pick_column(rows, name) for name in names])
                # What was decoded for the proof lies all over the memory, and is given back before what is kept is
                # made: a few strings of each page would keep all of it.
                del rows
                kept: list[list[Json]] = msgspec.json.decode(columns)
                return kept
        # RecursionError comes of deep nesting; all others that are told of input are ValueErrors.
        except (ValueError, RecursionError):
            return None

    def _pick_column(self, rows: list[Any], name: str) -> list[Any]:
        field = self._fields.get(name)
        return list(map(attrgetter(field), rows)) if field else [None] * len(rows)


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
