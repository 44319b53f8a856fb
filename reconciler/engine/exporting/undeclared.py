"""What of an export no manifest declares: what is declared already must not be declared twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reconciler.engine.declaration import RunInputs
from reconciler.engine.unmanaged import explain_unclear_documents, load_inventory_documents
from reconciler.errors import IncompleteError
from reconciler.kinds.exported_document import ExportedDocument
from reconciler.kinds.kind import Kind, Run, Wanted
from reconciler.reader import Read
from reconciler.settings.model import Settings


class DeclaredDocuments(NamedTuple):
    """All that the manifests of the settings declare, and the run that it is held against."""

    documents: Sequence[Wanted]
    run: Run


def load_declared_documents(inputs: RunInputs, settings: Settings, kinds: Iterable[Kind]) -> DeclaredDocuments:
    """Read the settings' manifests; raises as a run does where a document of these kinds has an error."""
    loaded = load_inventory_documents(inputs, settings, (), {kind.name for kind in kinds})
    return DeclaredDocuments(loaded.documents, Run.of_documents(inputs.today, loaded.documents))


def keep_undeclared(
    declared: DeclaredDocuments, target: str, kind: Kind, read: Read, exported: Sequence[ExportedDocument]
) -> list[ExportedDocument]:
    """Return what of exported documents no manifest declares, each under a name that no document has.

    Raises IncompleteError where it can't be told what one of the manifests means.
    """
    documents = [document for document in declared.documents if document.address[:2] == (target, kind.name)]
    if not documents or not exported:
        return list(exported)
    live = kind.observe_inventory(read, documents, declared.run)
    objects = kind.list_objects(live, documents)
    if objects is None:
        raise IncompleteError(explain_unclear_documents(target, kind.name))
    keys = frozenset(key for item in objects if item.is_declared for key in item.keys)
    kept = [part for document in exported if (part := document.leave_out(keys))]
    return list(_rename_taken(kept, {document.address.name.casefold() for document in documents}))


def _rename_taken(exported: Sequence[ExportedDocument], names: set[str]) -> Iterator[ExportedDocument]:
    """Yield documents; where a name is only a label it gets a number that makes it another one."""
    taken = names | {document.name.casefold() for document in exported}
    for document in exported:
        name, number = document.name, 1
        while name.casefold() in (taken if number > 1 else names):
            number += 1
            name = f"{document.name} ({number})"
        taken.add(name.casefold())
        yield document._replace(name=name)
