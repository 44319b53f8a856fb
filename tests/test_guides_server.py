"""The page "from an existing server" is typed as it stands: a server becomes a repository, and an edit there a diff."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.simulator import Simulator

PAGE = (Path(__file__).parents[1] / "docs" / "from-an-existing-server.md").read_text("utf-8")
FIRST_DAY, LAYOUTS, ROUND = (
    [shlex.split(line) for line in block.splitlines()]
    for block in re.findall(r"(?:^    (?! ).*\n)+", PAGE, re.MULTILINE)
)
WHO = ["-c", "user.name=x", "-c", "user.email=x@example.com"]


class Shell:
    """A folder in which the page's lines are typed, with the settings of a running simulator."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, server: Simulator) -> None:
        self.chdir, self.server = monkeypatch.chdir, server

    def type(self, words: list[str]) -> tuple[int, str]:
        """Type a line; returns the exit code and what was shown."""
        if words[0] == "cd":
            self.chdir(words[1])
            return 0, ""
        if words[0] == "git":
            git = shutil.which("git")
            assert git is not None
            done = subprocess.run([git, *WHO, *words[1:]], capture_output=True, text=True, check=False)
            return done.returncode, done.stdout + done.stderr
        assert words[0] == "reconciler"
        stdout, stderr = io.StringIO(), io.StringIO()
        code = main(words[1:], {}, stdout, stderr, io.StringIO())
        return code, stdout.getvalue() + stderr.getvalue()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    with Simulator(certificates=12) as server:
        shutil.copy(server.credentials["settings"], tmp_path / "reconciler.yaml")
        monkeypatch.chdir(tmp_path)
        yield Shell(monkeypatch, server)


def test_the_first_day_and_a_day_after(shell: Shell, tmp_path: Path) -> None:
    """The plan is empty; what somebody then edits is drift, is taken over, and is a Git diff of one line."""
    for words in FIRST_DAY:
        code, output = shell.type(words)
        assert code == 0, (words, output)
        assert words != ["reconciler", "plan"] or "In sync" in output
    named = re.findall(r"`(manifests/[\w.-]+)`", PAGE)
    assert len(named) == 2
    assert all((tmp_path / "pki" / path).exists() for path in named)
    with shell.server.lock:
        shell.server.world.roles[2]["Description"] = "Edited in the portal"

    codes = [shell.type(words)[0] for words in ROUND]

    assert codes == [2, 0, 0, 0]
    assert "In sync" in shell.type(["reconciler", "plan"])[1]
    changed = shell.type(["git", "diff", "--unified=0"])[1].splitlines()
    assert [line for line in changed if line[:1] in "+-" and line[:3] not in {"+++", "---"}] == [
        "-  description: Certificate operations",
        "+  description: Edited in the portal",
    ]


def test_the_layouts_of_the_page_are_written(shell: Shell, tmp_path: Path) -> None:
    """Each into a folder of its own; what the table says has a file of its own has one."""
    for words in LAYOUTS:
        code, output = shell.type(words)
        assert code == 0, (words, output)
        assert shell.type(["reconciler", "plan", "manifests", "--detailed-exitcode"])[0] == 0
        split = words[words.index("--split") + 1] if "--split" in words else "kind"
        for path in re.findall(rf"^\| `{split}`.*\(`(\S+)`\)", PAGE, re.MULTILINE):
            assert (tmp_path / "manifests" / path).exists(), path
        shutil.rmtree(tmp_path / "manifests")
