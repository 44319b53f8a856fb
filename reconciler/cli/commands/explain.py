"""`reconciler explain`: the reference of kinds, settings and rules, made of the models themselves."""

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
    from reconciler.kinds.document_kind import DocumentKind
    from reconciler.reports.field_reference import FieldPlace, FieldReference

_ENVELOPE = ("apiVersion", "kind", "metadata")
"""What stands around the spec of every manifest."""
_TOPICS = {
    "Settings": "reconciler.yaml: targets, ways to log in, limits, where runs are remembered",
    "metadata": "what stands in front of the spec of every manifest: name, target, labels",
    "apiVersion": "the version of the format",
    "kind": "what a manifest declares",
    "targetValue": "a text below spec that each target has its own value for",
    "patch": "a document of a later layer of an environment, and its words",
    "action": "what a step does to its object",
    "risk": "how much thought a change deserves",
    "verdict": "how a step ended",
    "rules": "the rules behind all that is told; each can be explained by its id",
}
"""What can be explained beside kinds and rules."""
_VALUE_EXAMPLE = """\
spec: {notification: {targetType: SMN, targetId: {targetValue: topicUrn}, targetName: pki}}
# reconciler.yaml
targets: {prod: {values: {topicUrn: 'urn:smn:cn-north-4:0123:pki'}, ...}}
"""
_PATCH_EXAMPLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec:
  permissions: [/auditing/read/]
  additive: [permissions]
  unset: [emailAddress]
"""


def complete_subjects(_context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return the kinds and other words that begin so; behind a dot the fields there, behind a rule's area its rules."""
    from reconciler.rules import RULES

    path, dot, _ = incomplete.rpartition(".")
    areas = dict.fromkeys(f"{rule.partition('.')[0]}." for rule in RULES)
    words = _list_words_below(path) if dot else [*_list_kind_names(), *_TOPICS, *areas]
    return [word for word in words if word.startswith(incomplete)]


def _list_words_below(path: str) -> list[str]:
    from reconciler.reports.field_reference import UnknownField
    from reconciler.rules import RULES

    try:
        reference, place = _find_place(path)
    except (UnknownField, UsageError):
        return list(RULES)
    around = _ENVELOPE if path in _list_kind_names() else ("auth",) if path == "Settings" else ()
    return [f"{path}.{name}" for name in (*reference.list_names(place.node), *around)]


@options.command()
@click.argument("subject", required=False, metavar="[KIND[.field]]", shell_complete=complete_subjects)
@options.config
@options.output
@click.pass_obj
def command(session: Session, /, subject: str | None, config: str | None, environment: str | None) -> CommandResult:
    """Say what a kind or a field means, and what it may hold.

    Settings, metadata and apiVersion are explained like kinds; `rules` lists the rules behind all that is told, and the
    name of a rule, such as manifest.unknown-field, says what it means. Without a word all of them are listed. With
    --config or --environment a kind is told with what these settings hold it to.
    """
    from reconciler.rules import RULES

    if subject is None:
        return _list_subjects()
    has_settings = config is not None or environment is not None
    settings_facts = _read_settings_facts(session, config, environment, subject) if has_settings else {}
    if subject == "rules":
        return _list_rules(RULES)
    if subject in RULES:
        return _make_result({"path": subject, "description": RULES[subject], "type": "rule"})
    if subject in {"targetValue", "patch"}:
        return _make_result(_explain_patch() if subject == "patch" else _explain_target_value())
    if subject in {"action", "risk", "verdict"}:
        return _make_result(_explain_enumeration(subject))
    return _make_result(_explain_field(subject) | settings_facts)


def _read_settings_facts(session: Session, config: str | None, environment: str | None, subject: str) -> dict[str, Any]:
    """Return what the settings say of a kind: how much a run may change, and what no run touches."""
    from reconciler.engine.declaration import read_settings

    settings = read_settings(session.inputs, config, environment)
    limit = settings.limits.get(subject)
    protected = [pattern for pattern in settings.protected if pattern.startswith(f"{subject}/")]
    return ({"changes a run": limit} if limit is not None else {}) | ({"protected": protected} if protected else {})


