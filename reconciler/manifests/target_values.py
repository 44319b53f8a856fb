"""`{targetValue: NAME}`: a text of a spec that each target of the settings has a value of its own for.

A value is looked up before the spec is validated, and then is as good as written there; the places of a document stay
those of the mapping that asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from reconciler.diagnostics import Diagnostic, Explanation, Source
from reconciler.documents.document import Document, RawScalar
from reconciler.documents.scalars import REFUSED
from reconciler.documents.suggestions import quote_text, suggest_option
from reconciler.kinds.document_kind import DocumentKind
from reconciler.manifests.declared_target import DeclaredTargets
from reconciler.manifests.target_words import list_target_names
from reconciler.model import Path

TARGET_VALUE: Final = "targetValue"
# A name, for a list may have a hundred thousand members, and a union would be made for each.
_CONTAINERS: Final = (dict, list)

_BESIDE: Final = Explanation(
    "manifest.misplaced-target-value",
    f"{TARGET_VALUE} stands beside other fields",
    "the whole mapping is replaced by a text",
    f"write `{{{TARGET_VALUE}: NAME}}` alone",
)
_NO_NAME: Final = Explanation(
    "manifest.misplaced-target-value",
    f"{TARGET_VALUE} is no name",
    "it is the name of a text below `values` of the target",
    f"write `{{{TARGET_VALUE}: NAME}}`, the name in quotes if need be",
)
_NO_TARGET: Final = Explanation(
    "manifest.misplaced-target-value",
    f"{TARGET_VALUE} can't be looked up here",
    "a document about the run itself is no target's",
    "write the text itself",
)


class ValueReference(NamedTuple):
    """A place in a document where a value of the target belongs, and the name of the value; "" where that is wrong."""

    path: Path
    name: str


class ValueGroup(NamedTuple):
    """Targets whose values are the same for a document, and these by name; what they don't have is not there."""

    targets: tuple[str, ...]
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FilledDocument(Document):
    """A document with values of a target, by their places, in which a message quotes what was looked up.

    Where everything stands only the document before that knows, which may be one of several layers.
    """

    asking: Document
    texts: Mapping[Path, str]

    def at(self, path: Path) -> Source:
        """Return where a value stands, or what asks for it."""
        return self.asking.at(path)

    def key(self, path: Path) -> Source:
        """Return where the key of a value stands."""
        return self.asking.key(path)

    def raw(self, path: Path) -> RawScalar | None:
        """Return a scalar as it was written; one that was looked up as if in double quotes."""
        text = self.texts.get(path)
        return self.asking.raw(path) if text is None else RawScalar(text, '"')

    def find_escape(self, path: Path, character: str) -> str:
        """Return the escape by which a scalar holds a character; of one that was looked up it is not here."""
        return "" if path in self.texts else self.asking.find_escape(path, character)


def find_references(spec: Mapping[str, object]) -> Iterator[ValueReference]:
    """Yield where values are asked for below a spec, in order, whether rightly or not."""
    for name, member in spec.items():
        if isinstance(member, _CONTAINERS):
            yield from _find_references_below(member, ("spec", name))


def _find_references_below(value: dict[str, Any] | list[Any], path: Path) -> Iterator[ValueReference]:
    if isinstance(value, dict) and TARGET_VALUE in value:
        name = value[TARGET_VALUE]
        yield ValueReference(path, name if len(value) == 1 and isinstance(name, str) else "")
        return
    for key, member in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(member, _CONTAINERS):
            yield from _find_references_below(member, (*path, key))


def find_misplaced(
    references: Iterable[ValueReference], kind: DocumentKind, document: Document
) -> Iterator[Diagnostic]:
    """Yield what is wrong with how a document asks for values, whatever the targets have."""
    for reference in references:
        if not kind.api:
            yield _NO_TARGET.locate(document.at(reference.path))
        elif not reference.name:
            is_alone = len(_find_member(document.value, reference.path)) == 1
            yield (_NO_NAME if is_alone else _BESIDE).locate(document.at(reference.path))


