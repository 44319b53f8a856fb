"""Laws of merging that hold whatever the documents say: identity, associativity, and origins that are true."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path as FilePath
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Explanation
from reconciler.documents.document import Document
from reconciler.documents.files import FileRef
from reconciler.documents.reader import parse_documents
from reconciler.kinds.registry import KINDS
from reconciler.kinds.spec_model import Spec, SpecPart
from reconciler.manifests.layered_document import LayerDocument, LayeredDocument
from reconciler.manifests.layers import LayerRules, merge_layers
from reconciler.manifests.target_selection import TargetChoice
from reconciler.model import Path
from tests.support.toy_kinds import KINDS as TOYS

Value = dict[str, Any]
SCALARS = st.sampled_from([0, 1, True, "x", "y", "", {"targetValue": "v"}, {"targetValue": "w"}])
LISTS = st.lists(SCALARS | st.fixed_dictionaries({"k": SCALARS}), max_size=3)
# The name of a field says of which sort it is: what is a mapping in one layer and a text in another has no order of
# patches that would not matter.
PARTS = st.fixed_dictionaries({}, optional={"s": SCALARS, "l": LISTS})
SPECS = st.fixed_dictionaries({}, optional={"s": SCALARS, "t": SCALARS, "l": LISTS, "m": PARTS, "n": PARTS})
LABELS = st.fixed_dictionaries({}, optional={"a": SCALARS, "b": SCALARS})
METADATA = st.fixed_dictionaries({"name": st.just("x")}, optional={"labels": LABELS})
DOCUMENTS = st.fixed_dictionaries({"kind": st.just("Lamp"), "metadata": METADATA, "spec": SPECS})
RULES = LayerRules(lambda _: TOYS["Lamp"], lambda _: [], lambda _, __: TargetChoice(("command",), ("command",)))


def parse_layer(value: Value, name: str) -> LayerDocument:
    """Return a document in a layer; each member is on a line of its own."""
    (document,), problems = parse_documents(json.dumps(value, indent=1).encode(), f"{name}.json")
    assert not problems
    return LayerDocument(name, document, FileRef(FilePath(), (), ""))


def merge(*values: Any) -> LayeredDocument:
    """Return the one document that layers say together."""
    (document,) = merge_layers([[parse_layer(value, str(number))] for number, value in enumerate(values)], RULES)
    return document


def list_paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every place of a value, with what is there."""
    yield path, value
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in pairs:
        yield from list_paths(member, (*path, step))


def dump(document: Document) -> str:
    """Return a value in a form that tells true from 1."""
    return json.dumps(document.value, sort_keys=True)


@settings(max_examples=40)
@given(values=st.lists(DOCUMENTS, min_size=3, max_size=3))
def test_merging_is_associative_and_an_empty_patch_changes_nothing(values: Sequence[Value]) -> None:
    """However layers are taken together, the last one that says something of a field decides it."""
    first, second, third = values
    whole = merge(*values)
    assert dump(merge(first, merge(second, third).value)) == dump(whole)
    assert dump(merge(merge(first, second).value, third)) == dump(whole)
    empty = {"kind": "Lamp", "metadata": {"name": "x"}, "spec": {}}
    assert dump(merge(*values, empty)) == dump(merge(empty, *values)) == dump(whole)
    assert json.dumps(merge(first).value) == json.dumps(first)


@settings(max_examples=40)
@given(values=st.lists(DOCUMENTS, min_size=1, max_size=4), is_additive=st.booleans())
def test_every_value_stands_at_its_origin(values: list[Value], is_additive: bool) -> None:
    """The line that is named says what the document says there, and so did those that it overrides, once."""
    *earlier, last = (value["spec"] for value in values)
    if is_additive and "l" in last and any("l" in spec for spec in earlier):
        values[-1]["additive"] = ["l"]
    merged = merge(*values)
    standing: dict[str, list[str]] = {}
    for number, value in enumerate(values):
        for path, member in list_paths(value):
            place = str(parse_layer(value, str(number)).document.at(path))
            standing.setdefault(place, []).append(json.dumps(member, sort_keys=True))
    for path, member in list_paths(merged.value):
        origin = merged.trace_origin(path)
        layers = [place.file for place in (origin.source, *origin.overridden)]
        assert not path or origin.source == merged.at(path)
        # A mapping is of all layers, and so is a list that gained: of these the members are told.
        if isinstance(member, dict | list):
            continue
        assert json.dumps(member, sort_keys=True) in standing[str(origin.source)], path
        assert layers == sorted(set(layers), reverse=True)


def list_parts(model: type[SpecPart]) -> Iterator[type[SpecPart]]:
    """Yield a model and those that its fields are made of."""
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, SpecPart):
            yield from list_parts(field.annotation)


def list_refusals(part: type[SpecPart], *names: str) -> set[Explanation]:
    """Return what is wrong with giving these fields and no others, whatever they hold."""
    fields = {field.alias or name: name for name, field in part.model_fields.items()}
    given_fields = {fields[name]: None for name in names}
    return set(part.model_construct(set(given_fields), **given_fields).check_fields())


def test_what_is_refused_beside_each_other_is_an_alternative() -> None:
    """A kind that forgot to say so would make each patch say `unset` first."""
    for kind in KINDS.values():
        for part in list_parts(kind.spec):
            names = [field.alias or name for name, field in part.model_fields.items()]
            for pair in combinations(names, 2):
                refusals = list_refusals(part, *pair) - list_refusals(part, pair[0]) - list_refusals(part, pair[1])
                assert not refusals or any(set(pair) <= group for group in part.alternatives), (part, pair)


def test_alternatives_are_refused_beside_each_other() -> None:
    """What a patch displaces is what could not stand there: no kind says more than that."""
    pairs = [
        (part, sorted(group))
        for kind in KINDS.values()
        for part in list_parts(kind.spec)
        for group in part.alternatives
    ]
    assert len(pairs) >= 9
    for part, names in pairs:
        assert list_refusals(part, *names), (part, names)
    assert Spec.alternatives == ()
