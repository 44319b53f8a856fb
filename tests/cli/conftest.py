"""The command line as a function: argv in, (code, stdout, stderr) out. No process, no real environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli import main
from reconciler.kinds.registry import KINDS
from reconciler.schema import build_schemas
from reconciler.simulator import Simulator

Ran = tuple[int, str, str]
Run = Callable[..., Ran]
Report = Callable[..., dict[str, Any]]


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


@cache
def _get_report_validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(build_schemas(KINDS)["report.json"])


@pytest.fixture
def report(run: Run, simulator: Simulator) -> Report:
    """Run a command at the module's simulator, and return its document, which has the published shape."""

    def report(*argv: str, code: int = 0) -> dict[str, Any]:
        exit_, stdout, stderr = run([*argv, "--format", "json"])
        assert exit_ == code, stderr
        document: dict[str, Any] = json.loads(stdout)
        _get_report_validator().validate(document)
        return document

    return report
