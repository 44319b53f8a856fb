"""A document that several layers declare: one value, and of each field the line that decided it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents.document import Document, RawScalar
from reconciler.documents.files import InputFile
from reconciler.field_origins import FieldOrigin
from reconciler.model import Path


class LayerDocument(NamedTuple):
    """A document as it was read: in which layer, and the file that its tables lie beside."""

    layer: str
    document: Document
    file: InputFile

    @property
    def value(self) -> Any:
        """What the document holds."""
        return self.document.value


class LayerPlace(NamedTuple):
    """A place in a document of a layer."""

    holder: LayerDocument
    path: Path

    def extend(self, path: Path) -> LayerPlace:
        """Return a place below it."""
        return self._replace(path=(*self.path, *path))

    @property
    def source(self) -> Source:
        """Where it is written."""
        return self.holder.document.at(self.path)


@dataclass(frozen=True, slots=True)
class MergedValue:
    """A value, and where it stands: the place that decided it, then those that it overrides, the nearest first.

    `members` are those of a mapping or a list, where not all of them are of the first place; None where they are.
    """

    value: Any
    places: tuple[LayerPlace, ...]
    members: Mapping[str | int, MergedValue] | None = None

    def expand(self) -> dict[str | int, MergedValue]:
        """Return the members of a mapping or a list, each with its own places."""
        if self.members is not None:
            return dict(self.members)
        pairs = self.value.items() if isinstance(self.value, dict) else enumerate(self.value)
        return {step: MergedValue(member, (self.places[0].extend((step,)),)) for step, member in pairs}


def join_members(members: Mapping[str | int, MergedValue], places: tuple[LayerPlace, ...]) -> MergedValue:
    """Return the mapping of these members."""
    return MergedValue({name: member.value for name, member in members.items()}, places, members)


class _PathPlaces(NamedTuple):
    """The places of a path, and whether all of it is there."""

    places: tuple[LayerPlace, ...]
    is_whole: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayeredDocument(Document):
    """What the documents of one object in several layers say together, read like a document of one file.

    Its `source` is where the lowest layer declares the object. `chain` are its documents, the lowest first, and
    `problems` is what is wrong with those that are patches. A document that `is_stray` patches nothing although its
    words say that it does, so that what else it says is not to be judged.
    """

    root: MergedValue
    chain: tuple[LayerDocument, ...]
    problems: tuple[Diagnostic, ...] = ()
    is_stray: bool = False

    def at(self, path: Path) -> Source:
        """Return where the line stands that decided a value."""
        return self._find(path).places[0].source if path else self.source

    def key(self, path: Path) -> Source:
        """Return where the key stands whose value `path` leads to; the item itself in a list."""
        (deciding, *_), is_whole = self._find(path)
        return deciding.holder.document.key(deciding.path) if is_whole else deciding.source

    def raw(self, path: Path) -> RawScalar | None:
        """Return a scalar as it was written, or None if there is no scalar at `path`."""
        (deciding, *_), is_whole = self._find(path)
        return deciding.holder.document.raw(deciding.path) if is_whole else None

    def find_escape(self, path: Path, character: str) -> str:
        """Return the escape in double quotes by which a scalar holds a character; "" where it holds it otherwise."""
        (deciding, *_), is_whole = self._find(path)
        return deciding.holder.document.find_escape(deciding.path, character) if is_whole else ""

    def trace_origin(self, path: Path) -> FieldOrigin:
        """Return which line decided a value, and which ones it overrides."""
        deciding, *overridden = self._find(path).places
        return FieldOrigin(deciding.source, tuple(dict.fromkeys(place.source for place in overridden)))

    def find_file(self, path: Path) -> InputFile:
        """Return the file that decided a value."""
        return self._find(path).places[0].holder.file

    def name_layers(self, problem: Diagnostic) -> Diagnostic:
        """Return a problem with the layers that it comes from, where those are several."""
        if len(self.chain) == 1:
            return problem
        names = f"{', '.join(self.layers[:-1])} and {self.layers[-1]}"
        return replace(problem, reason="; ".join(filter(None, (problem.reason, f"this is what {names} say together"))))

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers that it is from."""
        return tuple(document.layer for document in self.chain)

    def _find(self, path: Path) -> _PathPlaces:
        node = self.root
        for depth, step in enumerate(path):
            if node.members is None:
                # What a whole value overrides stands at its own place, whatever that holds inside.
                deciding, *overridden = node.places
                return _PathPlaces((deciding.extend(path[depth:]), *overridden), is_whole=True)
            child = node.members.get(step)
            if child is None:
                return _PathPlaces(node.places, is_whole=False)
            node = child
        return _PathPlaces(node.places, is_whole=True)


def join_documents(
    root: MergedValue, chain: Sequence[LayerDocument], problems: Sequence[Diagnostic] = (), *, is_stray: bool = False
) -> LayeredDocument:
    """Return the one document that a chain of them says, the lowest first, given their merged value."""
    lowest = chain[0].document
    return LayeredDocument(
        value=root.value,
        source=lowest.source,
        file=lowest.file,
        number=lowest.number,
        damaged=any(holder.document.damaged for holder in chain),
        root=root,
        chain=tuple(chain),
        problems=tuple(problems),
        is_stray=is_stray,
    )


def find_input_file(document: Document, path: Path, file: InputFile) -> InputFile:
    """Return the file that a value is from: `file`, where the document is of one."""
    return document.find_file(path) if isinstance(document, LayeredDocument) else file