def _find_member(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def group_targets(
    references: Sequence[ValueReference], names: Sequence[str], targets: DeclaredTargets
) -> list[ValueGroup]:
    """Return the targets, in order, by the values that they have for a document: one group where it asks for none.

    Of targets that are not known nothing is looked up.
    """
    value_names = sorted({reference.name for reference in references if reference.name})
    if not value_names or not names:
        return [ValueGroup(tuple(names), {})]
    groups: dict[tuple[str | None, ...], list[str]] = {}
    for name in names:
        # A document about the run itself may be for "", which is no target.
        values = targets[name].values if name in targets else {}
        groups.setdefault(tuple(map(values.get, value_names)), []).append(name)
    return [ValueGroup(tuple(members), _pair(value_names, texts)) for texts, members in groups.items()]


def _pair(names: Iterable[str], texts: Iterable[str | None]) -> dict[str, str]:
    return {name: text for name, text in zip(names, texts, strict=True) if text is not None}


def fill_document(document: Document, references: Sequence[ValueReference], values: Mapping[str, str]) -> Document:
    """Return a document with values in the place of what asks for them; what there is no value for counts as refused.

    So nothing is told twice, and what follows from it is not told at all.
    """
    if not references:
        return document
    value: Any = document.value
    # What is copied is what lies on the way: the rest of a large spec is shared by all targets.
    for path, name in references:
        value = _replace_member(value, path, values.get(name, REFUSED))
    # What is not there counts as refused, so that no check of the whole spec speaks of what it lacks.
    is_damaged = document.damaged or not all(name in values for _, name in references)
    texts = {path: values[name] for path, name in references if name in values}
    return FilledDocument(
        value=value,
        source=document.source,
        file=document.file,
        number=document.number,
        damaged=is_damaged,
        asking=document,
        texts=texts,
    )


def _replace_member(value: Any, path: Path, new: object) -> object:
    if not path:
        return new
    copied: Any = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = _replace_member(value[path[0]], path[1:], new)
    return copied


def find_unknown_values(
    references: Iterable[ValueReference], names: Sequence[str], targets: DeclaredTargets, document: Document
) -> dict[str, list[Diagnostic]]:
    """Return, by target, what a document asks for that it does not have; of many that lack a value it is told once."""
    problems: dict[str, list[Diagnostic]] = {}
    for path, value_name in references:
        lacking = [name for name in names if value_name and name in targets and value_name not in targets[name].values]
        if lacking:
            problem = _explain_unknown_value(value_name, lacking, targets).locate(document.at(path))
            for name in lacking:
                problems.setdefault(name, []).append(problem)
    return problems


def _explain_unknown_value(value_name: str, lacking: Sequence[str], targets: DeclaredTargets) -> Explanation:
    options = {option for name in lacking for option in targets[name].values}
    has = suggest_option(value_name, options) if options else "it has no values"
    return Explanation(
        "manifest.unknown-target-value",
        f"{_name_owners(lacking, targets)} has no value {quote_text(value_name)}",
        "the text is looked up below `values` of each target that the document is for",
        f"add it there, or correct the name; {has}",
    )


def _name_owners(names: Sequence[str], targets: DeclaredTargets) -> str:
    """Return targets with the place of the first of them in the settings."""
    word = "target" if len(names) == 1 else "each of the targets"
    return f"{word} {list_target_names(names)} ({targets[names[0]].source})"


def name_value_owners(
    problems: Sequence[Diagnostic], places: Mapping[Source, str], group: ValueGroup, targets: DeclaredTargets
) -> list[Diagnostic]:
    """Return problems in which those of a value say whose it is; `places` are where values are asked for, by name."""
    owners = _name_owners(group.targets, targets) if group.values else ""
    return [
        replace(problem, summary=f"{problem.summary}: it is {places[problem.source]} of {owners}")
        if problem.source in places and places[problem.source] in group.values
        else problem
        for problem in problems
    ]
