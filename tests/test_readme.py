"""The README is held to its word: its tables are the tool's, its YAML is read, and what it says to type is typed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import jsonschema
import pytest
import yaml
from referencing import Registry, Resource

from reconciler.cli.commands import cli
from reconciler.errors import EXIT_MEANINGS
from reconciler.kinds.registry import KINDS
from reconciler.manifests.load import load_manifests
from reconciler.schema import build_schemas
from reconciler.settings.load import load_settings
from tests.support.declared_targets import TARGETS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""What a newcomer's shell is sure to have."""
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TRIED = re.findall(r"(?:^    .*\n)+", README.partition("## Try it")[2].partition("\n## ")[0], re.MULTILINE)
"""The indented blocks under "Try it": make, the server, the commands."""


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table whose heading this is."""
    after = README.partition(heading + "\n")[2].splitlines()[1:]
    lines = after[: next((at for at, line in enumerate(after) if not line.startswith("|")), len(after))]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_table_of_exit_codes_is_the_tool_s() -> None:
    """Each code with its name and its meaning, in order, and no other."""
    told = [(int(code), name, when) for code, name, when in rows("| code | name | when |")]
    assert told == [(int(code), code.word, meaning) for code, meaning in EXIT_MEANINGS.items()]


def test_the_table_of_commands_names_those_that_exist() -> None:
    """Every command is told of, and none that isn't there; each flag that is named is one of its command's."""
    named: dict[str, set[str]] = {}
    for cell, _ in rows("| command | what it does |"):
        for typed in re.findall(r"`([^`]+)`", cell):
            word = typed.removeprefix("reconciler ").split()[0]
            named.setdefault(word, set()).update(re.findall(r"--[a-z-]+", typed))
    assert set(named) == set(cli.commands)
    for word, flags in named.items():
        options = {option for one in cli.commands[word].params if isinstance(one, click.Option) for option in one.opts}
        assert flags <= options, word


def test_the_table_of_kinds_names_those_that_exist() -> None:
    """Every kind, and none that isn't there."""
    assert {cells[0].strip("`") for cells in rows("| kind | what it manages | how it is found | requests |")} == set(
        KINDS
    )


def _blocks() -> Iterator[tuple[str, str]]:
    for block in BLOCKS:
        yield block, yaml.safe_load(block)["kind"]


@pytest.mark.parametrize(("block", "kind"), list(_blocks()), ids=lambda value: value if "\n" not in value else "")
def test_every_yaml_block_is_what_it_claims(tmp_path: Path, block: str, kind: str) -> None:
    """It fulfils the schema that an editor would use, and the tool reads it without a complaint."""
    shapes = build_schemas(KINDS)
    registry: Registry = Registry().with_resources((n, Resource.from_contents(s)) for n, s in shapes.items())
    value = json.loads(json.dumps(yaml.safe_load(block), default=str))
    jsonschema.validate(value, shapes["settings.json" if kind == "Settings" else f"{kind}.json"], registry=registry)
    if kind == "Settings":
        (tmp_path / "reconciler.yaml").write_text(block)
        assert set(load_settings(None, env={}, cwd=tmp_path, kinds=KINDS).targets) == {"command", "csms"}
    else:
        (tmp_path / "it.yaml").write_text(block)
        loaded = load_manifests([tmp_path], kinds=KINDS, targets=TARGETS, may_be_empty=True)
        assert len((*loaded.documents, *loaded.directives)) == 1


def test_there_is_a_block_of_settings_and_one_of_manifests() -> None:
    """So that the test above is about something."""
    assert {"Settings", "SecurityRole"} <= {kind for _, kind in _blocks()}


def test_every_make_target_that_is_named_exists() -> None:
    """In a block or in a sentence."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^    make ([a-z]+)|`make ([a-z]+)`", README, re.MULTILINE))
    assert {"demo", "test", "bench"} <= {first or second for first, second in named} <= targets


def test_every_path_that_is_named_exists() -> None:
    """Folders and files in backquotes that look like ours."""
    paths = [path for path in re.findall(r"`([a-z_]+(?:/[\w<>.-]*)+)`", README) if "<" not in path]
    assert {"examples/", "schemas/report.json", "reconciler/kinds/"} <= set(paths)
    own = [path for path in paths if path.split("/")[0] in {"examples", "schemas", "reconciler", "tests"}]
    assert [path for path in own if not (ROOT / path).exists()] == []


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Path]:
    """A folder as a newcomer has it, with `.venv/bin/` as `make` leaves it, and the server of the first terminal."""
    serve = next(block for block in TRIED if "simulate" in block).strip()
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "reconciler").symlink_to(Path(sys.executable).parent / "reconciler")
    (tools / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tools / "python").chmod(0o755)
    (tools / "activate").write_text(f'PATH="{tools}:$PATH"\n')
    server = subprocess.Popen(["bash", "-c", f"exec {serve}"], cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "sim.json").exists():
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield tmp_path
    finally:
        server.send_signal(signal.SIGINT)
        _, told = server.communicate(timeout=30)
    assert told.decode().splitlines()[-1] == "exit 130: interrupted"
    assert not (tmp_path / "sim.json").exists()


def test_what_it_says_to_try_works(shell: Path) -> None:
    """The second terminal, line by line in bash: each does what the comment beside it says."""
    script = next(block for block in TRIED if "export CONFIG" in block)
    bash = shutil.which("bash")
    assert bash is not None
    ran = subprocess.run(
        [bash, "-euo", "pipefail", "-c", script],
        cwd=shell, env=ENVIRONMENT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    codes = re.findall(r"^exit (\d+): ", ran.stderr, re.MULTILINE)
    assert codes == ["0"] * script.count("    reconciler ")
    first, *_, last = re.findall(r"^In sync: compared (\d+) of \1", ran.stdout, re.MULTILINE)
    assert (
        first == last == str(len(re.findall("^kind: ", (shell / "manifests" / "roles.yaml").read_text(), re.MULTILINE)))
    )
    assert re.search(r"^1 to update; \d+ in sync; 1 high risk", ran.stdout, re.MULTILINE)
    assert '- "/reports/read/"' in ran.stdout
    assert '+ "/reports/modify/"' in ran.stdout
    assert "Applied: 1 change, each confirmed by reading back." in ran.stdout
    (step,) = json.loads((shell / "plan.json").read_bytes())["steps"]
    assert [change["path"] for change in step["changes"]] == ["permissions"]
