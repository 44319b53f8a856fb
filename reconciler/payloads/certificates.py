"""Certificates on the wire, as the few columns that an owner needs: list calls only, never a GET per certificate.

GET /Certificates (version 1); revoked and expired certificates are left out by the server unless asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from reconciler.model import Json, Query
from reconciler.payloads.members import pick_member
from reconciler.reader import Page, Read

CERTIFICATES_PATH = "/Certificates"
PAGE_SIZE = 1000
"""Rows that `Read.pages` asks for at once."""

# Command 11 has no owners: its rows lack these two, and every certificate reads as unowned.
_OWNER_COLUMNS = ("OwnerRoleId", "OwnerRoleName")
_COLUMNS = ("Id", "Thumbprint", *_OWNER_COLUMNS, "IssuedCN", "NotAfter", "CertState", "SubjectAltNameElements")
_REVOKED = 2
"""CertState of a revoked certificate."""
_DNS_NAME = 2
"""Type of an alternative name that is a host's: its tag in a certificate (RFC 5280, 4.2.1.6)."""
_ID_KEY = "id "
_CLAUSES_PER_QUERY = 20
"""Clauses of one QueryString: more would outgrow the 2,048 characters that IIS takes."""


class CertificateRow(NamedTuple):
    """One certificate. `owner` is the role's name, None where there is none.

    The rest is as the server tells it, since it is looked at for few rows of many; `alternative_names` only where there
    is no common name.
    """

    id: int
    thumbprint: str
    owner_id: int | None
    owner: str | None
    common_name: Json = None
    not_after: Json = None
    state: Json = None
    alternative_names: Json = None

    @property
    def name(self) -> str | None:
        """What people call it: the common name, or else the first of its alternative names as they sort."""
        if self.common_name:
            return str(self.common_name)
        elements = self.alternative_names if isinstance(self.alternative_names, list) else []
        # Sorted, DNS names first, since no order of them is promised: two answers must give one name.
        names = sorted(
            (pick_member(element, "Type") != _DNS_NAME, str(pick_member(element, "Value") or ""))
            for element in elements
            if isinstance(element, Mapping) and pick_member(element, "Value")
        )
        return names[0][1] if names else None

    @property
    def expires(self) -> str | None:
        """The day (UTC) on which it ends, as 2027-01-31; None where the server does not tell it."""
        try:
            moment = datetime.fromisoformat(str(self.not_after or ""))
            # Servers differ in whether a zone is said; it is UTC in both.
            return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
        except (ValueError, OverflowError):
            return None

    @property
    def is_revoked(self) -> bool | None:
        """Whether it is revoked; None where the server does not tell its state."""
        return None if self.state is None else self.state == _REVOKED

    @property
    def label(self) -> str:
        """What it is called in messages: by its name where it has one, its thumbprint and its id."""
        return f"{self.name} ({self.thumbprint}, id {self.id})" if self.name else f"{self.thumbprint} (id {self.id})"


RowsByKey = Mapping[str, list[CertificateRow]]
"""Rows by key: the upper-case thumbprint, or `id 12`."""


class ReadCertificates(NamedTuple):
    """Certificates by the keys that were asked for; `inventory` is the whole list, where all of it had to be read."""

    by_key: RowsByKey
    inventory: Sequence[CertificateRow] | None = None


def format_id_key(number: int) -> str:
    """Return the key of a certificate that is named by its id."""
    return f"{_ID_KEY}{number}"


def read_certificate_row(raw: Mapping[str, Json]) -> CertificateRow:
    """Return the columns of one certificate that was read by its id."""
    return _build_row(tuple(pick_member(raw, name) for name in _COLUMNS))


def search_certificates(read: Read, scope: Query, query: str = "") -> Iterator[CertificateRow]:
    """Yield the certificates that a query matches, revoked and expired ones included; all of them without one."""
    for page in _read_pages(read, scope, query):
        yield from map(_build_row, page.rows)


def begin_searches(read: Read, searches: Sequence[tuple[Query, str]]) -> None:
    """Say that certificates will be searched for so, by scope and query, in this order: some are asked for ahead."""
    if len(searches) > 1:
        read.begin_pages(CERTIFICATES_PATH, [_build_query(*search) for search in searches], columns=_COLUMNS)


