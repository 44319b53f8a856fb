"""What a later run makes of a run that said nothing, for every kind: by reading alone, and never wrongly.

The manifests are the demo's, as in `test_laws`.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import main
from reconciler.engine.recovery import SettledStep
from reconciler.engine.timing import Timing
from reconciler.errors import Exit
from reconciler.kinds.registry import KINDS
from reconciler.simulator import Simulator
from reconciler.state.records import SettledAs
from tests.support.rival_runs import RIVAL, leave_open, settle_all

MANIFESTS = Path(__file__).parent.parent / "reconciler" / "demo" / "manifests"
DENIED = ("24", "25", "26")

SWITCHES: tuple[tuple[str, str | int], ...] = (
    ("read_lag", 1),
    ("claim_description_lag", 1),
    ("claim_scheme_returned", "Entra=entra"),
    ("role_extra_member", "Notes"),
    ("permission_added", "/certificates/archive/"),
    ("text_stored", "trimmed"),
    ("csms_event_types_order", "canonical"),
    ("claim_ad_values", "prefixed"),
    ("role_permission_order", "reversed"),
    ("csms_extra_event_type", "SECRET_VERSION_NEAR_EXPIRY"),
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Simulator]:
    with Simulator(certificates=12) as simulator:
        arrange(simulator, tmp_path)
        yield simulator


def arrange(simulator: Simulator, folder: Path) -> None:
    """Let a folder hold the settings, with a store of its own, and the demo's manifests."""
    lines = simulator.settings.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(("state:", "manifests:"))]
    (folder / "reconciler.yaml").write_text("\n".join([*kept, "manifests: manifests/", "state: state/", ""]))
    shutil.copytree(MANIFESTS, folder / "manifests")


def run(folder: Path, *argv: str) -> tuple[Exit, dict[str, Any]]:
    stdout, stderr = io.StringIO(), io.StringIO()
    code = main(
        [*argv, "--config", str(folder / "reconciler.yaml"), "--format", "json"],
        {},
        stdout,
        stderr,
        io.StringIO(),
        Timing(sleep=lambda _seconds: None),
    )
    return Exit(code), json.loads(stdout.getvalue())


def by_kind(steps: tuple[SettledStep, ...]) -> dict[str, set[SettledAs]]:
    found: dict[str, set[SettledAs]] = {}
    for step in steps:
        found.setdefault(step.step.partition("/")[0], set()).add(step.outcome)
    return found


def test_what_was_done_is_found_to_be_done(world: Simulator, tmp_path: Path) -> None:
    """Each kind recognises its object, with a denial act by act; and nothing is sent, not even twice."""
    leave_open(tmp_path, send=True)
    ledger = world.ledger
    steps = settle_all(tmp_path)
    assert by_kind(steps) == {kind: {SettledAs.APPLIED} for kind in KINDS}
    assert {step.act for step in steps if step.act} == {f"deny/{number}" for number in DENIED}
    assert settle_all(tmp_path) == ()
    assert world.ledger == ledger


def test_what_was_not_done_is_known_but_for_what_cannot_be_undone(world: Simulator, tmp_path: Path) -> None:
    """A denial that may still be on its way is never taken for not done by the look of the request."""
    leave_open(tmp_path)
    expected = {kind: {SettledAs.NOT_APPLIED} for kind in KINDS} | {"RequestDenial": {SettledAs.UNKNOWN}}
    first = settle_all(tmp_path)
    assert by_kind(first) == expected
    second = settle_all(tmp_path)
    assert by_kind(second) == {"RequestDenial": {SettledAs.UNKNOWN}}
    assert len(second) == len(DENIED)
    assert world.ledger == []


