"""Kinds and targets are read at once, and nobody can tell: over HTTP, as the commands do it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

ALL = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Auditors}
spec: {description: Day to day}
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: web}
spec: {owner: Web Team, certificates: {ids: [1, 2]}}
---
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: tests}
spec: {match: {commonName: "*.test.example.com"}, comment: not here}
---
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: rotation-audit}
spec: {state: DISABLED}
"""
SLOW = {"/Security/Roles": 0.06, "/Certificates": 0.04, "/Workflow/Certificates/Pending": 0.02}


@pytest.mark.parametrize("statuses", [{}, {"/Certificates": 403, "/Workflow/Certificates/Pending": 400}])
def test_what_is_told_is_the_same_with_one_reader_and_with_eight(
    run: Run,
    folder: Path,
    statuses: dict[str, int],
) -> None:
    """Over HTTP, with the lists that are asked for first ending last, and two of them failing at once."""
    (folder / "all.yaml").write_text(ALL)
    told, asked = [], []
    with Simulator(certificates=20) as simulator:
        settings = simulator.settings.read_text()
        for reads in (1, 8):
            simulator.clear_faults()
            for path, status in statuses.items():
                simulator.fault("GET", f"{path}$", kind="status", status=status, times=0)
            for path, seconds in SLOW.items():
                simulator.fault("GET", f"{path}$", kind="delay", seconds=seconds)
            wish = f"    api: keyfactor\n    parallelism: {reads}\n"
            (folder / "reconciler.yaml").write_text(settings.replace("    api: keyfactor\n", wish))
            before = len(simulator.requests)
            told.append(run(["plan", "all.yaml", "--format", "json"]))
            asked.append(sorted(str(entry["path"]) for entry in simulator.requests[before:]))

    assert told[0] == told[1]
    assert asked[0] == asked[1]
    assert told[0][0] == (10 if statuses else 0)


def test_a_server_that_asks_for_patience_is_told_once_and_fails_nothing(run: Run, folder: Path) -> None:
    (folder / "all.yaml").write_text(ALL)
    with Simulator(certificates=20) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        simulator.fault("GET", "/Security/Roles$", kind="throttle", retry_after=0)
        simulator.fault("GET", "/Security/Roles/", kind="throttle", retry_after=0)
        code, _, stderr = run(["plan", "all.yaml"])

    assert code == 0
    assert stderr.count("command: the server asks for fewer requests; reading goes on as fast as it is let\n") == 1
