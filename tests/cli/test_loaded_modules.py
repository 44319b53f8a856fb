"""What a command may load. Each module is paid for by every run: to let one more in is a decision, made here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from reconciler.kinds.kind import Kind
from reconciler.kinds.registry import KINDS, Registry
from reconciler.simulator import Simulator
from tests.support.processes import TOOL

KIND_FOLDERS = {name: type(kind).__module__.split(".")[2] for name, kind in KINDS.items()}
FOUNDATION = frozenset(
    {"coverage", "deferrals", "diagnostics", "errors", "field_origins", "model", "reader", "rights", "sanitize"}
)
READING = FOUNDATION | {
    "cli",
    "credentials",
    "directives",
    "documents",
    "engine",
    "field_origins",
    "kinds",
    "manifests",
    "patterns",
    "payloads",
    "target_selector",
}
OFFLINE = READING | {"reports", "settings", "state", "transport"}
ROLE = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: Auditors}
spec: {description: Day to day}
"""
LIBRARIES = {
    "click",
    "yaml",
    "pydantic",
    "requests",
    "urllib3",
    "msgspec",
    "deepdiff",
    "rich",
    "cryptography",
    "jinja2",
    "psycopg",
    "apprise",
    "opentelemetry",
    "distributed",
}
"""What this project depends on, and what that brings along which is large."""

ROWS: dict[str, tuple[list[str], set[str], frozenset[str], set[str]]] = {
    "help": (["--help"], set(), frozenset({"cli"}), set()),
    "help of a command": (
        ["plan", "--help"],
        {"click"},
        frozenset({"cli", "diagnostics", "engine", "errors", "settings"}),
        set(),
    ),
    "kinds": (["kinds"], {"click", "yaml", "pydantic"}, OFFLINE, set(KIND_FOLDERS.values())),
    "validate": (["validate", "role.yaml"], {"click", "yaml", "pydantic"}, OFFLINE, {"security_role"}),
    "plan": (
        ["plan", "role.yaml"],
        {"click", "yaml", "pydantic", "requests", "urllib3"},
        OFFLINE | {"apis", "plans"},
        {"security_role"},
    ),
}
"""argv; which of the libraries, which of our rooms and which kinds it may load."""
NOT_FOR_VALIDATE = {
    "directives.acknowledgement",
    "directives.policy",
    "plans.policies",
    "engine.pipeline",
    "engine.observe",
    "engine.recovery",
    "state.records",
    "settings.schema",
}
NOT_FOR_PLAN = {
    "directives.acknowledgement",
    "directives.policy",
    "plans.policies",
    "engine.recovery",
    "engine.run_store",
    "engine.base_revision",
    "state.records",
    "state.sqlite",
}
"""Modules of rooms that are in use, which offline work, or a plan that asks no store, does without."""


@pytest.fixture(scope="module")
def settings() -> Iterator[str]:
    with Simulator(certificates=0) as simulator:
        yield str(simulator.credentials["settings"])


def list_loaded(argv: Sequence[str], folder: Path) -> set[str]:
    """Run a command in a process of its own and return the modules that it loaded."""
    code = (
        "import sys; from reconciler.cli import main; code = main(sys.argv[1:], stdout=sys.stderr); "
        "print(*sorted(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode in {0, 6}, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("row", ROWS)
def test_a_command_loads_what_it_uses(row: str, tmp_path: Path, settings: str) -> None:
    """No library, no room and no kind beyond those that the row names."""
    argv, libraries, rooms, kinds = ROWS[row]
    (tmp_path / "role.yaml").write_text(ROLE)
    loaded = list_loaded([*argv, "--config", settings] if row == "plan" else argv, tmp_path)
    ours = {name.removeprefix("reconciler.") for name in loaded if name.startswith("reconciler.")}
    folders = {name.split(".")[1] for name in ours if name.startswith("kinds.")}
    assert loaded & LIBRARIES <= libraries
    assert {name.split(".")[0] for name in ours} <= rooms
    assert folders & set(KIND_FOLDERS.values()) <= kinds
    assert not ours & {"validate": NOT_FOR_VALIDATE, "plan": NOT_FOR_PLAN}.get(row, set())


def test_a_plugin_of_pydantic_sees_nothing(tmp_path: Path) -> None:
    """Whatever package of the environment says that it is one: it would see each value, and cost each run its time."""
    (tmp_path / "role.yaml").write_text(ROLE)
    (tmp_path / "lib" / "spy-1.dist-info").mkdir(parents=True)
    (tmp_path / "lib" / "spy-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1\n")
    (tmp_path / "lib" / "spy-1.dist-info" / "entry_points.txt").write_text("[pydantic]\nspy = spy:SPY\n")
    (tmp_path / "lib" / "spy.py").write_text("import os\nos.write(2, b'seen')\nSPY = None\n")
    env = {"PYTHONPATH": str(tmp_path / "lib")}
    done = subprocess.run(
        [*TOOL, "validate", "role.yaml"], capture_output=True, text=True, check=False, cwd=tmp_path, env=env
    )
    assert (done.returncode, done.stderr) == (0, "exit 0: ok\n")


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_in_the_folder_of_its_name(name: str) -> None:
    """The name is known before the folder is imported, so the two have to agree."""
    words = KIND_FOLDERS[name].split("_")
    assert name == KINDS[name].name == "".join(word.capitalize() for word in words)
    assert all(KINDS.level(earlier) < KINDS.level(name) for earlier in KINDS[name].after)


def test_asking_for_a_name_imports_no_kind() -> None:
    """Whether there is a kind, and what they are called, is told from the folders."""

    def refuse() -> Kind:
        raise AssertionError("imported")

    kinds = Registry(loaders={"Valve": refuse, "Pump": refuse})
    assert "Valve" in kinds
    assert "Tap" not in kinds
    assert kinds.get("Tap") is None
    assert list(kinds) == ["Pump", "Valve"]
    with pytest.raises(AssertionError, match="imported"):
        kinds.find("Valve")
