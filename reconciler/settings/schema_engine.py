"""What the settings file says of the engine that does the work of many targets on several machines."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from reconciler.settings.schema_auth import FilePath, StrictModel
from reconciler.transport.urls import normalize_scheduler_url


class DaskSettings(StrictModel):
    """A Dask scheduler that runs already, reached by mutual TLS alone; needs the extra `fleet`."""

    scheduler: Annotated[str, AfterValidator(normalize_scheduler_url)]
    """Where it listens: tls://scheduler.example.com:8786."""
    ca: FilePath
    """A PEM file with the authority of the scheduler's and the workers' certificates, and of ours."""
    certificate: FilePath
    """A PEM file with our own certificate."""
    key: FilePath
    """A PEM file with its private key, not encrypted."""


class EngineSection(StrictModel):
    """An engine that several machines share."""

    dask: DaskSettings
    """A Dask scheduler."""
