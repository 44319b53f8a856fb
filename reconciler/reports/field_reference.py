"""What a JSON Schema says of one place in a document: words, type, values with their meanings, fields."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from reconciler.documents.value_meanings import MEANINGS_KEYWORD, list_values

Node = Mapping[str, Any]

_BOUND_WORDS = {
    "pattern": "pattern",
    "format": "format",
    "minimum": "at least",
    "maximum": "at most",
    "maxLength": "longest",
    "minItems": "fewest",
    "maxItems": "most",
    "default": "if not said",
}
_DEEPEST = 6
"""Names in the longest path that values are looked for in: forms of a query may hold themselves."""


class UnknownField(Exception):
    """There is no such field; `path` leads to where it would be, and `known` are the fields there."""

    def __init__(self, path: Sequence[str], field: str, known: Sequence[str]) -> None:
        super().__init__(field)
        self.path, self.field, self.known = tuple(path), field, tuple(known)


class FieldPlace(NamedTuple):
    """A place in a schema: the names that lead to it, what stands there, and whether it has to be said."""

    path: tuple[str, ...]
    node: Node
    required: bool


class FieldReference:
    """Finds places in one schema. Lists, mappings of names and `$ref` are passed through; of several forms of a value
    all fields are found, or those of the one that is called by its value, such as `auth.oauth`.
    """

    def __init__(self, root: Node) -> None:
        self._root = root

    def find_place(self, start: Sequence[str], fields: Sequence[str]) -> FieldPlace:
        """Return the place that fields lead to; raises UnknownField."""
        place = FieldPlace(tuple(start), self._root, required=True)
        for index, field in enumerate(fields):
            found = self._step(place, field)
            names = self.list_names(place.node)
            if found is None and self._is_mapping(place.node) and (fields[index + 1 :] or not _is_near(field, names)):
                found = place  # a name of the reader's own, such as a target's
            if found is None:
                raise UnknownField(place.path, field, names)
            place = found
        return place

    def collect_facts(self, node: Node) -> dict[str, Any]:
        """Return description, type, allowed values and bounds; what there is nothing to say of is empty."""
        node = self._resolve(node)
        element = self._resolve(next(iter(self._find_forms(node)), node))
        forms = [form for form in self._find_forms(node) if not form.get("$ref")]
        values = [value for form in self._find_forms(node) for value in list_values(form)]
        facts = {"description": node.get("description", ""), "type": self.describe_type(node), "one of": values}
        bounds = {**element, **node} if len(forms) == 1 else node
        return facts | {word: _show_bound(bounds.get(name)) for name, word in _BOUND_WORDS.items()}

    def describe_values(self, node: Node) -> list[dict[str, Any]]:
        """Return the values that a place takes, and the forms that it has, each with what it means."""
        forms = self._find_forms(node)
        rows = [
            {"value": value, "meaning": meaning}
            for form in forms
            for value, meaning in zip(list_values(form), self._list_meanings(form), strict=True)
        ]
        choices = self._list_choices(node)
        return rows + [{"value": name, "meaning": form.get("description", "")} for name, form in choices.items()]

    def describe_fields(self, node: Node) -> list[dict[str, Any]]:
        """Return the fields below a place, those of a form behind the form's name."""
        choices = self._list_choices(node)
        forms = choices.items() if choices else [("", form) for form in self._find_forms(node)]
        return [
            {
                "name": f"{name}.{field}" if name else field,
                "type": self.describe_type(below),
                "presence": "required" if field in form.get("required", ()) else "optional",
                "description": self._resolve(below).get("description", ""),
            }
            for name, form in forms
            for field, below in form.get("properties", {}).items()
        ]

    def describe_type(self, node: Node) -> str:
        """Return the type of a value as words."""
        node = self._resolve(node)
        if alternatives := [option for option in self._list_alternatives(node) if option.get("type") != "null"]:
            return " or ".join(dict.fromkeys(self.describe_type(option) for option in alternatives))
        if "items" in node:
            return f"list of {_make_plural(self.describe_type(node['items']))}"
        if (value := _find_mapping_value(node)) is not None:
            return f"mapping of names to {_make_plural(self.describe_type(value))}"
        return str(node.get("type", "string"))

    def list_names(self, node: Node) -> list[str]:
        """Return the names that may follow a place."""
        fields = [field for form in self._find_forms(node) for field in form.get("properties", {})]
        return list(dict.fromkeys([*self._list_choices(node), *fields]))

    def list_holders(self, start: FieldPlace, literal: str) -> Iterator[tuple[str, ...]]:
        """Yield the paths of what can hold this value, letter case aside, from a place on."""
        forms = self._find_forms(start.node)
        if literal.casefold() in {str(allowed).casefold() for form in forms for allowed in list_values(form)}:
            yield start.path
        fields = dict.fromkeys(field for form in forms for field in form.get("properties", {}))
        for field in fields if len(start.path) < _DEEPEST else ():
            if (below := self._step(start, field)) is not None:
                yield from self.list_holders(below, literal)

    def list_allowed(self, field: str) -> list[Any]:
        """Return the values that a field at the top may hold."""
        node = self._root.get("properties", {}).get(field, {})
        return [value for form in self._find_forms(node) for value in list_values(form)]

    def _step(self, place: FieldPlace, field: str) -> FieldPlace | None:
        path = (*place.path, field)
        if form := self._list_choices(place.node).get(field):
            return FieldPlace(path, form, place.required)
        forms = [form for form in self._find_forms(place.node) if field in form.get("properties", {})]
        if not forms:
            return None
        nodes = [form["properties"][field] for form in forms]
        below = [node for index, node in enumerate(nodes) if node not in nodes[:index]]
        required = all(field in form.get("required", ()) for form in forms)
        return FieldPlace(path, below[0] if len(below) == 1 else _join_nodes(below), required)

    def _find_forms(self, node: Node) -> list[Node]:
        """Return what a place may hold, each form by itself; of a list or a mapping what its members may be."""
        node = self._resolve(node)
        if alternatives := self._list_alternatives(node):
            return [form for option in alternatives for form in self._find_forms(option) if form.get("type") != "null"]
        if "items" in node:
            return self._find_forms(node["items"])
        value = _find_mapping_value(node)
        return [node] if value is None else self._find_forms(value)

    def _list_choices(self, node: Node) -> dict[str, Node]:
        """Return the forms that a value inside tells apart, such as `type: oauth`, by that value."""
        # A plain value beside them, such as the path of a file that holds the same, has no such name.
        forms = [form for form in self._find_forms(node) if "properties" in form]
        names = [name for form in forms[:1] for name, below in form.get("properties", {}).items() if "const" in below]
        for name in names if len(forms) > 1 else ():
            values = [form.get("properties", {}).get(name, {}).get("const") for form in forms]
            if len(set(values)) == len(forms):
                return dict(zip(values, forms, strict=True))
        return {}

    def _list_alternatives(self, node: Node) -> list[Node]:
        options = node.get("anyOf") or node.get("oneOf") or []
        # Some are only about which fields go together.
        return [option for option in options if {"$ref", "type", "const", "enum"} & option.keys() or _has_forms(option)]

    def _list_meanings(self, form: Node) -> Iterator[str]:
        if MEANINGS_KEYWORD in form:
            yield from form[MEANINGS_KEYWORD]
            return
        for value in list_values(form):
            # The values of `clear` and `additive` are fields that stand beside it.
            field = self._root.get("properties", {}).get(value, {})
            yield self._resolve(field).get("description", "")

    def _is_mapping(self, node: Node) -> bool:
        node = self._resolve(node)
        return _find_mapping_value(node) is not None or any(map(self._is_mapping, self._list_alternatives(node)))

    def _resolve(self, node: Node) -> Node:
        if not (reference := node.get("$ref", "")):
            return node
        target = self._root["$defs"][reference.removeprefix("#/$defs/")]
        # JSON Schema 2020-12 (core, 8.2.3.1) allows keywords beside $ref; pydantic puts a field's description there.
        return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _show_bound(bound: Any) -> Any:
    """Return a bound, or "" for one that is no plain value, such as a default that is a whole section."""
    return bound if isinstance(bound, str | int | float) else ""


def _has_forms(node: Node) -> bool:
    return any("$ref" in option or _has_forms(option) for option in (*node.get("anyOf", ()), *node.get("oneOf", ())))


def _is_near(word: str, words: Sequence[str]) -> bool:
    """Say whether a word is one of these, misspelt."""
    return bool(get_close_matches(word.casefold(), [known.casefold() for known in words], n=1))


def _find_mapping_value(node: Node) -> Node | None:
    """Return the schema of the values of a mapping whose names are free."""
    patterns = node.get("patternProperties", {})
    value = node.get("additionalProperties") or next(iter(patterns.values()), None)
    return value if isinstance(value, Mapping) else None


def _join_nodes(nodes: Sequence[Node]) -> Node:
    """Return one node for fields of one name in several forms."""
    described = next((node["description"] for node in nodes if "description" in node), "")
    return {"anyOf": [dict(node) for node in nodes], "description": described}


def _make_plural(type_words: str) -> str:
    """Return the plural of a type in words: `strings or lists of strings`."""
    return " or ".join(re.sub(r"^\w+", r"\g<0>s", alternative) for alternative in type_words.split(" or "))
