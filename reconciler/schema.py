"""JSON Schemas (draft 2020-12) of everything that people or programs exchange with the tool.

A kind's schema is made from its pydantic model and describes a whole document, envelope and spec. The reports' schema
is written here, beside the promise that members may join it. Equal code gives equal bytes: a copy can be checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.errors import Exit
from reconciler.kinds.kind import Resource
from reconciler.kinds.registry import KINDS
from reconciler.manifests.envelope import API_VERSION
from reconciler.model import Action, Risk, Verdict
from reconciler.reports.doctor import Ability, Health
from reconciler.reports.json_document import FORMAT_VERSION
from reconciler.settings.schema import SettingsFile

Schema = dict[str, Any]

# What pydantic writes. Since 2019-09 keywords may stand beside a `$ref`, which older drafts ignore.
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NAME = {"type": "string", "minLength": 1}
_METADATA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {**_NAME, "description": "Names the document, and the object too where the kind says so."},
        "target": {**_NAME, "description": "A target of the settings; optional where only one speaks the kind's API."},
        "labels": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "For selection with --label.",
        },
    },
}


def schemas() -> dict[str, Schema]:
    """Return every schema by its file name; they refer to each other by relative URLs."""
    made = {f"{name}.json": _document(kind) for name, kind in KINDS.items()}
    made["manifest.json"] = _manifest()
    made["settings.json"] = _headed("settings.json", _tidied(SettingsFile.model_json_schema(by_alias=True)))
    made["report.json"] = _report()
    made["plan.json"] = _planfile()
    return made


def rendered(schema: Mapping[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def spec_schema(kind: type[Resource]) -> Schema:
    """Return the schema of a kind's spec, `$defs` included, without the titles that pydantic makes up."""
    tidied: Schema = _tidied(kind.model_json_schema(by_alias=True))
    return tidied


def _document(kind: type[Resource]) -> Schema:
    spec = spec_schema(kind)
    definitions = spec.pop("$defs", {})
    whole = {
        "title": kind.__name__,
        "description": spec.pop("description", ""),
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "kind": {"const": kind.__name__},
            "metadata": _METADATA,
            "spec": spec,
        },
    }
    return _headed(f"{kind.__name__}.json", whole | ({"$defs": definitions} if definitions else {}))


def _manifest() -> Schema:
    """One schema for editors: a document is held against the schema of the kind that it names."""
    return _headed(
        "manifest.json",
        {
            "title": "Manifest",
            "description": "A document of any kind.",
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": list(KINDS)}},
            "allOf": [
                {
                    # `properties` says nothing of an absent member: without `required` each `if` would hold.
                    "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                    "then": {"$ref": f"{name}.json"},
                }
                for name in KINDS
            ],
        },
    )


def _report() -> Schema:
    """What `--format json` prints: plan, drift, show, apply, and every command that failed."""
    count = {"type": "integer", "minimum": 0}
    counted = {
        "outcome": _closed({"code": {"enum": [int(code) for code in Exit]}, "name": {"enum": [e.word for e in Exit]}}),
        "compared": _closed({"objects": count, "of": count}),
        "partial": {"type": "boolean", "description": "Whether a selection left some of the declared objects out."},
        "selection": {"type": "string"},
    }
    summary = {**{action.value: count for action in Action}, "refused": count, "unchanged": count}
    summary["risk"] = _open({risk.value: count for risk in Risk})
    problem = _open({"source": {"type": "string"}, "message": {"type": "string"}}, {"cause": {"type": "string"}})
    members = {
        "format_version": {"type": "string", "pattern": rf"^{FORMAT_VERSION.split('.')[0]}\.[0-9]+$"},
        "command": {"type": "string"},
        **counted,
        "summary": _open(summary, {"verdicts": _open({verdict.value: count for verdict in Verdict})}),
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "problems": {"type": "array", "items": {"$ref": "#/$defs/problem"}},
        "notes": {"type": "array", "items": {"$ref": "#/$defs/problem"}},
    }
    described = "Result of a command. Members may be added within a format version's first number; none is taken away."
    definitions = {"step": _step(), "change": _change(), "call": _call(), "problem": problem, "target": _target()}
    targets = {"type": "array", "items": {"$ref": "#/$defs/target"}, "description": "What `doctor` found."}
    own = {  # a saved plan has `targets` too, of another shape
        "if": {"properties": {"command": {"const": "doctor"}}, "required": ["command"]},
        "then": {"properties": {"targets": targets}},
    }
    whole = {"title": "Report", "description": described, **_open(members), **own, "$defs": definitions}
    return _headed("report.json", whole)


