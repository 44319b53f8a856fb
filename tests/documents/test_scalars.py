"""What unquoted text says: nothing that two readers of YAML disagree about becomes a value."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.scalars import Ambiguous, resolve_scalar

VALUES: list[tuple[str, Any]] = [
    ("true", True),
    ("false", False),
    ("0", 0),
    ("7", 7),
    ("-7", -7),
    ("2147483648", 2147483648),
    ("1.5", 1.5),
    ("-0.25", -0.25),
    ("2027-01-31", date(2027, 1, 31)),
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    *[
        (text, text)
        for text in (
            "text",
            "No way",
            "nope",
            "truely",
            "1.2.3",
            "1st",
            "12:60",
            "2027-W05",
            "-",
            "+",
            ".",
            "_1",
            "0x",
            "0b2",
            "e5",
            "1e",
            "5B7EFF",
            "urn:smn:cn-north-4:0123:pki",
            "/portal/read/",
            "CORP\\svc",
            "a b",
            "infinity",
            "nan",
            "<",
            "==",
            "Nothing",
            "None",
        )
    ],
]

AMBIGUOUS = {
    "the boolean true": "y Y yes Yes YES True TRUE on On ON",
    "the boolean false": "n N no No NO False FALSE off Off OFF",
    "an octal number": "010 0777 00 0o17 -01 +07 0_7",
    "a number": "+1 -0 1_000 1e3 1E3 1e-3 1.5e3 1. .5 -.5 08 09 007.5 +1.5 0_1.5 6.02e+23 1_0.5",
    "a hexadecimal number": "0x1F 0X1f -0x1 0x_",
    "a binary number": "0b101 -0b1",
    "a number in base 60": "22:22 1:30 190:20:30 1:30.5 -1:30",
    "infinity": ".inf -.inf +.Inf .INF",
    '"not a number"': ".nan .NaN .NAN",
    "a date or time": "2027-1-31 2027-01-31T10:00:00Z 2027-01-31t10:00:00.5+01:00",
    "a date that is not in the calendar": "2027-02-30 2027-13-01 0000-01-01",
    "a merge key": "<<",
    "a default value": "=",
}


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_what_everybody_reads_alike_is_a_value(text: str, value: Any) -> None:
    """The type counts too: 1 is not true."""
    assert resolve_scalar(text) == value
    assert type(resolve_scalar(text)) is type(value)


@pytest.mark.parametrize(
    ("text", "reading"), [(text, reading) for reading, texts in AMBIGUOUS.items() for text in texts.split()]
)
def test_what_readers_disagree_about_stays_ambiguous(text: str, reading: str) -> None:
    """It fits no field, and says what it would have been."""
    found = resolve_scalar(text)
    assert isinstance(found, Ambiguous)
    assert (found.text, found.reads_as) == (text, reading)


def test_a_number_beyond_what_python_converts_is_no_number() -> None:
    """Python refuses to convert more than 4300 digits."""
    assert isinstance(resolve_scalar("1" * 4000), int)
    assert isinstance(resolve_scalar("1" * 4001), Ambiguous)
    assert isinstance(resolve_scalar("1" * 500 + ".0"), Ambiguous)


@pytest.mark.parametrize("text", ["2" * 309 + ".0", "1" * 310 + ".5", "-" + "1" * 310 + ".5", "1" * 397 + ".0"])
def test_a_number_beyond_a_double_is_no_infinity(text: str) -> None:
    """A double holds up to 1.8e308, and Python's conversion says nothing."""
    assert float(text) in {math.inf, -math.inf}
    assert isinstance(resolve_scalar(text), Ambiguous)
    assert resolve_scalar("1" * 309 + ".5") == float("1" * 309)


NUMERIC = st.text("0123456789+-._:eExXoObaAfF~<= tTzZ", min_size=1, max_size=12)


@given(NUMERIC | st.sampled_from(" ".join(AMBIGUOUS.values()).split()))
def test_what_yaml_1_1_does_not_read_as_text_is_never_text(text: str) -> None:
    """PyYAML's own resolver is the witness for YAML 1.1."""
    loader: Any = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, text, (True, False))
    if tag != "tag:yaml.org,2002:str":
        assert not isinstance(resolve_scalar(text), str)


@given(NUMERIC)
def test_what_json_reads_as_a_number_is_that_number_or_ambiguous(text: str) -> None:
    """A value is never another value than the one that Python's own conversion gives."""
    found = resolve_scalar(text)
    if type(found) in {int, float}:
        assert found == float(text) if isinstance(found, float) else found == int(text)
