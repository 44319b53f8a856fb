"""Patterns of denials, as a person and as a job of every night meet them."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

PATTERN = """\
apiVersion: reconciler/v1
kind: RequestDenial
metadata: {name: d}
spec: {match: {commonName: '*.nowhere.example.com'}}
"""


def test_what_a_pattern_finds_is_told_to_its_author_alone(run: Run, folder: Path) -> None:
    """Drift would say it every night; what slips through for want of a name is told in both, and JSON holds all."""
    (folder / "d.yaml").write_text(PATTERN)
    with Simulator(certificates=1) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        planned, drifted = run(["plan", "d.yaml", *config]), run(["drift", "d.yaml", *config])
        document = json.loads(run(["drift", "d.yaml", "--format", "json", *config])[1])

    assert (planned[0], drifted[0]) == (0, 0)
    assert "match finds none of the 12 pending requests" in planned[2]
    assert "match finds" not in drifted[2]
    assert "without a common name can't be judged by it" in planned[2]
    assert "without a common name can't be judged by it" in drifted[2]
    assert len(document["notes"]) == 2
