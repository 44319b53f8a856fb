"""How much of each document was compared: what stands behind the one number of a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from reconciler.diagnostics import Address, Source

UnmanagedCounts = Mapping[str, Mapping[str, int]]
"""How many live objects no document declares, by kind and target; a kind that could not be counted is not in it."""


class DocumentCoverage(NamedTuple):
    """One declared document, and how many of its objects were compared with a live one.

    Of a document that declares nothing, such as an expired one, `of` is 0, and so it is of one that is not selected;
    `passed_over` is then how many objects it declares.
    """

    address: Address
    source: Source
    objects: int
    of: int
    is_selected: bool = True
    passed_over: int = 0

    @property
    def is_complete(self) -> bool:
        """True if each of its objects was compared."""
        return self.is_selected and self.objects >= self.of
