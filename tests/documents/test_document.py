"""Documents: their values, and the places inside them that only errors ask for."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconciler.documents.document import SourceFile
from reconciler.documents.reader import Document, RawScalar, read_documents, validate_value
from reconciler.documents.yaml_events import SCANNER
from reconciler.documents.yaml_reader import read_yaml
from reconciler.errors import InvalidError
from reconciler.settings.schema import SETTINGS_RULES
from tests.manifests.test_hostile import YAMLISH

YAML = """\
# remark
---
kind: Lamp
spec:
  tags: [red, 010]
  parts:
    - name: 'a'
      note: |
        two
        lines
  "quoted": "x"
---
second: document
"""
JSON = '{"kind": "Lamp",\n "spec": {"tags": ["red", 1.0],\n  "parts": [{"name": "a"}]}}\n[{"second": 1}, 5]'


def documents(text: str, file: str = "a.yaml") -> list[Document]:
    """Read documents from text."""
    return read_documents(text.encode(), file)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ((), 3, 1),
        (("kind",), 3, 7),
        (("spec",), 4, 1),
        (("spec", "tags"), 5, 3),
        (("spec", "tags", 0), 5, 10),
        (("spec", "tags", 1), 5, 15),
        (("spec", "tags", 9), 5, 3),
        (("spec", "parts", 0), 7, 7),
        (("spec", "parts", 0, "name"), 7, 13),
        (("spec", "parts", 0, "note"), 8, 13),
        (("spec", "parts", 0, "note", "x"), 8, 13),
        (("spec", "quoted"), 11, 13),
        (("spec", "gone", "deeper"), 4, 1),
    ],
)
def test_a_scalar_is_where_it_is_written_and_a_collection_at_its_key(
    path: tuple[str | int, ...], line: int, column: int
) -> None:
    """A path that leads nowhere gives the deepest place that exists."""
    first, _ = documents(YAML)
    assert first.at(path) == ("a.yaml", line, column)


@pytest.mark.parametrize(
    ("number", "path", "line", "column"),
    [
        (0, (), 1, 2),
        (0, ("spec",), 2, 2),
        (0, ("spec", "tags", 1), 2, 27),
        (0, ("spec", "parts", 0, "name"), 3, 22),
        (1, (), 4, 3),
        (1, ("second",), 4, 13),
        (2, (), 4, 17),
    ],
)
def test_places_in_json_are_found_the_same_way(
    number: int, path: tuple[str | int, ...], line: int, column: int
) -> None:
    """Across documents behind each other and in lists."""
    assert documents(JSON, "a.json")[number].at(path) == ("a.json", line, column)


def test_keys_and_what_was_written_can_be_asked_for() -> None:
    """Quotes are told as a style."""
    first, second = documents(YAML)
    assert first.key(("spec", "quoted")) == ("a.yaml", 11, 3)
    assert first.key(("spec", "tags", 1)) == ("a.yaml", 5, 15)
    assert first.raw(("spec", "tags", 1)) == RawScalar("010", "")
    assert first.raw(("spec", "parts", 0, "name")) == RawScalar("a", "'")
    assert first.raw(("spec", "parts", 0, "note")) == RawScalar("two\nlines\n", "|")
    assert first.raw(("spec",)) is None
    assert second.at(("second",)) == ("a.yaml", 13, 9)
    assert documents(JSON, "a.json")[0].raw(("spec", "tags", 1)) == RawScalar("1.0", "")


@pytest.mark.parametrize(("text", "file"), [(YAML, "a.yaml"), (JSON, "a.json")])
def test_no_place_is_looked_for_until_one_is_asked_for(text: str, file: str) -> None:
    """The second look at the text is kept for the next question."""
    first, *_ = documents(text, file)
    assert "roots" not in vars(first.file)
    first.at(("kind",))
    assert "roots" in vars(first.file)


def test_columns_count_characters() -> None:
    """Not bytes and not UTF-16 units."""
    (one,) = documents("{é💡: 'ü', k: v}\n")
    assert one.at(("k",)) == ("a.yaml", 1, 14)


def test_quoted_and_block_scalars_are_text() -> None:
    """Whatever they look like."""
    (one,) = documents("a: '010'\nb: \"NO\"\nc: |\n  1\nd: >-\n  2027-01-31\ne: 2027-01-31\n")
    assert one.value == {"a": "010", "b": "NO", "c": "1\n", "d": "2027-01-31", "e": date(2027, 1, 31)}


def test_the_problems_of_a_file_come_at_once() -> None:
    """In the order of their places."""
    with pytest.raises(InvalidError) as caught:
        documents("a: &x 1\nb: *x\na: 2\n")
    assert [problem.source.line for problem in caught.value.problems] == [1, 2, 3]


@given(YAMLISH)
def test_both_scanners_of_pyyaml_give_the_same_documents(text: str) -> None:
    """Where libyaml is missing nothing else changes."""
    if "\u202e" in text:
        return
    fast, slow = read_yaml(SourceFile("a.yaml", text), SCANNER), read_yaml(SourceFile("a.yaml", text), yaml.SafeLoader)
    if not (fast[1] or slow[1]):
        assert [(one.value, one.source) for one in fast[0]] == [(one.value, one.source) for one in slow[0]]


BRACES: dict[str, tuple[str, object]] = {
    "a text in braces": ("a:\n  - /x/{b: C d}/  # e\n  - /y/\n", {"a": ["/x/{b: C d}/", "/y/"]}),
    "in quotes": ("a: ['/x/{b: C}/']\n", {"a": ["/x/{b: C}/"]}),
    "without a blank": ("a:\n- /x/{b:C}/\n", {"a": ["/x/{b:C}/"]}),
    "a brace that a comment cuts off": ("a:\n- /x/{b: C #1}/\n", {"a": ["/x/{b: C"]}),
    "a mapping of two": ("a:\n- /x/{b: C\n  d: e\n", {"a": [{"/x/{b": "C", "d": "e"}]}),
    "a number": ("a:\n- /x/{b: 1\n", {"a": [{"/x/{b": 1}]}),
    "no brace": ("a:\n- /x/b: C\n", {"a": [{"/x/b": "C"}]}),
    "no path": ("a:\n- x{b: C\n", {"a": [{"x{b": "C"}]}),
    "not in a list": ("a:\n  /x/{b: C}/\n", {"a": {"/x/{b": "C}/"}}),
    "a list of one in a list": ("a:\n- - /x/\n", {"a": [["/x/"]]}),
}


@pytest.mark.parametrize("scanner", [SCANNER, yaml.SafeLoader])
def test_a_text_that_yaml_takes_for_a_mapping_since_a_brace_opens_in_it_is_put_together(scanner: type) -> None:
    """In a list alone, where no such mapping can be meant; in brackets YAML can't be read, and the way out is told."""
    for name, (text, value) in BRACES.items():
        (one,), problems = read_yaml(SourceFile("a.yaml", text), scanner)
        assert (one.value, problems) == (value, []), name
    _, (problem,) = read_yaml(SourceFile("a.yaml", "a: [/x/, /x/y/{b: C d}/, z]\n"), scanner)
    assert str(problem) == (
        "a.yaml:1:10: a brace opens within a text; in a list in brackets YAML begins a mapping there; "
        "quote the text: '/x/y/{b: C d}/'"
    )


