"""Puts each seeded bug into a copy of the project and runs the test that must fail: `make mutants`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from tests.mutants.bank import BANK, Mutant
from tests.support.trust_document import add_layer, tell

ROOT = Path(__file__).parents[2]
WORKERS = 2
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".git", ".venv", ".*_cache", ".hypothesis", "dist")
_ENDLESS = 300
"""Seconds after which a mutant counts as killed: a test that never ends is one that fails."""


class Judgement(NamedTuple):
    """What became of a mutant; `by` is the test that failed first."""

    mutant: Mutant
    killed: bool
    by: str
    seconds: float


def list_tests(mutant: Mutant) -> list[str]:
    """Return the tests that are run against a mutant, as pytest takes them."""
    return [f"tests/{test}" for test in mutant.test.split()]


class Copy:
    """A copy of the project in which one bug at a time is seeded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        shutil.copytree(ROOT, folder, ignore=_LEFT_OUT, dirs_exist_ok=True, symlinks=True)

    @contextmanager
    def seed(self, mutant: Mutant) -> Iterator[None]:
        """Put a bug in, and take it out again."""
        path = self._folder / "reconciler" / mutant.file
        text = path.read_text("utf-8")
        assert text.count(mutant.old) == 1, mutant.name
        try:
            self._write(path, text.replace(mutant.old, mutant.new))
            yield
        finally:
            self._write(path, text)

    def judge(self, mutant: Mutant) -> Judgement:
        """Run the tests of a mutant with it."""
        started = time.monotonic()
        with self.seed(mutant):
            code, output = self._run_tests(list_tests(mutant))
        # 1 is a test that failed; anything else, such as 4 for a test that is not there, proves nothing.
        failed = [line.split(" ")[1] for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return Judgement(mutant, code in (1, 124), failed[0] if failed else "", time.monotonic() - started)

    def _run_tests(self, tests: Sequence[str]) -> tuple[int, str]:
        argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", "-rfE", *tests]
        # The copy comes before the installed package, which is the folder that it was copied from.
        env = {"PATH": os.defpath, "HOME": str(self._folder), "PYTHONPATH": str(self._folder), "COLUMNS": "300"}
        try:
            ran = subprocess.run(
                argv, cwd=self._folder, env=env, capture_output=True, text=True, check=False, timeout=_ENDLESS
            )
        except subprocess.TimeoutExpired:
            return 124, ""
        return ran.returncode, ran.stdout

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, "utf-8")
        # Compiled files are told apart by size and second alone.
        for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            compiled.unlink()


def judge_all(mutants: Sequence[Mutant], workers: int = WORKERS) -> Iterator[Judgement]:
    """Yield what becomes of each mutant, in order."""
    copies: SimpleQueue[Copy] = SimpleQueue()

    def judge(mutant: Mutant) -> Judgement:
        copy = copies.get()
        try:
            return copy.judge(mutant)
        finally:
            copies.put(copy)

    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(workers) as pool:
        for number in range(workers):
            copies.put(Copy(Path(scratch) / str(number)))
        yield from pool.map(judge, mutants)


def summarize_judgements(judgements: Sequence[Judgement], seconds: float) -> dict[str, Any]:
    """Return the layer as `TRUST.json` has it."""
    return {
        "runs": len(judgements),
        "killed": sum(judgement.killed for judgement in judgements),
        "violations": [f"survived: {judgement.mutant.name}" for judgement in judgements if not judgement.killed],
        "seconds": round(seconds),
        "repeat": "python -m tests.mutants.runner",
    }


def main(argv: Sequence[str]) -> int:
    """Judge the whole bank, or the mutants that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.runner", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--trust", metavar="FILE", help="add the result to TRUST.json")
    options, started = parser.parse_args(argv), time.monotonic()
    judgements = []
    for judgement in judge_all([mutant for mutant in BANK if not options.names or mutant.name in options.names]):
        judgements.append(judgement)
        word = "killed  " if judgement.killed else "SURVIVED"
        tell(f"{word} {judgement.seconds:5.1f}s {judgement.mutant.name}  {judgement.by}")
    layer = summarize_judgements(judgements, time.monotonic() - started)
    if options.trust:
        add_layer(Path(options.trust), "mutants", layer)
    tell(f"{layer['killed']} of {layer['runs']} killed in {layer['seconds']} s")
    return 9 if layer["violations"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
