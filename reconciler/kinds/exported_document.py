"""One live object as `export` tells it, before it is text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.model import Json, Path


class ExportedDocument(NamedTuple):
    """One live object as a manifest: metadata.name, spec, and remarks that become comments.

    `comments` stand behind single entries, by their path below `spec`. `unfit` says why no manifest can hold the
    object. `aliases` are other names by which it may be looked for. `group` is whose it is, where documents are kept by
    that. `rows` are what it says as the rows of a table, with the columns of the kind's only one and then its extra
    ones; () where no table can say it.
    """

    name: str
    spec: Mapping[str, Json]
    remarks: tuple[str, ...] = ()
    comments: Mapping[Path, str] = {}
    unfit: str = ""
    aliases: tuple[str, ...] = ()
    group: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
