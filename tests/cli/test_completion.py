"""Completion: the answers by themselves, and in real shells what a person gets who presses Tab."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.terminal.shell_scripts import SHELL_SCRIPTS
from reconciler.cli.terminal.shell_words import quote_rest, split_line
from tests.cli.conftest import Run
from tests.support.git_server import run_git

BREAKS = " \t\n\"'><=;|&(:"
"""bash's COMP_WORDBREAKS, as it comes."""
MANIFESTS = """\
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: 'Team A: Operators'}
spec: {description: x}
---
apiVersion: reconciler/v1
kind: SecurityRole
metadata: {name: 'Zone $1 "all" *'}
spec: {description: x}
---
kind: SecretEvent
metadata: {name: half-written
"""
SETTINGS = """\
apiVersion: reconciler/v1
kind: Settings
targets:
  prod-1: {api: keyfactor, url: 'https://a.example/K', auth: {type: basic, username: u, password: {env: X}}}
  test: {api: keyfactor, url: 'https://b.example/K', auth: {type: basic, username: u, password: {env: X}}}
"""


@pytest.fixture
def place(folder: Path) -> Path:
    """A folder with settings and manifests, of which the last one is still being written."""
    (folder / "manifests").mkdir()
    first, second, third = MANIFESTS.split("---\n")
    (folder / "manifests" / "roles.yaml").write_text(f"{first}---\n{second}")
    (folder / "manifests" / "event.yaml").write_text(third)
    (folder / "reconciler.yaml").write_text(SETTINGS)
    return folder


def complete(run: Run, line: str) -> list[str]:
    """Return what bash is told for a line with the cursor at its end."""
    code, stdout, _ = run(["completion", "bash", f"--line={line}", f"--breaks={BREAKS}"])
    assert code == 0
    return stdout.splitlines()


