"""What the settings file is made of: names, paths, URLs, references to secrets, closed and strict models."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconciler.settings.patterns import ID, LINE
from reconciler.transport.urls import normalize_base_url, normalize_endpoint_url, normalize_proxy_url


def _check_reference(value: object) -> object:
    """Refuse a secret that stands in the file itself, without repeating it."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"env", "file", "command"}:
        return value
    raise ValueError(
        "a secret is never written into a file that is kept in Git; name its origin: {env: NAME}, {file: PATH} or "
        "{command: [program, argument]}",
    )


def _check_path(path: str) -> str:
    """Refuse what a shell would have to expand: it would name a folder of that name."""
    if path.startswith("~"):
        raise ValueError("`~` is not expanded here, since no shell reads this; write the whole path")
    return path


TextLine = Annotated[str, Field(min_length=1, max_length=LINE.max_length, pattern=LINE.pattern)]
FilePath = Annotated[TextLine, AfterValidator(_check_path)]
Id = Annotated[str, Field(max_length=ID.max_length, pattern=ID.pattern)]
BaseUrl = Annotated[str, AfterValidator(normalize_base_url)]
EndpointUrl = Annotated[str, AfterValidator(normalize_endpoint_url)]
ProxyUrl = Annotated[str, AfterValidator(normalize_proxy_url)]


class StrictModel(BaseModel):
    """A mapping of known members in camelCase."""

    model_config = ConfigDict(
        # Else pydantic takes "8" for 8 and 1 for true.
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        # Measured with 19 models: 105 ms to start instead of 133.
        defer_build=True,  # only what a settings file holds is paid for
    )


class SecretReference(StrictModel):
    """Where a secret comes from; exactly one of the three."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["env"]}, {"required": ["file"]}, {"required": ["command"]}]}
    )

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)] | None = None
    """The name of an environment variable."""
    file: FilePath | None = None
    """A regular file, mode 0600, owned by us or root, that holds the secret and at most one line break after it."""
    command: Annotated[list[TextLine], Field(min_length=1, max_length=64)] | None = None
    """A program and its arguments that print the secret: no shell, a minimal environment, 30 seconds."""


SecretField: TypeAlias = Annotated[SecretReference, BeforeValidator(_check_reference)]


class ClientCertificate(StrictModel):
    """Our own certificate for mutual TLS."""

    certificate: FilePath
    """A PEM file with the certificate and its chain."""
    key: FilePath
    """A PEM file with the private key, not encrypted."""