def _step() -> Schema:
    text = {"type": "string"}
    return _open(
        {
            "address": _closed({"target": text, "kind": text, "name": text}),
            "object": {**text, "description": "Which live object, where the name alone doesn't say."},
            "action": {"enum": [action.value for action in Action]},
            "risk": {"enum": [risk.value for risk in Risk]},
            "source": {**text, "description": "file:line:column of the manifest that asks for it."},
            "call": {"anyOf": [{"$ref": "#/$defs/call"}, {"type": "null"}]},
            "changes": {"type": "array", "items": {"$ref": "#/$defs/change"}},
            "verdict": {
                "enum": [*(verdict.value for verdict in Verdict), None],
                "description": "What became of it; null where nothing was to be sent.",
            },
        },
        {
            "refusal": {**text, "description": "Why there is no call."},
            "detail": text,
        },
    )


def _change() -> Schema:
    path = {"type": "string", "description": "Starts with the manifest's field name."}
    anything: Schema = {}
    risk, verdict = {"enum": [risk.value for risk in Risk]}, {"enum": [verdict.value for verdict in Verdict]}
    return _open({"path": path, "before": anything, "after": anything, "risk": risk}, {"verdict": verdict})


def _call() -> Schema:
    return _open(
        {
            "method": {"enum": ["PUT", "POST"]},
            "path": {"type": "string", "description": "Percent-encoded, relative to the target's URL."},
            "query": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {"type": "object", "description": "Exactly what is sent."},
            "version": {"type": "integer", "description": "Command's x-keyfactor-api-version."},
        }
    )


def _target() -> Schema:
    """One target as `doctor` found it."""
    text = {"type": "string"}
    verdict = {"enum": [health.value for health in Health]}
    check = _open({"target": text, "check": text, "verdict": verdict, "detail": text, "remedy": text})
    ability = {"enum": [ability.value for ability in Ability]}
    able = {"plan": ability, "apply": ability}
    return _open(
        {
            "name": text,
            "api": {"enum": ["keyfactor", "csms"]},
            "url": text,
            "checks": {"type": "array", "items": check},
            "commands": _open(able),
            "kinds": {"type": "array", "items": _open({"kind": text, **able})},
            "verdict": {**text, "description": "What the account can run, in words."},
        }
    )


def _planfile() -> Schema:
    """A saved plan: the report of `plan`, and what applying it needs."""
    bound = {"api": {"type": "string"}, "url": {"type": "string"}, "project": {"type": "string"}}
    added = {
        "kind": {"const": "Plan"},
        "command": {"const": "plan"},
        "planned_on": {"type": "string", "format": "date"},
        "targets": {"type": "object", "additionalProperties": _closed(bound)},
        "manifests": {"type": "string", "description": "Digest of the manifests it was made from."},
        "steps": {"type": "array", "items": {"required": ["base", "expect"]}},
        "digest": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    }
    described = "A plan as `plan --out` saves it. Its digest covers every byte: it can be read, but not edited."
    shape = {"title": "Plan", "description": described, "allOf": [{"$ref": "report.json"}], **_open(added)}
    return _headed("plan.json", shape)


def _headed(name: str, schema: Schema) -> Schema:
    # JSON Schema core, 8.2: a `$ref` is resolved against `$id`; a relative one survives a copied folder.
    return {"$schema": _DRAFT, "$id": name, **schema}


def _open(required: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _closed(required: Schema) -> Schema:
    return {**_open(required), "additionalProperties": False}


def _tidied(node: Any) -> Any:
    """Leave out the titles that pydantic makes of field names; a property that is called title stays."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {name: _tidied(value) for name, value in node.items() if name != "title" or not isinstance(value, str)}
