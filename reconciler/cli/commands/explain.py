"""`reconciler explain`: the reference of kinds, made of the models themselves, and of rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.terminal import options
from reconciler.cli.terminal.context import Session
from reconciler.cli.terminal.output import CommandResult
from reconciler.diagnostics import Diagnostic, Source
from reconciler.errors import Exit, UsageError

if TYPE_CHECKING:
    from reconciler.model import RiskAssessment

_BOUND_WORDS = {
    "pattern": "pattern",
    "format": "format",
    "minimum": "at least",
    "maximum": "at most",
    "maxLength": "longest",
    "minItems": "fewest",
    "maxItems": "most",
}


@options.command()
@click.argument("subject", metavar="KIND[.field]")
@options.config
@options.output
@click.pass_obj
def command(session: Session, /, subject: str, config: str | None) -> CommandResult:
    """Say what a kind or a field means, and what it may hold.

    `rules` lists the rules behind all that is told, and the name of a rule, such as manifest.unknown-field, says what
    it means. With --config a kind is told with what these settings hold it to.
    """
    from reconciler.rules import RULES

    settings_facts = _read_settings_facts(session, config, subject) if config is not None else {}
    if subject == "rules":
        return _list_rules(RULES)
    if subject in RULES:
        return _make_result({"path": subject, "description": RULES[subject], "type": "rule"})
    return _make_result(_explain_field(subject) | settings_facts)


def _read_settings_facts(session: Session, config: str, subject: str) -> dict[str, Any]:
    """Return what the settings say of a kind: how much a run may change, and what no run touches."""
    from reconciler.engine.pipeline import read_settings

    settings = read_settings(session.inputs, config)
    limit = settings.limits.get(subject)
    protected = [pattern for pattern in settings.protected if pattern.startswith(f"{subject}/")]
    return ({"changes a run": limit} if limit is not None else {}) | ({"protected": protected} if protected else {})


def _list_rules(rules: Mapping[str, str]) -> CommandResult:
    from reconciler.reports.reference import render_listing

    rows = [{"rule": rule, "meaning": meaning} for rule, meaning in rules.items()]
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout), extra={"rules": rows})


def _make_result(explanation: Mapping[str, Any]) -> CommandResult:
    from reconciler.reports.reference import render_explanation

    return CommandResult(
        Exit.OK, lambda layout: render_explanation(explanation, layout), extra={"explained": explanation}
    )


def _explain_field(subject: str) -> dict[str, Any]:
    """Return what there is to say of KIND[.field]; raises UsageError where there is none of that name."""
    from reconciler.kinds.registry import KINDS, suggest_word
    from reconciler.schema import build_spec_schema

    name, *path = subject.split(".")
    kind = KINDS.find(name)
    root = build_spec_schema(kind)
    node, required, path_so_far = root, True, [name]
    for field in path[1:] if path[:1] == ["spec"] else path:
        fields = _find_fields(node, root)
        if field not in fields:
            problem = Diagnostic(
                "usage.unknown-field",
                Source("reconciler"),
                f"{'.'.join(path_so_far)} has no field {field!r}",
                remedy=suggest_word(field, fields),
            )
            raise UsageError(problem)
        required = field in _find_element(node, root).get("required", ())
        node = fields[field]
        path_so_far.append(field)
    explanation = {"path": ".".join(path_so_far), **_collect_facts(node, root)}
    if len(path_so_far) > 1:
        clearable = len(path_so_far) == 2 and path_so_far[1] in _list_enum_members(root, "clear")
        explanation |= {"required": required} | ({"can be cleared": True} if clearable else {})
    if len(path_so_far) == 2 and path_so_far[1] in kind.risks:
        explanation |= {"risk": ": ".join(kind.risks[path_so_far[1]])}
    risks = kind.risks if len(path_so_far) == 1 else {}
    explanation |= {"fields": _describe_fields(node, root, risks)}
    explanation["example"] = kind.example if len(path_so_far) == 1 else _cut_excerpt(kind.example, path_so_far[1:])
    return {name: value for name, value in explanation.items() if value not in ("", [])}


def _resolve_reference(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref", "")
    if not reference:
        return node
    target = root["$defs"][reference.removeprefix("#/$defs/")]
    # JSON Schema 2020-12 (core, 8.2.3.1) allows keywords beside $ref; pydantic puts a field's own description there.
    return {**target, **{name: value for name, value in node.items() if name != "$ref"}}


def _find_element(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a node is about: itself, or of a list its members."""
    node = _resolve_reference(node, root)
    return _resolve_reference(node["items"], root) if "items" in node else node


def _find_fields(node: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    fields: Mapping[str, Any] = _find_element(node, root).get("properties", {})
    return fields


def _list_enum_members(root: Mapping[str, Any], field: str) -> list[str]:
    items = root.get("properties", {}).get(field, {}).get("items", {})
    # pydantic writes a Literal of several values as `enum`, of one as `const`.
    return list(items.get("enum", [items["const"]] if "const" in items else []))


def _collect_facts(node: Mapping[str, Any], root: Mapping[str, Any]) -> dict[str, Any]:
    node = _resolve_reference(node, root)
    element = _find_element(node, root)
    allowed = element.get("enum", [element["const"]] if "const" in element else [])
    facts = {"description": node.get("description", ""), "type": _describe_type(node, root), "one of": allowed}
    return facts | {word: {**element, **node}.get(name, "") for name, word in _BOUND_WORDS.items()}


def _describe_type(node: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    node = _resolve_reference(node, root)
    if "anyOf" in node:
        return " or ".join(_describe_type(option, root) for option in node["anyOf"])
    if "items" in node:
        return f"list of {_describe_type(node['items'], root)}s"
    return str(node.get("type", "string"))


def _describe_fields(
    node: Mapping[str, Any], root: Mapping[str, Any], risks: Mapping[str, RiskAssessment]
) -> list[dict[str, Any]]:
    required = _find_element(node, root).get("required", ())
    return [
        {
            "name": name,
            "type": _describe_type(field, root),
            "presence": "required" if name in required else "optional",
            "description": _resolve_reference(field, root).get("description", ""),
            **({"risk": ": ".join(risks[name])} if name in risks else {}),
        }
        for name, field in _find_fields(node, root).items()
    ]


def _cut_excerpt(example: str, path: Sequence[str]) -> str:
    """Return what a kind's example says of the field: the first line of that name from its parent on, and its block."""
    start = 0
    for field in path:
        match = re.compile(rf"(?m)^.*[\s{{]{re.escape(field)}:.*$").search(example, start)
        if not match:
            return ""
        start = match.start()
    first, *following = example[start:].splitlines()
    indent = len(first) - len(first.lstrip())
    block = takewhile(lambda line: line[: indent + 1].isspace(), following)
    return dedent("\n".join([first, *block]))
