"""JSON that two programs can only read in one way, and what error bodies say."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.transport.strict_json import UnusableJson, decode_json, read_error_message

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
    assert decode_json(json.dumps(value).encode(), bulk=bulk) == value


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
        (b"\xef\xbb\xbf{}", "byte order mark"),
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
    with pytest.raises(UnusableJson, match=words):
        decode_json(body)


def test_64_levels_are_deep_enough() -> None:
    assert decode_json(b"[" * 64 + b"]" * 64)


@given(st.binary())
def test_no_bytes_whatever_bring_a_traceback(body: bytes) -> None:
    read_error_message(body)
    with suppress(UnusableJson):
        decode_json(body)


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
        (
            b'{"title": "One validation error.", "status": 400, "errors": {"$.Name": ["is too long"]}}',
            "One validation error.: $.Name: is too long",
        ),
        (
            b'{"type": "about:blank", "title": "Not Found", "detail": "no such API", "errors": 5}',
            "Not Found: no such API",
        ),
        (b'{"title": "t", "errors": {"a": "b", "c": [1, "d"]}}', "t: c: d"),
        (b'\xef\xbb\xbf{"Message": "with a mark"}', "with a mark"),
        ("in two bytes each".encode("utf-16-le"), "in two bytes each"),
        (b"", ""),
        (b"x" * 5000, "x" * 5000),
    ],
)
def test_what_an_error_says_is_found_in_every_shape(body: bytes, said: str) -> None:
    assert read_error_message(body) == said