class Env(BaseModel):
    """A secret by its variable."""

    model_config = ConfigDict(strict=True, extra="forbid")
    env: str


class Secret(BaseModel):
    """A secret by its file."""

    model_config = ConfigDict(strict=True, extra="forbid")
    file: str


class Basic(BaseModel):
    """One way to authenticate."""

    model_config = ConfigDict(strict=True, extra="forbid", alias_generator=to_camel)
    type: Literal["basic"]
    user_name: str
    password: Env | Secret


class Token(BaseModel):
    """Another way."""

    model_config = ConfigDict(strict=True, extra="forbid")
    type: Literal["token"]
    token: Env


class Target(BaseModel):
    """Where to."""

    model_config = ConfigDict(strict=True, extra="forbid")
    auth: Annotated[Basic | Token, Field(discriminator="type")]
    timeout: float = 1.0


class Settings(BaseModel):
    """A document of another kind than a manifest."""

    model_config = ConfigDict(strict=True, extra="forbid")
    targets: dict[str, Target]


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{type: basic, userName: x, password: {env: X}}", []),
        (
            "{type: basic, username: x, password: {env: X}}",
            ['2:26: unknown field "username"', "2:6: userName is missing"],
        ),
        ("{type: bearer}", ['2:6: unknown type "bearer" in targets.a.auth; known: basic, token']),
        ("{token: {env: X}}", ["2:6: type is missing in targets.a.auth"]),
        ("{type: basic, userName: x, password: {envv: X}}", ['2:50: unknown field "envv"', "2:39: env is missing"]),
        ("{type: basic, userName: x, password: {file: 5}}", ["2:56: targets.a.auth.password.file reads as a number"]),
        ("{type: basic, userName: x, password: hunter2}", ["2:49: this is text; targets.a.auth.password is a mapping"]),
        ("{type: token, token: hunter2}", ["2:33: this is text; targets.a.auth.token is a mapping"]),
        ("{type: token, token: 12345678}", ["2:33: this is a number; targets.a.auth.token is a mapping"]),
    ],
)
def test_settings_are_validated_with_the_same_words_and_secrets_are_not_quoted(auth: str, expected: list[str]) -> None:
    """Unions tell of the member that was nearly right."""
    (document,) = documents(f"targets:\n a: {{auth: {auth}}}\n")
    found, problems = validate_value(
        Settings, document.value, document, rules=SETTINGS_RULES, secret=frozenset({"password", "token"})
    )
    assert (found is not None) == (not expected)
    told = [f"{problem.source.line}:{problem.source.column}: {problem.message}" for problem in problems]
    assert len(told) == len(expected), told
    for start in expected:
        assert any(line.startswith(start) for line in told), told
    assert not any("hunter2" in line or "12345678" in line for line in told)


@given(
    st.recursive(
        st.none() | st.text(max_size=4) | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(max_size=4), s)
    )
)
def test_a_value_is_either_taken_or_complained_about(value: object) -> None:
    """Never neither."""
    (document,) = documents("a: b\n")
    found, problems = validate_value(Settings, value, document, rules=SETTINGS_RULES)
    assert (found is None) == bool(problems)
