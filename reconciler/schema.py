"""JSON Schemas (draft 2020-12) of everything that people or programs exchange with the tool.

A kind's schema is made from its pydantic model and describes a whole document, envelope and spec. The reports' schema
is written here, beside the promise that members may join it. Equal code gives equal bytes: a copy can be checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.directives.registry import join_kinds
from reconciler.errors import Exit
from reconciler.kinds.registry import Registry
from reconciler.manifests.document_schema import build_document_schema
from reconciler.manifests.envelope import API_VERSION
from reconciler.manifests.patch_schema import build_patch_schema
from reconciler.manifests.target_value_schema import allow_target_values
from reconciler.model import Action, Obstacle, Risk, Verdict
from reconciler.plans.serial import PLAN_FORMAT_VERSION
from reconciler.reports.adoption import ADOPTION_SCHEMA
from reconciler.reports.blame import BLAME_SCHEMA
from reconciler.reports.comparison_members import BOUNDS_SCHEMA, COMPARISON_MEMBERS, TOLD_MEMBERS
from reconciler.reports.doctor_schema import build_target_schema
from reconciler.reports.drift_members import AGE_SCHEMA, RUN_SCHEMA
from reconciler.reports.export import EXPORT_SCHEMA
from reconciler.reports.history_schema import build_run_schema
from reconciler.reports.json_document import FORMAT_VERSION
from reconciler.reports.origins import ORIGIN_SCHEMA
from reconciler.reports.posture_schema import POSTURE_SCHEMA
from reconciler.reports.rendered import RENDER_SCHEMA
from reconciler.reports.rights import RIGHTS_SCHEMA
from reconciler.reports.unmanaged_schema import BASE_MEMBERS, COUNTS_SCHEMA, LISTED_OBJECTS_SCHEMA, SAVED_COUNTS_SCHEMA
from reconciler.settings.schema_texts import build_settings_schema, build_targets_schema

Schema = dict[str, Any]

# What pydantic writes. Since 2019-09 keywords may stand beside a `$ref`, which older drafts ignore.
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def build_schemas(kinds: Registry) -> dict[str, Schema]:
    """Return every schema by its file name; they refer to each other by relative URLs."""
    declarable = join_kinds(kinds)
    documents = {name: build_document_schema(kind) for name, kind in declarable.items()}
    # What is about the run itself is no target's, and has nothing to look up there.
    documents |= {name: allow_target_values(documents[name]) for name, kind in declarable.items() if kind.api}
    files = {f"{name}.json": _add_header(f"{name}.json", document) for name, document in documents.items()}
    files["manifest.json"] = _build_manifest_schema(list(declarable))
    files["patch.json"] = _add_header("patch.json", build_patch_schema(documents))
    files["settings.json"] = _add_header("settings.json", build_settings_schema())
    files["targets.json"] = _add_header("targets.json", build_targets_schema())
    files["report.json"] = _build_report_schema()
    files["plan.json"] = _build_plan_schema()
    return files


def render_schema(schema: Mapping[str, Any]) -> str:
    """Return a schema as the text of its file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _build_manifest_schema(kinds: Sequence[str]) -> Schema:
    """One schema for editors: a document is held against the schema of the kind that it names."""
    return _add_header(
        "manifest.json",
        {
            "title": "Manifest",
            "description": "A document of any kind.",
            "type": "object",
            "required": ["apiVersion", "kind", "metadata", "spec"],
            "properties": {"apiVersion": {"const": API_VERSION}, "kind": {"enum": kinds}},
            "allOf": [
                {
                    # `properties` says nothing of an absent member: without `required` each `if` would hold.
                    "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
                    "then": {"$ref": f"{name}.json"},
                }
                for name in kinds
            ],
        },
    )


def _build_report_schema() -> Schema:
    """What `--format json` prints: plan, drift, show, apply, and every command that failed."""
    description = "Result of a command. Members may join within a format version's first number; none is taken away."
    beside = {name: {"$ref": f"#/$defs/{name}"} for name in ("drift", "blame")}
    definitions = {
        "step": _build_step_schema(),
        "change": _build_change_schema("risk_reason", beside),
        "call": _build_call_schema(),
        "problem": _build_problem_schema(),
        "target": build_target_schema(),
        "run": build_run_schema(),
        "drift": AGE_SCHEMA,
        "blame": BLAME_SCHEMA,
    }
    targets = {"type": "array", "items": {"$ref": "#/$defs/target"}, "description": "What `doctor` found."}
    state = {"type": "object", "description": "What `state` tells of the store: id, place, and what is in it."}
    runs = {"type": "array", "items": {"$ref": "#/$defs/run"}, "description": "What `history` remembers, newest first."}
    notify = {"type": "object", "description": "What `doctor` found of those who are to be told, where there are some."}
    own: Schema = {
        "doctor": {"targets": targets, "notify": notify},
        "history": {"runs": runs},
        "state": {"state": state},
    }
    own |= {"adopt": ADOPTION_SCHEMA, "unmanaged": {"objects": LISTED_OBJECTS_SCHEMA}}
    own |= {"report": {"posture": POSTURE_SCHEMA}, "render": RENDER_SCHEMA}
    own |= {command: {"targets": BOUNDS_SCHEMA} for command in ("plan", "drift", "apply")}
    own |= dict.fromkeys(("export", "init"), EXPORT_SCHEMA)
    # A saved plan has `targets` too, of another shape.
    own_members = {
        "allOf": [
            {
                "if": {"properties": {"command": {"const": command}}, "required": ["command"]},
                "then": {"properties": members},
            }
            for command, members in own.items()
        ]
    }
    schema = {
        "title": "Report",
        "description": description,
        **_build_open(_build_report_members(), {**RUN_SCHEMA, **BASE_MEMBERS, **COMPARISON_MEMBERS}),
        **own_members,
        "$defs": definitions,
    }
    return _add_header("report.json", schema)