def _list_subjects() -> CommandResult:
    from reconciler.directives.registry import join_kinds
    from reconciler.kinds.registry import KINDS
    from reconciler.reports.reference import render_listing

    kinds = {name: (kind.spec.__doc__ or "").strip().splitlines()[0] for name, kind in join_kinds(KINDS).items()}
    rows = [{"subject": name, "what": what} for name, what in (kinds | _TOPICS).items()]
    footer = "\nA field is explained by its path: reconciler explain SecurityRole.claims.type\n"
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout) + footer, extra={"subjects": rows})


def _list_rules(rules: Mapping[str, str]) -> CommandResult:
    from reconciler.reports.reference import render_listing

    rows = [{"rule": rule, "meaning": meaning} for rule, meaning in rules.items()]
    return CommandResult(Exit.OK, lambda layout: render_listing(rows, layout), extra={"rules": rows})


def _make_result(explanation: Mapping[str, Any]) -> CommandResult:
    from reconciler.reports.reference import render_explanation

    return CommandResult(
        Exit.OK, lambda layout: render_explanation(explanation, layout), extra={"explained": explanation}
    )


def _explain_target_value() -> dict[str, Any]:
    """Return what stands in the place of any text below the spec of an object."""
    from reconciler.manifests.target_value_schema import describe_target_value

    return {"path": "targetValue", "description": describe_target_value(), "type": "object", "example": _VALUE_EXAMPLE}


def _explain_patch() -> dict[str, Any]:
    """Return what a document of a later layer may say beside the fields of its kind."""
    from reconciler.manifests.patch_schema import PATCH_WORDS

    values = [{"value": word, "meaning": schema["description"]} for word, schema in PATCH_WORDS.items()]
    description = "What changes of a document that earlier layers declare by the same kind and name; the rest stays."
    return {
        "path": "patch",
        "description": description,
        "type": "object",
        "values": values,
        "example": _PATCH_EXAMPLE,
    }


def _explain_enumeration(subject: str) -> dict[str, Any]:
    """Return what each value means that reports use."""
    from reconciler.model import Action, Risk, Verdict

    members: Sequence[Action | Risk | Verdict] = list({"action": Action, "risk": Risk, "verdict": Verdict}[subject])
    values = [{"value": member.value, "meaning": member.meaning} for member in members]
    description = f"{_TOPICS[subject].capitalize()}."
    return {"path": subject, "description": description, "type": "string", "values": values}


def _explain_field(subject: str) -> dict[str, Any]:
    """Return what there is to say of a path; raises UsageError where it leads nowhere."""
    from reconciler.reports.field_reference import UnknownField

    try:
        reference, place = _find_place(subject)
    except UnknownField as error:
        raise _make_field_error(error) from None
    name, *path = place.path
    if name in _list_kind_names() and path[:1] not in ([word] for word in _ENVELOPE):
        return _explain_spec_field(reference, place, _find_kind(name))
    return _collect_explanation(reference, place)


def _find_place(subject: str) -> tuple[FieldReference, FieldPlace]:
    """Return the place that a path leads to; raises UnknownField, or UsageError for what is no kind."""
    from reconciler.kinds.registry import KINDS
    from reconciler.manifests.document_schema import build_document_schema, build_spec_schema, describe_envelope
    from reconciler.reports.field_reference import FieldReference

    name, *path = subject.split(".")
    if name == "Settings":
        return _find_setting(path)
    if name in _ENVELOPE:
        reference = FieldReference(describe_envelope(KINDS))
        return reference, reference.find_place((), [name, *path])
    kind = _find_kind(name)
    if path[:1] and path[0] in _ENVELOPE:
        reference = FieldReference(build_document_schema(kind))
    else:
        reference = FieldReference(build_spec_schema(kind))
        path = path[1:] if path[:1] == ["spec"] else path
    return reference, reference.find_place((name,), path)


