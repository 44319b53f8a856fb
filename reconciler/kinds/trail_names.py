"""What an audit trail calls the objects of a kind, and what their manifest fields are called there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class Trail(StrEnum):
    """Where a change may have left a mark, as people call it."""

    AUDIT_LOG = "Command audit log"
    HISTORY = "certificate history"
    REQUEST = "certificate request"
    TRACES = "Huawei CTS"


class TrailNames(NamedTuple):
    """The marks of a kind in one trail.

    `entities` are what entries call such objects, folded and without blanks, and `category` is a part of what they are
    queried by, without one. `members` are what each field may be called, folded; of an `opaque` one the trail has
    another value than the manifest, such as an id for a name. Where `unique_names` is not so only ids count.
    """

    trail: Trail
    entities: frozenset[str] = frozenset()
    category: str = ""
    members: Mapping[str, tuple[str, ...]] = {}
    opaque: frozenset[str] = frozenset()
    unique_names: bool = True
