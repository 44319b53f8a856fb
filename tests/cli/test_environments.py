"""`--environment`: on every command that reads settings, and what a plan that is made for one remembers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.commands import cli, load_command
from reconciler.simulator import Simulator
from tests.cli.conftest import Run
from tests.cli.test_apply import HANDLER, check
from tests.support.git_server import run_git

ENVIRONMENTS = """
environments:
  dev: {layers: [base/, dev/], targets: [command], limits: {EventHandler: {changes: 1}}, protected: [SecurityRole/X*]}
  prod: {layers: [base/], targets: [command], limits: {EventHandler: {changes: 0}}}
  csms: {layers: [base/], targets: {api: csms}}
"""
EVERY_COMMAND = [
    ["validate"],
    ["render"],
    ["plan"],
    ["plan", "--out", "p.json"],
    ["apply", "--yes"],
    ["drift"],
    ["drift", "--report", "json=r.json"],
    ["doctor"],
    ["export"],
    ["export", "--out", "x"],
    ["unmanaged"],
    ["adopt"],
    ["report", "posture"],
    ["policy"],
    ["policy", "test"],
    ["history"],
    ["history", "export"],
    ["recover"],
    ["undo", "1234", "--out", "p.json"],
    ["unlock", "1234"],
    ["state"],
    ["state", "init"],
    ["state", "export"],
    ["state", "import", "f"],
    ["state", "prune", "--keep", "1d"],
    ["explain", "SecurityRole"],
]


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with Simulator(certificates=0) as server:
        yield server


@pytest.fixture
def repository(server: Simulator, folder: Path) -> Path:
    """A folder with settings of three environments, one handler to enable in `base/`, and one role in `dev/`."""
    settings = re.sub(r"(?m)^manifests: .*\n", "", server.settings.read_text())
    settings = settings.replace("api: csms", "api: csms\n    labels: {api: csms}")
    (folder / "reconciler.yaml").write_text(settings + ENVIRONMENTS)
    for layer in ("base", "dev"):
        (folder / layer).mkdir()
    (folder / "base" / "handler.yaml").write_text(HANDLER)
    (folder / "dev" / "role.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: SecurityRole\nmetadata: {name: Administrator}\nspec: {description: x}\n"
    )
    with server.lock:
        for handler in server.world.handlers.values():
            handler["Enabled"] = False
    return folder


def list_readers() -> Iterator[tuple[str, set[str | None]]]:
    """Yield each command and action that reads settings, with its options."""
    for name in cli.commands:
        command = load_command(name)
        actions = getattr(command, "actions", {}) or getattr(command, "commands", {})
        for words, it in ((name, command), *((f"{name} {action}", it) for action, it in actions.items())):
            options = {parameter.name for parameter in it.params}
            if "config" in options:
                yield words, options


def test_every_command_that_reads_settings_is_in_the_list_and_takes_an_environment() -> None:
    """But `init`, which begins a repository of its own."""
    readers = dict(list_readers())
    assert {words for words, options in readers.items() if "environment" not in options} == {"init"}
    listed = {" ".join(argv[:length]) for argv in EVERY_COMMAND for length in (1, 2)}
    assert readers.keys() - listed == {"init"}


@pytest.mark.parametrize("argv", EVERY_COMMAND, ids=" ".join)
def test_an_environment_that_there_is_not_is_told_with_those_there_are(
    run: Run, repository: Path, argv: list[str]
) -> None:
    """Before anything else happens."""
    code, _, stderr = run([*argv, "--environment", "prd"])
    assert code == 3
    assert '--environment: no environment is called "prd"; there are: csms, dev, prod' in stderr


def test_manifests_that_lie_in_layers_need_a_choice(run: Run, repository: Path) -> None:
    """A folder of the settings, or a path that is named, is read as ever; a path takes the place of the layers."""
    for command in (["validate"], ["plan"], ["unmanaged"], ["policy"]):
        code, _, stderr = run(command)
        assert code == 3
        assert "the settings have environments, and none is chosen" in stderr
        assert "name one of csms, dev, prod, or name manifests" in stderr
    assert run(["validate", "base"])[0] == 0
    assert "1 document" in run(["validate", "--environment", "dev", "base"])[1]
    assert "2 documents" in run(["validate", "--environment", "dev"])[1]
    # What is for another environment's target is left aside; nothing at all is refused.
    assert run(["validate", "--environment", "csms"])[0] == 6
    (repository / "manifests").mkdir()
    (repository / "manifests" / "handler.yaml").write_text(HANDLER)
    assert "1 document" in run(["validate"])[1]


def test_limits_and_protections_are_those_of_the_environment(run: Run, repository: Path) -> None:
    """Those for all environments hold beside them."""
    assert run(["plan", "--environment", "dev", "base"])[0] == 0
    code, _, stderr = run(["plan", "--environment", "prod"])
    assert code == 6
    assert "EventHandler" in stderr
    code, _, stderr = run(["plan", "--environment", "dev"])
    assert code == 6
    assert "SecurityRole/Administrator*" in stderr
    explained = json.loads(run(["explain", "EventHandler", "--environment", "prod", "--format", "json"])[1])[
        "explained"
    ]
    assert explained["changes a run"] == 0


def test_a_plan_is_applied_to_the_environment_that_it_was_made_for(
    run: Run, repository: Path, server: Simulator
) -> None:
    """Without naming it again, against its layers; with the name of another it is refused."""
    (repository / "dev" / "role.yaml").unlink()
    (repository / "dev" / "none.json").write_text("")
    run_git("init", "--quiet", repository)
    run_git("add", ".", folder=repository)
    run_git("-c", "user.name=a", "-c", "user.email=a@example", "commit", "--quiet", "-m", "x", folder=repository)
    commit = run_git("rev-parse", "HEAD", folder=repository)
    writes = len(server.ledger)
    assert run(["plan", "--environment", "dev", "--out", "p.json"])[0] == 0
    saved = json.loads((repository / "p.json").read_text())
    check("plan.json", saved)
    assert (saved["environment"], saved["paths"], saved["commit"]) == ("dev", [], commit)
    assert f"for environment dev, made {saved['created']} from commit {commit}" in run(["show", "p.json"])[1]
    for chosen in ("prod", "csms"):
        code, _, stderr = run(["apply", "p.json", "--environment", chosen])
        assert code == 6
        assert f"p.json: the plan was made for environment dev, and --environment says {chosen}" in stderr
    (repository / "dev" / "more.yaml").write_text(HANDLER.replace("denied-logger", "other").replace("Denied", "Issued"))
    code, _, stderr = run(["apply", "p.json", "--same-manifests"])
    assert code == 7
    assert "the manifests here are not those that the plan was made from" in stderr
    (repository / "dev" / "more.yaml").unlink()
    assert len(server.ledger) == writes
    # The process of its target is told as well: it would else find other settings than those it is asked to find.
    code, stdout, stderr = run(["apply", "p.json", "--same-manifests", "--jobs", "1", "--format", "json"])
    assert code == 0, stderr
    assert json.loads(stdout)["saved_plan"]["environment"] == "dev"
    assert len(server.ledger) == writes + 1


def test_a_plan_for_no_environment_is_none_for_one(run: Run, repository: Path) -> None:
    assert run(["plan", "base", "--out", "p.json"])[0] == 0
    assert "environment" not in json.loads((repository / "p.json").read_text())
    code, _, stderr = run(["apply", "p.json", "--environment", "dev"])
    assert code == 6
    assert "p.json: the plan was made for no environment, and --environment says dev" in stderr
    assert run(["apply", "p.json"])[0] == 0


def test_no_file_is_written_among_the_manifests_of_any_environment(run: Run, repository: Path) -> None:
    for argv in (["--out", "dev/p.json"], ["--report", "json=dev/r.json"], ["--trace", "dev/t.json"]):
        code, _, stderr = run(["plan", "base", "--environment", "prod", *argv])
        assert code == 3
        assert re.search("lies among the manifests|would be read as a manifest", stderr), stderr


def test_environments_and_what_they_hold_are_completed(run: Run, repository: Path) -> None:
    """Targets and objects are those of the environment that stands there already."""

    def complete(line: str) -> list[str]:
        return run(["completion", "bash", f"--line={line}", "--breaks= "])[1].split()[1::2]

    assert complete("reconciler plan --environment ") == ["csms", "dev", "prod"]
    assert complete("reconciler drift --environment p") == ["prod"]
    assert complete("reconciler plan --environment csms --target ") == ["csms"]
    assert complete("reconciler plan --environment wrong --target ") == ["command", "csms"]
    assert complete("reconciler plan --environment dev --only SecurityRole/") == ["SecurityRole/Administrator"]
    assert complete("reconciler plan --environment prod --only SecurityRole/") == []
