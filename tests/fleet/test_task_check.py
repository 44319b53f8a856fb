"""What a worker holds itself to, and what its processes may know."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.engine.settings_digest import digest_settings
from reconciler.errors import RefusedError
from reconciler.fleet.task import FleetTask
from reconciler.fleet.task_check import TaskCheck
from reconciler.fleet.task_environment import TaskEnvironment
from reconciler.kinds.registry import KINDS
from reconciler.settings.load import load_settings
from reconciler.settings.model import Settings

SETTINGS = """\
apiVersion: reconciler/v1
kind: Settings
plans: {key: {env: PLAN_KEY}}
targets:
  a: {api: keyfactor, url: "https://a.example.com/KeyfactorAPI", auth: {type: bearer, token: {env: TOKEN_A}}}
  b: {api: keyfactor, url: "https://b.example.com/KeyfactorAPI", auth: {type: bearer, token: {env: TOKEN_B}}}
  c: {api: keyfactor, url: "https://c.example.com/KeyfactorAPI", auth: {type: bearer, token: {file: token}}}
  d: {api: keyfactor, url: "https://d.example.com/KeyfactorAPI", auth: {type: bearer, token: {env: PLAN_KEY}}}
"""


def load(folder: Path, text: str = SETTINGS) -> Settings:
    folder.mkdir(exist_ok=True)
    (folder / "reconciler.yaml").write_text(text)
    return load_settings(None, env={}, cwd=folder, kinds=KINDS)


def make_task(settings: Settings, tool: str = __version__) -> FleetTask:
    return FleetTask("run", "apply", "a", tool, digest_settings(settings), "manifests", "c0ffee" * 7)


def test_another_checkout_of_the_same_is_the_same(tmp_path: Path) -> None:
    here, there = load(tmp_path / "here"), load(tmp_path / "there")
    check = TaskCheck(make_task(here))
    check.check_settings(there)
    check.check_manifests("manifests")


@pytest.mark.parametrize(
    ("before", "after"),
    [("TOKEN_A", "TOKEN_X"), ("b.example", "e.example"), ("file: token", "file: other"), ("  d:", "  dd:")],
)
def test_other_settings_are_refused(before: str, after: str, tmp_path: Path) -> None:
    task = make_task(load(tmp_path / "here"))
    with pytest.raises(RefusedError, match="settings are not those") as refusal:
        TaskCheck(task).check_settings(load(tmp_path / "there", SETTINGS.replace(before, after)))
    assert refusal.value.problems[0].rule == "fleet.other-checkout"


def test_other_manifests_and_another_version_are_refused_by_name(tmp_path: Path) -> None:
    settings = load(tmp_path)
    with pytest.raises(RefusedError, match=r"manifests are not those of whoever began the run \(c0ffeec0ffee\)"):
        TaskCheck(make_task(settings)).check_manifests("others")
    with pytest.raises(RefusedError, match=rf"the worker has reconciler {__version__}, and the run .* with 0\.0\.1"):
        TaskCheck(make_task(settings, "0.0.1")).check_settings(settings)


def test_a_target_knows_no_secret_of_another_target(tmp_path: Path) -> None:
    """What the run itself needs, as the key of plans, is for all; so is whatever no target names."""
    env = {"TOKEN_A": "1", "TOKEN_B": "2", "PLAN_KEY": "3", "PATH": "/bin"}
    environment = TaskEnvironment(load(tmp_path), env)
    assert environment.shared == {"PLAN_KEY": "3", "PATH": "/bin"}
    assert environment.choose("a") == {"TOKEN_A": "1", "PLAN_KEY": "3", "PATH": "/bin"}
    assert environment.choose("b") == {"TOKEN_B": "2", "PLAN_KEY": "3", "PATH": "/bin"}
    assert environment.choose("c") == environment.choose("d") == environment.shared