def _build_problem_schema() -> Schema:
    text = {"type": "string"}
    return _build_open({"source": text, "message": text}, {"cause": text, **TOLD_MEMBERS})


def _build_report_members() -> Schema:
    count = {"type": "integer", "minimum": 0}
    coverage = {
        "outcome": _build_closed(
            {"code": {"enum": [int(code) for code in Exit]}, "name": {"enum": [member.word for member in Exit]}}
        ),
        "compared": _build_closed({"objects": count, "of": count}),
        "partial": {"type": "boolean", "description": "Whether a selection left some of the declared objects out."},
        "selection": {"type": "string"},
    }
    counted = ("refused", "absent", "unchanged", "acknowledged")
    summary: Schema = {**{action.value: count for action in Action}, **dict.fromkeys(counted, count)}
    summary["risk"] = _build_open({risk.value: count for risk in Risk})
    return {
        "format_version": {"type": "string", "pattern": rf"^{FORMAT_VERSION.split('.')[0]}\.[0-9]+$"},
        "command": {"type": "string"},
        **coverage,
        "summary": _build_open(summary, {"verdicts": _build_open({verdict.value: count for verdict in Verdict})}),
        "steps": {"type": "array", "items": {"$ref": "#/$defs/step"}},
        "problems": {"type": "array", "items": {"$ref": "#/$defs/problem"}},
        "notes": {"type": "array", "items": {"$ref": "#/$defs/problem"}},
        "absences": {
            "type": "array",
            "items": {"$ref": "#/$defs/problem", "properties": {"drift": {"$ref": "#/$defs/drift"}}},
            "description": "Notes of declared objects that are not there and are only told; drift counts them.",
        },
        "unmanaged": COUNTS_SCHEMA,
        "rights": RIGHTS_SCHEMA,
    }


def _build_step_schema() -> Schema:
    text = {"type": "string"}
    return _build_open(
        {
            "address": _build_closed({"target": text, "kind": text, "name": text}),
            **_build_subject_members(),
            "names": {"type": "array", "items": text, "description": "The subjects' names."},
            "action": {"enum": [action.value for action in Action]},
            "risk": {"enum": [risk.value for risk in Risk]},
            "risk_reason": {**text, "description": "Why the risk is not low."},
            "source": {**text, "description": "file:line:column of the manifest that asks for it."},
            "call": {"anyOf": [{"$ref": "#/$defs/call"}, {"type": "null"}]},
            "changes": {"type": "array", "items": {"$ref": "#/$defs/change"}},
            "verdict": {
                "enum": [*(verdict.value for verdict in Verdict), None],
                "description": "What became of it; null where nothing was to be sent.",
            },
        },
        {
            **_build_obstacle_members(),
            "escalation": {**text, "description": "Who gains more by it than its words say."},
            "detail": text,
            "drift": {"$ref": "#/$defs/drift"},
        },
    )


def _build_change_schema(reason: str, optional: Schema | None = None) -> Schema:
    path = {"type": "string", "description": "Starts with the manifest's field name."}
    anything: Schema = {}
    risk, verdict = {"enum": [risk.value for risk in Risk]}, {"enum": [verdict.value for verdict in Verdict]}
    why = {reason: {"type": "string", "description": "Why the risk is not low."}}
    members = {"path": path, "before": anything, "after": anything, "risk": risk, **why}
    about_names = "What members that hold an id are called, by member."
    names: Schema = {"type": "object", "additionalProperties": {"type": "string"}, "description": about_names}
    told = {"names": names, "origin": ORIGIN_SCHEMA}
    return _build_open(members, {"verdict": verdict, **told, **(optional or {})})


def _build_call_schema() -> Schema:
    return _build_open(
        {
            "method": {"enum": ["PUT", "POST"]},
            "path": {"type": "string", "description": "Percent-encoded, relative to the target's URL."},
            "query": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {"type": "object", "description": "Exactly what is sent."},
            "version": {"type": "integer", "description": "Command's x-keyfactor-api-version."},
        }
    )


