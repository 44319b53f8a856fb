"""`reconciler selftest` on the command line: a table, a document, a replay, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.selftest import layers
from reconciler.selftest.layers import Layer
from tests.cli.conftest import Run


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """One schedule of each layer."""
    shortened = {name: layer._replace(counts={"short": 1}) for name, layer in layers.LAYERS.items()}
    monkeypatch.setattr("reconciler.selftest.campaign.LAYERS", shortened)


@pytest.mark.usefixtures("tiny")
def test_a_campaign_is_a_table_and_a_file(run: Run, tmp_path: Path) -> None:
    """Gates that a few schedules can't meet are named, and the exit says that it was not shown."""
    file = tmp_path / "TRUST.json"
    code, stdout, stderr = run(["selftest", "--tier", "short", "--seed", "3", "--jobs", "1", "--json", str(file)])
    document = json.loads(file.read_text())
    assert (code, document["holds"], document["gates"][0]["holds"]) == (9, False, True)
    assert "random schedules" in stdout
    assert "missed: percent of random schedules with two kills or more: " in stdout
    assert "again: reconciler selftest --tier short --seed 3" in stdout
    assert stderr.endswith("exit 9: partial\n")


@pytest.mark.usefixtures("tiny")
def test_a_campaign_is_a_document(run: Run) -> None:
    """With --format json stdout is one document, with the same content."""
    _, stdout, _ = run(["selftest", "--tier", "short", "--jobs", "1", "--format", "json"])
    document = json.loads(stdout)["selftest"]
    assert {name: layer["violations"] for name, layer in document["layers"].items()} == dict.fromkeys(layers.LAYERS, 0)


def test_a_replay_is_a_timeline(run: Run) -> None:
    """What happened, in order, and how it ended."""
    code, stdout, _ = run(["selftest", "--replay", "single-faults:1.0.crash_before"])
    assert code == 0
    assert "0001 is killed\n" in stdout
    assert stdout.endswith("ends in sync\nno violation\n")


def test_an_unknown_schedule_is_a_usage_error(run: Run) -> None:
    """It names the layers that there are."""
    code, _, stderr = run(["selftest", "--replay", "random"])
    assert code == 3
    assert "layers are random, single-faults, double-kills, interleavings" in stderr


@pytest.mark.usefixtures("tiny")
def test_a_place_that_takes_no_file_is_told(run: Run, tmp_path: Path) -> None:
    """The campaign was played in vain, and that is said."""
    code, _, stderr = run(["selftest", "--tier", "short", "--jobs", "1", "--json", str(tmp_path / "none" / "T.json")])
    assert code == 3
    assert "can't be written" in stderr


def test_a_layer_says_how_much_it_plays() -> None:
    """Each tier of each layer; nothing else adds layers unseen."""
    assert all(isinstance(layer, Layer) and set(layer.counts) == {"short", "small", "full"}
               for layer in layers.LAYERS.values())  # fmt: skip
