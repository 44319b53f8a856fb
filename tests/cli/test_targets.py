"""Documents for many targets, from the command line to the servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.engine.declaration import RunInputs, RunOptions, select_declared
from reconciler.errors import InvalidError
from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
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
        events = whole["targets"].pop("csms")
        for letter, types in (("a", "SECRET_ROTATED"), ("b", "SECRET_DELETED")):
            labels, values = {"env": "prod", "letter": letter}, {"types": types, "name": "x" * 65}
            whole["targets"][f"events-{letter}"] = events | {"labels": labels, "values": values}
        whole["environments"] = {"half": {"layers": ["half"], "targets": {"letter": "b"}}}
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


VALUES = EVENT.replace("SECRET_ROTATED", "{targetValue: types}").replace("METADATA", "targets: {env: prod}")


def test_each_target_gets_what_it_has_a_value_for(run: Run, folder: Path, settings: str) -> None:
    """As the plan shows it; what the field can't hold, and what isn't there, is told with both places."""
    (folder / "m.yaml").write_text(VALUES)
    shown = json.loads(run(["plan", "m.yaml", "--config", settings, "--format", "json"])[1])
    types = [change["after"] for step in shown["steps"] for change in step["changes"] if change["path"] == "eventTypes"]
    assert types == [["SECRET_ROTATED"], ["SECRET_DELETED"]]
    for name, words in (
        ("typ", "each of the targets events-a and events-b"),
        ("name", "it is name of each of the targets"),
    ):
        (folder / "m.yaml").write_text(VALUES.replace("targetValue: types", f"targetValue: {name}"))
        code, stdout, _ = run(["validate", "m.yaml", "--config", settings, "--format", "json"])
        (problem,) = json.loads(stdout)["problems"]
        assert (code, problem["source"]) == (4, "m.yaml:4:38")
        assert words in problem["message"]
        assert "/reconciler.yaml)" in problem["message"]


def test_in_an_environment_what_is_for_other_targets_is_left_aside(folder: Path, settings: str) -> None:
    """A document that names none is for every target of it; one for another is told, whatever is wrong with it."""
    documents = {
        "mine": "labels: {}",
        "other": "target: events-a",
        "both": "targets: {env: prod}",
        "none": "target: event-c",
    }
    texts = {name: EVENT.replace("expiry-prod, METADATA", f"{name}, {words}") for name, words in documents.items()}
    (folder / "m.yaml").write_text("---\n".join(texts[name] for name in ("mine", "other", "both")))
    half = load_settings(Path(settings), env={}, cwd=folder, kinds=KINDS, environment="half")
    inputs = RunInputs({}, folder, date(2026, 11, 29), KINDS)
    declared = select_declared(inputs, half, RunOptions(["m.yaml"]))
    addresses = [(document.address.target, document.address.name) for document in declared.selected]
    assert addresses == [("events-b", "both"), ("events-b", "mine")]
    (note,) = declared.loaded.notes
    assert str(note).startswith('m.yaml:8:33: left aside: it is for events-a, outside of the environment "half"; ')
    (folder / "m.yaml").write_text(texts["none"])
    with pytest.raises(InvalidError, match='unknown target "event-c"'):
        select_declared(inputs, half, RunOptions(["m.yaml"]))


def test_validate_counts_what_is_written(run: Run, folder: Path, settings: str) -> None:
    """Documents as they stand in the files, and the targets that they are for; the JSON has each for each target."""
    (folder / "m.yaml").write_text(EVENT.replace("METADATA", "targets: {env: prod}"))
    assert run(["validate", "m.yaml", "--config", settings])[1] == "Valid: 1 document in 1 file, for 2 targets.\n"
    assert json.loads(run(["validate", "m.yaml", "--config", settings, "--format", "json"])[1])["documents"] == 2
    one = run(["validate", "m.yaml", "--config", settings, "--target", "events-b"])
    assert one[1] == "Valid: 1 document in 1 file.\n"


def test_offline_the_names_of_targets_without_settings_serve(run: Run, folder: Path) -> None:
    """No credentials, no settings: `command` and `csms` can be named, in a list as well; labels are nobody's."""
    for metadata, outcome in (("targets: [csms]", 0), ("targets: [csm]", 4), ("targets: {env: prod}", 4)):
        (folder / "m.yaml").write_text(EVENT.replace("METADATA", metadata))
        assert run(["validate", "m.yaml"])[0] == outcome
