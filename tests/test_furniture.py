"""What stands around the code holds what it promises: make targets, pins, hooks, the workflow, the papers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)


def test_every_target_is_phony_and_tells_what_it_does() -> None:
    """Else a file of its name would stop it, or nobody would find it."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert sorted(phony.split()) == sorted(TARGETS)
    assert TARGETS[:2] == ["demo", "test"]
    make = shutil.which("make")
    assert make is not None
    shown = subprocess.run([make, "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([a-z]+) +\S", shown, re.MULTILINE) == TARGETS


def test_the_licence_is_the_one_that_is_named() -> None:
    """The whole text: its beginning, its end, and its nine sections."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert text.split("\n")[1:3] == [" " * 33 + "Apache License", " " * 27 + "Version 2.0, January 2004"]
    assert re.findall(r"^   (\d)\. ", text, re.MULTILINE) == list("123456789")
    assert text.endswith("limitations under the License.\n")