LINES = {
    "reconciler pl": ["plain\tplan"],
    "reconciler completion ": ["plain\tbash", "plain\tzsh", "plain\tfish"],
    "reconciler plan --det": ["plain\t--detailed-exitcode"],
    "reconciler plan --format ": ["plain\ttext", "plain\tjson"],
    "reconciler plan --format=j": ["plain\tjson"],
    "reconciler plan ": ["file"],
    "reconciler plan manifests/ --trace ": ["file"],
    "reconciler plan --config r": ["file"],
    "reconciler plan --report js": ["part\tjson="],
    "reconciler schema --write ": ["dir"],
    "reconciler plan --only Secur": ["plain\tSecurityRole", "part\tSecurityRole/"],
    "reconciler plan --exclude SecurityRole/T": ["plain\tSecurityRole/Team\\ A:\\ Operators"],
    "reconciler plan --only=SecurityRole/T": ["plain\tSecurityRole/Team\\ A:\\ Operators"],
    "reconciler plan --only 'SecurityRole/T": ["plain\tSecurityRole/Team A: Operators"],
    "reconciler plan --only SecurityRole/Team\\ A:": ["plain\t\\ Operators"],
    'reconciler plan --only "SecurityRole/Z': ['plain\tSecurityRole/Zone \\$1 \\"all\\" [*]'],
    "reconciler plan --only SecurityRole/Z": ['plain\tSecurityRole/Zone\\ \\$1\\ \\"all\\"\\ [\\*]'],
    "reconciler plan --only SecretEvent/": [],
    "reconciler drift --target ": ["plain\tprod-1", "plain\ttest"],
    "reconciler drift --config nowhere.yaml --target ": [],
    "reconciler export --kind Eve": ["plain\tEventHandler"],
    "reconciler history ve": ["plain\tverify"],
    "reconciler explain Sett": ["plain\tSettings"],
    "reconciler explain SecurityRole.cl": ["plain\tSecurityRole.claims", "plain\tSecurityRole.clear"],
    "reconciler explain SecurityRole.claims.ty": ["plain\tSecurityRole.claims.type"],
    "reconciler explain SecurityRole.meta": ["plain\tSecurityRole.metadata"],
    "reconciler explain Settings.auth.oauth.tok": ["plain\tSettings.auth.oauth.tokenUrl"],
    "reconciler explain usage.unknown-ri": ["plain\tusage.unknown-risk"],
    "reconciler explain usage.unknown-r": [
        "plain\tusage.unknown-revision",
        "plain\tusage.unknown-risk",
        "plain\tusage.unknown-run",
    ],
    "reconciler explain nothing.such.": [],
    "reconciler nonsense --only ": [],
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_completed(run: Run, place: Path, line: str) -> None:
    """With what bash puts in the place of what it takes for the word, quoted for there."""
    assert sorted(complete(run, line)) == sorted(LINES[line])


REVISIONS = {
    "reconciler plan --base ": ["HEAD", "main", "team/blue", "origin/main", "v1.0"],
    "reconciler drift --base te": ["team/blue"],
    "reconciler apply --base=v": ["v1.0"],
    "reconciler plan --base main...o": ["main...origin/main"],
    "reconciler plan --base nowhere": [],
}


def test_a_revision_is_completed(run: Run, place: Path) -> None:
    """From the repository of the manifests; without one, or where it has no commit, there is nothing to say."""
    assert complete(run, "reconciler plan --base ") == []
    run_git("init", "--quiet", "--initial-branch=main", place)
    assert complete(run, "reconciler plan --base m") == []
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    run_git(*identity, "commit", "--quiet", "--allow-empty", "--message", "x", folder=place)
    for name in ("heads/team/blue", "remotes/origin/main", "tags/v1.0"):
        run_git("update-ref", f"refs/{name}", "HEAD", folder=place)
    run_git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main", folder=place)
    for line, names in REVISIONS.items():
        assert complete(run, line) == [f"plain\t{name}" for name in names], line


def test_commands_come_in_the_order_of_the_help(run: Run, place: Path) -> None:
    """All of them."""
    lines = complete(run, "reconciler ")
    assert lines[:4] == ["plain\tvalidate", "plain\trender", "plain\tplan", "plain\tapply"]
    assert "plain\tcompletion" in lines


def test_what_is_broken_is_silent(run: Run, folder: Path) -> None:
    """Nobody who types wants to read of settings."""
    (folder / "reconciler.yaml").write_text("kind: [")
    assert complete(run, "reconciler plan --target ") == complete(run, "reconciler plan --only SecurityRole/") == []


def test_other_shells_are_told_whole_words_and_what_they_mean(run: Run, place: Path) -> None:
    """They quote by themselves; zsh hands over what is typed, fish what is meant."""
    argv = ["--word=reconciler", "--word=plan", "--word=--only", "--word=SecurityRole/Team\\ "]
    assert run(["completion", "zsh", *argv])[1] == "plain\tSecurityRole/Team A: Operators\n"
    assert run(["completion", "fish", *argv])[1] == "plain\tSecurityRole/Team A: Operators\n"
    argv = ["--word=reconciler", "--word=plan", "--word=--only=SecurityRole/T"]
    assert run(["completion", "fish", *argv])[1] == "plain\t--only=SecurityRole/Team A: Operators\n"
    assert run(["completion", "fish", "--word=reconciler", "--word=dr"])[1] == (
        "plain\tdrift\tSay what is no longer as declared.\n"
    )


def test_the_script_is_printed_alone(run: Run) -> None:
    """To stdout, so that it can be put into a file."""
    for shell, script in SHELL_SCRIPTS.items():
        assert run(["completion", shell]) == (0, script, "exit 0: ok\n")
    assert run(["completion", "tcsh"])[0] == 3


@pytest.mark.parametrize(
    "text", ["plain", "a b", "it's", 'say "no"', "a\\b", "$HOME `x`", "semi;colon", "*?[]", "ü~!#"]
)
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_what_is_written_is_read_as_it_was_meant(text: str, quote: str) -> None:
    """By our own reading of a line, and by a shell."""
    written = f"{quote}{quote_rest(text, quote)}{quote}"
    assert [word.text for word in split_line(f"say {written}")] == ["say", text]
    shell = subprocess.run(["sh", "-c", f"printf %s {written}"], capture_output=True, text=True, check=True)
    assert shell.stdout == text


# What is started has to make the terminal its own: fish waits for that.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)


class Typist:
    """Types into a shell that believes to be at a terminal, and reads what it prints."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        environment = {"PATH": f"{folder / 'bin'}:{os.defpath}", "TERM": "dumb", "HOME": str(folder)}
        self.screen, theirs = pty.openpty()
        self.shell = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *argv],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment,
            start_new_session=True,
        )
        os.close(theirs)

    def write(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def read_until(self, pattern: str) -> str:
        """Return what is printed up to what fits the pattern; fails where nothing more comes for a long time."""
        shown = ""
        while not re.search(pattern, shown):
            assert select.select([self.screen], [], [], 30)[0], f"no {pattern!r} in {shown!r}"
            try:
                shown += os.read(self.screen, 4096).decode("utf-8", "replace")
            except OSError:  # EIO: the shell has ended
                raise AssertionError(f"no {pattern!r} in {shown!r}") from None
        return shown

    def close(self) -> None:
        self.shell.kill()
        self.shell.wait()
        os.close(self.screen)


SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source ./script.bash"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -u -D; source ./script.zsh"),
    "fish": (["fish", "--no-config", "-i"], "source ./script.fish"),
}


@pytest.fixture(params=SHELLS)
def typist(request: pytest.FixtureRequest, place: Path) -> Iterator[Typist]:
    """A shell that completes `reconciler`, which shows its arguments where it is not asked for completions."""
    name: str = request.param
    argv, load = SHELLS[name]
    if not shutil.which(name):
        pytest.skip(f"NO {name.upper()} HERE: nothing is shown of what it makes of its script")
    (place / "bin").mkdir()
    (place / f"script.{name}").write_text(SHELL_SCRIPTS[name])
    tool = place / "bin" / "reconciler"
    tool.write_text(
        f'#!/bin/sh\n[ "$1" = completion ] && exec {sys.executable} -m reconciler "$@"\n'
        "printf '<%s>' \"$@\"\nprintf ':end\\n'\n"
    )
    tool.chmod(0o755)
    typist = Typist(argv, place)
    try:
        typist.write(f"{load}\necho rea''dy\n")
        typist.read_until("(?m)^ready")
        yield typist
    finally:
        typist.close()


# typed, with a Tab where one is pressed -> the arguments that come of it
TYPED = {
    "a command": ("reconciler kin\t\n", ["kinds"]),
    "an option": ("reconciler plan --detailed\t\n", ["plan", "--detailed-exitcode"]),
    "a name with blanks and a colon": (
        "reconciler plan --only SecurityRole/T\t\n",
        ["plan", "--only", "SecurityRole/Team A: Operators"],
    ),
    "behind the colon": (
        "reconciler plan --only SecurityRole/Team\\ A:\t\n",
        ["plan", "--only", "SecurityRole/Team A: Operators"],
    ),
    "in quotes": (
        "reconciler plan --only 'SecurityRole/T\t\n",
        ["plan", "--only", "SecurityRole/Team A: Operators"],
    ),
    "behind an equals sign": (
        "reconciler plan --only=SecurityRole/T\t\n",
        ["plan", "--only=SecurityRole/Team A: Operators"],
    ),
    "signs that a shell reads": (
        "reconciler plan --only SecurityRole/Z\t\n",
        ["plan", "--only", 'SecurityRole/Zone $1 "all" [*]'],
    ),
    "a target": ("reconciler drift --target pr\t\n", ["drift", "--target", "prod-1"]),
    "a file": ("reconciler plan --config recon\t\n", ["plan", "--config", "reconciler.yaml"]),
    "behind a variable": ("X=1 reconciler kin\t\n", ["kinds"]),
}


def test_a_person_who_presses_tab_gets_what_was_meant(typist: Typist) -> None:
    """The shell hands the tool exactly these arguments."""
    for name, (typed, expected) in TYPED.items():
        typist.write(typed)
        shown = typist.read_until(r"<[^\n]*>:end")
        found = re.findall(r"<[^\n]*>:end", shown)[-1]
        assert found == "".join(f"<{word}>" for word in expected) + ":end", name
