"""What IAM takes and answers: log-ins, tokens, projects, accounts, refusals (CS 2.1, 3.2)."""

from __future__ import annotations

from functools import partial

from reconciler.simulator.http.shapes import Field


def _build_object_field(name: str, *fields: Field) -> Field:
    return Field(name, "object", required=True, nullable=False, fields=fields)


IAM_ERROR = (
    _build_object_field("error", Field("code", "integer"), Field("message", "string"), Field("title", "string")),
)
"""The body of a refusal (CS 2.1)."""
_REQUIRED_TEXT = partial(Field, type="string", required=True)
_REFERENCE = (Field("id", "string", nullable=False), Field("name", "string", nullable=False))
_USER = _build_object_field(
    "user", *_REFERENCE, _REQUIRED_TEXT("password"), _build_object_field("domain", *_REFERENCE)._replace(required=False)
)
_METHODS = Field(
    "methods", "array", required=True, items=Field("", "string", nullable=False, enum=("password", "token")), least=1
)
_PASSWORD = _build_object_field("password", _USER)._replace(required=False)
_OLD_TOKEN = _build_object_field("token", _REQUIRED_TEXT("id"))._replace(required=False)
_PROJECT = _build_object_field("project", Field("id", "string"), Field("name", "string"))._replace(required=False)
_SCOPE = _build_object_field("scope", _PROJECT, _build_object_field("domain", *_REFERENCE)._replace(required=False))
_SCOPE = _SCOPE._replace(required=False)
LOGIN_BODY = (_build_object_field("auth", _build_object_field("identity", _METHODS, _PASSWORD, _OLD_TOKEN), _SCOPE),)
_ID_AND_NAME = (Field("id", "string"), Field("name", "string"))
_DOMAIN = _build_object_field("domain", *_ID_AND_NAME)
TOKEN_REPLY = (
    _build_object_field(
        "token",
        Field("methods", "array", items=Field("", "string")),
        Field("issued_at", "string"),
        Field("expires_at", "string"),
        # Of the two the one that it is scoped to (CS 3.2).
        _build_object_field("project", *_ID_AND_NAME, _DOMAIN)._replace(optional=True),
        _DOMAIN._replace(optional=True),
        Field("roles", "array", items=Field("", "object", fields=_ID_AND_NAME)),
        _build_object_field("user", *_ID_AND_NAME, _DOMAIN),
        Field("catalog", "array", items=Field("", "object")),
    ),
)
_PROJECT_ROW = (*_ID_AND_NAME, Field("domain_id", "string"), Field("enabled", "boolean"))
PROJECTS_REPLY = (
    Field("projects", "array", nullable=False, items=Field("", "object", nullable=False, fields=_PROJECT_ROW)),
    _build_object_field("links", Field("self", "string")),
)
_DOMAIN_ROW = (*_ID_AND_NAME, Field("enabled", "boolean"), Field("description", "string"))
DOMAINS_REPLY = (
    Field("domains", "array", nullable=False, items=Field("", "object", nullable=False, fields=_DOMAIN_ROW)),
    _build_object_field("links", Field("self", "string")),
)
