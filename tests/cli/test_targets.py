"""Documents for many targets, from the command line to the servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.cli.conftest import Run

EVENT = """\
apiVersion: reconciler/v1
kind: SecretEvent
metadata: {name: expiry-prod, METADATA}
spec: {state: DISABLED, eventTypes: [SECRET_ROTATED]}
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Settings with two names for the events of a small world."""
    with Simulator(certificates=0) as started:
        whole = yaml.safe_load(Path(started.credentials["settings"]).read_text())
        whole["targets"] |= {"events-b": whole["targets"]["csms"], "events-a": whole["targets"].pop("csms")}
        file = tmp_path_factory.mktemp("settings") / "reconciler.yaml"
        file.write_text(json.dumps(whole))
        yield str(file)


def leave_places(value: Any) -> Any:
    """Return a JSON document without the places in files."""
    if isinstance(value, dict):
        return {name: leave_places(member) for name, member in value.items() if name != "source"}
    return [leave_places(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("selection", [[], ["--target", "events-b"]], ids=["whole", "one target"])
def test_the_plan_is_that_of_a_document_for_each_target(
    run: Run, folder: Path, settings: str, selection: list[str]
) -> None:
    """The same steps for the same targets, in the same order, with the same requests."""
    texts = {
        "many": EVENT.replace("METADATA", "targets: [events-b, events-a]"),
        "each": "---\n".join(EVENT.replace("METADATA", f"target: events-{letter}") for letter in "ab"),
    }
    plans = {}
    for name, text in texts.items():
        (folder / "m.yaml").write_text(text)
        code, stdout, stderr = run(["plan", "m.yaml", "--config", settings, "--format", "json", *selection])
        assert code == 0, stderr
        plans[name] = leave_places(json.loads(stdout))
    assert plans["many"] == plans["each"]
    targets = [step["address"]["target"] for step in plans["many"]["steps"]]
    assert targets == (["events-b"] if selection else ["events-a", "events-b"])


def test_offline_the_names_of_targets_without_settings_serve(run: Run, folder: Path) -> None:
    """No credentials, no settings: `command` and `csms` can be named, in a list as well; labels are nobody's."""
    for metadata, outcome in (("targets: [csms]", 0), ("targets: [csm]", 4), ("targets: {env: prod}", 4)):
        (folder / "m.yaml").write_text(EVENT.replace("METADATA", metadata))
        assert run(["validate", "m.yaml"])[0] == outcome
