"""The JSON Schemas let a value of the target stand where a text may, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from reconciler.directives.registry import join_kinds
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas

SCHEMAS = build_schemas(KINDS)
EXAMPLES = {
    name: json.loads(json.dumps(yaml.safe_load(kind.example), default=str))
    for name, kind in join_kinds(KINDS).items()
    # Its cases hold made-up specs, in which anything may stand.
    if name != "PolicyTest"
}


def vary_texts(value: Any, replacement: Any) -> Iterator[Any]:
    """Yield the value once for each text in it, with something else in the place of that."""
    if isinstance(value, str):
        yield replacement
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        for varied in vary_texts(member, replacement):
            copied = value.copy()
            copied[key] = varied
            yield copied


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_value_of_the_target_stands_in_the_place_of_any_text(name: str) -> None:
    """Below the spec of an object alone: not in what is about the run, nor in what is around the spec."""
    validator = Draft202012Validator(SCHEMAS[f"{name}.json"])
    example = EXAMPLES[name]
    assert validator.is_valid(example)
    for spec in vary_texts(example["spec"], {"targetValue": "x"}):
        assert validator.is_valid({**example, "spec": spec}) == (name in KINDS)
    for wrong in ({"targetValue": "x", "y": "z"}, {"targetValue": 1}, {"targetvalue": "x"}):
        for spec in vary_texts(example["spec"], wrong):
            assert not validator.is_valid({**example, "spec": spec})
    for metadata in vary_texts(example["metadata"], {"targetValue": "x"}):
        assert not validator.is_valid({**example, "metadata": metadata})


@pytest.mark.parametrize(
    ("metadata", "is_valid"),
    [
        ({"targets": ["dev", "prod"]}, True),
        ({"targets": {"env": "prod", "region": ["eu", "ap"]}}, True),
        ({"targets": "dev"}, False),
        ({"targets": []}, False),
        ({"targets": {}}, False),
        ({"targets": ["dev", "dev"]}, False),
        ({"targets": ["dev"], "target": "dev"}, False),
    ],
)
def test_the_schema_takes_the_targets_that_the_tool_takes(metadata: dict[str, Any], is_valid: bool) -> None:
    """Names or labels, and never both fields."""
    document = {**EXAMPLES["SecretEvent"], "metadata": {"name": "x", **metadata}}
    assert Draft202012Validator(SCHEMAS["SecretEvent.json"]).is_valid(document) == is_valid
