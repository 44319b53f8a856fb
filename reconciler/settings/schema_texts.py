"""The descriptions of the settings' fields, which stand below them as texts, for the JSON Schema.

pydantic can read them by itself, but does so whenever a model is imported: 30 ms of every command.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from reconciler.documents.schema_titles import drop_titles
from reconciler.settings import (
    schema,
    schema_auth,
    schema_engine,
    schema_environments,
    schema_limits,
    schema_notify,
    schema_plans,
    schema_targets,
)
from reconciler.settings.schema_auth import StrictModel

_MODULES = (
    schema,
    schema_auth,
    schema_engine,
    schema_environments,
    schema_limits,
    schema_notify,
    schema_plans,
    schema_targets,
)


def build_settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of a settings file, every field with its description, and without made-up titles."""
    shape = schema.SettingsFile.model_json_schema(by_alias=True)
    return _describe_fields(shape, {**shape["$defs"], schema.SettingsFile.__name__: shape})


def build_targets_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of targets, as that of the settings is."""
    shape = schema_targets.TargetsFile.model_json_schema(by_alias=True)
    return _describe_fields(shape, shape["$defs"])


def _describe_fields(shape: dict[str, Any], definitions: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    models = {name: model for module in _MODULES for name, model in vars(module).items() if _is_model(model)}
    for name, definition in definitions.items():
        for field, text in _read_field_texts(models[name]).items():
            definition["properties"][field].setdefault("description", text)
    _close_maps(shape)
    titleless: dict[str, Any] = drop_titles(shape)
    return titleless


def _close_maps(node: Any) -> None:
    """Let a map have no names but those of its pattern: pydantic says what those have, and leaves others open."""
    if isinstance(node, dict):
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        node = list(node.values())
    for member in node if isinstance(node, list) else ():
        _close_maps(member)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, StrictModel)


def _read_field_texts(model: type[StrictModel]) -> Mapping[str, str]:
    """Return the texts of a model's fields, those that it has from others among them, by their names in the file."""
    parents = [parent for parent in reversed(model.__mro__) if _is_model(parent) and parent is not StrictModel]
    texts = {name: text for parent in parents for name, text in _find_texts(parent)}
    return {field.alias or name: texts[name] for name, field in model.model_fields.items() if name in texts}


def _find_texts(model: type[StrictModel]) -> Iterator[tuple[str, str]]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    statements = tree.body if isinstance(tree, ast.ClassDef) else []
    for field, below in pairwise(statements):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            yield field.target.id, " ".join(str(below.value.value).split())
