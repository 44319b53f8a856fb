"""The keys of a list's rows, page after page: none may come twice."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from operator import lt
from typing import Any

_NUMBERS = frozenset({int})
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


class SeenKeys:
    """Keys are whole numbers or texts. As long as numbers ascend, as they do where they are sorted by, no set is made.

    Of a million numbers a set takes 32 MiB and the numbers as much again; kept as they are here, they take 8 MiB.
    """

    def __init__(self) -> None:
        self._pages: list[Sequence[Any]] = []
        self._last = _SMALLEST - 1
        self._unordered: set[Any] | None = None

    def add(self, keys: Sequence[Any]) -> bool:
        """Add a page's keys and say whether all of them are new; of a page with a key that is not, none is added."""
        if self._unordered is None and self._ascends(keys):
            self._pages.append(array("q", keys))
            self._last = keys[-1] if keys else self._last
            return True
        new_keys = set(keys)
        self._unordered = set(self) if self._unordered is None else self._unordered
        if len(new_keys) != len(keys) or not self._unordered.isdisjoint(new_keys):
            return False
        self._unordered |= new_keys
        self._pages.append(keys)
        return True

    def _ascends(self, keys: Sequence[Any]) -> bool:
        if not keys:
            return True
        if not _NUMBERS.issuperset(map(type, keys)) or not self._last < keys[0] <= keys[-1] <= _LARGEST:
            return False
        return all(map(lt, keys, islice(keys, 1, None)))

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self._pages)
