"""Reading Keyfactor Command: its headers, and lists that are proved complete (contract: Conventions, 0.2 to 0.5).

Lists give 50 rows where nothing is asked, clamp what is asked to a maximum that nobody documents, and have no snapshot:
rows may move between pages while they are read. A list counts as read when the server's own count is met without a key
twice, or, where the server doesn't count, when an empty page ends it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import suppress
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.apis.client import ObjectReader
from reconciler.apis.dialect import Dialect, ReadClient, ReaderParts, is_throttled_by_gateway
from reconciler.apis.seen_keys import SeenKeys
from reconciler.model import Json, Query, Reply
from reconciler.reader import ColumnRows, Page
from reconciler.transport.fetch_ahead import FetchAhead
from reconciler.transport.single_flight import OnceCache

if TYPE_CHECKING:
    from reconciler.transport.page_shape import PageShape

# Measured: pages of 1,000 rows with four to eight of them under way were the fastest.
PAGE = 1000
"""Rows that a page is asked for."""
MOST_PAGES = 10_000
RESTARTS = 3
_MOST_LESSONS = 5
"""How often the shape of a list's rows is learned from a page that the shape so far did not fit."""


def _build_headers(version: int) -> dict[str, str]:
    """Return what every call carries. A missing version would mean 1, where roles have no claims."""
    # The first is mandatory by the vendor's documents: no web page's form can send it (CSRF).
    return {"x-keyfactor-requested-with": "APIClient", "x-keyfactor-api-version": str(version)}


class _Listing(NamedTuple):
    path: str
    query: Query
    version: int
    key: str
    columns: tuple[str, ...] = ()


class _ListPage(NamedTuple):
    keys: Sequence[Any]
    rows: Sequence[Any]
    total: int | None


class _InconsistentPages(Exception):
    """The pages of one pass don't fit together."""


