"""The read-only half of an API, as the kinds see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, overload

from reconciler.model import Json, Query


class Page(NamedTuple):
    """One page of a list. `total` is the server's count of all matching rows, if it says."""

    rows: Sequence[Any]
    total: int | None


class ColumnRows(Sequence[tuple[Json, ...]]):
    """Rows that are kept as columns of one length, a tuple each where they are looked at one by one."""

    def __init__(self, columns: Sequence[Sequence[Json]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    @overload
    def __getitem__(self, index: int) -> tuple[Json, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> ColumnRows: ...
    def __getitem__(self, index: int | slice) -> tuple[Json, ...] | ColumnRows:
        """Return a row, or several."""
        if isinstance(index, slice):
            return ColumnRows([column[index] for column in self.columns])
        return tuple(column[index] for column in self.columns)

    def __iter__(self) -> Iterator[tuple[Json, ...]]:
        return zip(*self.columns, strict=True)


def split_columns(rows: Sequence[tuple[Json, ...]], count: int) -> Sequence[Sequence[Json]]:
    """Return the columns, of which there are so many, of a page that was read with `columns`."""
    if isinstance(rows, ColumnRows):
        return rows.columns
    return list(zip(*rows, strict=True)) or [()] * count


class Read(Protocol):
    """The read-only half of an API.

    Everything raises AuthError (401, 403), UnreachableError (no answer, 5xx after the retries) or IncompleteError
    (an answer that can't be trusted: not JSON, wrong shape, a list that doesn't add up).
    """

    @property
    def root(self) -> str:
        """What the paths of its objects start with; "" for Command."""

    @property
    def region(self) -> str:
        """The region of the cloud that it is in; "" for Command, and where it isn't known."""

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        """Return the decoded body, or None where the server answers 404."""

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        """`get` for many paths at once, in their order."""

    def pages(
        self,
        path: str,
        *,
        query: Query = (),
        version: int = 1,
        key: str = "Id",
        columns: tuple[str, ...] = (),
    ) -> Iterator[Page]:
        """Yield a list's pages until it is proved complete; a row's `key` must not repeat.

        Only the first page is asked for before the second is wanted; the others are fetched concurrently. With
        `columns` a row is the tuple of these members (None where absent) and the rest is dropped at once.
        """

    def begin_pages(
        self, path: str, queries: Sequence[Query], *, version: int = 1, columns: tuple[str, ...] = ()
    ) -> None:
        """Say that `pages` will be asked for each of these queries, in this order: some are fetched ahead of that."""

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        """Return all rows of a list, proved complete. Within one run the same list is read once."""
