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


def test_an_export_of_many_certificates_can_be_planned(run: Run, folder: Path) -> None:
    """One owner's twenty-five thousand thumbprints are more than a mebibyte of a manifest."""
    with Simulator(certificates=25_000) as simulator:
        with simulator.lock:
            for number, row in list(simulator.world.certificates.items()):
                simulator.world.certificates[number] = row._replace(owner=7)
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "CertificateOwner", *config])
        (folder / "all.yaml").write_text(stdout)

        assert code == 0, stderr
        assert len(stdout) > 1_100_000
        code, stdout, _ = run(["plan", "all.yaml", "--detailed-exitcode", *config])
        assert (code, "compared 25,000 of 25,000" in stdout) == (0, True)


def test_an_export_that_could_not_be_planned_is_not_printed(run: Run) -> None:
    """More handlers than a run may have documents."""
    with Simulator(certificates=1) as simulator:
        with simulator.lock:
            handlers = simulator.world.handlers
            handlers.update({n: {**handlers[1], "Id": n, "ClassName": f"H{n}"} for n in range(100, 10_101)})
        config = ["--config", str(simulator.credentials["settings"])]
        code, stdout, stderr = run(["export", "--kind", "EventHandler", *config])

    assert (code, stdout) == (6, "")
    assert "plan could not read it back" in stderr
    assert "limit DOCUMENTS" in stderr
    assert "export it in parts" in stderr
