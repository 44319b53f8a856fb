"""Certificates on the wire, as the few columns that an owner needs: list calls only, never a GET per certificate.

GET /Certificates (version 1); revoked and expired certificates are left out by the server unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from reconciler.model import Json, Query
from reconciler.payloads.certificate_table import (
    CERTIFICATE_COLUMNS,
    ID_KEY,
    CertificateRow,
    CertificateTable,
    RowsByKey,
)
from reconciler.payloads.members import pick_member
from reconciler.reader import Page, Read, split_columns

CERTIFICATES_PATH = "/Certificates"
PAGE_SIZE = 1000
"""Rows that `Read.pages` asks for at once."""

_CLAUSES_PER_QUERY = 20
"""Clauses of one QueryString: more would outgrow the 2,048 characters that IIS takes."""


class ReadCertificates(NamedTuple):
    """Certificates by the keys that were asked for; `inventory` is the whole list, where all of it had to be read."""

    by_key: RowsByKey
    inventory: CertificateTable | None = None


def read_certificate_row(raw: Mapping[str, Json]) -> CertificateRow:
    """Return the columns of one certificate that was read by its id."""
    table = CertificateTable()
    table.add_page([[pick_member(raw, name)] for name in CERTIFICATE_COLUMNS])
    return table[0]


def search_certificates(read: Read, scope: Query, query: str = "") -> CertificateTable:
    """Return the certificates that a query matches, revoked and expired ones included; all of them without one."""
    table = CertificateTable()
    for page in read_certificate_pages(read, scope, query):
        table.add_page(split_columns(page.rows, len(CERTIFICATE_COLUMNS)))
    return table


def iterate_certificates(read: Read) -> Iterator[CertificateRow]:
    """Yield all certificates, revoked and expired ones included; no more than a few pages are held at once."""
    for page in read_certificate_pages(read, (), ""):
        table = CertificateTable()
        table.add_page(split_columns(page.rows, len(CERTIFICATE_COLUMNS)))
        yield from table


def begin_searches(read: Read, searches: Sequence[tuple[Query, str]]) -> None:
    """Say that certificates will be searched for so, by scope and query, in this order: some are asked for ahead."""
    if len(searches) > 1:
        queries = [_build_query(*search) for search in searches]
        read.begin_pages(CERTIFICATES_PATH, queries, columns=CERTIFICATE_COLUMNS)


def read_certificates(
    read: Read, scope: Query, keys: Iterable[str], tell: Callable[[str], None] = lambda _line: None
) -> ReadCertificates:
    """Return the certificates with these keys in the fewest requests: never more than the pages of the whole list.

    A handful is asked for by name. Of many, the first page of the whole list tells how long that is; what is left is
    then read on or asked for, whichever takes fewer requests, and `tell` hears which.
    """
    table = CertificateTable()
    rows_by_key = RowsByKey(table, keys)
    missing_keys = rows_by_key.list_missing()
    if len(missing_keys) <= _CLAUSES_PER_QUERY:
        _search_by_key(read, scope, missing_keys, rows_by_key)
        return ReadCertificates(rows_by_key)
    pages = read_certificate_pages(read, scope, "")
    first_page = next(pages, Page((), 0))
    _add_rows(rows_by_key, first_page)
    missing_keys = rows_by_key.list_missing()
    searches, pages_left = -(-len(missing_keys) // _CLAUSES_PER_QUERY), _count_pages_left(first_page)
    if searches < pages_left:
        tell(f"{len(missing_keys):,} certificates are looked for by name, {_CLAUSES_PER_QUERY} a search")
        _search_by_key(read, scope, missing_keys, rows_by_key)
        return ReadCertificates(rows_by_key)
    if pages_left and first_page.total is not None:
        tell(f"all {first_page.total:,} certificates are read, in {pages_left + 1:,} pages")
    for page in pages:
        _add_rows(rows_by_key, page)
    return ReadCertificates(rows_by_key, table)


def _add_rows(rows_by_key: RowsByKey, page: Page) -> None:
    start = len(rows_by_key.table)
    rows_by_key.table.add_page(split_columns(page.rows, len(CERTIFICATE_COLUMNS)))
    rows_by_key.find_in(start)


def _count_pages_left(first_page: Page) -> int:
    # x-total-count may be missing: the list then counts as one of 1,000 more pages. And a server may give fewer rows a
    # page than it is asked for.
    size = len(first_page.rows) or PAGE_SIZE
    return PAGE_SIZE if first_page.total is None else -(-(first_page.total - len(first_page.rows)) // size)


def _search_by_key(read: Read, scope: Query, keys: Iterable[str], rows_by_key: RowsByKey) -> None:
    key_iterator = iter(keys)
    searches: list[str] = []
    while batch := list(islice(key_iterator, _CLAUSES_PER_QUERY)):
        searches.append(" OR ".join(_build_clause(key) for key in batch))
    begin_searches(read, [(scope, search) for search in searches])
    for search in searches:
        for page in read_certificate_pages(read, scope, search):
            _add_rows(rows_by_key, page)


def _build_clause(key: str) -> str:
    # The query name of Id is CertId. In parentheses, since the precedence of AND and OR is not
    # documented, and without escapes, since that of a quote isn't either: only digits get here.
    return f"(CertId -eq {key[len(ID_KEY) :]})" if key.startswith(ID_KEY) else f'(Thumbprint -eq "{key}")'


def read_certificate_pages(read: Read, scope: Query, query: str) -> Iterator[Page]:
    """Yield the pages of the list that a query matches, with `CERTIFICATE_COLUMNS`; the whole one without a query."""
    return read.pages(CERTIFICATES_PATH, query=_build_query(scope, query), columns=CERTIFICATE_COLUMNS)


def _build_query(scope: Query, query: str) -> Query:
    # Seen on a real server: SortField=Id, the column's own name, is refused with 400 (0xA011004A).
    options = (("SortField", "CertId"), ("includeRevoked", "true"), ("includeExpired", "true"))
    filters = (("QueryString", query),) if query else ()
    return (*filters, *options, *scope)