def read_certificates(
    read: Read, scope: Query, keys: Collection[str], tell: Callable[[str], None] = lambda _line: None
) -> ReadCertificates:
    """Return the certificates with these keys in the fewest requests: never more than the pages of the whole list.

    A handful is asked for by name. Of many, the first page of the whole list tells how long that is; what is left is
    then read on or asked for, whichever takes fewer requests, and `tell` hears which.
    """
    unique_keys = dict.fromkeys(keys)
    rows_by_key: dict[str, list[CertificateRow]] = {}
    if len(unique_keys) <= _CLAUSES_PER_QUERY:
        _collect_rows(rows_by_key, unique_keys, _search_by_key(read, scope, unique_keys))
        return ReadCertificates(rows_by_key)
    pages = _read_pages(read, scope, "")
    first_page = next(pages, Page((), 0))
    inventory = list(map(_build_row, first_page.rows))
    _collect_rows(rows_by_key, unique_keys, inventory)
    missing_keys = [key for key in unique_keys if key not in rows_by_key]
    searches, pages_left = -(-len(missing_keys) // _CLAUSES_PER_QUERY), _count_pages_left(first_page)
    if searches < pages_left:
        tell(f"{len(missing_keys):,} certificates are looked for by name, {_CLAUSES_PER_QUERY} a search")
        _collect_rows(rows_by_key, unique_keys, _search_by_key(read, scope, missing_keys))
        return ReadCertificates(rows_by_key)
    if pages_left and first_page.total is not None:
        tell(f"all {first_page.total:,} certificates are read, in {pages_left + 1:,} pages")
    remaining_rows = [_build_row(row) for page in pages for row in page.rows]
    _collect_rows(rows_by_key, unique_keys, remaining_rows)
    return ReadCertificates(rows_by_key, [*inventory, *remaining_rows])


def _count_pages_left(first_page: Page) -> int:
    # x-total-count may be missing: the list then counts as one of 1,000 more pages. And a server may give fewer rows a
    # page than it is asked for.
    size = len(first_page.rows) or PAGE_SIZE
    return PAGE_SIZE if first_page.total is None else -(-(first_page.total - len(first_page.rows)) // size)


def _collect_rows(
    rows_by_key: dict[str, list[CertificateRow]], keys: Collection[str], rows: Iterable[CertificateRow]
) -> None:
    """Keep the rows that were asked for; one that two searches found, by its thumbprint and by its id, counts once."""
    has_ids = any(key.startswith(_ID_KEY) for key in keys)
    for row in rows:
        for key in (row.thumbprint.upper(), format_id_key(row.id)) if has_ids else (row.thumbprint.upper(),):
            if key not in keys:
                continue
            earlier_rows = rows_by_key.setdefault(key, [])
            if not earlier_rows or all(earlier_row.id != row.id for earlier_row in earlier_rows):
                earlier_rows.append(row)


def _search_by_key(read: Read, scope: Query, keys: Collection[str]) -> Iterator[CertificateRow]:
    key_iterator = iter(keys)
    searches: list[str] = []
    while batch := list(islice(key_iterator, _CLAUSES_PER_QUERY)):
        searches.append(" OR ".join(_build_clause(key) for key in batch))
    begin_searches(read, [(scope, search) for search in searches])
    for search in searches:
        yield from search_certificates(read, scope, search)


def _build_clause(key: str) -> str:
    # The query name of Id is CertId. In parentheses, since the precedence of AND and OR is not
    # documented, and without escapes, since that of a quote isn't either: only digits get here.
    return f"(CertId -eq {key[3:]})" if key.startswith("id ") else f'(Thumbprint -eq "{key}")'


def _read_pages(read: Read, scope: Query, query: str) -> Iterator[Page]:
    return read.pages(CERTIFICATES_PATH, query=_build_query(scope, query), columns=_COLUMNS)


def _build_query(scope: Query, query: str) -> Query:
    # Seen on a real server: SortField=Id, the column's own name, is refused with 400 (0xA011004A).
    options = (("SortField", "CertId"), ("includeRevoked", "true"), ("includeExpired", "true"))
    filters = (("QueryString", query),) if query else ()
    return (*filters, *options, *scope)


def _build_row(columns: tuple[Json, ...]) -> CertificateRow:
    number, thumbprint, owner_id, owner, common_name, not_after, state, alternative_names = columns
    return CertificateRow(
        int(number),
        str(thumbprint or ""),
        owner_id or None,
        owner or None,
        common_name,
        not_after,
        state,
        # Of 100,000 rows these lists would take more memory than all the rest.
        None if common_name else alternative_names,
    )
