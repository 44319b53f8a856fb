"""Pages of long lists as bytes, made once: a million certificates are 1.7 GB of JSON, packed a twelfth of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from reconciler.simulator.world.certificate_json import RowStyle

_MIN_ROWS = 100
"""Rows of a page that is worth keeping."""
_MAX_PACKED_BYTES = 512 * 1024 * 1024
# Level 1: to pack a page takes as long as to make it, to unpack it a fifth of that.
_PACKING_LEVEL = 1


class _Page(NamedTuple):
    """A page; `ids` is the list that it is of, which is replaced and never changed."""

    ids: Sequence[int]
    owner_names: Mapping[int, str | None]
    size: int
    packed: bytes


class PreparedPages:
    """Pages by their bounds in a list; whoever changes a row says so. Not for several threads at once."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int, int, RowStyle], _Page] = {}
        self._packed_bytes = 0

    def find(
        self, ids: Sequence[int], begin: int, end: int, style: RowStyle, owner_name: Callable[[int], str | None]
    ) -> bytes | None:
        """Return a page's bytes; None where it was not kept, or where a role that owns one of its rows is renamed."""
        page = self._pages.get((id(ids), begin, end, style))
        if page is None or any(owner_name(role) != name for role, name in page.owner_names.items()):
            return None
        return zlib.decompress(page.packed, bufsize=page.size)

    def keep(
        self,
        ids: Sequence[int],
        begin: int,
        end: int,
        style: RowStyle,
        owner_names: Mapping[int, str | None],
        body: bytes,
    ) -> None:
        """Keep a page's bytes, with the names of the roles that own its rows."""
        if len(ids[begin:end]) < _MIN_ROWS:
            return
        # The page holds its list, so no other list can get that one's id() as long as it is here.
        key = (id(ids), begin, end, style)
        self._drop(key)
        self._pages[key] = _Page(ids, owner_names, len(body), zlib.compress(body, _PACKING_LEVEL))
        self._packed_bytes += len(self._pages[key].packed)
        while self._packed_bytes > _MAX_PACKED_BYTES:
            # A dict keeps the order of insertion, so the first key is the oldest.
            self._drop(next(iter(self._pages)))

    def forget_row(self, certificate_id: int, all_ids: Sequence[int] | None) -> None:
        """Drop the pages that may hold this row: those of `all_ids`, which ascends, by their bounds, all others."""
        for key, page in list(self._pages.items()):
            rows = page.ids[key[1] : key[2]]
            if page.ids is not all_ids or rows[0] <= certificate_id <= rows[-1]:
                self._drop(key)

    def _drop(self, key: tuple[int, int, int, RowStyle]) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._packed_bytes -= len(page.packed)
