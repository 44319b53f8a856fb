"""A world that is only data: `Read` over a table of answers, for the pure half of the kinds."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.model import Json, Query
from reconciler.reader import Page
from reconciler.simulator.world.query import QueryColumn, compile_query

TODAY = "2026-11-22"
_CONSTANT = {"QueryString", "SortField", "includeRevoked", "includeExpired"}


class World:
    """Answers GETs from {path: body}; keeps what was asked for, since cost is counted in requests.

    A path that is not in the table is absent (404). Certificates may be given by scope, "/Certificates?collectionId=4";
    as on a server, revoked and expired ones are left out unless asked for. `page` is how many rows a page has.
    """

    root = "/v1/0123/csms"
    region = "cn-north-4"

    def __init__(self, answers: Mapping[str, Json], page: int = 1000) -> None:
        self.answers, self.page = answers, page
        self.asked: list[str] = []
        self._lists: dict[str, list[Json]] = {}

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        _known(path, version)
        self.asked.append(path)
        return self.answers.get(path)

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        return [self.get(path, version=version) for path in paths]

    def pages(
        self, path: str, *, query: Query = (), version: int = 1, key: str = "Id", columns: tuple[str, ...] = ()
    ) -> Iterator[Page]:
        _known(path, version)
        parameters = dict(query)
        search = parameters.get("QueryString", "")
        scope = "".join(f"?{name}={value}" for name, value in query if name not in _CONSTANT)
        rows: Sequence[Any] = [row for row in self.answers.get(path + scope) or [] if _given(row, parameters)]
        if search:
            rows = list(filter(compile_query(search, _COLUMNS).test, rows))
        if columns:
            rows = [tuple(row.get(column) for column in columns) for row in rows]
        for number, start in enumerate(range(0, max(len(rows), 1), self.page), 1):
            asked = f"{path}{scope}" + (f" {search}" if search else "") + (f" page {number}" if number > 1 else "")
            self.asked.append(asked)
            yield Page(rows[start : start + self.page], len(rows))

    def begin_pages(
        self, path: str, queries: Sequence[Query], *, version: int = 1, columns: tuple[str, ...] = ()
    ) -> None:
        pass

    def rows(self, path: str, *, query: Query = (), version: int = 1, key: str = "Id") -> list[Json]:
        if path not in self._lists:
            self._lists[path] = [row for page in self.pages(path, query=query, version=version) for row in page.rows]
        return self._lists[path]


_ORDERED = {"event_types", "Permissions", "Claims"}


def shuffled(value: Any, chance: random.Random) -> Any:
    """Return a world in another order: rows, members and the members of sets.

    Lists of an object that is written as a whole keep theirs: what is not changed goes back as it was read, so their
    order is a part of the plan.
    """
    if isinstance(value, list):
        return chance.sample([shuffled(item, chance) for item in value], len(value))
    if isinstance(value, dict):
        names = chance.sample(list(value), len(value))
        return {name: value[name] if name in _ORDERED else shuffled(value[name], chance) for name in names}
    return value


def _known(path: str, version: int) -> None:
    """Command answers a role asked for as version 1 in another shape, and everything else knows no version 2."""
    assert version == (2 if path.startswith("/Security/Roles") else 1), f"{path} was asked for as version {version}"


def _given(row: Mapping[str, Json], parameters: Mapping[str, str]) -> bool:
    revoked, expired = row.get("CertState") == 2, str(row.get("NotAfter", "9999")) < TODAY
    return (not revoked or parameters.get("includeRevoked") == "true") and (
        not expired or parameters.get("includeExpired") == "true"
    )


_COLUMNS = {
    "certid": QueryColumn("integer", lambda row: row["Id"]),
    "thumbprint": QueryColumn("string", lambda row: row["Thumbprint"]),
    "issuedcn": QueryColumn("string", lambda row: row.get("IssuedCN")),
    "ownerrolename": QueryColumn("string", lambda row: row.get("OwnerRoleName")),
    "ownerroleid": QueryColumn("integer", lambda row: row.get("OwnerRoleId")),
}
"""What certificates can be searched for here."""
