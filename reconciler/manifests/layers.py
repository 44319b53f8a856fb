"""Environments as layers: the documents of several folders into those that are read, one for each object and target.

The first layer is the lowest. A document in a later layer for an object that an earlier one declares, by kind and name
and on the same target, is a patch: what it says changes, and all else stays. Nothing is validated here but what makes
a patch one; what the layers say together is judged like any other document, at the lines that decided it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.documents.document import Document
from reconciler.kinds.document_kind import DocumentKind
from reconciler.manifests.duplicates import describe_same_name
from reconciler.manifests.layered_document import (
    LayerDocument,
    LayeredDocument,
    LayerPlace,
    MergedValue,
    join_documents,
    join_members,
)
from reconciler.manifests.merging import apply_patch
from reconciler.manifests.patch_words import Patch, find_stray_words, read_patch
from reconciler.manifests.target_selection import TargetChoice

_TARGET_WORDS = ("target", "targets")
_NAME_PATH = ("metadata", "name")


class LayerRules(NamedTuple):
    """What documents are understood by here: their kinds, what is wrong around their specs, and their targets."""

    find_kind: Callable[[Document], DocumentKind | None]
    check_envelope: Callable[[Document], Sequence[Diagnostic]]
    choose_targets: Callable[[Document, DocumentKind], TargetChoice]


_Chain = tuple[int, ...]
"""The numbers of the documents that one object on one target is made of, the lowest first."""


class _Entry(NamedTuple):
    """A document, the number of its layer, the targets that it is for, and what it says as a patch."""

    holder: LayerDocument
    level: int
    targets: frozenset[str]
    patch: Patch


@dataclass(slots=True)
class _Declared:
    """One kind and name: by target the chain of documents, and chains that rival one of the same layer.

    `earlier` are the chains below the layer that is read, of number `level`.
    """

    kind: DocumentKind
    chains: dict[str, _Chain] = field(default_factory=dict)
    earlier: dict[str, _Chain] = field(default_factory=dict)
    level: int = 0
    rivals: list[tuple[_Chain, str]] = field(default_factory=list)


def merge_layers(layers: Iterable[Sequence[LayerDocument]], rules: LayerRules) -> list[LayeredDocument]:
    """Return the documents to read, in the order of the places where they are declared first.

    Whatever is no document of a known kind and name comes as it is, to be refused where documents are read. Targets
    with the same chain of documents share one.
    """
    stack = _Stack(rules)
    for level, documents in enumerate(layers):
        for holder in documents:
            stack.add_document(holder, level)
    # Files are read one by one, and what is wrong is told by file.
    return sorted(stack.build_documents(), key=lambda document: document.source)


class _Stack:
    """All layers as far as they were read."""

    def __init__(self, rules: LayerRules) -> None:
        self._rules = rules
        self._entries: list[_Entry] = []
        self._declared: dict[tuple[str, str], _Declared] = {}
        self._single: list[LayeredDocument] = []
        self._merged: dict[_Chain, tuple[MergedValue, tuple[Diagnostic, ...]]] = {}

    def add_document(self, holder: LayerDocument, level: int) -> None:
        """Put a document over those of earlier layers, or beside them."""
        document, value = holder.document, holder.document.value
        kind, name = self._rules.find_kind(document), _read_name(value)
        if kind is None or name is None or not isinstance(value, dict):
            self._single.append(_make_single(holder))
            return
        declared = self._declared.setdefault((kind.name, name), _Declared(kind))
        self._open_level(declared, level)
        earlier = declared.earlier.keys()
        targets, problems = self._choose_targets(document, kind, earlier)
        patched = [target for target in targets if target in earlier]
        if not problems and len(patched) < len(targets):
            problems = list(find_stray_words(document, value, is_partly=bool(patched)))
        elif not problems:
            problems = self._find_removal_problems(declared, holder, level, targets)
        # Alone it would be judged as a whole document, and blamed for all that a patch may leave out.
        if problems:
            self._single.append(_make_single(holder, problems, is_stray=True))
            return
        patch = read_patch(document, value) if patched else Patch(value, {}, [])
        self._entries.append(_Entry(holder, level, frozenset(targets), self._check_patch(patch, document, patched)))
        for target in targets:
            self._stack_entry(declared, target, level)

    def _choose_targets(
        self, document: Document, kind: DocumentKind, earlier: Collection[str]
    ) -> tuple[Sequence[str], list[Diagnostic]]:
        """Return what a document is for: where it names none and patches something, whatever that is for.

        Of one that is beside what it could patch, what is to be told of its targets.
        """
        # A target that joins the fleet is to get what all have: a patch need not know who there is.
        if earlier and not _names_targets(document.value):
            return sorted(earlier), []
        choice = self._rules.choose_targets(document, kind)
        if choice.names or not earlier:
            # What is a whole document says itself what is wrong with its target, where it is read.
            return choice.names or ("",), []
        notes = [replace(words.locate(document.at(path)), severity=Severity.NOTE) for path, words in choice.notes]
        return (), [*(words.locate(document.at(path)) for path, words in choice.faults), *notes]

    def _open_level(self, declared: _Declared, level: int) -> None:
        """Note what lower layers come to: where the last of them removed it, nothing."""
        if declared.level == level:
            return
        declared.level = level
        chains = declared.chains.items()
        declared.earlier = {target: chain for target, chain in chains if not self._entries[chain[-1]].patch.removes}

    def _stack_entry(self, declared: _Declared, target: str, level: int) -> None:
        number = len(self._entries) - 1
        chain = declared.chains.get(target, ())
        raised = (*declared.earlier.get(target, ()), number)
        if chain and self._entries[chain[-1]].level == level:
            # Both are read, so that the later one is told to be a duplicate.
            declared.rivals.append((raised, target))
        else:
            declared.chains[target] = raised

    def _check_patch(self, patch: Patch, document: Document, patched: Sequence[str]) -> Patch:
        if not patched:
            return patch
        problems = [*patch.problems, *self._rules.check_envelope(replace(document, value=patch.value))]
        return patch._replace(problems=problems)

    def _find_removal_problems(
        self, declared: _Declared, holder: LayerDocument, level: int, targets: Sequence[str]
    ) -> list[Diagnostic]:
        """Return what is wrong with a patch that removes, or that stands beside one in its layer."""
        patch = read_patch(holder.document, holder.value)
        for target in targets:
            rival = self._entries[declared.chains[target][-1]]
            if rival.level == level and (patch.removes or rival.patch.removes):
                name = _read_name(holder.value) or ""
                first, second = (other.document.at(_NAME_PATH) for other in (rival.holder, holder))
                return [describe_same_name(declared.kind.name, name, first, second)]
        return self._check_patch(patch, holder.document, targets).problems if patch.removes else []

    def build_documents(self) -> Iterator[LayeredDocument]:
        """Yield every document that is to be read."""
        yield from self._single
        for declared in self._declared.values():
            groups: dict[_Chain, list[str]] = {}
            for chain, target in [*((chain, target) for target, chain in declared.chains.items()), *declared.rivals]:
                groups.setdefault(chain, []).append(target)
            for chain, targets in groups.items():
                if not self._entries[chain[-1]].patch.removes:
                    yield self._build_document(declared.kind, chain, targets)

    def _build_document(self, kind: DocumentKind, chain: _Chain, targets: Sequence[str]) -> LayeredDocument:
        entries = [self._entries[number] for number in chain]
        root, problems = self._merge_chain(kind, chain)
        # The words of the lowest document stay where they mean the same: labels say more than a list of names.
        if set(targets) != entries[0].targets:
            naming = [entry.holder for entry in entries if _names_targets(entry.holder.value)]
            root = _name_targets(root, sorted(targets), naming[-1] if naming else entries[0].holder)
        return join_documents(root, tuple(entry.holder for entry in entries), problems)

    def _merge_chain(self, kind: DocumentKind, chain: _Chain) -> tuple[MergedValue, tuple[Diagnostic, ...]]:
        # A thousand targets that differ in their last layer alone share all that is below it.
        if earlier := self._merged.get(chain):
            return earlier
        holder, _, _, patch = self._entries[chain[-1]]
        if len(chain) == 1:
            merged = MergedValue(patch.value, (LayerPlace(holder, ()),))
            self._merged[chain] = merged, ()
            return merged, ()
        merged, problems = self._merge_chain(kind, chain[:-1])
        word_problems: list[Diagnostic] = []
        if not patch.problems:
            merged, word_problems = apply_patch(merged, holder, patch, kind.spec)
        self._merged[chain] = merged, (*problems, *word_problems, *patch.problems)
        return self._merged[chain]


def _make_single(
    holder: LayerDocument, problems: Sequence[Diagnostic] = (), *, is_stray: bool = False
) -> LayeredDocument:
    root = MergedValue(holder.document.value, (LayerPlace(holder, ()),))
    return join_documents(root, (holder,), problems, is_stray=is_stray)


def _read_name(value: object) -> str | None:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) and name else None


def _names_targets(value: Any) -> bool:
    metadata = value.get("metadata")
    return isinstance(metadata, dict) and any(word in metadata for word in _TARGET_WORDS)


def _name_targets(root: MergedValue, targets: Sequence[str], holder: LayerDocument) -> MergedValue:
    """Return a document that is for these targets alone; `holder` says so."""
    metadata = root.expand()["metadata"]
    members = {name: member for name, member in metadata.expand().items() if name not in _TARGET_WORDS}
    word, value = ("target", targets[0]) if len(targets) == 1 else ("targets", list(targets))
    words = [name for name in _TARGET_WORDS if name in holder.value["metadata"]]
    origin = LayerPlace(holder, ("metadata", *words[:1]))
    renamed = join_members({**members, word: MergedValue(value, (origin,))}, metadata.places)
    return join_members({**root.expand(), "metadata": renamed}, root.places)
