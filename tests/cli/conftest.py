"""The command line as a function: argv in, (code, stdout, stderr) out. No process, no real environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path

import pytest

from reconciler.cli import main

Ran = tuple[int, str, str]
Run = Callable[..., Ran]


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Run a command in an empty folder with an empty environment; `terminal` makes all three streams terminals."""

    def run(
        argv: Sequence[str], env: Mapping[str, str] | None = None, stdin: str = "", *, terminal: bool = False
    ) -> Ran:
        stream = Terminal if terminal else StringIO
        stdout, stderr = stream(), stream()
        code = main(argv, env or {}, stdout, stderr, stream(stdin))
        return code, stdout.getvalue(), stderr.getvalue()

    return run