class KeyfactorRead(ObjectReader):
    """`reader.Read` for Command. With `once` the same list is read once; without, each time anew."""

    root = region = ""

    def __init__(self, client: ReadClient, pool: Executor, *, window: int, once: OnceCache | None) -> None:
        super().__init__(client, pool)
        self._window, self._once = window, once
        self._shapes: dict[str, PageShape] = {}
        self._lessons: Counter[str] = Counter()
        self._ahead = FetchAhead(lambda listing: pool.submit(self._read_page, listing, 1, PAGE), window)

    def pages(
        self, path: str, *, query: Query = (), version: int = 1, key: str = "Id", columns: tuple[str, ...] = ()
    ) -> Iterator[Page]:
        """Yield a list's pages until it is proved complete; see `reader.Read`.

        Where rows moved under the reader the list is read again, and only rows that were not yielded before are.
        """
        listing = _Listing(path, query, version, key, columns)
        yield from self._list_pages(listing, self._ahead.take(listing))

    def begin_pages(
        self, path: str, queries: Sequence[Query], *, version: int = 1, columns: tuple[str, ...] = ()
    ) -> None:
        """Fetch first pages ahead, as many as may be under way; see `reader.Read`."""
        # As with `each`: until the credentials were taken one goes alone. And a look just before a write begins when it
        # is asked for, not earlier.
        if self._client.proved and self._once is not None:
            self._ahead.begin([_Listing(path, query, version, "Id", columns) for query in queries])

    def _list_pages(self, listing: _Listing, first: Future[_ListPage] | None = None) -> Iterator[Page]:
        """Yield a list's pages; `first` is its first one, where that is under way already."""
        yielded_keys: set[Any] = set()
        for turn in range(RESTARTS + 1):
            keys_in_pass = SeenKeys()
            try:
                for page in self._read_pass(listing, keys_in_pass, None if turn else first):
                    if not turn:
                        yield Page(page.rows, page.total)
                    elif new_rows := [
                        row for key, row in zip(page.keys, page.rows, strict=True) if key not in yielded_keys
                    ]:
                        yield Page(new_rows, page.total)
            except _InconsistentPages as error:
                reason = str(error)
                yielded_keys.update(keys_in_pass)
            else:
                return
        raise self._client.make_incomplete_error(
            listing.path, f"the list could not be read completely in {RESTARTS + 1} attempts: {reason}"
        )

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        """Return all rows of a list, proved complete."""
        listing = _Listing(path, query, version, key)
        rows = self._once.get(listing, lambda: self._all(listing)) if self._once else self._all(listing)
        return list(rows)

    def _all(self, listing: _Listing) -> list[Json]:
        """Return the rows of one whole pass: unlike `pages`, none of a pass that was given up."""
        for _ in range(RESTARTS + 1):
            try:
                return [row for page in self._read_pass(listing, SeenKeys()) for row in page.rows]
            except _InconsistentPages as error:
                reason = str(error)
        raise self._client.make_incomplete_error(
            listing.path, f"the list could not be read completely in {RESTARTS + 1} attempts: {reason}"
        )

    def _read_pass(
        self, listing: _Listing, seen_keys: SeenKeys, first: Future[_ListPage] | None = None
    ) -> Iterator[_ListPage]:
        """Read a list once from its beginning; raises _InconsistentPages where its pages contradict each other."""
        first_page = first.result() if first else self._read_page(listing, 1, PAGE)
        size, total, count = len(first_page.rows), first_page.total, 0
        later_pages = self._read_until_empty(listing, size) if total is None else self._counted(listing, size, total)
        for page in _chain_pages(first_page, later_pages):
            # First: `seen_keys` has what was yielded, and this page will not be.
            if page.total != total:
                raise _InconsistentPages("the number of rows changed meanwhile")
            # Offset paging has no snapshot: an insertion repeats a row, a deletion skips one.
            if not seen_keys.add(page.keys):
                raise _InconsistentPages(f"a row with the same {listing.key} came twice")
            count += len(page.keys)
            yield page
        if total is not None and count != total:
            raise _InconsistentPages(f"the server counts {total} rows and gave {count}")

    def _read_until_empty(self, listing: _Listing, size: int) -> Iterator[_ListPage]:
        """Yield pages 2 and up, one after the other, until an empty one. A server's smaller page size is followed."""
        for number in range(2, MOST_PAGES + 1) if size else ():
            page = self._read_page(listing, number, size)
            if not page.rows:
                return
            yield page
        if size:
            raise self._client.make_incomplete_error(listing.path, f"the list does not end within {MOST_PAGES} pages")

    def _counted(self, listing: _Listing, size: int, total: int) -> Iterator[_ListPage]:
        """Yield pages 2 to the last, in order, some of them under way at once."""
        last_number = ceil(total / size) if size else 1
        if last_number > MOST_PAGES:
            summary = f"the list would take {last_number} pages of {size} rows, more than {MOST_PAGES}"
            raise self._client.make_incomplete_error(listing.path, summary)
        futures: deque[Future[Reply]] = deque()
        try:
            for number in range(2, last_number + 1):
                futures.append(self._pool.submit(self._fetch_page, listing, number, size))
                if len(futures) >= self._window:
                    # Measured: decoded here, where its rows are used, a page costs half of what it does in the pool.
                    yield self._decode_page(listing, futures.popleft().result(), size)
            while futures:
                yield self._decode_page(listing, futures.popleft().result(), size)
        finally:
            for future in futures:
                # Cancels only what has not begun; a page under way ends by its own deadline.
                future.cancel()

    def _read_page(self, listing: _Listing, number: int, limit: int) -> _ListPage:
        return self._decode_page(listing, self._fetch_page(listing, number, limit), limit)

    def _fetch_page(self, listing: _Listing, number: int, limit: int) -> Reply:
        paging = (("PageReturned", str(number)), ("ReturnLimit", str(limit)))
        reply = self._client.get(listing.path, (*listing.query, *paging), listing.version, listing=True)
        if reply is None:  # a listing's 404 raises
            raise self._client.make_incomplete_error(listing.path, "the list is not there")
        return reply

    def _decode_page(self, listing: _Listing, reply: Reply, limit: int) -> _ListPage:
        if listing.columns and (columns := self._read_proved_columns(listing, reply)) is not None:
            keys, *columns = columns
            self._check_keys(listing, keys)
            return _ListPage(keys, ColumnRows(columns), self._read_total(listing.path, reply))
        return self._read_strictly(listing, reply, limit)

    def _read_strictly(self, listing: _Listing, reply: Reply, limit: int) -> _ListPage:
        rows = self._client.decode_body(listing.path, reply, bulk=bool(listing.columns))
        if not isinstance(rows, list) or not all(type(row) is dict for row in rows):
            raise self._client.make_incomplete_error(listing.path, "the answer is not a list of objects")
        keys = self._list_keys(listing, rows)
        total = self._read_total(listing.path, reply)
        if listing.columns and len(rows) == limit:
            self._learn_shape(listing, rows)
        return _ListPage(keys, _pick_columns(rows, listing.columns) if listing.columns else rows, total)

    def _read_proved_columns(self, listing: _Listing, reply: Reply) -> list[Sequence[Json]] | None:
        """Return key and columns of a page as earlier pages had them; None where it has to be read strictly."""
        shape = self._shapes.get(listing.path)
        names = shape and _spell_names(shape.members, (listing.key,)) + _spell_names(shape.members, listing.columns)
        return shape.read_columns(reply.body, names) if shape and names else None

    def _learn_shape(self, listing: _Listing, rows: list[dict[str, Any]]) -> None:
        """Learn from a whole page, behind which there may be more, how to read those."""
        # Rows that have no one shape would be looked at in vain on each page.
        if self._lessons[listing.path] == _MOST_LESSONS:
            return
        from reconciler.transport.page_shape import PageShape  # noqa: PLC0415 - 20 ms, paid for long lists alone

        self._lessons[listing.path] += 1
        with suppress(ValueError):
            self._shapes[listing.path] = PageShape(rows)

    def _list_keys(self, listing: _Listing, rows: list[dict[str, Any]]) -> list[Any]:
        name = _spell_names(rows[0], (listing.key,))[0] if rows else ""
        keys = [row.get(name) for row in rows]
        self._check_keys(listing, keys)
        return keys

    def _check_keys(self, listing: _Listing, keys: Sequence[Any]) -> None:
        # Not isinstance: to that, True is an int, and it equals the key 1.
        if not {int, str}.issuperset(map(type, keys)):
            raise self._client.make_incomplete_error(listing.path, f"a row has no usable {listing.key}")

    def _read_total(self, path: str, reply: Reply) -> int | None:
        header = reply.headers.get("x-total-count")
        if header is None:
            return None
        text = header.strip()
        # isdigit alone holds for superscripts, which int refuses, as it does more than 4,300 digits.
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise self._client.make_incomplete_error(path, "the server's count of rows (x-total-count) is not a number")
        return int(text)


