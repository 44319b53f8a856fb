"""Owners from the manifest to the server and back, where two roles look alike or a certificate is gone."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

WEB, NAMESAKE = 3, 900


def write_owner(folder: Path, owner: str, *ids: int, extra: str = "") -> None:
    """Write one document that gives these certificates to a role."""
    text = f"""\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {{name: web}}
spec:
  owner: {owner}
  certificates: {{ids: {list(ids)}}}
{extra}"""
    (folder / "all.yaml").write_text(text)


def add_namesake(simulator: Simulator) -> tuple[str, str]:
    """Put a role beside one of the seeded ones whose name differs in letter case alone; return both names."""
    with simulator.lock:
        roles: Any = simulator.world.roles
        roles[NAMESAKE] = {**roles[WEB], "Id": NAMESAKE, "Name": roles[WEB]["Name"].lower()}
        return roles[WEB]["Name"], roles[NAMESAKE]["Name"]


def read_owner(simulator: Simulator, number: int) -> int | None:
    with simulator.lock:
        return simulator.world.certificates[number].owner


@pytest.mark.parametrize("chosen", [0, 1])
def test_a_certificate_goes_to_the_role_that_is_spelt_exactly_so(run: Run, folder: Path, chosen: int) -> None:
    """Applied, and in sync, only where the very role has it that was meant."""
    with Simulator(certificates=5, switches={"role_names": "sensitive"}) as simulator:
        names = add_namesake(simulator)
        config = ["--config", str(simulator.settings)]
        write_owner(folder, names[chosen], 1)
        with simulator.lock:
            row = simulator.world.certificates[1]
            simulator.world.certificates[1] = row._replace(owner=(NAMESAKE, WEB)[chosen])

        assert run(["drift", "all.yaml", *config])[0] == 2
        assert run(["apply", "all.yaml", "--yes", *config])[0] == 0
        assert read_owner(simulator, 1) == (WEB, NAMESAKE)[chosen]
        assert run(["drift", "all.yaml", *config])[0] == 0


def test_a_spelling_that_means_two_roles_is_refused(run: Run, folder: Path) -> None:
    """Nothing is sent, and both are named."""
    with Simulator(certificates=5, switches={"role_names": "sensitive"}) as simulator:
        names = add_namesake(simulator)
        write_owner(folder, names[0].upper(), 1)
        code, _, stderr = run(["apply", "all.yaml", "--yes", "--config", str(simulator.settings)])

        assert code == 10
        assert f"'{names[0]}' (id {WEB}), '{names[1]}' (id {NAMESAKE})" in stderr
        assert simulator.ledger == []


def test_a_server_that_takes_the_namesake_is_found_out(run: Run, folder: Path) -> None:
    """It answers 204 and gives the certificate to the other role: that is not applied, and drift stays."""
    with Simulator(certificates=5, switches={"role_names": "insensitive"}) as simulator:
        names = add_namesake(simulator)
        with simulator.lock:
            simulator.world.certificates[1] = simulator.world.certificates[1]._replace(owner=None)
        config = ["--config", str(simulator.settings)]
        write_owner(folder, names[1], 1)
        code, stdout, _ = run(["apply", "all.yaml", "--yes", *config])

        assert read_owner(simulator, 1) == WEB
        assert (code, "OwnerRoleId" in stdout) == (11, True), stdout
        assert run(["drift", "all.yaml", *config])[0] == 2


def test_a_certificate_that_is_gone_keeps_nothing_else_from_being_sent(run: Run, folder: Path) -> None:
    """Its step is refused: plan 0, drift 2, apply 9, and the certificate beside it is given away."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.settings)]
        with simulator.lock:
            name = simulator.world.roles[WEB]["Name"]
            simulator.world.certificates[1] = simulator.world.certificates[1]._replace(owner=None)
        write_owner(folder, name, 1, 4711)

        code, stdout, stderr = run(["plan", "all.yaml", "--out", "a.plan", *config])
        assert (code, "no certificate matches id 4711" in stdout + stderr) == (0, True), stdout + stderr
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 2
        shown, planned = (
            json.loads(run([*argv, "--format", "json"])[1])
            for argv in (["show", "a.plan"], ["plan", "all.yaml", *config])
        )
        # What is told beside a plan, and nobody approves, a saved one does not hold.
        del shown["saved_plan"], planned["coverage"]
        assert {**shown, "command": "plan", "saved": False, "digest": ""} == planned
        assert run(["drift", "all.yaml", *config])[0] == 2
        assert run(["apply", "a.plan", "--yes", *config])[0] == 9
        assert read_owner(simulator, 1) == WEB
        assert run(["drift", "all.yaml", *config])[0] == 2


def test_a_certificate_that_is_gone_may_be_told_alone(run: Run, folder: Path) -> None:
    """With `missing: report` there is no step: what can be sent is, and drift still says so."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.settings)]
        with simulator.lock:
            name = simulator.world.roles[WEB]["Name"]
            simulator.world.certificates[1] = simulator.world.certificates[1]._replace(owner=None)
        write_owner(folder, name, 1, 4711, extra="  missing: report\n")

        assert run(["plan", "all.yaml", *config])[0] == 0
        assert run(["apply", "all.yaml", "--yes", *config])[0] == 0
        assert read_owner(simulator, 1) == WEB
        assert run(["drift", "all.yaml", *config])[0] == 2
        assert run(["plan", "all.yaml", *config])[0] == 0


@pytest.mark.parametrize("extra", ["", "  missing: report\n"], ids=["refused", "reported"])
def test_drift_says_which_certificate_is_not_there(run: Run, folder: Path, extra: str) -> None:
    """In the text itself, whose reader may see nothing else; and never as one that changed."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.settings)]
        write_owner(folder, "Web Team", 4711, extra=extra)
        code, stdout, _ = run(["drift", "all.yaml", *config])

        assert code == 2
        assert "1 not there" in stdout.splitlines()[0]
        assert re.search(r"(?m)^- CertificateOwner web .*", stdout)
        assert "no certificate matches id 4711" in stdout
        assert "changed" not in stdout
        assert "->" not in stdout.partition("\n")[2]

        report = json.loads(run(["drift", "all.yaml", "--format", "json", *config])[1])
        assert [step["obstacle"] for step in report["steps"]] == ([] if extra else ["absent"])
        assert [entry["address"]["name"] for entry in report["absences"]] == (["web"] if extra else [])
        assert report["summary"]["absent"] == bool(extra)


def test_an_export_says_whose_certificates_it_lists(run: Run, folder: Path) -> None:
    """What an export says of certificates can be planned, with their names beside them."""
    with Simulator(certificates=5) as simulator:
        config = ["--config", str(simulator.settings)]
        with simulator.lock:
            for number in (1, 2):
                simulator.world.certificates[number] = simulator.world.certificates[number]._replace(owner=WEB)
            common_name = simulator.world.certificates[1].cn
        code, stdout, _ = run(["export", "--kind", "CertificateOwner", *config])
        (folder / "all.yaml").write_text(stdout)

        assert (code, f"  # {common_name}, expires 20" in stdout) == (0, True), stdout
        assert run(["plan", "all.yaml", "--detailed-exitcode", *config])[0] == 0
