"""Whatever is done to an exported history, the first line that no longer holds is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.history_chain import Chain, ChainFault, Record, build_chain, join_lines, verify_chain

Lines = list[bytes]


def make_records(*numbers: int) -> list[Record]:
    # A member that is called as one of the chain's own has to come through whole.
    return [
        {"record": "intent", "target": "t", "value": {"number": number, "previous": "body", "at": f"2026-01-0{number}"}}
        for number in numbers
    ]


def export(*numbers: int, after: tuple[Chain, ...] = ()) -> Chain:
    return build_chain("store", {"command": "t"}, make_records(*numbers), after)


def reseal(line: bytes, **members: object) -> bytes:
    """A line that holds by itself, made by somebody who knows how."""
    changed = {**json.loads(line), **members}
    del changed["digest"]
    text = json.dumps(changed, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"reconciler history line 1\n{text}".encode()).hexdigest()
    changed["digest"] = f"sha256:{digest}"
    return json.dumps(changed, sort_keys=True, separators=(",", ":")).encode()


CHAIN = export(1, 2, 3)
LINES = list(CHAIN.lines)

FAULTS: dict[str, tuple[Callable[[Lines], Lines], int, str]] = {
    "a changed value": (lambda lines: [*lines[:2], lines[2].replace(b"body", b"soul"), *lines[3:]], 3, "was changed"),
    "a changed value, sealed anew": (
        lambda lines: [*lines[:2], reseal(lines[2], target="x"), *lines[3:]], 4, "does not follow the line before it"),
    "a line taken out": (lambda lines: [*lines[:2], *lines[3:]], 3, "does not follow the line before it"),
    "two lines swapped": (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2, "does not follow"),
    "a line twice": (lambda lines: [*lines[:2], lines[1], *lines[2:]], 3, "does not follow"),
    "no footer": (lambda lines: lines[:-1], 5, "there is no footer"),
    "no header": (lambda lines: lines[1:], 1, "it is no header"),
    "something after the footer": (
        lambda lines: [*lines, reseal(lines[3], previous=CHAIN.digest)], 5, "after the footer"),
    "a second header": (
        lambda lines: [*lines[:2], reseal(lines[0], previous=json.loads(lines[1])["digest"]), *lines[2:]],
        3, "in the middle"),
    "a footer that counts wrongly": (
        lambda lines: [*lines[:-1], reseal(lines[-1], value={"records": 2})], 5, "other records than the 3"),
    "another format": (lambda lines: [reseal(lines[0], value={"format": "2"}), *lines[1:]], 1, "another format"),
    "another way of writing the same": (
        lambda lines: [lines[0], lines[1] + b" ", *lines[2:]], 2, "not a line as it was"),
    "a name twice": (
        lambda lines: [lines[0], b'{"record":"run",' + lines[1][1:], *lines[2:]], 2, "not a line as it was"),
    "no JSON": (lambda lines: [b"x", *lines[1:]], 1, "not a line as it was written"),
    "brackets without end": (lambda lines: [b"[" * 100_000, *lines[1:]], 1, "not a line as it was written"),
    "a list": (lambda lines: [b"[]", *lines[1:]], 1, "not a line as it was written"),
    "an empty file": (lambda _: [], 1, "there is no footer"),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "line", "reason"), FAULTS.values(), ids=FAULTS)
def test_the_first_line_that_does_not_hold_is_named(damage: Callable[[Lines], Lines], line: int, reason: str) -> None:
    fault = verify_chain(join_lines(damage(LINES)))
    assert isinstance(fault, ChainFault)
    assert fault.line == line
    assert reason in fault.reason


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, len(join_lines(LINES)) - 1), byte=st.integers(0, 255))
def test_no_byte_can_be_changed(place: int, byte: int) -> None:
    data = bytearray(join_lines(LINES))
    was, data[place] = data[place], byte
    assert isinstance(verify_chain(bytes(data)), Chain if byte == was else ChainFault)


@pytest.mark.parametrize("size", range(1, len(join_lines(LINES)), 97))
def test_no_end_can_be_cut_off(size: int) -> None:
    assert isinstance(verify_chain(join_lines(LINES)[:-size]), ChainFault)


def test_a_later_export_goes_on_from_earlier_ones_with_what_is_new() -> None:
    """By content: what was exported before stays out, whatever the clocks said, and comes again if it has changed."""
    first = export(1, 2)
    second = export(1, 2, 3, after=(first,))
    third = export(1, 2, 3, 4, after=(first, second))
    assert [
        [json.loads(line)["value"]["number"] for line in chain.lines[1:-1]] for chain in (first, second, third)
    ] == [
        [1, 2],
        [3],
        [4],
    ]
    assert (first.is_first, second.is_first) == (True, False)
    assert second.header["from"] == second.header["until"] == "2026-01-03"
    assert verify_chain(join_lines(second.lines), first.digest) == second
    assert verify_chain(join_lines(third.lines), first.digest) == ChainFault(
        1, "it does not go on from the export before it"
    )


def test_no_record_steers_whoever_prints_it() -> None:
    """Exports go to stdout as well, and a log may take a line of them for a command."""
    chain = build_chain("store", {}, [{"record": "run", "target": "t", "value": {"id": "##[group]\x7f\x1b[2J"}}])
    data = join_lines(chain.lines)
    assert data.isascii()
    assert not any(part in data for part in (b"##[", b"\x7f", b"\x1b"))
    assert verify_chain(data) == chain


def test_records_come_through_whole() -> None:
    assert [json.loads(line)["value"]["previous"] for line in CHAIN.lines[1:-1]] == ["body"] * 3
    assert CHAIN.header == {
        "format": "reconciler history 1",
        "store": "store",
        "targets": {"command": "t"},
        "from": "2026-01-01",
        "until": "2026-01-03",
    }