def test_a_denial_that_may_have_been_sent_waits_for_a_person(world: Simulator, tmp_path: Path) -> None:
    """Everything else is applied; then a person has looked, and it is offered again or never."""
    leave_open(tmp_path)
    settle_all(tmp_path)
    denials = [f"{RIVAL}/8/deny/{number}" for number in DENIED]

    code, report = run(tmp_path, "apply", str(tmp_path / "manifests"), "--yes")

    assert code is Exit.UNKNOWN
    assert [entry["path"] for entry in world.ledger if entry["path"].endswith("Deny")] == []
    assert len([step for step in report["steps"] if step.get("verdict") == "applied"]) == 7
    held = [step for step in report["steps"] if step["call"] is None]
    assert [step["obstacle"] for step in held] == ["unsettled"] * 3
    assert all(f"recover --settle {name} applied" in step["refusal"] for name, step in zip(denials, held, strict=True))

    assert run(tmp_path, "recover", "--settle", denials[0], "applied")[0] is Exit.OK
    assert run(tmp_path, "recover", "--settle", denials[1], "not_applied")[0] is Exit.OK
    code, report = run(tmp_path, "recover")
    assert (code, [step["act"] for step in report["settled"]]) == (Exit.UNKNOWN, ["deny/26"])

    run(tmp_path, "apply", str(tmp_path / "manifests"), "--yes")
    denied = [entry["body"]["CertificateRequestIds"] for entry in world.ledger if entry["path"].endswith("Deny")]
    assert denied == [[25]], "24 was done as a person said, 26 nobody knows"


def test_a_denial_of_a_run_that_lives_is_told_as_that(world: Simulator, tmp_path: Path) -> None:
    """Nobody is asked to settle what another run is just doing."""
    leave_open(tmp_path, release=False)

    code, report = run(tmp_path, "plan", str(tmp_path / "manifests"))

    held = [step for step in report["steps"] if step["address"]["kind"] == "RequestDenial"]
    assert (code, [step["obstacle"] for step in held]) == (Exit.OK, ["held_back"] * 3)
    for number, step in zip(DENIED, held, strict=True):
        assert f"is being denied by another run, step {RIVAL}/8/deny/{number}" in step["refusal"]
        assert "--settle" not in step["refusal"]
    assert run(tmp_path, "plan", str(tmp_path / "manifests"), "--no-state")[1]["steps"][-1]["call"] is not None


def test_an_object_of_which_nobody_knows_holds_back_itself_alone(world: Simulator, tmp_path: Path) -> None:
    """Somebody changed the handler to a third thing after the run that died: every other object is applied."""
    leave_open(tmp_path)
    with world.lock:
        world.world.handlers[1]["DisplayName"] = "changed by somebody"
    found = {step.step: step.outcome for step in settle_all(tmp_path) if not step.act}
    assert found.pop("EventHandler/denied-logger") is SettledAs.UNKNOWN
    assert set(found.values()) == {SettledAs.NOT_APPLIED}

    code, report = run(tmp_path, "apply", str(tmp_path / "manifests"), "--yes", "--exclude", "RequestDenial")

    assert code is Exit.UNKNOWN
    verdicts = {step["address"]["kind"]: step["verdict"] for step in report["steps"]}
    assert verdicts.pop("EventHandler") == "not_applied"
    assert set(verdicts.values()) == {"applied"}
    assert run(tmp_path, "recover", "--settle", f"{RIVAL}/1", "not_applied")[0] is Exit.OK
    code, report = run(tmp_path, "apply", str(tmp_path / "manifests"), "--yes", "--exclude", "RequestDenial")
    assert (code, [step["verdict"] for step in report["steps"]]) == (Exit.OK, ["applied"])


@pytest.mark.parametrize(("name", "setting"), SWITCHES, ids=str)
def test_whatever_the_server_does_where_its_documents_are_silent(tmp_path: Path, name: str, setting: str | int) -> None:
    """What was done is found to be done, or said to be open; what was not is never found to be done."""
    with Simulator(certificates=12, switches={name: setting}) as simulator:
        arrange(simulator, tmp_path)
        leave_open(tmp_path, "20261128T110000-0000dead")
        assert SettledAs.APPLIED not in {step.outcome for step in settle_all(tmp_path)}
        assert run(tmp_path, "recover")[0] is Exit.UNKNOWN
        for number in DENIED:
            step = f"20261128T110000-0000dead/8/deny/{number}"
            assert run(tmp_path, "recover", "--settle", step, "not_applied")[0] is Exit.OK
        leave_open(tmp_path, send=True)
        assert SettledAs.NOT_APPLIED not in {step.outcome for step in settle_all(tmp_path)}
