"""The bank stays true while the code moves on; whether each bug is seen, `make mutants` tells."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.mutants.bank import BANK, Mutant

ROOT = Path(__file__).parents[2]
LEAST = 50


def test_there_are_enough_and_each_has_its_name() -> None:
    assert len(BANK) >= LEAST
    assert [name for name, count in Counter(mutant.name for mutant in BANK).items() if count > 1] == []


@pytest.mark.parametrize("mutant", BANK, ids=[mutant.name for mutant in BANK])
def test_a_mutant_is_a_bug_that_can_be_seeded(mutant: Mutant) -> None:
    """What it replaces stands there exactly once, and leaves a program; the test that must see it exists."""
    text = (ROOT / "reconciler" / mutant.file).read_text("utf-8")
    assert text.count(mutant.old) == 1
    ast.parse(text.replace(mutant.old, mutant.new))
    file, _, function = mutant.test.partition("[")[0].partition("::")
    assert function in list_functions(ROOT / "tests" / file)


@cache
def list_functions(file: Path) -> frozenset[str]:
    """Return the names of the functions of a file."""
    return frozenset(node.name for node in ast.parse(file.read_text("utf-8")).body if isinstance(node, ast.FunctionDef))
