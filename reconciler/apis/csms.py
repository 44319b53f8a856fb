"""Reading Huawei Cloud CSMS: objects in envelopes, and lists by marker (contract: List and pagination).

Whether a marker's own row comes again on the next page, whether the last page names a next marker and in which order
rows come is not documented. So the reader follows what it is given, skips what it has, and ends when a page brings
nothing new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import Any

from reconciler.apis.client import ObjectReader
from reconciler.apis.dialect import Dialect, ReadClient, ReaderParts, is_throttled_by_gateway
from reconciler.model import Json, Query, Reply
from reconciler.reader import Page
from reconciler.transport.single_flight import OnceCache
from reconciler.transport.strict_json import read_error_message

LIMIT = 200
"""Rows that a page is asked for; the documented maximum is unknown, the default 50."""
_DEFAULT = 50
MOST_EVENT_PAGES = 1000
_ENVELOPES = {"notification-records": "records"}
"""Lists whose rows aren't called like the last part of their path."""


def _build_headers(_version: int) -> dict[str, str]:
    """Return what every call carries besides its credentials; CSMS knows no version header."""
    # A kind's version number has no meaning here: the API's stands in the path, /v1/.
    return {}


def _has_refused_credentials(reply: Reply) -> bool:
    # Of a token that it doesn't take CSMS itself says 400 with CSMS.0301 (contract: error codes).
    return reply.status == 401 or (reply.status == 400 and read_error_message(reply.body).startswith("CSMS.0301"))


def _is_absent(reply: Reply) -> bool:
    """404, or 400 with the service's own code for "does not exist"; a 404 of the gateway says that of an API."""
    if reply.status not in (400, 404):
        return False
    text = read_error_message(reply.body)
    # The shared gateway spells its codes APIGW., dedicated ones APIG.
    return text.startswith("CSMS.0005") if reply.status == 400 else not text.startswith(("APIGW.", "APIG."))


def _is_complaint(reply: Reply) -> bool:
    # CSMS answers 400 where others answer 404: CSMS.0005 is a resource that doesn't exist. What the
    # gateway before it says for itself starts with APIGW.
    return reply.status == 400 and read_error_message(reply.body).startswith("CSMS.")


def build_csms_root(project: Callable[[], str]) -> str:
    """Return what all paths start with; raises as a read does where IAM has to tell the project's id."""
    return f"/v1/{project()}/csms"


class CsmsRead(ObjectReader):
    """`reader.Read` for CSMS. With `once` the same list is read once; without, each time anew."""

    def __init__(
        self, client: ReadClient, pool: Executor, project: Callable[[], str], region: str, *, once: OnceCache | None
    ) -> None:
        super().__init__(client, pool)
        self._project, self._once = project, once
        self.region = region

    @property
    def root(self) -> str:
        return build_csms_root(self._project)

    def pages(
        self, path: str, *, query: Query = (), version: int = 1, key: str = "name", columns: tuple[str, ...] = ()
    ) -> Iterator[Page]:
        """Yield a list's pages until nothing new comes; raises IncompleteError where that proves nothing."""
        known_names: set[str] = set()
        used_markers: set[str] = set()
        marker = ""
        for _ in range(MOST_EVENT_PAGES):
            rows, next_marker, is_last = self._read_page(path, query, version, marker)
            names = [self._name(path, row, key) for row in rows]
            new_rows = [row for row, name in zip(rows, names, strict=True) if name not in known_names]
            if len(new_rows) != len({row[key] for row in new_rows}):
                raise self._client.make_incomplete_error(path, f"a row with the same {key} came twice on one page")
            if rows and not new_rows and len(rows) >= _DEFAULT:
                raise self._client.make_incomplete_error(
                    path, "the server gives the same full page again, so there may be more"
                )
            used_markers.add(marker)
            known_names.update(names)
            if new_rows or not used_markers - {""}:
                yield Page(
                    [tuple(row.get(name) for name in columns) for row in new_rows] if columns else new_rows, None
                )
            # Where no next marker is named the last row's name serves: Terraform knows no other.
            marker = next(
                (candidate for candidate in (next_marker, *names[-1:]) if candidate and candidate not in used_markers),
                "",
            )
            if is_last or not new_rows or not marker:
                return
        raise self._client.make_incomplete_error(path, f"the list does not end within {MOST_EVENT_PAGES} pages")

    def begin_pages(
        self, path: str, queries: Sequence[Query], *, version: int = 1, columns: tuple[str, ...] = ()
    ) -> None:
        """Nobody asks for many."""

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "name") -> list[Json]:
        """Return all rows of a list."""

        def read() -> list[Json]:
            return [row for page in self.pages(path, query=query, version=version, key=key) for row in page.rows]

        return list(self._once.get((path, query, key), read) if self._once else read())

    def _read_page(self, path: str, query: Query, version: int, marker: str) -> tuple[list[dict[str, Any]], str, bool]:
        """Return the rows of the page after a marker, the marker it names for the next, and whether it is the last."""
        paging = (("limit", str(LIMIT)), *((("marker", marker),) if marker else ()))
        reply = self._client.get(path, (*query, *paging), version, listing=True)
        answer = self._client.decode_body(path, reply) if reply else {}
        list_name = path.rpartition("/")[2]
        if not isinstance(answer, dict):
            raise self._client.make_incomplete_error(path, "the answer is not an object")
        rows = answer.get(_ENVELOPES.get(list_name, list_name))
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._client.make_incomplete_error(path, f"the answer holds no list of {list_name}")
        page_info = answer.get("page_info")
        next_marker = page_info.get("next_marker") if isinstance(page_info, dict) else None
        # Fewer rows than even the default page has, and no next marker: either alone may be a server's habit.
        is_last = isinstance(page_info, dict) and not next_marker and len(rows) < _DEFAULT
        return rows, next_marker if isinstance(next_marker, str) else "", is_last

    def _name(self, path: str, row: dict[str, Any], key: str) -> str:
        name = row.get(key)
        if not isinstance(name, str) or not name:
            raise self._client.make_incomplete_error(path, f"a row has no usable {key}")
        return name


def _make_reader(parts: ReaderParts, once: OnceCache | None) -> CsmsRead:
    return CsmsRead(parts.client, parts.pool, parts.project, parts.region, once=once)


CSMS = Dialect(
    api="csms",
    product="CSMS",
    build_headers=_build_headers,
    make_reader=_make_reader,
    has_refused_credentials=_has_refused_credentials,
    is_absent=_is_absent,
    is_complaint=_is_complaint,
    was_definitely_not_done=is_throttled_by_gateway,
    ca_bundle_setting="caBundle",
    address_setting="`region` (or `url`, where one is set)",
)
