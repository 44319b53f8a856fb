"""`python -m tests.smoke DIST`: what is in the wheel, and that it runs where nothing but its pinned dependencies is.

It fetches those from a package registry, so it is no test of `make test`.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from collections.abc import Iterable
from pathlib import Path
from zipfile import ZipFile

from reconciler import __version__

ROOT = Path(__file__).parents[1]


def find_mistakes(names: Iterable[str], sources: Iterable[str]) -> list[str]:
    """Return what is wrong with a wheel's table of contents, given the files of the package's folder."""
    files = {name for name in names if ".dist-info/" not in name}
    expected = {name for name in sources if "__pycache__" not in name}
    licence = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    mistakes = [f"{name} is missing" for name in sorted(expected - files)]
    mistakes += [f"{name} has no business there" for name in sorted(files - expected)]
    return mistakes + ([] if licence else ["the licence is missing"])


def read_distribution_name() -> str:
    """Return the distribution's name as the files of `dist/` spell it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return re.sub(r"[-_.]+", "_", project["name"])


def run_from_wheel(wheel: Path, folder: Path) -> None:
    """Install the wheel as docs/ci.md says, into an environment of its own, and tell the story from it."""
    venv.create(folder / "venv", with_pip=True)
    bin_ = folder / "venv" / "bin"
    pip = (bin_ / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    pinned = ("--require-hashes", "--only-binary", ":all:", "--requirement", ROOT / "constraints.txt")
    for command in (
        (*pip, *pinned),
        (*pip, "--no-deps", "--no-index", wheel),
        (bin_ / "python", "-m", "pip", "check"),
        (bin_ / "reconciler", "--version"),
        (bin_ / "reconciler", "demo"),
        (bin_ / "reconciler", "init", "repository", "--ci", "github", "--from", "examples"),
        (bin_ / "reconciler", "validate", "repository/manifests", "--config", "repository/reconciler.yaml"),
    ):
        subprocess.run(command, cwd=folder, check=True)


def main(dist: Path) -> int:
    """Check the wheel and the source archive of this version, alone in `dist`; returns 1 if the wheel is not right."""
    stem = f"{read_distribution_name()}-{__version__}"
    wheel = dist.resolve() / f"{stem}-py3-none-any.whl"
    assert sorted(path.name for path in dist.iterdir()) == [wheel.name, f"{stem}.tar.gz"]
    sources = (str(path.relative_to(ROOT)) for path in (ROOT / "reconciler").rglob("*") if path.is_file())
    with ZipFile(wheel) as archive:
        mistakes = find_mistakes(archive.namelist(), sources)
    if mistakes:
        sys.stderr.write("\n".join([f"{wheel.name}:", *mistakes, ""]))
        return 1
    with tempfile.TemporaryDirectory() as folder:
        run_from_wheel(wheel, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
