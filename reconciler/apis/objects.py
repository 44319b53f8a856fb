"""Reading single objects: the half of `resource.Read` that both APIs share."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from reconciler.apis.client import Client
from reconciler.model import Json, Query


class ObjectReader:
    """Reads objects by path, one or many at once."""

    def __init__(self, client: Client, pool: Executor) -> None:
        self._client, self._pool = client, pool

    def get(self, path: str, *, query: Query = (), version: int = 1) -> Json:
        """Return the decoded body, or None where the server says that the object doesn't exist."""
        reply = self._client.get(path, query, version)
        return None if reply is None else self._client.decode_body(path, reply)

    def each(self, paths: Sequence[str], *, version: int = 1) -> list[Json]:
        """`get` for many paths at once. The first goes alone until the credentials are proved: accounts get locked.

        Afterwards too refused credentials are shown a few times only, however many paths there are: `RefusalCounter`.
        """
        first_count = 0 if self._client.proved else 1
        first_objects = [self.get(path, version=version) for path in paths[:first_count]]
        return [*first_objects, *self._pool.map(lambda path: self.get(path, version=version), paths[first_count:])]