def _find_setting(path: Sequence[str]) -> tuple[FieldReference, FieldPlace]:
    """Return the place of a setting; what a target holds is found without `targets` in front, too."""
    from reconciler.reports.field_reference import FieldReference
    from reconciler.settings.schema_texts import build_settings_schema

    reference = FieldReference(build_settings_schema())
    whole, targets = (reference.find_place(("Settings",), start) for start in ((), ("targets",)))
    is_about_targets = path and path[0] not in reference.list_names(whole.node)
    if is_about_targets and path[0] in reference.list_names(targets.node):
        path = ["targets", *path]
    return reference, reference.find_place(("Settings",), path)


def _make_field_error(error: Any) -> UsageError:
    from reconciler.kinds.registry import suggest_word

    place = ".".join(error.path) or "a manifest"
    summary = f"{place} has no field {error.field!r}"
    remedy = suggest_word(error.field, error.known)
    return UsageError(Diagnostic("usage.unknown-field", Source("reconciler"), summary, remedy=remedy))


def _list_kind_names() -> list[str]:
    """Return what manifests may declare; none of it is loaded."""
    from reconciler.directives.registry import DIRECTIVES
    from reconciler.kinds.registry import KINDS

    return sorted([*KINDS, *DIRECTIVES])


def _find_kind(name: str) -> DocumentKind:
    """Return a kind; raises UsageError with where the word stands for something else, or with the nearest words."""
    from reconciler.directives.registry import DIRECTIVES
    from reconciler.kinds.registry import KINDS, suggest_word

    if kind := DIRECTIVES.get(name) or KINDS.get(name):
        return kind
    starts = (*(names := _list_kind_names()), "metadata", "Settings")
    remedy = suggest_word(name, [*names, *_TOPICS])
    if fields := [path for start in starts for path in _list_fields(start, name)]:
        remedy = f"it is a field: {', '.join(fields)}"
    elif holders := [path for start in starts for path in _list_holders(start, name)]:
        remedy = f"it is a value of {', '.join(holders)}"
    summary = f"there is no kind {name!r}"
    raise UsageError(Diagnostic("usage.unknown-kind", Source("reconciler"), summary, remedy=remedy))


def _list_fields(start: str, name: str) -> list[str]:
    """Return the path of the field of that name, letter case aside, where what starts the path has one."""
    return [path for path in _list_words_below(start) if path.rpartition(".")[2].casefold() == name.casefold()]


def _list_holders(start: str, literal: str) -> list[str]:
    """Return the paths of the fields that can hold a value."""
    reference, start_place = _find_place(start)
    return list(dict.fromkeys(".".join(path) for path in reference.list_holders(start_place, literal)))


def _collect_explanation(reference: FieldReference, place: FieldPlace) -> dict[str, Any]:
    explanation = {"path": ".".join(place.path), **reference.collect_facts(place.node)}
    explanation |= {"required": place.required} if len(place.path) > 1 else {}
    values, fields = reference.describe_values(place.node), reference.describe_fields(place.node)
    return _drop_empty(explanation | {"values": values, "fields": fields})


def _explain_spec_field(reference: FieldReference, place: FieldPlace, kind: DocumentKind) -> dict[str, Any]:
    """Return the same of a kind or a field of it, with its risk and its place in the example."""
    path = place.path
    explanation = _collect_explanation(reference, place)
    values, fields = explanation.pop("values", []), explanation.pop("fields", [])
    if len(path) == 2:
        explanation |= {"can be cleared": True} if path[1] in reference.list_allowed("clear") else {}
        explanation |= {"risk": ": ".join(kind.risks[path[1]])} if path[1] in kind.risks else {}
    if len(path) == 1:
        fields = [
            row | ({"risk": ": ".join(kind.risks[row["name"]])} if row["name"] in kind.risks else {}) for row in fields
        ]
    example = kind.example if len(path) == 1 else _cut_excerpt(kind.example, path[1:])
    return _drop_empty(explanation | {"values": values, "fields": fields, "example": example})


def _drop_empty(explanation: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in explanation.items() if value not in ("", [])}


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
