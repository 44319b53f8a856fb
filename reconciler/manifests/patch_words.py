"""The words of a patch, a document that changes what earlier layers declare: `additive`, `unset` and `remove`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation
from reconciler.documents.document import Document
from reconciler.documents.suggestions import quote_text
from reconciler.model import Path

ADDITIVE: Final = "additive"
UNSET: Final = "unset"
REMOVE: Final = "remove"
_WORDS: Final = (ADDITIVE, UNSET, REMOVE)
_REMOVAL_MEMBERS: Final = frozenset({"apiVersion", "kind", "metadata", "spec", REMOVE})
_REMOVAL_METADATA: Final = frozenset({"name", "target", "targets"})

_SAID_TWICE: Final = Explanation(
    "manifest.invalid-patch",
    "is said both in the spec and beside it",
    "only one can be meant",
    "keep the one in the spec",
)
_NO_FIELDS: Final = Explanation(
    "manifest.invalid-patch", "is no list of fields", remedy="write names of fields, such as [claims]"
)
_NOT_REMOVED: Final = Explanation(
    "manifest.invalid-patch",
    "remove is there and is not true",
    "only true removes a document, and without the word nothing is removed",
    "write true, or take the word out",
)
_MORE_THAN_REMOVED: Final = Explanation(
    "manifest.invalid-patch",
    "stands beside remove: true",
    "of a document that is removed nothing else can be said",
    "take it out, or remove",
)
_NOTHING_PATCHED: Final = Explanation(
    "manifest.nothing-patched",
    "is a word of a patch, and no earlier layer declares this object",
    "there is nothing that it could act on",
    "correct the name or the target, or write a whole document without the word",
)
_PARTLY_PATCHED: Final = Explanation(
    "manifest.nothing-patched",
    "is a word of a patch, and for some of its targets no earlier layer declares this object",
    "on one target it would mean something else than on another",
    "write a document for each of both",
)


class PatchWord(NamedTuple):
    """A word of a patch with its value, and where it stands in the document."""

    value: Any
    path: Path

    def list_fields(self) -> Iterator[tuple[str, Path]]:
        """Yield the fields that the word names, and where it does."""
        for index, name in enumerate(self.value):
            yield name, (*self.path, index)


class Patch(NamedTuple):
    """What a document says as a patch: its value without the words of one, the words, and what is wrong with them."""

    value: dict[str, Any]
    words: Mapping[str, PatchWord]
    problems: list[Diagnostic]

    @property
    def removes(self) -> bool:
        """Whether the documents of earlier layers are dropped."""
        return REMOVE in self.words and self.words[REMOVE].value is True

    def list_fields(self, word: str) -> list[tuple[str, Path]]:
        """Return the fields that a word names, and where it does."""
        return list(self.words[word].list_fields()) if word in self.words else []


def read_patch(document: Document, value: Mapping[str, Any]) -> Patch:
    """Return a document's value without the words of a patch, which stand in its spec or beside it."""
    words: dict[str, PatchWord] = {}
    problems: list[Diagnostic] = []
    spec = value.get("spec")
    inner = spec if isinstance(spec, dict) else {}
    for word in _WORDS:
        paths = [path for path, holder in (((word,), value), (("spec", word), inner)) if word in holder]
        if len(paths) > 1:
            problems.append(_SAID_TWICE.add_subject(word).locate(document.key(paths[0])))
        if paths:
            words[word] = PatchWord(inner[word] if word in inner else value[word], paths[-1])
    problems += _check_words(document, value, words)
    # The kind's own `additive`, about a server's lists, stays that of earlier layers.
    rest = {name: member for name, member in value.items() if name not in _WORDS}
    # A patch of words alone needs no spec.
    if words and "spec" not in rest:
        rest["spec"] = {}
    if inner:
        rest["spec"] = {name: member for name, member in inner.items() if name not in _WORDS}
    return Patch(rest, {} if problems else words, problems)


def _check_words(document: Document, value: Mapping[str, Any], words: Mapping[str, PatchWord]) -> Iterator[Diagnostic]:
    for name in (ADDITIVE, UNSET):
        if name in words and not _is_field_list(words[name].value):
            yield _NO_FIELDS.add_subject(name).locate(document.at(words[name].path))
    if REMOVE not in words:
        return
    # A switch that does nothing where it is off would be read as if it did something.
    if words[REMOVE].value is not True:
        yield _NOT_REMOVED.locate(document.at(words[REMOVE].path))
        return
    for path in _list_members(value):
        if path != words[REMOVE].path and path not in {("metadata",), ("spec",)}:
            yield _MORE_THAN_REMOVED.add_subject(quote_text(str(path[-1]))).locate(document.key(path))


def _is_field_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def _list_members(value: Mapping[str, Any]) -> Iterator[Path]:
    """Yield what a removal may not hold, and where its word stands."""
    yield from ((name,) for name in value if name not in _REMOVAL_MEMBERS)
    for part, allowed in (("metadata", _REMOVAL_METADATA), ("spec", frozenset({REMOVE}))):
        members = value.get(part)
        if isinstance(members, dict):
            yield from ((part, name) for name in members if name not in allowed)


def find_stray_words(document: Document, value: Mapping[str, Any], *, is_partly: bool) -> Iterator[Diagnostic]:
    """Yield the words of a patch in a document that patches nothing, or only on some of its targets.

    There `additive` in a spec is the kind's own word; of one that is a patch elsewhere it can't be told.
    """
    spec = value.get("spec")
    explanation = _PARTLY_PATCHED if is_partly else _NOTHING_PATCHED
    for word in _WORDS:
        # No kind has a word of its own there, so that even `additive` is a patch's.
        if word in value:
            yield explanation.add_subject(word).locate(document.key((word,)))
        if isinstance(spec, dict) and word in spec and (word != ADDITIVE or is_partly):
            yield explanation.add_subject(word).locate(document.key(("spec", word)))
