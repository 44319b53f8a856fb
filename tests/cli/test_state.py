"""The store itself, from the command line: made, shown, moved, pinned, pruned; and whatever can be wrong with that."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.state.locations import LocalState
from reconciler.state.records import PreviousObject, identify_target
from reconciler.state.store import RunEnding
from tests.cli.conftest import Run
from tests.support.git_server import make_bare
from tests.support.store_places import close_all, make_intent, make_result, make_run, open_at

REPORT = jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])
URL = "http://127.0.0.1:1/KeyfactorAPI"
TARGET = identify_target("keyfactor", URL)
SETTINGS = f"""\
apiVersion: reconciler/v1
kind: Settings
targets:
  command: {{api: keyfactor, url: '{URL}', auth: {{type: basic, username: 'CORP\\svc', password: {{env: PASSWORD}}}}}}
"""
ENV = {"HOME": "/nonexistent", "PATH": os.defpath, "PASSWORD": "x", "STATE_KEY": "k" * 32}


@pytest.fixture(autouse=True)
def _settings(folder: Path) -> None:
    write_settings(folder, "")


def write_settings(folder: Path, state: str, name: str = "reconciler.yaml") -> None:
    (folder / name).write_text(f"{SETTINGS}{state}\n")


def read_document(run: Run, *argv: str) -> dict[str, Any]:
    """Return the document of a command that ended well; it has the published shape."""
    code, stdout, stderr = run([*argv, "--format", "json"], ENV)
    assert code == 0, stderr
    report: dict[str, Any] = json.loads(stdout)
    REPORT.validate(report)
    return report


def fill_store(folder: Path) -> None:
    """Record a run that ended long ago, and one that holds the target and left a step open."""
    store = open_at(LocalState(folder / ".reconciler"))
    intent = make_intent("run-1", 0, previous=PreviousObject("sha-o", "{}"))
    lease = store.claim(make_run("run-1", TARGET), intents=[intent])
    store.release(lease, RunEnding(0), [make_result("run-1", 0)])
    store.claim(make_run("run-2", TARGET), intents=[make_intent("run-2", 0)])
    close_all()


def test_init_makes_a_store_and_says_how_to_pin_it(run: Run, folder: Path) -> None:
    """What it prints is the line to copy; from then on another store, or none, is noticed until init is said again."""
    code, stdout, _ = run(["state", "init"], ENV)
    assert (code, stdout.split()[0]) == (0, "Made")
    pin = stdout.splitlines()[-1].strip()
    write_settings(folder, pin)
    assert "the settings pin it" in run(["state"], ENV)[1]
    again = run(["state", "init"], ENV)[1]
    assert again.startswith("Declared")
    assert "the settings pin it" in again
    (folder / ".reconciler/store.sqlite3").unlink()
    code, _, stderr = run(["state"], ENV)
    assert (code, "say `reconciler state init` if it is gone for good" in stderr) == (6, True)
    code, stdout, _ = run(["state", "init"], ENV)
    assert (code, "they pin" in stdout) == (0, True)
    assert run(["state"], ENV)[0] == 6
    write_settings(folder, stdout.splitlines()[-1].strip())
    assert run(["state"], ENV)[0] == 0


PLACES = {
    "the default": "",
    "another folder": "state: kept/",
    "a folder above": "state: {sqlite: {folder: ../kept/}}",
}


@pytest.mark.parametrize("place", PLACES)
def test_the_line_that_pins_a_store_names_its_place(run: Run, folder: Path, place: str) -> None:
    write_settings(folder, PLACES[place])
    pin = read_document(run, "state", "init")["pin"]
    write_settings(folder, pin)
    assert read_document(run, "state")["state"]["pinned"]


def test_nobody_has_to_retype_what_stands_there(run: Run, folder: Path) -> None:
    make_bare(folder / "remote.git")
    write_settings(folder, f"state: {{git: {{remote: '{folder}/remote.git'}}}}")
    assert read_document(run, "state", "init")["pin"].startswith("state: {git: ..., id: ")


def test_what_is_in_it_is_told(run: Run, folder: Path) -> None:
    fill_store(folder)
    state = read_document(run, "state")["state"]
    (target,) = state["targets"]
    assert (target["name"], target["runs"], target["open"], target["lease"]["run"]) == ("command", 2, 1, "run-2")
    assert (state["declared"], state["pinned"], state["keeps_bodies"]) == (False, False, True)
    stdout = run(["state"], ENV)[1]
    assert "target command, " in stdout
    assert "2 runs, 1 step open" in stdout
    assert "held by run run-2 since 2" in stdout
    assert "ada, on host-1" in stdout


def test_looking_makes_nothing(run: Run, folder: Path) -> None:
    for argv in (["state"], ["state", "export"], ["state", "prune", "--keep", "1d"]):
        code, _, stderr = run(argv, ENV)
        assert (code, "there is no store yet" in stderr) == (3, True)
    assert not (folder / ".reconciler").exists()


def test_whoever_looks_needs_no_key(run: Run, folder: Path) -> None:
    """A job that plans a pull request has none; `history` says what it takes to see more."""
    write_settings(folder, "state: {key: {env: STATE_KEY}}")
    assert run(["state", "init"], ENV)[0] == 0
    store = open_at(LocalState(folder / ".reconciler"), secret=ENV["STATE_KEY"])
    intent = make_intent("20261128T120000-0000feed", 0, previous=PreviousObject("sha-o", "{}"))
    lease = store.claim(make_run("20261128T120000-0000feed", TARGET), intents=[intent])
    store.release(lease, RunEnding(0), [make_result("20261128T120000-0000feed", 0)])
    close_all()
    keyless = {name: value for name, value in ENV.items() if name != "STATE_KEY"}
    for argv in (["state"], ["state", "export"], ["state", "prune", "--keep", "9d"]):
        assert run(argv, keyless)[0] == 0
    code, stdout, _ = run(["history", "2026"], {**ENV, "STATE_KEY": "another key, longer"})
    assert (code, "is encrypted with the key" in stdout) == (0, True)


def test_a_store_moves_to_a_repository_and_back(run: Run, folder: Path) -> None:
    """With a key not even the former objects are lost; the export is the same again, and so is the id."""
    fill_store(folder)
    make_bare(folder / "remote.git")
    write_settings(folder, f"state: {{git: {{remote: '{folder}/remote.git'}}, key: {{env: STATE_KEY}}}}", "git.yaml")
    code, stdout, stderr = run(["state", "export", "--out", "a.jsonl"], ENV)
    assert (code, stdout.split(":")[0]) == (0, "Saved to a.jsonl")
    assert "run run-2 (ada, on host-1) holds the target" in stderr
    assert (folder / "a.jsonl").stat().st_mode & 0o777 == 0o600
    moved = read_document(run, "state", "import", "a.jsonl", "--config", "git.yaml")
    before, after = (read_document(run, "state", "--config", name)["state"] for name in ("reconciler.yaml", "git.yaml"))
    assert (moved["id"], moved["dropped"], after["keeps_bodies"]) == (before["id"], 0, True)
    assert (before["id"], before["targets"]) == (after["id"], after["targets"])
    (folder / ".reconciler/store.sqlite3").unlink()
    exported = run(["state", "export", "--config", "git.yaml"], ENV)[1]
    (folder / "b.jsonl").write_text(exported)
    assert run(["state", "import", "b.jsonl"], ENV)[0] == 0
    assert run(["state", "export"], ENV)[1] == exported


def test_what_a_repository_may_not_keep_is_told(run: Run, folder: Path) -> None:
    fill_store(folder)
    make_bare(folder / "remote.git")
    write_settings(folder, f"state: {{git: {{remote: '{folder}/remote.git'}}}}", "git.yaml")
    run(["state", "export", "--out", "a.jsonl"], ENV)
    code, _, stderr = run(["state", "import", "a.jsonl", "--config", "git.yaml"], ENV)
    assert (code, "1 former objects were left out" in stderr) == (0, True)


# What is done first, the command, its code, and a word that is told.
FAULTS: dict[str, tuple[str, list[str], int, str]] = {
    "no file": ("", ["import", "nowhere"], 3, "no such file"),
    "a folder": ("", ["import", "."], 3, "no such file"),
    "no export": ("", ["import", "reconciler.yaml"], 7, "no whole export"),
    "records of its own": ("fill", ["import", "a.jsonl"], 6, "has records of 1 targets already"),
    "another pin": ("state: {id: " + "a" * 32 + "}", ["import", "a.jsonl"], 6, "the settings pin aaa"),
    "no age": ("fill", ["prune"], 3, "nothing says how long"),
    "a folder to export to": ("fill", ["export", "--out", "."], 3, "can't be written"),
    "a key that is short": ("state: {key: {env: PASSWORD}}", ["init"], 3, "1 characters"),
    "a key that is not there": ("state: {key: {env: NOWHERE}}", ["init"], 5, "NOWHERE"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_code_and_says_so(run: Run, folder: Path, fault: str) -> None:
    before, argv, code, word = FAULTS[fault]
    fill_store(folder)
    run(["state", "export", "--out", "a.jsonl"], ENV)
    if before != "fill":
        (folder / ".reconciler/store.sqlite3").unlink()
        write_settings(folder, before)
    ended, stdout, stderr = run(["state", *argv, "--format", "json"], ENV)
    assert (ended, json.loads(stdout)["outcome"]["code"]) == (code, code), stderr
    assert word in stdout + run(["state", *argv], ENV)[2]


def test_old_runs_are_forgotten_when_it_is_said(run: Run, folder: Path) -> None:
    """By the flag, or by what the settings keep; never what is open."""
    fill_store(folder)
    write_settings(folder, "state: {keep: 9999d}")
    assert run(["state", "prune"], ENV)[1] == "Forgot 0 runs\n"
    assert run(["state", "prune", "--keep", "0s", "--runs", "2"], ENV)[1] == "Forgot 0 runs\n"
    assert read_document(run, "state", "prune", "--keep", "0s")["forgotten"] == {TARGET: 1}
    assert read_document(run, "state")["state"]["targets"][0]["runs"] == 1


def test_the_help_of_each_action_is_about_it(run: Run) -> None:
    for action in ("init", "export", "import", "prune"):
        code, stdout, _ = run(["state", action, "--help"])
        assert (code, stdout.splitlines()[0].startswith(f"Usage: reconciler state {action}")) == (0, True)
