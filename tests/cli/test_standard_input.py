"""The path "-" is what is piped in: every command that takes manifests takes it, and reads it once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

HANDLER = """\
apiVersion: reconciler/v1
kind: EventHandler
metadata: {name: renewal}
spec: {className: CSS.CMS.Monitoring.EventHandling.ExpirationRenewal.ExpirationRenewalHandler, enabled: false}
"""
OWNERS = """\
apiVersion: reconciler/v1
kind: CertificateOwner
metadata: {name: inventory}
spec: {assignments: lists/owners.csv}
"""
BROKEN = "apiVersion: reconciler/v1\nkind: EventHandler\nmetadata: {name: a}\nspec: {clasName: X}\n"


@pytest.mark.parametrize(
    ("argv", "text", "code", "said"),
    [
        (["validate", "-"], HANDLER, 0, "1 document"),
        (["validate", "-"], json.dumps({"apiVersion": "reconciler/v1"}), 4, "-:1:1"),
        (["validate", "-"], BROKEN, 4, "-:4:8: "),
        (["validate", "-"], "", 6, "-: nothing is declared"),
        (["validate", "-", "more.yaml"], HANDLER, 4, "more.yaml:3"),
        (["validate", "./-"], HANDLER, 3, "-: this path does not exist"),
        (["validate"], HANDLER, 3, "manifests: this path does not exist"),
        (["validate", "-"], OWNERS, 4, "assignments: does not exist"),
    ],
)
def test_what_is_piped_in_is_judged_as_a_file_is(
    run: Run, folder: Path, argv: list[str], text: str, code: int, said: str
) -> None:
    """Places in it begin with a hyphen; the same object in a file beside it is a clash."""
    (folder / "more.yaml").write_text(HANDLER)

    assert (result := run(argv, stdin=text))[0] == code
    assert said in result[1] + result[2]


def test_a_table_is_looked_for_in_the_current_folder(run: Run, folder: Path) -> None:
    """A pipe lies in no folder of its own."""
    (folder / "lists").mkdir()
    (folder / "lists/owners.csv").write_text("thumbprint,owner\n" + "AB" * 20 + ",Payments PKI\n")

    assert run(["validate", "-"], stdin=OWNERS)[0] == 0


def test_a_plan_of_it_is_applied_and_says_that_nothing_can_be_compared(run: Run, folder: Path) -> None:
    """Neither the plan nor what it is saved as knows a folder, and so no commit either."""
    with Simulator(certificates=2) as simulator:
        class_names = {handler["ClassName"]: number for number, handler in simulator.world.handlers.items()}
        handler = HANDLER.replace(HANDLER.split("className: ")[1].split(",", maxsplit=1)[0], min(class_names))
        simulator.world.handlers[class_names[min(class_names)]]["Enabled"] = True
        config = ["--config", str(simulator.credentials["settings"])]
        code, _, stderr = run(["plan", "-", "--out", "plan.json", *config], stdin=handler)
        assert code == 0, stderr
        assert json.loads((folder / "plan.json").read_text())["paths"] == ["-"]
        refused = run(["apply", "plan.json", "--same-manifests", *config], stdin=handler)
        assert (refused[0], simulator.ledger) == (7, [])
        assert "manifests that were piped in" in refused[2]
        assert run(["apply", "plan.json", *config])[0] == 0
        assert len(simulator.ledger) == 1
        assert run(["drift", "-", *config], stdin=handler)[0] == 0
        assert run(["apply", "-", "--yes", *config], stdin=handler)[0] == 0
        assert len(simulator.ledger) == 1
