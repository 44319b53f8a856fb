"""An OpenAPI 3.1 description of both APIs, made from the declarations that route and validate.

It describes the default setting of every switch. Two versions of one operation of Command are one operation here whose
body and answer are those of either version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from reconciler.simulator.csms import api as csms
from reconciler.simulator.csms import cts, iam
from reconciler.simulator.csms.iam_shapes import IAM_ERROR
from reconciler.simulator.csms.shapes import CSMS_ERROR, GATEWAY_ERROR
from reconciler.simulator.http.shapes import INT32, Field, Fields
from reconciler.simulator.keyfactor import api as keyfactor
from reconciler.simulator.routing import callers
from reconciler.simulator.routing.routes import PARAMETER, Route

Schema = dict[str, Any]

ROUTES: tuple[Route, ...] = (*keyfactor.ROUTES, *callers.ROUTES, *csms.ROUTES, *cts.ROUTES, *iam.ROUTES)
"""Every operation of the simulator but its own /_sim/."""
_PREFIXES = {"keyfactor": "/KeyfactorAPI"}
_SECURITY: Mapping[str, list[dict[str, list[str]]]] = {
    "keyfactor": [{"basic": []}, {"bearer": []}],
    "csms": [{"signature": []}, {"token": []}],
    "cts": [{"signature": []}, {"token": []}],
    "iam": [{"signature": []}, {"token": []}],
}
_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "signature": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "SDK-HMAC-SHA256 (CS 3)"},
    "token": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
}
_IIS_TEXT = "refused; without a code where no such path is offered, without a body where no such method is"
_REFUSALS: Mapping[str, Mapping[int, tuple[str, tuple[Fields, ...]]]] = {
    "keyfactor": {
        400: ("the request is refused (KF 0.7)", (keyfactor.COMMAND_ERROR,)),
        401: ("credentials are missing or wrong; no body", ()),
        403: ("not permitted", (keyfactor.COMMAND_ERROR,)),
        404: (_IIS_TEXT, (keyfactor.COMMAND_ERROR, keyfactor.NO_RESOURCE)),
        405: (_IIS_TEXT, ()),
        415: ("the body has another media type", (keyfactor.COMMAND_ERROR,)),
    },
    "oauth": {
        400: ("the request is refused", (callers.OAUTH_ERROR,)),
        401: ("the client or its secret is wrong", (callers.OAUTH_ERROR,)),
        405: ("another method", ()),
    },
    "csms": {
        400: ("the request is refused", (CSMS_ERROR,)),
        401: ("refused by the gateway", (GATEWAY_ERROR,)),
        403: ("another project", (CSMS_ERROR,)),
        404: ("no such event (CS 2.3), or no such API", (CSMS_ERROR, GATEWAY_ERROR)),
        413: ("the body is too large", (GATEWAY_ERROR,)),
    },
    "cts": {
        400: ("the request is refused", (cts.CTS_ERROR,)),
        401: ("refused by the gateway", (GATEWAY_ERROR,)),
        403: ("another project", (cts.CTS_ERROR,)),
        404: ("no such API", (GATEWAY_ERROR,)),
    },
    "iam": {
        400: ("the request is refused", (IAM_ERROR,)),
        401: ("refused by IAM, or by the gateway", (IAM_ERROR, GATEWAY_ERROR)),
        404: ("no such API", (GATEWAY_ERROR,)),
    },
}
_TYPE_SCHEMAS: Mapping[str, Schema] = {
    "integer": {"type": "integer", "format": "int32", "minimum": INT32.start, "maximum": INT32.stop - 1},
    "long": {"type": "integer", "format": "int64"},
    "uuid": {"type": "string", "format": "uuid"},
    "claim type": {"type": ["integer", "string"]},
}
_PATH_SCHEMAS: Mapping[str, Schema] = {
    "int": {"type": "integer", "minimum": 0, "maximum": INT32.stop - 1},
    "uuid": _TYPE_SCHEMAS["uuid"],
    "": {"type": "string", "minLength": 1},
}


@cache
def describe_apis() -> Schema:
    """Return the description as an OpenAPI document; it is not to be changed."""
    paths: dict[str, Schema] = {}
    for path, routes in _group_routes().items():
        paths[path] = {method.lower(): _describe_operation(versions) for method, versions in routes.items()}
    return {
        # 3.1 is JSON Schema 2020-12, where a null is one more type; 3.0 has `nullable` for it.
        "openapi": "3.1.0",
        "info": {"title": "Keyfactor Command and Huawei CSMS, simulated", "version": "1"},
        "paths": paths,
        "components": {"securitySchemes": _SCHEMES},
    }


def build_openapi_path(route: Route) -> str:
    """Return the route's path as the description has it: with the API's prefix, the parameters without their types."""
    return _PREFIXES.get(route.api, "") + PARAMETER.sub(lambda match: f"{{{match[1]}}}", route.path)


def _group_routes() -> dict[str, dict[str, list[Route]]]:
    operations: dict[str, dict[str, list[Route]]] = {}
    for route in ROUTES:
        operations.setdefault(build_openapi_path(route), {}).setdefault(route.method, []).append(route)
    return operations


def _describe_parameters(routes: list[Route]) -> list[Schema]:
    parameters = {(entry["in"], entry["name"]): entry for version in routes for entry in _list_parameters(version)}
    if routes[0].api == "keyfactor":
        parameters |= {("header", field.name): _describe_header(field, routes) for field in keyfactor.HEADERS}
    return list(parameters.values())


def _describe_operation(routes: list[Route]) -> Schema:
    route = routes[0]
    operation: Schema = {
        "operationId": f"{route.method} {build_openapi_path(route)}",
        "tags": [route.api],
        "summary": "; ".join(_summarize_route(entry) for entry in routes),
        "parameters": _describe_parameters(routes),
        "responses": _describe_responses(routes),
        "security": [] if route.anonymous else _SECURITY[route.api],
    }
    bodies = [_describe_body(entry) for entry in routes if entry.body is not None]
    if bodies:
        operation["requestBody"] = {"required": True, "content": {route.media: {"schema": _join_schemas(bodies)}}}
    if permissions := sorted({entry.permission for entry in routes if entry.permission}):
        operation["x-permissions"] = permissions
    return operation


def _summarize_route(route: Route) -> str:
    return f"{route.text} (version {', '.join(map(str, route.versions))})" if route.api == "keyfactor" else route.text


def _list_parameters(route: Route) -> Iterable[Schema]:
    for name, kind in PARAMETER.findall(route.path):
        details = next((_describe_field(field, answer=False) for field in route.names if field.name == name), {})
        yield {"name": name, "in": "path", "required": True, "schema": {**_PATH_SCHEMAS[kind], **details}}
    for field in route.query:
        yield _describe_parameter(field, "query")


def _describe_header(field: Field, routes: list[Route]) -> Schema:
    """Return a header of Command; that of the version has the versions that the operation exists in."""
    versions = {version for route in routes for version in route.versions}
    values = tuple(value for value in field.enum if keyfactor.VERSIONS.get(str(value), 0) in {0, *versions})
    return _describe_parameter(field._replace(enum=values), "header")


def _describe_parameter(field: Field, location: str) -> Schema:
    schema = _describe_field(field._replace(nullable=False), answer=False)
    if field.default is not None:
        schema["default"] = field.default
    return {"name": field.name, "in": location, "required": field.required, "schema": schema}


def _describe_body(route: Route) -> Schema:
    fields = route.body or ()
    return _describe_field(fields[0], answer=False) if route.bare else _describe_object(fields, answer=False)


def _describe_responses(routes: list[Route]) -> Schema:
    success = _describe_response("done", [_describe_answer(route.reply) for route in routes if route.reply])
    refusals = {
        str(status): _describe_response(text, [_describe_answer(fields) for fields in tables])
        for status, (text, tables) in _REFUSALS[routes[0].api].items()
        if status != 415 or any(route.body is not None for route in routes)
    }
    return {str(routes[0].success): success, **refusals}


def _describe_response(text: str, schemas: list[Schema]) -> Schema:
    content = {"content": {"application/json": {"schema": _join_schemas(schemas)}}} if schemas else {}
    return {"description": text, **content}


def _describe_answer(fields: Fields) -> Schema:
    return _describe_field(fields[0], answer=True) if not fields[0].name else _describe_object(fields, answer=True)


def _join_schemas(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _describe_object(fields: Fields, *, answer: bool) -> Schema:
    """Return an object's schema. Answers hold every member of the table and no other; requests what is required."""
    schema: Schema = {
        "type": "object",
        "properties": {field.name: _describe_field(field, answer=answer) for field in fields},
    }
    if required := [field.name for field in fields if (not field.optional if answer else field.required)]:
        schema["required"] = required
    if answer:
        schema["additionalProperties"] = False
    return schema


def _describe_field(field: Field, *, answer: bool) -> Schema:
    schema = _describe_type(field, answer=answer)
    if field.text:
        schema["description"] = field.text
    if field.enum:
        schema["enum"] = list(field.enum)
    if field.pattern:
        # A pattern in JSON Schema is searched for, not matched as a whole.
        schema["pattern"] = f"^(?:{field.pattern})$"
    if field.nullable and not field.required:
        schema["type"] = [*schema["type"], "null"] if isinstance(schema["type"], list) else [schema["type"], "null"]
        if field.enum:
            schema["enum"] = [*schema["enum"], None]
    return schema


def _describe_type(field: Field, *, answer: bool) -> Schema:
    if field.type == "array":
        schema: Schema = {"type": "array", "items": _describe_field(field.items or Field("", "string"), answer=answer)}
        limits = {"uniqueItems": field.unique, "minItems": field.least, "maxItems": field.most}
        return schema | {name: limit for name, limit in limits.items() if limit}
    if field.type == "object":
        return _describe_object(field.fields, answer=answer) if field.fields else {"type": "object"}
    return dict(_TYPE_SCHEMAS.get(field.type, {"type": field.type}))
