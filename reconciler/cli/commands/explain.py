"""`reconciler explain KIND[.field]`: the reference, made of the models themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import takewhile
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from reconciler.cli.context import Session
from reconciler.cli.output import Answer
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.kinds.kind import Resource

_BOUNDS = {
    "pattern": "pattern",
    "format": "format",
    "minimum": "at least",
    "maximum": "at most",
    "maxLength": "longest",
    "minItems": "fewest",
    "maxItems": "most",
}


def run(_session: Session, subject: str) -> Answer:
    """Explain a kind, or a field of it however deep: `SecurityRole.claims.type`."""
    from reconciler.reports.reference import render_explanation
    from reconciler.schema import build_spec_schema

    name, *path = subject.split(".")
    kind = kind_named(name)
    whole = build_spec_schema(kind)
    node, required, walked = whole, True, [name]
    for field in path[1:] if path[:1] == ["spec"] else path:
        fields = _fields(node, whole)
        if field not in fields:
            raise UsageError(f"{'.'.join(walked)} has no field {field!r}; {_hint(field, fields)}")
        required = field in _element(node, whole).get("required", ())
        node = fields[field]
        walked.append(field)
    said = {"path": ".".join(walked), **_facts(node, whole)}
    if len(walked) > 1:
        clearable = len(walked) == 2 and walked[1] in _members(whole, "clear")
        said |= {"required": required} | ({"can be cleared": True} if clearable else {})
    said |= {"fields": _listed(node, whole)}
    said["example"] = kind.example if len(walked) == 1 else _excerpt(kind.example, walked[1:])
    said = {name: value for name, value in said.items() if value not in ("", [])}
    return Answer(Exit.OK, lambda look: render_explanation(said, look), extra={"explained": said})


def kind_named(name: str) -> type[Resource]:
    """Return the kind of this name; raises UsageError with the nearest ones."""
    from reconciler.kinds.registry import KINDS

    if name not in KINDS:
        raise UsageError(f"there is no kind {name!r}; {_hint(name, KINDS)}")
    return KINDS[name]


def _hint(word: str, known: Iterable[str]) -> str:
    """Offer the nearest word, letter case aside, or all of them."""
    folded = {one.casefold(): one for one in known}
    near = get_close_matches(word.casefold(), folded, n=1)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return f"known: {', '.join(folded.values())}" if folded else "it is a plain value"


def _resolved(node: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    if not reference:
        return node
    target = whole["$defs"][reference.removeprefix("#/$defs/")]
    # JSON Schema 2020-12 (core, 8.2.3.1) allows keywords beside $ref; pydantic puts a field's own description there.
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _element(node: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a node is about: itself, or of a list its members."""
    node = _resolved(node, whole)
    return _resolved(node["items"], whole) if "items" in node else node


def _fields(node: Mapping[str, Any], whole: Mapping[str, Any]) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = _element(node, whole).get("properties", {})
    return fields


def _members(whole: Mapping[str, Any], field: str) -> list[str]:
    items = whole.get("properties", {}).get(field, {}).get("items", {})
    # pydantic writes a Literal of several values as `enum`, of one as `const`.
    return list(items.get("enum", [items["const"]] if "const" in items else []))


def _facts(node: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    node = _resolved(node, whole)
    element = _element(node, whole)
    allowed = element.get("enum", [element["const"]] if "const" in element else [])
    facts = {"description": node.get("description", ""), "type": _type(node, whole), "one of": allowed}
    return facts | {word: {**element, **node}.get(name, "") for name, word in _BOUNDS.items()}


def _type(node: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    node = _resolved(node, whole)
    if "anyOf" in node:
        return " or ".join(_type(one, whole) for one in node["anyOf"])
    if "items" in node:
        return f"list of {_type(node['items'], whole)}s"
    return str(node.get("type", "string"))


def _listed(node: Mapping[str, Any], whole: Mapping[str, Any]) -> list[dict[str, Any]]:
    required = _element(node, whole).get("required", ())
    return [
        {
            "name": name,
            "type": _type(field, whole),
            "presence": "required" if name in required else "optional",
            "description": _resolved(field, whole).get("description", ""),
        }
        for name, field in _fields(node, whole).items()
    ]


def _excerpt(example: str, path: Sequence[str]) -> str:
    """Return what a kind's example says of the field: the first line of that name from its parent on, and its block."""
    start = 0
    for field in path:
        found = re.compile(rf"(?m)^.*[\s{{]{re.escape(field)}:.*$").search(example, start)
        if not found:
            return ""
        start = found.start()
    first, *rest = example[start:].splitlines()
    indent = len(first) - len(first.lstrip())
    block = takewhile(lambda line: line[: indent + 1].isspace(), rest)
    return dedent("\n".join([first, *block]))
