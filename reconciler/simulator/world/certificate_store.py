"""Certificates by the million: immutable rows, sorted ids, pages made once, lists remembered by query."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, MutableMapping

from reconciler.simulator.world.certificate_json import RowStyle, serialize_certificate
from reconciler.simulator.world.certificate_rows import SORT_KEYS, Certificate
from reconciler.simulator.world.prepared_pages import PreparedPages
from reconciler.simulator.world.query import CompiledQuery

# 100,000 certificates are 2,000 pages of 50, each of which would filter and sort all of them again.
_MAX_CACHED_LISTS = 16


class CertificateStore(MutableMapping[int, Certificate]):
    """Certificates by id. Replace a row to change it (`store[7] = store[7]._replace(owner=3)`)."""

    def __init__(self, rows: Iterable[Certificate]) -> None:
        self._rows = {row.id: row for row in rows}
        self._ids: list[int] | None = None
        self._pages = PreparedPages()
        self._lists: dict[Hashable, list[int]] = {}
        self._by_thumbprint: dict[str, int] | None = None

    def __getitem__(self, key: int) -> Certificate:
        return self._rows[key]

    def __setitem__(self, key: int, row: Certificate) -> None:
        old_row = self._rows.get(key)
        self._rows[key] = row
        # The usual write sets an owner, after which both indices still hold.
        if old_row is None or old_row.thumbprint != row.thumbprint:
            self._ids = self._by_thumbprint = None
        self._forget_answers(key)

    def __delitem__(self, key: int) -> None:
        del self._rows[key]
        self._ids = self._by_thumbprint = None
        self._forget_answers(key)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def select(
        self,
        key: Hashable,
        query: CompiledQuery | None,
        keep: Callable[[Certificate], bool] | None,
        sort: str,
        *,
        falling: bool,
    ) -> list[int]:
        """Return the ids that pass `query` and `keep`, sorted; the answer is remembered under `key`."""
        ids = self._lists.get(key)
        if ids is None:
            while len(self._lists) >= _MAX_CACHED_LISTS:
                # A dict keeps the order of insertion, so the first key is the oldest.
                del self._lists[next(iter(self._lists))]
            ids = self._lists[key] = self._select_ids(query, keep, sort, falling=falling)
        return ids

    def _select_ids(
        self, query: CompiledQuery | None, keep: Callable[[Certificate], bool] | None, sort: str, *, falling: bool
    ) -> list[int]:
        ids = self._find_candidates(query)
        rows = self._rows
        if query is not None:
            ids = [i for i in ids if query.test(rows[i])]
        if keep is not None:
            ids = [i for i in ids if keep(rows[i])]
        if sort != "certid":
            get = SORT_KEYS[sort]
            # The id breaks ties: by offset, pages of an order that is not total would repeat and lose rows.
            ids = sorted(ids, key=lambda i: (get(rows[i]) or "", i))
        return ids[::-1] if falling else ids

    def _find_candidates(self, query: CompiledQuery | None) -> list[int]:
        if query is not None and query.column == "certid":
            return sorted(i for i in query.values if i in self._rows)
        if query is not None and query.column == "thumbprint":
            if self._by_thumbprint is None:
                self._by_thumbprint = {row.thumbprint.lower(): row.id for row in self._rows.values()}
            return sorted(
                self._by_thumbprint[thumbprint] for thumbprint in query.values if thumbprint in self._by_thumbprint
            )
        if self._ids is None:
            self._ids = sorted(self._rows)
        return self._ids

    def serialize_page(
        self, ids: list[int], begin: int, end: int, owner_name: Callable[[int], str | None], style: RowStyle
    ) -> bytes:
        """Return a part of what `select` returned as JSON, without metadata, locations and key state."""
        body = self._pages.find(ids, begin, end, style, owner_name)
        if body is None:
            rows = [self._rows[i] for i in ids[begin:end]]
            body = f"[{','.join(serialize_certificate(row, owner_name, style) for row in rows)}]".encode()
            names = {row.owner: owner_name(row.owner) for row in rows if row.owner is not None}
            self._pages.keep(ids, begin, end, style, names, body)
        return body

    def _forget_answers(self, key: int) -> None:
        self._lists.clear()
        self._pages.forget_row(key, self._ids)
