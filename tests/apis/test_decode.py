"""JSON that two programs can only read in one way, and what error bodies say."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apis.decode import NotJson, decode, message
from reconciler.apis.redact import Redactor

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_every_json_value_comes_through(value: object, bulk: bool) -> None:
    assert decode(json.dumps(value).encode(), bulk=bulk) == value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html><title>Sign in</title>", "web page"),
        (b"  <?xml version='1.0'?>", "web page"),
        (b"{", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'"\xff"', "not UTF-8"),
        ('{"a": "ü"}'.encode("latin-1"), "not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b'{"Id": 1, "Id": 2}', "twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "twice"),
        (b"NaN", "NaN"),
        (b'{"a": -Infinity}', "NaN"),
        (b"1e999", "too large"),
        (b"9223372036854775808", "too large"),
        (b"-9223372036854775809", "too large"),
        (b"1" * 6000, "too large"),
        (b"[" * 65 + b"]" * 65, "nested"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested"),
        (b"[" * 100_000, "nested"),
        (b"\x00", "not JSON"),
        (b'"\x01"', "not JSON"),
    ],
)
def test_a_hostile_body_is_named_and_not_taken(body: bytes, words: str) -> None:
    with pytest.raises(NotJson, match=words):
        decode(body)


def test_64_levels_are_deep_enough() -> None:
    assert decode(b"[" * 64 + b"]" * 64)


@given(st.binary())
def test_no_bytes_whatever_bring_a_traceback(body: bytes) -> None:
    message(body)
    with suppress(NotJson):
        decode(body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"ErrorCode": "0xA0110007", "Message": "no such role"}', "0xA0110007: no such role"),
        (b'{"message": "lower"}', "lower"),
        (
            b'{"Message": "some failed", "FailedOperations": [{"Reason": "a"}, {"Reason": "b"}, 5]}',
            "some failed: a: b",
        ),
        (b'{"error": {"error_code": "CSMS.0002", "error_msg": "bad"}}', "CSMS.0002: bad"),
        (b'{"error_msg": "throttled", "error_code": "APIGW.0308", "request_id": "x"}', "APIGW.0308: throttled"),
        (b'{"error": {"code": 401, "message": "wrong password", "title": "Unauthorized"}}', "wrong password"),
        (b'{"error": "invalid_client", "error_description": "unknown"}', "invalid_client: unknown"),
        (b'"plain"', "plain"),
        (b"plain text", "plain text"),
        (b"<html>", ""),
        (b"[]", ""),
        (b'{"error": 5, "Message": null}', ""),
        (b"", ""),
    ],
)
def test_what_an_error_says_is_found_in_every_shape(body: bytes, said: str) -> None:
    assert message(body) == said


SECRET = 'p@ss/"wörd"+1'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        "cEBzcy8id8O2cmQiKzE=",
        "cEBzcy8id8O2cmQiKzE",
        "p%40ss%2F%22w%C3%B6rd%22%2B1",
        "p%40ss/%22w%C3%B6rd%22%2b1",
        'p@ss/\\"w\\u00f6rd\\"+1',
        'p@ss/\\"wörd\\"+1',
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
    ],
)
def test_a_secret_is_blotted_out_in_every_form(form: str) -> None:
    redact = Redactor()
    redact.learn("other-secret", SECRET)
    assert redact(f"before {form} after") == "before *** after"
    assert redact.bytes(f"before {form} after".encode()) == b"before *** after"


def test_a_secret_at_the_cut_leaves_no_half_behind() -> None:
    redact = Redactor()
    redact.learn("hunter22hunter22")
    for before in range(300):
        assert "hunter" not in redact.line("x" * before + "hunter22hunter22" + "y" * 400)


def test_foreign_text_is_made_visible_on_one_short_line() -> None:
    line = Redactor().line("a\x1b[31m\n\u202eb" + "x" * 1000)
    assert line.startswith("a\\x1b[31m\\n\\u202eb")
    assert len(line) < 330


def test_short_words_and_unknown_bytes_are_left_alone() -> None:
    redact = Redactor()
    redact.learn("", "a", "abc")
    assert redact("abc a") == "abc a"
    redact.learn("hunter22")
    assert redact.bytes(b"\xff\xfe hunter22") == b"\xff\xfe ***"
