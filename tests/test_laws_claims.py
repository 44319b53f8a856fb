"""A claim belongs to nobody's role: giving it to one never changes what it is called, whatever the server does."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.errors import Exit
from reconciler.simulator import Simulator
from reconciler.simulator.world.switches import DECLARED
from tests.support.scenarios import NEW, role
from tests.test_laws import settings_of

CASES = [(name, one) for name in DECLARED if name.startswith("claim_") for one in settings_of(name)]
ENTRA = "{type: OAuthRole, value: %s, provider: Entra}"
GROUP = "{type: Group, value: 'corp\\AUDITORS', provider: active directory}"
BOTH = f"[{ENTRA % 'pki-operators'}, {GROUP}]"
ADDED = role("Auditors", claims=f"[{ENTRA % 'pki-operators'}]", additive="[claims]")
WHOLE = role("Web Team", claims=BOTH)
CREATED = role("Fresh", **NEW, claims=BOTH)
NO_PROVIDER = {("claim_provider_null", "Entra"), ("claim_provider_null", "Active Directory")}
REFUSES = NO_PROVIDER | {("claim_scheme_returned", f"Entra={name}") for name in ("unknown", "EntraID")}
"""Settings with which it can't be told what a claim is: then nothing is sent for it."""


def run(simulator: Simulator, folder: Path, *argv: str) -> tuple[Exit, dict[str, Any]]:
    """Run a command on the folder's manifests; returns its outcome and its report."""
    stdout = io.StringIO()
    config = str(simulator.credentials["settings"])
    code = main([*argv, "--config", config, "--format", "json"], {}, stdout, io.StringIO(), io.StringIO())
    return Exit(code), json.loads(stdout.getvalue())


def words(simulator: Simulator) -> Mapping[int, str]:
    """Return what every claim is called, by id."""
    with simulator.lock:
        return {number: claim["Description"] for number, claim in simulator.world.claims.items()}


@pytest.mark.no_cover
@pytest.mark.parametrize("manifest", [ADDED, WHOLE, CREATED], ids=["added", "whole", "created"])
@pytest.mark.parametrize(("name", "setting"), CASES, ids=str)
def test_a_claim_that_joins_a_role_keeps_its_description(
    name: str, setting: str | int, manifest: str, tmp_path: Path
) -> None:
    """Claims that the manifest names, and does not describe, whether the role is changed or made."""
    (tmp_path / "all.yaml").write_text(manifest)
    with Simulator(certificates=1, switches={name: setting}) as simulator:
        before = words(simulator)

        code, report = run(simulator, tmp_path, "apply", str(tmp_path), "--yes")

        after = words(simulator)
        assert after == {number: text for number, text in before.items() if number in after}
        assert len(after) == len(before) or (manifest, setting) == (WHOLE, "removed"), "the role's own went unused"
        assert code is Exit.OK or (name, setting) in REFUSES, report
        if code is Exit.OK:
            assert run(simulator, tmp_path, "plan", str(tmp_path), "--detailed-exitcode")[0] is Exit.OK


@pytest.mark.parametrize("manifest", [ADDED, CREATED], ids=["PUT", "POST"])
def test_a_description_that_was_changed_since_the_plan_is_kept(manifest: str, tmp_path: Path) -> None:
    """The plan is stale: its body would bring the former description back, and nothing else about the role moved."""
    (tmp_path / "all.yaml").write_text(manifest)
    plan = str(tmp_path / "plan.json")
    with Simulator(certificates=1) as simulator:
        assert run(simulator, tmp_path, "plan", str(tmp_path / "all.yaml"), "--out", plan)[0] is Exit.OK
        simulator.edit("PUT", "/Security/Claims", {"Id": 4, "Description": "By hand"})

        code, report = run(simulator, tmp_path, "apply", plan)

        assert code is Exit.STALE
        (step,) = report["steps"]
        assert step["verdict"] == "stale"
        assert "claim pki-operators (id 4) is described as 'By hand' by now, not 'PKI operators'" in step["detail"]
        assert words(simulator)[4] == "By hand"
        assert [entry["actor"] for entry in simulator.ledger] == ["CORP\\administrator"]


@pytest.mark.parametrize(("status", "exit_"), [(403, Exit.AUTH), (500, Exit.UNREACHABLE)])
def test_claims_that_can_not_be_read_are_a_gap(status: int, exit_: Exit, tmp_path: Path) -> None:
    """What a claim is called is not guessed."""
    (tmp_path / "all.yaml").write_text(ADDED)
    with Simulator(certificates=1) as simulator:
        simulator.fault("GET", "/Security/Claims$", "status", times=0, status=status)

        code, report = run(simulator, tmp_path, "apply", str(tmp_path), "--yes")

        assert code is exit_, report
        assert (report["steps"], report["compared"]) == ([], {"objects": 0, "of": 1})
        assert "/Security/Claims" in report["problems"][0]["source"]
        assert simulator.ledger == []


def test_the_claims_are_read_where_one_joins_a_role_and_nowhere_else(tmp_path: Path) -> None:
    """What it costs: one list."""
    (tmp_path / "all.yaml").write_text(ADDED)
    with Simulator(certificates=1) as simulator:
        for asked in (1, 0):
            simulator.forget_requests()
            run(simulator, tmp_path, "plan", str(tmp_path))
            assert [str(one["path"]).endswith("/Security/Claims") for one in simulator.requests].count(True) == asked
            run(simulator, tmp_path, "apply", str(tmp_path), "--yes")
