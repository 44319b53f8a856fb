"""Certificates on the wire, as the four columns that an owner needs: list calls only, never a GET per certificate.

GET /Certificates (version 1); revoked and expired certificates are left out by the server unless asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from reconciler.kinds.kind import Page, Read
from reconciler.model import Json, Query

PATH = "/Certificates"
PAGE = 1000
"""Rows that `Read.pages` asks for at once."""

# Command 11 has no owners: its rows lack the last two, and every certificate reads as unowned.
_COLUMNS = ("Id", "Thumbprint", "OwnerRoleId", "OwnerRoleName")
_PER_QUERY = 20
"""Clauses of one QueryString: more would outgrow the 2,048 characters that IIS takes."""


class Row(NamedTuple):
    """One certificate. `owner` is the role's name, None where there is none."""

    id: int
    thumbprint: str
    owner_id: int | None
    owner: str | None


Found = Mapping[str, list[Row]]
"""Rows by key: the upper-case thumbprint, or `id 12`."""


def id_key(number: int) -> str:
    """Return the key of a certificate that is named by its id."""
    return f"id {number}"


def matching(read: Read, scope: Query, query: str = "") -> Iterator[Row]:
    """Yield the certificates that a query matches, revoked and expired ones included; all of them without one."""
    for page in _pages(read, scope, query):
        yield from map(_row, page.rows)


def selected(read: Read, scope: Query, keys: Collection[str]) -> Found:
    """Return the certificates with these keys in the fewest requests: never more than the pages of the whole list.

    A handful is asked for by name. Of many, the first page of the whole list tells how long that is; what is left is
    then read on or asked for, whichever takes fewer requests.
    """
    left = dict.fromkeys(keys)
    found: dict[str, list[Row]] = {}
    if len(left) <= _PER_QUERY:
        _keep(found, left, _asked(read, scope, left))
        return found
    pages = _pages(read, scope, "")
    first = next(pages, Page((), 0))
    _keep(found, left, map(_row, first.rows))
    missing = [key for key in left if key not in found]
    # x-total-count may be missing: the list then counts as one of 1,000 more pages.
    pages_left = -(-(first.total - len(first.rows)) // PAGE) if first.total is not None else PAGE
    if -(-len(missing) // _PER_QUERY) < pages_left:
        _keep(found, left, _asked(read, scope, missing))
    else:
        for page in pages:
            _keep(found, left, map(_row, page.rows))
    return found


def _keep(found: dict[str, list[Row]], keys: Collection[str], rows: Iterator[Row]) -> None:
    """Keep the rows that were asked for; one that two searches found, by its thumbprint and by its id, counts once."""
    for row in rows:
        for key in (row.thumbprint.upper(), id_key(row.id)):
            if key in keys and all(kept.id != row.id for kept in found.get(key, ())):
                found.setdefault(key, []).append(row)


def _asked(read: Read, scope: Query, keys: Collection[str]) -> Iterator[Row]:
    left = iter(keys)
    while batch := list(islice(left, _PER_QUERY)):
        yield from matching(read, scope, " OR ".join(_clause(key) for key in batch))


def _clause(key: str) -> str:
    # The query name of Id is CertId. In parentheses, since the precedence of AND and OR is not
    # documented, and without escapes, since that of a quote isn't either: only digits get here.
    return f"(CertId -eq {key[3:]})" if key.startswith("id ") else f'(Thumbprint -eq "{key}")'


def _pages(read: Read, scope: Query, query: str) -> Iterator[Page]:
    # Seen on a real server: SortField=Id, the column's own name, is refused with 400 (0xA011004A).
    everything = (("SortField", "CertId"), ("includeRevoked", "true"), ("includeExpired", "true"))
    asked = (("QueryString", query),) if query else ()
    return read.pages(PATH, query=(*asked, *everything, *scope), columns=_COLUMNS)


def _row(columns: tuple[Json, ...]) -> Row:
    number, thumbprint, owner_id, owner = columns
    return Row(int(number), str(thumbprint or ""), owner_id or None, owner or None)
