"""The rules' reference: complete, without anything that nobody tells, and with ids that can be relied on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.event_names import RunEventName
from reconciler.rules import RULES

PACKAGE = Path(__file__).parents[1] / "reconciler"
RULE_ID = re.compile(r"[a-z]+\.[a-z-]+")
AREAS = frozenset(rule.partition(".")[0] for rule in RULES)
FILE_NAME = re.compile(r".*\.(json|yaml|csv)")
"""What looks like a rule and is none; events, which look alike as well, are the other."""


def find_texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts that stand in a piece of code."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def find_rule_arguments(tree: ast.AST) -> Iterator[str]:
    """Yield the texts that diagnostics and explanations are given as their rule, whatever their form."""
    for node in ast.walk(tree):
        name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and name in {"Diagnostic", "Explanation"}:
            for argument in (*node.args[:1], *(entry.value for entry in node.keywords if entry.arg == "rule")):
                # What a condition chooses is a rule as well; what a subscript or another call is given is none.
                choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                yield from (
                    text for choice in choices if isinstance(choice, ast.Constant) for text in find_texts(choice)
                )


def find_rule_ids(tree: ast.AST) -> Iterator[str]:
    """Yield what is given as a rule, and what looks like one of a known area: ids go through names and calls, too."""
    yield from find_rule_arguments(tree)
    for text in find_texts(tree):
        is_other = FILE_NAME.fullmatch(text) or text in set(RunEventName)
        if RULE_ID.fullmatch(text) and text.partition(".")[0] in AREAS and not is_other:
            yield text


def list_used_ids() -> dict[str, str]:
    """Return each rule that stands in the code, with a file in which it does."""
    return {
        rule: str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if path.name != "rules.py"
        for rule in find_rule_ids(ast.parse(path.read_text("utf-8")))
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
