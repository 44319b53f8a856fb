"""An export into a back end that is empty: the identity first, then each target, and in the end that it is all there.

Whoever is killed in between leaves a store that says of itself that it is not whole, and takes the same export again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from reconciler.state import identity
from reconciler.state.backend import Backend, Scope
from reconciler.state.body_encryption import BodyCipher, BodyPlace, is_encrypted
from reconciler.state.records import StoreExport, StoreIdentity
from reconciler.state.store_errors import StoreForeign, StoreOccupied
from reconciler.state.transfer import find_exported_body, load_records, replace_body


class ImportedStore(NamedTuple):
    """What an import came to. `dropped` counts the bodies that the back end may not keep unencrypted."""

    identity: StoreIdentity
    targets: int
    records: int
    dropped: int


def import_records(backend: Backend, exported: StoreExport, *, pinned: str, secret: str) -> ImportedStore:
    """Record everything; raises StoreForeign, StoreOccupied, ExportDamaged."""
    new = exported.identity
    if pinned and pinned != new.id:
        raise StoreForeign("the export", new.id, pinned)
    cipher = BodyCipher(secret, new.id) if secret else None
    if not backend.find():
        backend.create()
    _check_vacancy(backend, exported)
    targets = sorted(exported.targets)
    backend.transact(lambda tx: identity.begin_import(tx, new, targets), Scope("import"))
    dropped = 0
    for target in targets:
        lines, lost = _convert_bodies(target, exported.targets[target], backend, cipher)
        dropped += lost
        _load_target(backend, target, lines)
    backend.transact(identity.end_import, Scope("import"))
    return ImportedStore(new, len(targets), exported.record_count, dropped)


def _check_vacancy(backend: Backend, exported: StoreExport) -> None:
    """Raise StoreOccupied unless the store is empty, or has part of this very export from an import that was ended."""
    present = backend.list_targets()
    if not present:
        return
    started = backend.transact(identity.find_unfinished, Scope("read", writes=False))
    if started != exported.identity.id:
        raise StoreOccupied(backend.name, f"has records of {len(present)} targets already")


def _load_target(backend: Backend, target: str, lines: Sequence[str]) -> None:
    scope = Scope("import", target, history=True)
    backend.transact(lambda tx: load_records(tx, target, lines, backend.name), scope)


def _convert_bodies(
    target: str, lines: Sequence[str], backend: Backend, cipher: BodyCipher | None
) -> tuple[list[str], int]:
    """Return lines with the bodies that this back end may keep, and how many it may not."""
    converted, dropped = [], 0
    for line in lines:
        body = find_exported_body(line)
        if not body or is_encrypted(body.text) or (backend.keeps_bodies and not cipher):
            converted.append(line)
            continue
        dropped += not cipher
        text = cipher.encrypt(body.text, BodyPlace(target, body.run, body.number)) if cipher else ""
        converted.append(replace_body(line, text))
    return converted, dropped
