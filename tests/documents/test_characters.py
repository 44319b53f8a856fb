"""What can't be seen is refused wherever it stands, and is always shown escaped."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic
from reconciler.documents.characters import explain_unsafe_text
from reconciler.documents.reader import parse_documents, read_documents
from reconciler.errors import InvalidError
from reconciler.sanitize import escape_and_shorten, escape_invisible

UNSEEN = [
    *map(chr, [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)]),
    *"\u00ad\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060",
    *"\u2066\u2067\u2068\u2069\u206f\u3164\ufe0f\ufeff\ufff9\ufffe\uffff\U000e0041\U000e0100\U0001ffff",
]


def problems(data: str | bytes, file: str = "a.yaml") -> list[Diagnostic]:
    """Return what is wrong with a file."""
    return parse_documents(data.encode() if isinstance(data, str) else data, file)[1]


@pytest.mark.parametrize("character", UNSEEN, ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.parametrize(("before", "after"), [("a: b", "c"), ("a", ": b"), ("a: b # c", "d"), ('a: "', '"')])
def test_unseen_characters_are_refused_in_keys_values_and_comments(character: str, before: str, after: str) -> None:
    """The complaint names the code point and its exact place."""
    found = problems(f"x: y\n{before}{character}{after}\n")
    assert [(p.source.line, p.source.column) for p in found] == [(2, len(before) + 1)]
    assert f"U+{ord(character):04X}" in found[0].message


@pytest.mark.parametrize("escape", [r"\e", r"\0", r"\a", r"\x7f", r"\x85", r"\N", r"\L", r"\P", r"\u202e", r"\u200b"])
def test_escapes_can_not_smuggle_them_in(escape: str) -> None:
    """An escape is plain ASCII until it is read."""
    (found,) = problems(f'a: "x{escape}y"\n')
    assert (found.source.line, found.source.column) == (1, 4)
    assert "U+" in found.message


@pytest.mark.parametrize("escape", [r"\u001b", r"\u202e", r"\ud800", r"\b", r"\f", r"\u0000", r"\r"])
def test_nor_can_the_escapes_of_json(escape: str) -> None:
    """Neither in a value nor in a key."""
    found = problems(f'{{"a": "x{escape}y",\n "k{escape}": 1}}', "a.json")
    assert [(p.source.line, p.source.column) for p in found] == [(1, 7), (2, 2)]


def test_a_lone_carriage_return_is_no_line_end() -> None:
    """To Python and YAML it would be one, to most editors not."""
    for text in ("a: b\rc: d\n", "a: b\rc: é\n"):
        (found,) = problems(text)
        assert "U+000D" in found.message
        assert found.source.column == 5


def test_crlf_is_a_line_end_and_mixing_it_with_lf_is_refused() -> None:
    """Tools that normalise line ends would change such a file."""
    assert read_documents(b"a: b\r\nc: d\r\n", "a.yaml")[0].value == {"a": "b", "c": "d"}
    (found,) = problems("a: b\r\nc: d\ne: f\r\n")
    assert found.source.line == 2
    assert "mixed" in found.message


def test_one_byte_order_mark_may_open_a_file() -> None:
    """Editors on Windows write it; columns don't count it."""
    (document,) = read_documents(b"\xef\xbb\xbfa: b\n", "a.yaml")
    assert document.source.column == 1
    assert read_documents(b'\xef\xbb\xbf{"a": 1}', "a.json")[0].value == {"a": 1}
    assert "byte order mark" in problems(b"\xef\xbb\xbf\xef\xbb\xbfa: b\n")[0].message


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_are_refused(encoding: str) -> None:
    """With or without a byte order mark."""
    data = "a: b\n".encode(encoding)
    if encoding.startswith("utf-16-") and "le" in encoding:
        data = b"\xff\xfe" + data
    found = problems(data)
    assert found
    assert "UTF" in found[0].message or "U+0000" in found[0].message


def test_bytes_that_are_not_utf_8_are_named_with_their_offset() -> None:
    """The column counts characters, the offset bytes."""
    (found,) = problems("a: é\nb: ü".encode() + b"\xff\n")
    assert (found.source.line, found.source.column) == (2, 5)
    assert "byte 0xff at offset 11 is not UTF-8" in found.message


@pytest.mark.parametrize("text", ["name: e\u0301\n", "e\u0301: x\n", 'name: "e\\u0301"\n'])
def test_text_in_decomposed_form_is_refused_with_the_form_that_is_meant(text: str) -> None:
    """Two names that look alike would differ."""
    (found,) = problems(text)
    assert "é" in found.message
    assert "U+00E9" in found.message


def test_letters_of_all_scripts_are_welcome() -> None:
    """Nothing but the unseen is refused."""
    text = "Zoë Müller Δοκιμή проверка 神戸 테스트 ظظظ 💡"
    assert read_documents(f"a: {text}\n".encode(), "a.yaml")[0].value == {"a": text}
    assert explain_unsafe_text(text) is None
    assert escape_invisible(text) == text


@given(st.text())
def test_what_is_made_visible_draws_and_stays_on_one_line(text: str) -> None:
    """No control, format or separator is left."""
    seen = escape_invisible(text)
    assert all(unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp", "Cn", "Co"} for c in seen)
    assert len(seen.splitlines()) <= 1
    assert escape_invisible(seen) == seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\ud800", "\\ud800"),
        ("\x9b", "\\x9b"),
        ("\x7f", "\\x7f"),
        ("\U000e0041", "\\U000e0041"),
        ("CORP\\svc", "CORP\\svc"),
        ("é ü", "é ü"),
    ],
)
def test_escapes_are_spelled_as_in_python(text: str, expected: str) -> None:
    """Backslashes stay single: names such as CORP\\svc are common."""
    assert escape_invisible(text) == expected


def test_shown_text_is_cut_in_the_middle() -> None:
    """Both ends tell more than one."""
    assert escape_and_shorten("a" * 500 + "b" * 500, 9) == "aaa…bbb"
    assert escape_and_shorten("short") == "short"


def test_what_is_refused_can_not_be_read_and_the_other_way_round() -> None:
    """`refused` is what export asks, so it must agree with what the readers do."""
    for character in UNSEEN:
        assert explain_unsafe_text(f"a{character}b")
    with pytest.raises(InvalidError):
        read_documents(b'a: "\\u202e"', "a.yaml")
