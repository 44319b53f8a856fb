"""Which CSMS project requests are about: the one of the settings, or the one that IAM knows by its name."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from reconciler.apis.auth.authenticator import Authenticator
from reconciler.apis.client import Client
from reconciler.apis.transports import Roads
from reconciler.credentials.redaction import Redactor
from reconciler.errors import Problem, UsageError
from reconciler.sanitize import shown
from reconciler.settings.model import Target
from reconciler.transport.retry import Patience

PROJECTS = "/v3/projects"
"""Where IAM lists projects, by name (contract: 6.1)."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MEND = "correct projectName (or HW_PROJECT_NAME), or say projectId"


class Lookup:
    """Asks IAM for the project that the settings call by its name."""

    def __init__(self, target: Target, auth: Authenticator, redact: Redactor, patience: Patience, roads: Roads) -> None:
        self._target = replace(target, url=target.iam_url)
        self._auth, self._redact, self._patience, self._roads = auth, redact, patience, roads

    def __call__(self) -> str:
        """Return the project's id; raises what a read raises, and UsageError where there isn't exactly one project."""
        name = self._target.project.name
        transport = self._roads.to(self._target.url)
        client = Client(self._target, transport, self._auth, self._redact, self._patience, lambda _version: {})
        try:
            # The question of the official SDK, which takes nothing but exactly one row for an answer either.
            reply = client.get(PROJECTS, (("name", name),), 1, listing=True)
        finally:
            transport.close()
        answer = client.decoded(PROJECTS, reply) if reply else None
        rows = answer.get("projects") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise client.distrust(PROJECTS, "the answer holds no list of projects")
        found: list[Any] = [row.get("id") for row in rows if row.get("name") == name]
        if len(found) != 1:
            count = f"{len(found)} projects" if found else "no project"
            what = f"IAM shows this account {count} of the name {shown(name)}, so there is no id to ask with"
            raise UsageError(Problem(client.source(PROJECTS), f"{what}; {_MEND}"))
        if not is_id(found[0]):
            raise client.distrust(PROJECTS, "the answer holds no usable id of the project")
        return str(found[0])


def is_id(said: object) -> bool:
    """Say whether this is an id that can stand in a path."""
    return isinstance(said, str) and _ID.fullmatch(said) is not None
