"""The description made from the declarations: valid, complete, served, and kept by the simulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import validate
from schemathesis import APIOperation, GenerationMode

from reconciler.simulator.openapi import ROUTES, build_openapi_path, describe_apis
from tests.simulator.conformance import MODES, SMALL, operations, probe
from tests.simulator.conftest import Client

OPERATIONS = operations()


def test_it_is_valid_openapi() -> None:
    """By the schema of OpenAPI 3.1."""
    validate(json.loads(json.dumps(describe_apis())))


def test_every_route_is_described_and_nothing_else() -> None:
    """With its success status, a table of its answer unless there is none, and its body."""
    paths = describe_apis()["paths"].items()
    described = {(path, method.upper()): one for path, methods in paths for method, one in methods.items()}

    assert set(described) == {(build_openapi_path(route), route.method) for route in ROUTES}
    for route in ROUTES:
        operation = described[build_openapi_path(route), route.method]
        answer = operation["responses"][str(route.success)]
        assert ("content" in answer) == (route.success != 204), operation["operationId"]
        assert ("requestBody" in operation) == (route.body is not None)
        assert {field.name for field in route.query} <= {one["name"] for one in operation["parameters"]}
        assert not route.permission or route.permission in operation["x-permissions"]


def test_it_is_served(client: Client) -> None:
    """GET /_sim/openapi.json."""
    reply = client.admin("GET", "openapi.json")

    assert reply.status_code == 200
    assert reply.json() == json.loads(json.dumps(describe_apis()))


@pytest.mark.no_cover
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method.upper()} {one.path}")
def test_an_operation_keeps_its_description(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode) -> None:
    """Valid and invalid requests never meet a 5xx; statuses are declared ones; answers fit their schemas."""
    seen = probe(operation, mode, SMALL)
    if mode is GenerationMode.POSITIVE and min(seen) >= 300:  # no luck, or no way?
        seen = probe(operation, mode, 10 * SMALL)

    succeeded = any(status < 300 for status in seen)
    assert succeeded or mode is GenerationMode.NEGATIVE, f"no valid request got through: {dict(seen)}"
