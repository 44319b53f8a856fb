"""What stands around the code holds what it promises: make targets, pins, hooks, the workflow, the papers."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from reconciler import __version__
from tests.smoke import find_mistakes

ROOT = Path(__file__).parents[1]
PYPROJECT: Mapping[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: Mapping[str, Any] = PYPROJECT["project"]
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
PINS = (ROOT / "constraints.txt").read_text("utf-8")
PIN = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ; [^\\\n]+)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
PINNED = {name: Version(version) for name, version, _ in PIN.findall(PINS)}
IMAGE_PINS = (ROOT / "constraints-image.txt").read_text("utf-8")
BUILD_PINS = (ROOT / "constraints-build.txt").read_text("utf-8")
WORKFLOW: Mapping[str, Any] = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))
USERS_HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
OWN_HOOKS: Mapping[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))


def read_all_text() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every file under version control, as far as it is text."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no checkout")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.split("\0")[:-1]:
        if (ROOT / name).is_file():
            yield name, (ROOT / name).read_text("utf-8", errors="replace")


def find_make_targets(command: str) -> list[str]:
    """Return the targets that a line makes; empty if it makes none."""
    program, *words = shlex.split(command)
    return words if program == "make" else []


def test_every_target_is_phony_and_tells_what_it_does() -> None:
    """Else a file of its name would stop it, or nobody would find it."""
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert sorted(phony.split()) == sorted(TARGETS)
    assert TARGETS[:2] == ["demo", "test"]
    make = shutil.which("make")
    assert make is not None
    shown = subprocess.run([make, "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^make ([a-z-]+) +\S", shown, re.MULTILINE) == TARGETS


def test_every_runtime_dependency_is_pinned_with_hashes_in_its_range() -> None:
    """By version and hash, within what pyproject asks for."""
    for line in PROJECT["dependencies"]:
        wanted = Requirement(line)
        assert PINNED[canonicalize_name(wanted.name)] in wanted.specifier, line


def test_what_the_dependencies_need_is_pinned_too() -> None:
    """In hash mode pip installs nothing that has no hash: one name that is missing would stop it."""
    needed, left = set[str](), [canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]]
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            each = [Requirement(line) for line in requires(name) or ()]
            left += [canonicalize_name(one.name) for one in each if not one.marker or one.marker.evaluate()]
    assert needed <= set(PINNED)


def test_the_image_has_the_same_pins_and_those_of_its_extras() -> None:
    """So that what runs in a job and what runs in a container are one thing; and what builds it is pinned too."""
    pinned = {name: Version(version) for name, version, _ in PIN.findall(IMAGE_PINS)}
    assert {name: pinned.get(name) for name in PINNED} == PINNED
    for line in (line for extra in PROJECT["optional-dependencies"].values() for line in extra):
        wanted = Requirement(line)
        assert pinned[canonicalize_name(wanted.name)] in wanted.specifier, line
    (build,) = map(Requirement, PYPROJECT["build-system"]["requires"])
    built_by = {name: Version(version) for name, version, _ in PIN.findall(BUILD_PINS)}
    assert list(built_by) == [build.name]
    assert built_by[build.name] in build.specifier


@pytest.mark.parametrize("pins", [PINS, IMAGE_PINS, BUILD_PINS], ids=["run", "image", "build"])
def test_the_pins_name_no_index_and_no_path(pins: str) -> None:
    """Nothing stands there but pins, hashes and who needs them, so the file is the same wherever it was made."""
    rest = PIN.sub("", pins)
    assert len(PIN.findall(pins)) == len(re.findall(r"^[^#\s]", pins, re.MULTILINE))
    comment = r"#( +via( [\w-]+( \(pyproject\.toml\))?)?| {3}[\w-]+( \(pyproject\.toml\))?| {4}make constraints)?"
    header, *comments = rest.splitlines()
    assert header.startswith("# This file was autogenerated by ")
    assert [line for line in comments if not re.fullmatch(comment, line.strip())] == []


def test_no_file_names_a_package_index() -> None:
    """What is fetched comes from wherever the machine that fetches was told to look."""
    hosts = re.compile(r"py[p]i\.org|python[h]osted\.org|--(?:extra-)?index-url")
    found = {name: hosts.findall(text) for name, text in read_all_text() if name != f"tests/{Path(__file__).name}"}
    assert {name: hits for name, hits in found.items() if hits} == {}


def test_the_wheel_s_contents_are_the_package_and_the_licence() -> None:
    """One file that is missing, one of the tests, and no licence are found."""
    sources = ["reconciler/py.typed", "reconciler/demo/manifests/roles.yaml", "reconciler/__pycache__/x.pyc"]
    licence = "pki_reconciler-0.1.0.dist-info/licenses/LICENSE"
    assert find_mistakes([*sources[:2], licence], sources) == []
    assert find_mistakes([sources[0], "tests/smoke.py"], sources) == [
        "reconciler/demo/manifests/roles.yaml is missing",
        "tests/smoke.py has no business there",
        "the licence is missing",
    ]


def test_the_licence_is_the_one_that_is_named() -> None:
    """The whole text: its beginning, its end, and its nine sections."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert (PROJECT["license"], PROJECT["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert text.split("\n")[1:3] == [" " * 33 + "Apache License", " " * 27 + "Version 2.0, January 2004"]
    assert re.findall(r"^   (\d)\. ", text, re.MULTILINE) == list("123456789")
    assert text.endswith("limitations under the License.\n")


