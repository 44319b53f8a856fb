"""`--full`: what a reviewer is shown is what the server gets, to the member."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

MANIFESTS = """\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: denied-logger}
spec: {className: CSS.CMS.Monitoring.EventHandling.Denied.DeniedLogger, enabled: true}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: PKI Operators}
spec:
  description: Day to day
  claims: [{type: OAuthRole, value: on-call, provider: Entra, description: On call}]
  additive: [claims]
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: no-test}
spec: {requests: [{id: 23, commonName: test.example.com}], comment: No test names}
"""
COMMANDS = [["plan", "--full"], ["show", "p.json", "--full"], ["apply", "p.json", "--full"]]


@pytest.fixture
def simulator(folder: Path) -> Iterator[Simulator]:
    """A server with a small world, and manifests that it does not fulfil."""
    (folder / "manifests").mkdir()
    (folder / "manifests" / "all.yaml").write_text(MANIFESTS)
    with Simulator(certificates=1) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        yield simulator


def read_requests(shown: str) -> list[tuple[str, str, list[str], Any]]:
    """Return (method, URL, headers, body) of each request that a report shows."""
    requests = []
    for block in re.findall(r"(?m)^    request .*\n(?: {8,}.*\n)+", shown):
        lines = [line[11:].strip() for line in block.splitlines()]
        method, url = lines[0].split()
        start = lines.index("{")
        requests.append((method, url, lines[1:start], json.loads(" ".join(lines[start:]))))
    return requests


def test_what_is_shown_whole_is_what_the_server_gets(run: Run, simulator: Simulator) -> None:
    """In a plan, in a saved one, and where it is applied: address, version and body, in the order of sending."""
    assert run(["plan", "--out", "p.json"])[0] == 0
    shown = [read_requests("".join(run(argv)[1:])) for argv in COMMANDS]
    assert shown[0] == shown[1] == shown[2]
    sent = [(entry["method"], entry["path"], entry["body"]) for entry in simulator.ledger]
    assert [
        (method, url.removeprefix(f"{simulator.url}/KeyfactorAPI"), body) for method, url, _, body in shown[0]
    ] == sent
    assert [headers for _, _, headers, _ in shown[0]] == [
        [
            "Content-Type: application/json",
            "x-keyfactor-requested-with: APIClient",
            f"x-keyfactor-api-version: {version}",
        ]
        for version in (1, 2, 1)
    ]


def test_no_credential_is_shown(run: Run, simulator: Simulator) -> None:
    """Not in a header, and not in a body that quotes one."""
    secret = simulator.credentials["keyfactor"]["client_secret"]
    path = Path("manifests/all.yaml")
    path.write_text(path.read_text().replace("Day to day", f"the secret is {secret}"))
    shown = "".join(run(["plan", "--full"])[1:])
    assert "authorization" not in shown.lower()
    assert secret not in shown
    assert len(read_requests(shown)) == 3