def _build_plan_schema() -> Schema:
    """A saved plan, in its own format: what is sent, why, and what has to hold before and after."""
    text: Schema = {"type": "string"}
    count = {"type": "integer", "minimum": 0}
    target = {"api": text, "url": text, "project": text}
    address = _build_closed({"target": text, "kind": text, "name": text})
    note = dict.fromkeys(("rule", "severity", "source", "summary", "reason", "remedy"), text)
    diagnostics = {"type": "array", "items": _build_open(note, {"address": address})}
    digest: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
    members = {
        "format_version": {**text, "pattern": rf"^{PLAN_FORMAT_VERSION.split('.')[0]}\.[0-9]+$"},
        "kind": {"const": "Plan"},
        **_build_stamp_members(),
        "compared": _build_closed({"objects": count, "of": count}),
        "selection": text,
        **dict.fromkeys(("problems", "notes", "absences"), diagnostics),
        "targets": {"type": "object", "additionalProperties": _build_closed(target)},
        "manifests": {"type": "string", "description": "Digest of the manifests it was made from."},
        "steps": {"type": "array", "items": _build_stored_step_schema(address)},
        "digest": {**digest, "description": "Of what is approved: equal for a plan made again that is equal."},
        "seal": {**digest, "description": "Of every other byte of the file."},
    }
    deferral = _build_open({**dict.fromkeys(("name", "source", "reason"), text), "until": {**text, "format": "date"}})
    step = _build_stored_step_schema(address)
    step["properties"]["acknowledgement"] = deferral
    acknowledged = {
        "type": "array",
        "items": {**step, "required": [*step["required"], "acknowledgement"]},
        "description": "Differences that are left alone until a day, each with the document that says so.",
    }
    signature = _build_closed({"method": text, "value": {"type": "string", "pattern": "^[0-9a-f]+$"}})
    description = "A plan as `plan --out` saves it. Its seal covers every byte: it can be read, but not edited."
    environment = {**text, "description": "Of the settings that it was made for, where they have some."}
    optional = {"unmanaged": SAVED_COUNTS_SCHEMA, "rights": RIGHTS_SCHEMA, "environment": environment}
    schema = {
        "title": "Plan",
        "description": description,
        **_build_open(members, {"acknowledged": acknowledged, "signature": signature, **optional}),
    }
    return _add_header(
        "plan.json", schema | {"$defs": {"change": _build_change_schema("reason"), "call": _build_call_schema()}}
    )


def _build_stamp_members() -> Schema:
    """What makes of an equal plan another file."""
    text, time = {"type": "string"}, {"type": "string", "format": "date-time"}
    return {
        "tool": {**text, "description": "The version of the tool that made it."},
        "nonce": {**text, "pattern": "^[0-9a-f]{32}$", "description": "Random: each plan is applied once."},
        "created": time,
        "expires": time,
        "commit": {**text, "description": "Of the manifests' checkout; a plus says that files differed from it."},
        "paths": {"type": "array", "items": text, "description": "The manifests as named; none for the settings' own."},
    }


def _build_stored_step_schema(address: Schema) -> Schema:
    """A step without a call says why; applying the plan reports it again."""
    text: Schema = {"type": "string"}
    return _build_open(
        {
            "address": address,
            **_build_subject_members(),
            "action": {"enum": [action.value for action in Action]},
            "risk": {"enum": [risk.value for risk in Risk]},
            "risk_reason": {**text, "description": "Why the risk is not low."},
            "source": {**text, "description": "file:line:column of the manifest that asks for it."},
            "call": {"anyOf": [{"$ref": "#/$defs/call"}, {"type": "null"}]},
            "changes": {"type": "array", "items": {"$ref": "#/$defs/change"}},
        },
        {
            "base": {"description": "The object as read, in the kind's own form; null where it must not exist."},
            "expect": {"description": "What must hold when it is read back."},
            "escalation": {**text, "description": "Who gains more by it than its words say."},
            **_build_obstacle_members(),
        },
    )


def _build_obstacle_members() -> Schema:
    description = "Why, in a word: of itself, because of something else in the run, or since nothing is there."
    return {
        "refusal": {"type": "string", "description": "Why there is no call."},
        "obstacle": {"enum": [obstacle.value for obstacle in Obstacle], "description": description},
    }


def _build_subject_members() -> Schema:
    """What a step is about: the live object, and what people call it."""
    text: Schema = {"type": "string"}
    subject = {
        "name": {**text, "description": "What people call it, such as a certificate's common name."},
        "facts": {"type": "object", "additionalProperties": text, "description": "What else a reviewer judges by."},
        "path": {**text, "description": "The path of the one change that is about it; empty where all are."},
    }
    return {
        "object": {**text, "description": "Which live object, where the name alone doesn't say."},
        "subjects": {"type": "array", "items": _build_closed(subject)},
    }


def _add_header(name: str, schema: Schema) -> Schema:
    # JSON Schema core, 8.2: a `$ref` is resolved against `$id`; a relative one survives a copied folder.
    return {"$schema": _DRAFT, "$id": name, **schema}


def _build_open(required: Schema, optional: Schema | None = None) -> Schema:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _build_closed(required: Schema) -> Schema:
    return {**_build_open(required), "additionalProperties": False}
