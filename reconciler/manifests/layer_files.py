"""The layers of an environment as they are found: what each is called, where it lies, and the files in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from reconciler.documents.tree_search import DiscoveredFiles


class LayerFolder(Protocol):
    """A folder of manifests, and how the settings call it."""

    @property
    def name(self) -> str: ...

    @property
    def folder(self) -> Path: ...


class LayerFiles(NamedTuple):
    """The files of a layer."""

    name: str
    listing: DiscoveredFiles


def merge_listings(layers: Sequence[LayerFiles]) -> DiscoveredFiles:
    """Return what a search found in all layers."""
    listings = [layer.listing for layer in layers]
    return DiscoveredFiles(
        [file for listing in listings for file in listing.files],
        [problem for listing in listings for problem in listing.problems],
        sorted(name for listing in listings for name in listing.ignored),
    )
