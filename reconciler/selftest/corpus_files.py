"""What the campaign's runs declare: two versions of one repository, of which each schedule takes a few documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from reconciler.diagnostics import Address
from reconciler.engine.declaration import list_declared_targets
from reconciler.kinds.kind import Wanted
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import load_manifests
from reconciler.settings.load import load_settings
from reconciler.settings.model import Settings

TODAY = date(2026, 11, 28)
_FOLDER = Path(__file__).parent / "corpus"


class Corpus(NamedTuple):
    """The settings, and the documents of both versions by their address."""

    settings: Settings
    first: Mapping[Address, Wanted]
    second: Mapping[Address, Wanted]


@cache
def load_corpus() -> Corpus:
    """Read the files once a process."""
    settings = load_settings(Path("reconciler.yaml"), env={}, cwd=_FOLDER, kinds=KINDS)
    return Corpus(settings, _load_version("first", settings), _load_version("second", settings))


def pick_documents(names: Collection[str]) -> list[Wanted]:
    """Return the documents of these names in their first version."""
    return [document for address, document in load_corpus().first.items() if address.name in names]


def _load_version(folder: str, settings: Settings) -> Mapping[Address, Wanted]:
    targets = list_declared_targets(settings)
    loaded = load_manifests([_FOLDER / folder], kinds=KINDS, targets=targets, base=_FOLDER)
    return {document.address: document for document in loaded.documents}
