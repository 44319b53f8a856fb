"""What is written is read back, by this reader and by others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.documents.characters import explain_unsafe_text
from reconciler.documents.reader import read_documents
from reconciler.documents.writer import format_yaml, format_yaml_text

READABLE = st.text(max_size=30).filter(lambda value: not explain_unsafe_text(value))
SCALARS = (
    READABLE
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.none()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(READABLE, inner, max_size=4), max_leaves=15
)
DOCUMENTS = st.dictionaries(READABLE, VALUES, min_size=1, max_size=4)


def test_a_manifest_looks_as_a_person_would_write_it() -> None:
    """Block style, the keys in the order given, remarks above."""
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "SecurityRole",
        "metadata": {"name": "PKI Operators", "labels": {}},
        "spec": {
            "description": "Day-to-day: all of it",
            "permissions": ["/portal/read/", "/security/"],
            "claims": [{"type": "User", "value": "CORP\\svc", "provider": "on"}, {"type": "Group"}],
            "enabled": True,
            "ids": [],
            "until": date(2027, 1, 31),
        },
    }
    expected = """\
# one claim was left out
# its provider is unknown
apiVersion: reconciler/v1
kind: SecurityRole
metadata:
  name: PKI Operators
  labels: {}
spec:
  description: "Day-to-day: all of it"
  permissions:
    - /portal/read/
    - /security/
  claims:
    - type: User
      value: 'CORP\\svc'
      provider: "on"
    - type: Group
  enabled: true
  ids: []
  until: 2027-01-31
---
kind: b
"""
    remarks = [["one claim was left out\nits provider is unknown"]]
    assert format_yaml([document, {"kind": "b"}], remarks) == expected
    assert format_yaml([]) == ""


WORDS = """NO on y 010 1e3 1_000 22:22 0x1F .5 ~ null 2027-01-31 << = - ? : #
& * ! | > % @ ` [ ] { } , ' " \\ true 1.5 ..."""
PHRASES = ["é", "", " ", "a ", " a", "a: b", "a #b", "a:", "- a", "a\nb", "a\tb", "a\r\nb", "--- a", "a  b"]


@pytest.mark.parametrize("value", [*WORDS.split(), *PHRASES])
def test_what_could_be_taken_for_something_else_is_quoted(value: str) -> None:
    """The witness for YAML 1.1 is PyYAML."""
    assert format_yaml_text(value)[0] in "\"'"
    assert yaml.safe_load(format_yaml_text(value)) == value


def test_a_comment_stands_behind_its_entry_and_is_read_over() -> None:
    """By path; whatever it holds stays on its line, and says nothing to a reader."""
    documents: list[dict[str, Any]] = [
        {"spec": {"thumbprints": ["AB", "CD"], "owner": "x", "claims": [{"type": "User"}]}},
        {"kind": "Lamp"},
    ]
    comments: list[Mapping[tuple[str | int, ...], str]] = [
        {
            ("spec", "thumbprints", 1): "www.example.com\nowner: evil",
            ("spec", "thumbprints", 0): "",
            ("spec", "owner"): "\u202egnp",
            ("spec", "claims", 0, "type"): "a #b",
        }
    ]
    text = format_yaml(documents, [["head"]], comments)

    assert (
        text
        == """\
# head
spec:
  thumbprints:
    - AB
    - CD  # www.example.com\\nowner: evil
  owner: x  # \\u202egnp
  claims:
    - type: User  # a #b
---
kind: Lamp
"""
    )
    assert [document.value for document in read_documents(text.encode(), "t.yaml")] == documents


@given(st.lists(DOCUMENTS, max_size=3))
@example([{"a": -0.0, "b": 5e-324, "c": 1.7976931348623157e308, "d": 1e22, "e": 10**299}])
@example([{"y": {"n": [[[]], [{}], [[{"a": []}]]]}}])
def test_what_is_dumped_reads_back_equal(documents: list[dict[str, Any]]) -> None:
    """Types and order of keys included."""
    found = [one.value for one in read_documents(format_yaml(documents).encode(), "a.yaml")]
    assert found == documents
    assert repr(found) == repr(documents)


@given(st.dictionaries(READABLE, READABLE | st.lists(READABLE, max_size=3), min_size=1, max_size=4))
def test_other_readers_of_yaml_find_the_same_text(document: dict[str, Any]) -> None:
    """No text turns into a number, a date or nothing on the way."""
    assert yaml.safe_load(format_yaml([document])) == document


@pytest.mark.parametrize(
    "value", ["a\u202eb", "a\x00b", "e\u0301", "a\rb", "x" * 70_000, float("nan"), float("inf"), 10**300]
)
def test_what_could_not_be_read_again_is_not_written(value: object) -> None:
    """Export says so instead."""
    with pytest.raises(ValueError):
        format_yaml([{"a": value}])


@pytest.mark.parametrize("value", [{1, 2}, b"x", object()])
def test_what_has_no_form_is_not_written(value: object) -> None:
    """Sets have no order, so their text would change from run to run."""
    with pytest.raises(TypeError):
        format_yaml([{"a": value}])


def test_keys_are_short_text() -> None:
    """A key of more than 1024 characters can't be read by any YAML reader."""
    keys: list[Any] = [1, None, "x" * 201]
    for key in keys:
        with pytest.raises(ValueError, match="a key is text"):
            format_yaml([{key: "a"}])


def test_remarks_can_not_break_out_of_their_comment() -> None:
    """They may quote what a server said."""
    assert format_yaml([{"a": "b"}], [["x\r\u2028\x1b[2J"]]) == "# x\\r\\u2028\\x1b[2J\na: b\n"
