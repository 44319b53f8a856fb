"""One live object as `export` tells it, before it is text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from reconciler.model import Json, Path


class ExportedDocument(NamedTuple):
    """One live object as a manifest: metadata.name, spec, and remarks that become comments.

    `comments` stand behind single entries, by their path below `spec`. `unfit` says why no manifest can hold the
    object. `aliases` are other names by which it may be looked for. `group` is whose it is, where documents are kept by
    that. `rows` are what it says as the rows of a table, with the columns of the kind's only one and then its extra
    ones; () where no table can say it. `entries` is where in the spec a list stands that has an entry for each of
    several objects, and `keys` are these objects, as `Kind.list_objects` has them; () where the document is one object.
    """

    name: str
    spec: Mapping[str, Json]
    remarks: tuple[str, ...] = ()
    comments: Mapping[Path, str] = {}
    unfit: str = ""
    aliases: tuple[str, ...] = ()
    group: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    entries: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def leave_out(self, declared: Collection[str]) -> ExportedDocument | None:
        """Return what it says of objects that none of these keys is about, letter case folded; None for nothing."""
        if not self.entries:
            names = {name.casefold() for name in (self.name, *self.aliases)}
            return self if names.isdisjoint(declared) else None
        kept = [index for index, key in enumerate(self.keys) if key not in declared]
        if len(kept) == len(self.keys):
            return self
        comments: dict[Path, str] = {
            (*self.entries, number): self.comments[*self.entries, index]
            for number, index in enumerate(kept)
            if (*self.entries, index) in self.comments
        }
        rows = tuple(self.rows[index] for index in kept) if self.rows else ()
        keys = tuple(self.keys[index] for index in kept)
        spec = _keep_entries(self.spec, self.entries, kept)
        return self._replace(spec=spec, comments=comments, rows=rows, keys=keys) if kept else None


def _keep_entries(spec: Mapping[str, Json], path: tuple[str, ...], kept: Sequence[int]) -> dict[str, Json]:
    """Return a spec whose list at a path has only the entries at these places."""
    name, rest = path[0], path[1:]
    value = spec[name]
    return {**spec, name: _keep_entries(value, rest, kept) if rest else [value[index] for index in kept]}
