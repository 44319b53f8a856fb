"""Live objects as the lists of a server show them, whether a document declares them or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.model import Json


class ListedObject(NamedTuple):
    """One live object. `keys` are the identities that a document may name it by, letter case folded.

    `name` is what people call it, "" where it has no name; `facts` are what helps to judge it, by the names that
    reports show. Where there are many, those of one `group` are told together. `unexportable` says why no export has
    it, "" for what one has.
    """

    name: str
    id: str
    keys: tuple[str, ...]
    is_declared: bool
    facts: Mapping[str, Json] = {}
    group: str = ""
    unexportable: str = ""
