"""The rules' reference: complete, without anything that nobody tells, and with ids that can be relied on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.rules import RULES

PACKAGE = Path(__file__).parents[1] / "reconciler"
RULE_ID = re.compile(r"[a-z]+\.[a-z-]+")


def find_rule_ids(tree: ast.AST) -> Iterator[str]:
    """Yield the constants given as rules: to a diagnostic and an explanation first or by name, to field rules all."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        keywords = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
        if name in {"Diagnostic", "Explanation"}:
            arguments = [*node.args[:1], *keywords]
        elif name == "FieldRules":
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        else:
            continue
        for argument in arguments:
            for part in ast.walk(argument):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def list_used_ids() -> dict[str, str]:
    """Return each rule that stands in the code, with a file in which it does."""
    return {
        rule: str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        for rule in find_rule_ids(ast.parse(path.read_text("utf-8")))
        # The shim of `errors` gives none; it goes with its last caller.
        if rule
    }


def test_every_rule_in_the_code_is_in_the_reference() -> None:
    """Whoever looks up an id from a report finds what it means."""
    assert {rule: file for rule, file in list_used_ids().items() if rule not in RULES} == {}


def test_the_reference_holds_no_rule_that_nobody_tells() -> None:
    """A rule goes with the last place that tells it."""
    assert sorted(RULES.keys() - list_used_ids().keys()) == []


def test_ids_have_one_form_and_meanings_are_sentences() -> None:
    """An area and words in small letters; one sentence, which begins and ends as one."""
    assert [rule for rule in RULES if not RULE_ID.fullmatch(rule)] == []
    assert list(RULES) == sorted(RULES)
    assert [rule for rule, meaning in RULES.items() if not meaning.endswith(".") or "\n" in meaning] == []
    assert len(set(RULES.values())) == len(RULES)
