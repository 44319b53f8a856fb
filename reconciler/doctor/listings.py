"""The lists that a target's kinds read, each once, with who reads it; and a list's first page, read as by `plan`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reconciler.kinds.kind import Kind
from reconciler.kinds.requirements import ListPermission
from reconciler.model import Json, Query
from reconciler.payloads import certificates, roles
from reconciler.reader import Page, Read

ApiKinds = Mapping[str, Kind]
"""The kinds of one API by name."""
# 40 digits, as a SHA-1 thumbprint has. In parentheses: Keyfactor documents no precedence of AND and
# OR.
_NO_CERTIFICATE = f'(Thumbprint -eq "{"0" * 40}")'
"""A search that finds nothing: certificates are many, and rows of them prove no more than an empty answer does."""


@dataclass(slots=True)
class ListUse:
    """A list with the kinds that always read it, that do for some documents, and that read its rows singly."""

    listing: ListPermission
    always_read_by: list[str] = field(default_factory=list)
    sometimes_read_by: dict[str, str] = field(default_factory=dict)
    singly_read_by: list[str] = field(default_factory=list)

    @property
    def needed_by(self) -> str:
        """Which commands and kinds need it."""
        if self.always_read_by:
            return f"plan, drift and export of {' and '.join(self.always_read_by)} need it"
        return " and ".join(
            f"{kind} documents {condition} need it" for kind, condition in self.sometimes_read_by.items()
        )


def collect_list_uses(kinds: ApiKinds) -> list[ListUse]:
    """Return each list once, in the kinds' order, with the kinds that read it."""
    uses_by_list: dict[tuple[str, int], ListUse] = {}
    for name, kind in kinds.items():
        for listing in kind.requires.read:
            # One path is two lists: the header x-keyfactor-api-version selects rows of another shape.
            use = uses_by_list.setdefault((listing.path, listing.version), ListUse(listing))
            if listing.item and not use.listing.item:
                use.listing = use.listing._replace(item=listing.item, item_permission=listing.item_permission)
            if listing.item:
                use.singly_read_by.append(name)
            if listing.condition:
                use.sometimes_read_by[name] = listing.condition
            else:
                use.always_read_by.append(name)
    return list(uses_by_list.values())


class FirstPage(NamedTuple):
    """The first rows of a list, and how many it has in all, where the server counts and all were asked for."""

    rows: Sequence[Any]
    total: int | None


def read_first_page(read: Read, listing: ListPermission) -> FirstPage:
    """Read the first page of a list; raises what reading all of it would raise there."""
    reader = _FirstPageReader(read)
    if listing.path == certificates.CERTIFICATES_PATH:
        next(certificates.read_certificate_pages(reader, (), _NO_CERTIFICATE), None)
        return FirstPage((), None)
    read_list = _SPECIAL_READERS.get(listing.path)
    if read_list:
        read_list(reader)
    else:
        reader.rows(f"{read.root}{listing.path}", version=listing.version, key=listing.item or "Id")
    return FirstPage(*reader.page)


_SPECIAL_READERS: Mapping[str, Callable[[Read], object]] = {roles.ROLES_PATH: roles.read_role_list}
"""Lists that are asked for with more than their path, by who asks for them."""


class _FirstPageReader:
    """A `Read` whose lists end with their first page. It keeps that to itself: what rows mean is no matter here."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self.page = Page((), None)

    @property
    def root(self) -> str:
        return self._read.root

    @property
    def region(self) -> str:
        return self._read.region

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        return self._read.get(path, query=query, version=version)

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        return self._read.each(paths, version=version)

    def pages(
        self, path: str, *, query: Query = (), version: int = 1, key: str = "Id", columns: tuple[str, ...] = ()
    ) -> Iterator[Page]:
        pages = self._read.pages(path, query=query, version=version, key=key, columns=columns)
        for page in pages:
            self.page = page
            if page.total is not None and page.total <= len(page.rows):
                deque(pages, maxlen=0)  # nothing more is asked for: the reader only adds up what it has
            yield page._replace(rows=())
            return

    def begin_pages(
        self, path: str, queries: Sequence[Query], *, version: int = 1, columns: tuple[str, ...] = ()
    ) -> None:
        pass

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        return [row for page in self.pages(path, query=query, version=version, key=key) for row in page.rows]
