"""Help is instant, complete, and about the product."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.commands import cli
from reconciler.cli.help_text import HELP_TEXT
from tests.cli.conftest import Run

HEAVY = ("pydantic", "yaml", "requests", "deepdiff", "rich", "reconciler.kinds", "reconciler.model")


def test_the_ready_made_help_is_the_help(run: Run) -> None:
    """It is what the commands say; to renew it, take the difference that this test shows."""
    made = cli.make_context("reconciler", [], resilient_parsing=True).get_help() + "\n"
    assert made == HELP_TEXT
    assert run(["--help"]) == run(["-h"]) == run([]) == (0, HELP_TEXT, "")


@pytest.mark.parametrize("command", cli.commands)
def test_each_command_explains_itself(run: Run, command: str) -> None:
    """Usage and every option, on stdout; nothing was run, so there is no outcome to tell."""
    code, stdout, stderr = run([command, "--help"])
    assert (code, stderr) == (0, "")
    assert stdout.startswith(f"Usage: reconciler {command}")
    for option in cli.commands[command].params:
        is_hidden = getattr(option, "hidden", False)
        assert (option.opts[0] in stdout) is not is_hidden or option.param_type_name == "argument"
    assert all(len(line) <= 80 for line in stdout.splitlines())


def test_no_path_of_the_help_is_cut(run: Run) -> None:
    """Where completions go is copied from there."""
    help_text = run(["completion", "--help"])[1]
    for path in ("~/.local/share/bash-completion/completions/reconciler", "~/.config/fish/completions/reconciler.fish"):
        assert f"{path}\n" in help_text


@pytest.mark.parametrize("argv", [["--help"], ["plan", "--help"], ["--version"], ["plan", "--fromat"]])
def test_help_imports_nothing_heavy(argv: list[str]) -> None:
    """What makes a command slow is imported by the command, not by its name."""
    code = (
        "import sys, io; from reconciler.cli import main; "
        f"main({argv!r}, {{}}, io.StringIO(), io.StringIO(), io.StringIO()); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    allowed = [] if "--fromat" not in argv else ["reconciler.model"]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.strip()
    assert [name for name in HEAVY if f"'{name}'" in loaded] == allowed


def test_the_version(run: Run) -> None:
    """Name and number."""
    assert run(["--version"]) == (0, f"reconciler {__version__}\n", "")


def test_the_module_runs_and_the_folder_cannot_shadow_it(tmp_path: Path) -> None:
    """`python -m reconciler` works, and a module in the current folder is not imported instead of a library."""
    (tmp_path / "rich.py").write_text("raise SystemExit(99)")
    (tmp_path / "click.py").write_text("raise SystemExit(98)")
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "kinds"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "exit 0: ok\n"
