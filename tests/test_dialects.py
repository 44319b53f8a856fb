"""What differs between the two APIs is a value: nobody asks a target which of them it is."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.apis.connect import find_dialect
from reconciler.apis.csms import CSMS
from reconciler.apis.dialect import Dialect
from reconciler.apis.keyfactor import KEYFACTOR
from reconciler.kinds.registry import KINDS
from reconciler.model import Reply

PACKAGE = Path(__file__).parents[1] / "reconciler"
APIS = frozenset({KEYFACTOR.api, CSMS.api})
OWNERS = ("apis/keyfactor.py", "apis/csms.py", "settings/", "kinds/", "simulator/")
"""The dialects, the settings' own words, the API of a kind, and the other side."""
EXCEPTIONS = {
    "engine/declaration.py": "the targets that documents may name before any settings are there",
    "reports/doctor_schema.py": "the published schema spells out which words a report may hold",
    "cli/commands/demo.py": "asks the simulator for its accounts, which have these names there",
}
"""Who else writes such a word, and why that is no question about a target."""


def find_docstrings(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the texts that stand alone: docstrings, and those below attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def list_modules_that_name_an_api() -> set[str]:
    """Return the modules that hold the name of an API as a text, docstrings aside."""
    modules = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = set(find_docstrings(tree))
        texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in docstrings)
        if any(isinstance(text.value, str) and text.value in APIS for text in texts):
            modules.add(path.relative_to(PACKAGE).as_posix())
    return modules


def test_only_dialects_settings_and_kinds_name_an_api() -> None:
    """Everybody else is handed a dialect, so that a third API, or another version of one, is one new value."""
    strangers = {module for module in list_modules_that_name_an_api() if not module.startswith(OWNERS)}
    assert strangers == EXCEPTIONS.keys()


@pytest.mark.parametrize("dialect", [KEYFACTOR, CSMS], ids=lambda dialect: dialect.api)
def test_a_dialect_is_found_by_what_the_settings_call_it(dialect: Dialect) -> None:
    """And every kind belongs to one."""
    assert find_dialect(dialect.api) is dialect
    assert {kind.api for kind in KINDS.values()} == APIS


ANSWERS = {
    "401": (Reply(401, {}, b""), "refused", "refused"),
    "404": (Reply(404, {}, b""), "absent", "absent"),
    "404 of the gateway": (Reply(404, {}, b'{"error_code": "APIG.0101"}'), "absent", ""),
    "400": (Reply(400, {}, b'{"Message": "no"}'), "", ""),
    "400 for a token": (Reply(400, {}, b'{"error": {"error_code": "CSMS.0301"}}'), "", "refused complaint"),
    "400 for what is not there": (Reply(400, {}, b'{"error": {"error_code": "CSMS.0005"}}'), "", "absent complaint"),
    "429": (Reply(429, {}, b"slow down"), "", ""),
    "429 of the gateway": (Reply(429, {}, b'{"error_code": "APIGW.0308"}'), "not-done", "not-done"),
}
"""What each dialect makes of an answer: first Command's, then CSMS'."""


@pytest.mark.parametrize("name", ANSWERS)
def test_each_dialect_judges_an_answer_for_itself(name: str) -> None:
    """One and the same answer may mean two things."""
    reply, *expected = ANSWERS[name]
    assert [name_judgements(dialect, reply) for dialect in (KEYFACTOR, CSMS)] == expected


def name_judgements(dialect: Dialect, reply: Reply) -> str:
    judgements: dict[str, Callable[[Reply], bool]] = {
        "refused": dialect.has_refused_credentials,
        "absent": dialect.is_absent,
        "complaint": dialect.is_complaint,
        "not-done": dialect.was_definitely_not_done,
    }
    return " ".join(word for word, judge in judgements.items() if judge(reply))


@pytest.mark.parametrize("dialect", [KEYFACTOR, CSMS], ids=lambda dialect: dialect.api)
@pytest.mark.parametrize(("status", "taken"), [(200, True), (302, False), (401, False), (404, True), (429, False)])
def test_what_shows_that_the_credentials_were_taken(dialect: Dialect, status: int, taken: bool) -> None:
    """A redirect may lead to a login, and who throttles has not looked yet."""
    assert dialect.has_taken_credentials(Reply(status, {}, b"")) is taken
