"""`export`: live state as manifests on which `plan` is empty, however odd the state."""

from __future__ import annotations

from pathlib import Path

from reconciler.simulator import Simulator
from tests.cli.conftest import Run


def test_what_no_manifest_may_hold_is_left_out_with_a_remark(run: Run, folder: Path) -> None:
    """The field stays unmanaged: half a value would be a change that nobody asked for."""
    with Simulator(certificates=5) as simulator:
        with simulator.lock:
            simulator.world.roles[2]["EmailAddress"] = "nobody"
            simulator.world.roles[3]["Description"] = "trailing "
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, _ = run(["export", *config])
        (folder / "all.yaml").write_text(stdout)

        assert code == 0
        assert "emailAddress is left out" in stdout
        assert "description is left out" in stdout
        assert "trailing" not in stdout
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 0
        assert simulator.ledger == []


def test_denials_are_no_state(run: Run) -> None:
    """A denied request is nothing that a manifest could keep."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "RequestDenial", *config])

    assert (code, stdout) == (3, "")
    assert "a denial is an act" in stderr
