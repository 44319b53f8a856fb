"""`--base`: what an earlier revision declared and the manifests no longer do, on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator
from tests.cli.conftest import Ran, Run
from tests.support.git_server import run_git

ENV = {"PATH": os.defpath, "HOME": "/nonexistent"}
ROLE = "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: %s}\nspec: {description: '%s'}\n"
KEPT = ROLE % ("Help Desk", "First line: sees certificates, changes nothing")
GONE = ROLE % ("Auditors", "Read-only access for the auditors")


def commit_manifests(folder: Path) -> None:
    run_git("add", "manifests", folder=folder)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    run_git(*identity, "commit", "--quiet", "--message", "x", folder=folder)


@pytest.fixture
def world(run: Run, folder: Path) -> Iterator[Simulator]:
    """A server that is as declared, and a checkout whose branch main declares a role more."""
    with Simulator(certificates=5) as simulator:
        (folder / "reconciler.yaml").write_text(simulator.settings.read_text())
        (folder / "manifests").mkdir()
        file = folder / "manifests" / "roles.yaml"
        file.write_text(f"{KEPT}---\n{GONE}")
        run_git("init", "--quiet", "--initial-branch=main", folder=folder)
        commit_manifests(folder)
        file.write_text(KEPT)
        yield simulator


def call(run: Run, *argv: str) -> Ran:
    return run(argv, ENV)


def read_report(run: Run, *argv: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(call(run, *argv, "--format", "json")[1])
    jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"]).validate(document)
    return document


@pytest.mark.parametrize("argv", [["plan", "--detailed-exitcode"], ["drift"], ["apply", "--yes"]])
def test_a_document_that_is_gone_is_named_and_changes_no_code(run: Run, world: Simulator, argv: list[str]) -> None:
    """With its line in the revision, and that its object is still there; removing it changes nothing on a server."""
    code, stdout, stderr = call(run, *argv, "--base", "main")
    report = read_report(run, *argv, "--base", "main...")

    assert code == report["outcome"]["code"] == 0, stderr
    assert "No longer declared since main: 1 document; nothing is changed on the server" in stdout
    assert "SecurityRole/Auditors  main:manifests/roles.yaml:6:1  still exists" in stdout
    head = run_git("rev-parse", "HEAD")
    assert report["base"] == {"revision": "main...", "commit": head, "whole": True}
    assert report["no_longer_declared"] == [
        {
            "address": {"target": "command", "kind": "SecurityRole", "name": "Auditors"},
            "source": f"{head[:12]}:manifests/roles.yaml:6:1",
            "document": "gone",
            "objects": ["Auditors"],
            "existing": 1,
        }
    ]
    assert world.ledger == []


def test_apply_shows_it_with_the_plan(run: Run, folder: Path, world: Simulator) -> None:
    """Before it asks: on stderr, where the plan is shown; the report of what was done has it in JSON."""
    (folder / "manifests" / "roles.yaml").write_text(KEPT.replace("First", "Second"))
    _, stdout, stderr = call(run, "apply", "--yes", "--base", "HEAD")

    assert "No longer declared since HEAD: 1 document" in stderr
    assert "Applied: 1 change" in stdout


def test_without_the_option_nothing_is_said(run: Run, world: Simulator) -> None:
    """git is not asked at all."""
    assert "No longer declared" not in call(run, "plan")[1]
    assert {"base", "no_longer_declared"}.isdisjoint(read_report(run, "plan"))


def test_that_everything_is_still_declared_is_said(run: Run, folder: Path, world: Simulator) -> None:
    """Whoever asked sees that it was compared; and how far, where something could not be read."""
    (folder / "manifests" / "roles.yaml").write_text(f"{KEPT}---\n{GONE}")
    assert "No longer declared since main: nothing.\n" in call(run, "plan", "--base", "main")[1]

    file = folder / "manifests" / "broken.yaml"
    file.write_text("a: [\n")
    commit_manifests(folder)
    file.unlink()
    code, stdout, stderr = call(run, "plan", "--base", "main")
    assert code == 0
    assert "nothing, as far as it could be read.\n" in stdout
    assert "note: main:manifests/broken.yaml:2:1: " in stderr


def test_only_what_is_selected_is_named(run: Run, world: Simulator) -> None:
    """As in the rest of a partial run."""
    assert read_report(run, "plan", "--base", "main", "--exclude", "SecurityRole/Aud*")["no_longer_declared"] == []
    assert len(read_report(run, "plan", "--base", "main", "--only", "SecurityRole")["no_longer_declared"]) == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    {
        "an option": (["plan", "--base", "--help"], "'--help' is no name of a revision"),
        "no such branch": (["plan", "--base", "nope"], "'nope' is no commit in this repository"),
        "a saved plan": (["apply", "p.json", "--base", "main"], "--base is about manifests"),
        "what is piped in": (["plan", "-", "--base", "main"], "what is piped in lies in no Git repository"),
    }.values(),
)
def test_a_base_that_can_not_be_is_a_usage_error(run: Run, world: Simulator, argv: list[str], words: str) -> None:
    """Told before a server is asked."""
    assert call(run, "plan", "--out", "p.json")[0] == 0
    asked = len(world.requests)
    code, stdout, stderr = run(argv, ENV, KEPT)

    assert (code, stdout) == (3, "")
    assert words in stderr
    assert len(world.requests) == asked


def test_a_saved_plan_is_the_same_with_and_without(run: Run, world: Simulator) -> None:
    """What is approved does not depend on what somebody compared it with."""
    digests = {read_report(run, "plan", "--out", "p.json", *more)["digest"] for more in ((), ("--base", "main"))}
    assert len(digests) == 1
