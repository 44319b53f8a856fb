"""Pages from bytes into columns: whatever the fast way takes, the strict reader takes too, and reads the same."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.transport.page_shape import PART_BYTES, PageShape
from reconciler.transport.strict_json import decode_json

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

ROW: dict[str, Any] = {
    "Id": 1,
    "Thumbprint": "AB",
    "Owner": None,
    "Ratio": 0.5,
    "Flag": False,
    "Names": [{"Type": 2, "Value": "a.example.com"}],
    "Usage": {"Sign": True},
    "Free": {},
}
NAMES = ("Id", "Thumbprint", "Owner", "Names", "Ratio", "Missing")


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_strictly(body: bytes) -> list[list[Any]]:
    """Return the columns as the strict reader gives them; raises UnusableJson."""
    rows = decode_json(body, bulk=True)
    return [[row.get(name) for row in rows] for name in NAMES]


def assert_equal_to_strict(shape: PageShape, body: bytes) -> bool:
    """Hold the fast way to the strict one; True where it took the page."""
    proved = shape.read_columns(body, NAMES)
    columns = None if proved is None else [list(column) for column in proved]
    if columns is not None:
        # By their text too: 1, 1.0 and True are equal.
        assert (columns, repr(columns)) == (strict := read_strictly(body), repr(strict))
    return columns is not None


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Owner": "Ämter 模型"},
        {"Owner": 3},
        {"Thumbprint": None, "Ratio": None, "Names": None, "Usage": None},
        {"Ratio": 7},
        {"Names": []},
        {"Free": {"any": [{"thing": 1.25}]}},
        {"Thumbprint": 'a quote " and a line\nend'},
        {"Id": 2**63 - 1},
    ],
)
def test_a_page_in_the_shape_is_taken(changes: dict[str, Any]) -> None:
    assert assert_equal_to_strict(PageShape([ROW]), compact([ROW, ROW | changes]))


def test_a_page_without_rows_and_space_around_it_are_taken() -> None:
    assert assert_equal_to_strict(PageShape([ROW]), b"[]")
    assert assert_equal_to_strict(PageShape([ROW]), b" " + compact([ROW]) + b"\r\n")


HOSTILE: dict[str, tuple[bytes, bytes]] = {
    "a kept member twice": (b'"Id":1', b'"Id":1,"Id":2'),
    "a member that is passed over twice": (b'"Flag":false', b'"Flag":true,"Flag":false'),
    "a member twice, once escaped": (b'"Id":1', b'"Id":1,"\\u0049d":1'),
    "a member twice inside an object": (b'"Sign":true', b'"Sign":true,"Sign":true'),
    "a member twice inside a list": (b'"Type":2', b'"Type":2,"Type":2'),
    "a member twice where any may stand": (b'"Free":{}', b'"Free":{"a":1,"a":2}'),
    "a member spelled in another case": (b'"Id"', b'"id"'),
    "a member in two spellings": (b'"Id":1', b'"Id":1,"id":1'),
    "a member that is escaped": (b'"Id"', b'"I\\u0064"'),
    "a missing column": (b'"Owner":null,', b""),
    "another order": (b'"Id":1,"Thumbprint":"AB"', b'"Thumbprint":"AB","Id":1'),
    "a new member": (b'"Id":1', b'"Id":1,"New":1'),
    "a text for a number": (b'"Id":1', b'"Id":"1"'),
    "true for a number": (b'"Id":1', b'"Id":true'),
    "a whole number with a point": (b'"Id":1', b'"Id":1.0'),
    "an exponent": (b'"Id":1', b'"Id":1e0'),
    "minus nothing": (b'"Id":1', b'"Id":-0'),
    "a number that is too large": (b'"Ratio":0.5', b'"Ratio":1e999'),
    "a number of 5,000 digits": (b'"Id":1', b'"Id":' + b"9" * 5000),
    "more digits than a float has": (b'"Ratio":0.5', b'"Ratio":0.1000000000000000055511151231257827'),
    "NaN": (b'"Ratio":0.5', b'"Ratio":NaN'),
    "no UTF-8 in what is kept": (b'"AB"', b'"A\xff"'),
    "no UTF-8 in what is passed over": (b"a.example", b"\xc3.example"),
    "a surrogate in UTF-8": (b'"AB"', b'"\xed\xa0\x80"'),
    "half a surrogate pair": (b'"AB"', b'"\\ud800"'),
    "an escaped letter": (b'"AB"', b'"\\u0041B"'),
    "an escaped slash": (b'"AB"', b'"\\/"'),
    "a control in a text": (b'"AB"', b'"A\tB"'),
    "a blank behind a colon": (b'"Id":1', b'"Id": 1'),
    "a comma too many": (b"]", b",]"),
    "a container where nothing was": (b'"Owner":null', b'"Owner":{"a":1,"a":1}'),
    "deep nesting": (b'"Free":{}', b'"Free":' + b"[" * 100_000 + b"]" * 100_000),
    "something behind the end": (b'"Free":{}}]', b'"Free":{}}] x'),
    "two values": (b'"Free":{}}]', b'"Free":{}}][]'),
    "a byte order mark": (b'[{"Id"', b'\xef\xbb\xbf[{"Id"'),
    "no list": (b'[{"Id"', b'{"a":[{"Id"'),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_page_is_one_for_the_strict_reader(name: str) -> None:
    """In the first row and in the last, since one row alone may be amiss."""
    old, new = HOSTILE[name]
    shape, body = PageShape([ROW]), compact([ROW, ROW])
    first, _, last = body.partition(old)
    assert old in body
    for hostile in (first + new + last, new.join(body.rsplit(old, 1)), body.replace(old, new)):
        assert not assert_equal_to_strict(shape, hostile)


def test_a_long_page_is_proved_in_parts() -> None:
    """Whole pages are taken; with anything amiss, in whichever part, they are for the strict reader."""
    shape, row, count = PageShape([ROW]), compact(ROW), 700
    assert len(row) * count > 2 * PART_BYTES
    assert assert_equal_to_strict(shape, b"[" + b",".join([row] * count) + b"]")
    for old, new in HOSTILE.values():
        for place in (0, count // 2, count - 1) if old in row else ():
            rows = [row] * count
            rows[place] = row.replace(old, new)
            assert not assert_equal_to_strict(shape, b"[" + b",".join(rows) + b"]")
    for joined in (b",,", b"", b"],[", b"}},{", b", "):
        assert not assert_equal_to_strict(shape, b"[" + joined.join([b",".join([row] * 350)] * 2) + b"]")


def test_a_page_that_would_be_cut_inside_a_row_is_proved_as_one() -> None:
    """Objects within a row may begin and end as rows do."""
    row = {"Id": 1, "Inner": [{"Id": number, "End": {}} for number in range(9)], "Last": {}}
    assert assert_equal_to_strict(PageShape([row]), compact([row] * 300))


@pytest.mark.parametrize("rows", [[], [{}], [{"a": 1}, {"b": 1}], [{"a": 1, "b": 1}, {"b": 1, "a": 1}], [{'a"': 1}]])
def test_rows_without_a_shape_in_common_have_none(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="the rows have"):
        PageShape(rows)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)
MEMBERS = (*NAMES[:-1], "Other")
ROWS = st.lists(
    st.tuples(*[VALUES] * len(MEMBERS)).map(lambda values: dict(zip(MEMBERS, values, strict=True))),
    min_size=1,
    max_size=2,
)
PIECES = st.sampled_from([b'"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\", b"0", b"e", b".", b"\xff", b'"Id":1,'])


@settings(max_examples=60, deadline=None)
@given(ROWS, ROWS, st.data())
def test_random_pages_are_read_as_the_strict_reader_reads_them(
    known: list[dict[str, Any]], rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Pages of rows that were seen and of others, whole, and with a piece put in or taken out."""
    shape = PageShape(known)
    assert_equal_to_strict(shape, compact(rows))
    body = compact([*known, *rows])
    start = data.draw(st.integers(0, len(body)))
    end = min(len(body), start + data.draw(st.integers(0, 3)))
    assert_equal_to_strict(shape, body[:start] + data.draw(PIECES | st.just(b"")) + body[end:])
    assert_equal_to_strict(shape, compact(known))