def _chain_pages(first_page: _ListPage, later_pages: Iterator[_ListPage]) -> Iterator[_ListPage]:
    yield first_page
    yield from later_pages


def _spell_names(row: Collection[str], names: tuple[str, ...]) -> list[str]:
    """Return the names as this server spells them: PascalCase as a rule, camelCase in some versions."""
    if all(name in row for name in names):
        return list(names)
    folded = {member.casefold(): member for member in row}
    return [folded.get(name.casefold(), name) for name in names]


def _pick_columns(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return the plain columns of a page; the wide rows are dropped at once."""
    if not rows:
        return []
    spelled_names = _spell_names(rows[0], names)
    # Measured: a certificate takes 4 KB as a parsed object and 370 bytes as a slim row.
    return [tuple(map(row.get, spelled_names)) for row in rows]


def _make_reader(parts: ReaderParts, once: OnceCache | None) -> KeyfactorRead:
    return KeyfactorRead(parts.client, parts.pool, window=parts.window, once=once)


KEYFACTOR = Dialect(
    api="keyfactor",
    product="Keyfactor Command",
    build_headers=_build_headers,
    make_reader=_make_reader,
    has_refused_credentials=lambda reply: reply.status == 401,
    is_absent=lambda reply: reply.status == 404,
    is_complaint=lambda _reply: False,
    # Command documents no 429 at all, but it may stand behind the gateway as well as any other API.
    was_definitely_not_done=is_throttled_by_gateway,
    ca_bundle_setting="caBundle (or KEYFACTOR_CA_CERT)",
    address_setting="`url`",
    address_hint="it ends with the API's path, as in https://host/KeyfactorAPI",
    version_header="x-keyfactor-product-version",
    # The first with version two of /Security/Roles.
    oldest_major=11,
    update_advice="roles need version 11 or later; update the server, or leave roles and owners out",
    # What Keyfactor's own clients ask to see whether a login works; it needs no permission.
    login_probe="/Status/Endpoints",
    tells_permissions=True,
)
