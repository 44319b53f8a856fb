"""A role is renamed in one request, and whatever hangs on it stays: met over HTTP, with its owners in the same run."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.simulator import Simulator

RENAMED = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Web PKI, renamedFrom: Web Team}
spec: {emailAddress: web@example.com}
"""
OWNED = """\
---
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: web}
spec: {owner: Web PKI, certificates: {ids: [1, 2, 3, 4, 5, 6, 7, 8]}}
"""


def run(simulator: Simulator, *argv: str) -> tuple[Exit, dict[str, Any]]:
    """Run a command; returns its outcome and its report."""
    stdout = io.StringIO()
    config = str(simulator.credentials["settings"])
    code = main([*argv, "--config", config, "--format", "json"], {}, stdout, io.StringIO(), io.StringIO())
    return Exit(code), json.loads(stdout.getvalue())


def find_role(simulator: Simulator, name: str) -> dict[str, Any]:
    """Return what a role of the simulator shows, by its exact name."""
    with simulator.lock:
        role = next(role for role in simulator.world.roles.values() if role["Name"] == name)
        return {**role, "Permissions": sorted(role["Permissions"]), "Extra": None}


@pytest.mark.parametrize("switches", [{}, {"role_names": "sensitive"}], ids=str)
@pytest.mark.parametrize("manifest", [RENAMED, RENAMED + OWNED], ids=["alone", "with owners"])
def test_a_rename_keeps_what_hangs_on_the_role(manifest: str, switches: dict[str, Any], tmp_path: Path) -> None:
    """Its id, its claims and its certificates; and the second run has nothing to do."""
    (tmp_path / "all.yaml").write_text(manifest)
    with Simulator(certificates=8, switches=switches) as simulator:
        before = find_role(simulator, "Web Team")
        with simulator.lock:
            owned = {row.id for row in simulator.world.certificates.values() if row.owner == before["Id"]}

        code, report = run(simulator, "apply", str(tmp_path), "--yes")

        assert code is Exit.OK, report
        assert find_role(simulator, "Web PKI") == {**before, "Name": "Web PKI"}
        with simulator.lock:
            owners = {row.id: row.owner for row in simulator.world.certificates.values()}
        assert owned
        assert {number for number, owner in owners.items() if owner == before["Id"]} == (
            set(owners) if manifest != RENAMED else owned
        )
        assert run(simulator, "plan", str(tmp_path), "--detailed-exitcode")[0] is Exit.OK
        assert run(simulator, "drift", str(tmp_path))[0] is Exit.OK


def test_a_stored_rename_is_held_to_its_name(tmp_path: Path) -> None:
    """A plan that names the role otherwise than its body is refused; as it was made it is applied."""
    (tmp_path / "all.yaml").write_text(RENAMED)
    plan = tmp_path / "plan.json"
    with Simulator(certificates=1) as simulator:
        assert run(simulator, "plan", str(tmp_path / "all.yaml"), "--out", str(plan))[0] is Exit.OK
        (step,) = json.loads(plan.read_text())["steps"]
        assert step["changes"][0]["path"] == "name"

        again = tmp_path / "again.json"
        assert run(simulator, "plan", str(tmp_path / "all.yaml"), "--out", str(again))[0] is Exit.OK

        assert run(simulator, "apply", str(plan), "--yes")[0] is Exit.OK
        assert run(simulator, "apply", str(plan), "--yes")[0] is Exit.STALE, "a plan is used once"
        assert run(simulator, "apply", str(again), "--yes")[0] is Exit.OK, "done already"
        assert len(simulator.ledger) == 1


def test_certificates_come_and_go_in_the_run_that_renames_their_role(tmp_path: Path) -> None:
    """What the role owns needs no request; what leaves it is not called changed because its owner's name is."""
    owners = {"Web PKI": [1, 3], "PKI Operators": [8], "Web Team": [2]}
    documents = [
        f"kind: CertificateOwner\nmetadata: {{name: o{ids[0]}}}\n"
        f"spec: {{owner: {owner}, certificates: {{ids: {ids}}}}}\n"
        for owner, ids in owners.items()
    ]
    manifest = tmp_path / "all.yaml"
    manifest.write_text("---\napiVersion: reconciler/v1\n".join([RENAMED, *documents]))
    with Simulator(certificates=12) as simulator:
        role_id = find_role(simulator, "Web Team")["Id"]
        with simulator.lock:
            assert {row.id: row.owner for row in simulator.world.certificates.values() if row.owner == role_id} == {
                3: role_id,
                8: role_id,
            }

        code, report = run(simulator, "apply", str(manifest), "--yes")

        assert code is Exit.OK, report
        assert [step["verdict"] for step in report["steps"]] == ["applied"] * 4
        rename, *owner_changes = [entry["path"] for entry in simulator.ledger]
        assert rename == "/Security/Roles"
        # These are set at the same time, in any order.
        assert sorted(owner_changes) == [f"/Certificates/{number}/Owner" for number in (1, 2, 8)]
        assert ["'Web Team' to 'Web PKI'" in note["message"] for note in report["notes"]] == [True]


def test_owners_are_held_back_with_the_rename_that_they_need(tmp_path: Path) -> None:
    """Their requests name the role as it would be called."""
    (tmp_path / "all.yaml").write_text(RENAMED.replace("spec: {", "spec: {permissionSet: Nowhere, ") + OWNED)
    with Simulator(certificates=1) as simulator:
        code, report = run(simulator, "apply", str(tmp_path), "--yes")

        assert code is Exit.PARTIAL, report
        assert simulator.ledger == []
