"""Which CSMS project requests are about: the one of the settings, or the one that IAM knows by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.auth.iam import is_project_id
from reconciler.apis.client import Client
from reconciler.apis.csms import CSMS
from reconciler.apis.transports import TransportFactory
from reconciler.credentials.redaction import Redactor
from reconciler.diagnostics import Diagnostic
from reconciler.errors import UsageError
from reconciler.sanitize import escape_and_shorten
from reconciler.settings.model import Target
from reconciler.transport.retry import ReadPatience, RetryPolicy

PROJECTS = "/v3/projects"
"""Where IAM lists projects, by name (contract: 6.1)."""
_REMEDY = "correct projectName (or HW_PROJECT_NAME), or say projectId"


class ProjectLookup:
    """Asks IAM for the project that the settings call by its name."""

    def __init__(
        self,
        target: Target,
        auth: Authenticator,
        redact: Redactor,
        retry_policy: RetryPolicy,
        transports: TransportFactory,
    ) -> None:
        self._target = replace(target, url=target.iam_url)
        self._auth, self._redact, self._retry_policy, self._transports = auth, redact, retry_policy, transports

    def __call__(self) -> str:
        """Return the project's id; raises what a read raises, and UsageError where there isn't exactly one project."""
        name = self._target.project.name
        transport = self._transports.open_transport(self._target.url)
        client = Client(self._target, CSMS, transport, self._auth, self._redact, ReadPatience(self._retry_policy))
        try:
            # The question of the official SDK, which takes nothing but exactly one row for an answer either.
            reply = client.get(PROJECTS, (("name", name),), 1, listing=True)
        finally:
            transport.close()
        answer = client.decode_body(PROJECTS, reply) if reply else None
        rows = answer.get("projects") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise client.make_incomplete_error(PROJECTS, "the answer holds no list of projects")
        ids: list[Any] = [row.get("id") for row in rows if row.get("name") == name]
        if len(ids) != 1:
            count_text = f"{len(ids)} projects" if ids else "no project"
            shown_name = escape_and_shorten(name)
            summary = f"IAM shows this account {count_text} of the name {shown_name}, so there is no id to ask with"
            raise UsageError(Diagnostic("api.unknown-project", client.source(PROJECTS), summary, remedy=_REMEDY))
        if not is_project_id(ids[0]):
            raise client.make_incomplete_error(PROJECTS, "the answer holds no usable id of the project")
        return str(ids[0])