def test_the_changelog_has_the_version_that_this_is() -> None:
    """Unreleased first, then the releases, the newest of them this one."""
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", __version__]


def test_the_architecture_names_every_room() -> None:
    """In a row of its table: each package and module, and none that isn't there."""
    package = ROOT / "reconciler"
    rooms = {f"{path.name}/" for path in package.iterdir() if path.is_dir() and path.name != "__pycache__"}
    rooms |= {path.stem for path in package.glob("[!_]*.py")}
    rows = re.findall(r"^\| (`[^|]+) \|", (ROOT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`([^`]+)`", row)) == sorted(rooms)


def test_the_workflow_runs_what_a_developer_runs() -> None:
    """Every command is of make, together they are `make test` and what is released, and each Python named is tried."""
    lines = [step["run"] for job in WORKFLOW["jobs"].values() for step in job["steps"] if "run" in step]
    made = [target for line in lines for target in find_make_targets(line)]
    (tested,) = re.findall(r"^test: ([a-z ]+?) ##", MAKEFILE, re.MULTILINE)
    assert sorted(made) == sorted([*tested.split(), "smoke", "docs", "image", "sbom"])
    assert all(map(find_make_targets, lines))
    named = re.findall(r":: (3\.\d+)", "\n".join(PROJECT["classifiers"]))
    assert set(named) <= set(WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"])
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_workflow_pins_what_the_guides_pin() -> None:
    """One commit for an action, wherever it is used."""
    pins: dict[str, set[str]] = {}
    for folder in (ROOT, ROOT / "examples/09-gitops-repository"):
        for path in (folder / ".github/workflows").iterdir():
            for action, pin in re.findall(r"uses: ([\w/-]+)@(.*)$", path.read_text("utf-8"), re.MULTILINE):
                pins.setdefault(action, set()).add(pin)
    assert {action: found for action, found in pins.items() if len(found) != 1} == {}
    assert all(re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", pin) for found in pins.values() for pin in found)


def test_the_hooks_of_contributors_are_make_targets() -> None:
    """The same checks as CI's, with the tools of .venv: nothing is fetched."""
    hooks = [hook for repository in OWN_HOOKS["repos"] for hook in repository["hooks"]]
    assert {repository["repo"] for repository in OWN_HOOKS["repos"]} == {"local"}
    for hook in hooks:
        (target,) = find_make_targets(hook["entry"])
        assert target in TARGETS
        assert hook["id"] == target
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)
        assert set(hook) <= {"id", "name", "entry", "language", "pass_filenames", "types_or", "files"}


def test_the_hook_of_users_is_what_pre_commit_takes() -> None:
    """Its required members, and the command that pyproject installs."""
    (hook,) = USERS_HOOKS
    assert set(hook) == {"id", "name", "description", "entry", "language", "pass_filenames", "types_or"}
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    assert shlex.split(hook["entry"])[0] in PROJECT["scripts"]


@pytest.mark.parametrize(("change", "code"), [(("", ""), 0), (("kind: SecurityRole", "kind: SecurityRoll"), 4)])
def test_the_hook_of_users_runs(change: tuple[str, str], code: int, tmp_path: Path) -> None:
    """In a repository of manifests, as it stands: what is right passes, and what is wrong stops the commit."""
    shutil.copytree(ROOT / "examples/09-gitops-repository", tmp_path, dirs_exist_ok=True)
    roles = tmp_path / "manifests/command/roles.yaml"
    roles.write_text(roles.read_text("utf-8").replace(*change), "utf-8")
    program, *words = shlex.split(USERS_HOOKS[0]["entry"])
    command = [str(Path(sys.executable).with_name(program)), *words]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stdout + done.stderr
