"""Small files that cost much elsewhere cost little here, and nothing but a complaint ever comes out."""

from __future__ import annotations

import json
import tracemalloc
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Diagnostic, Source
from reconciler.documents import limits
from reconciler.documents.limits import limit_problems
from reconciler.documents.reader import parse_documents, read_documents
from reconciler.errors import InvalidError, ReconcilerError
from tests.support.cpu_time import cost
from tests.support.toy_kinds import KINDS, lamp, loaded, write

# What it goes through is counted by other tests, and counting takes half as long again.
pytestmark = pytest.mark.no_cover

MERGE = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n}\n  k{n}: v\n  <<: [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 20))
LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))

BOMBS = {
    "merge keys": MERGE,
    "billion laughs": LAUGHS,
    "a list that holds itself": "&a [*a]",
    "python object": "!!python/object/apply:os.system [id]",
    "deep list": "[" * 100_000,
    "deep mapping": "{" * 100_000,
    "deep pairs": "[{a: " * 50_000,
    "deep blocks": "- " * 100_000,
    "deep keys": "? " * 100_000,
    "anchors": "- &a x\n" * 100_000,
    "aliases": "*a " * 100_000,
    "duplicates": "a: 1\n" * 150_000,
    "one long key": "x" * 1_000_000 + ": 1",
    "one long number": "- " + "1_" * 30_000 + "x",
    "one long time": "- " + "1:1" * 20_000 + "x",
    "broken documents": "--- @\n" * 150_000,
    "bidi controls": "\u202e" * 300_000,
    "NUL": "\0" * 1_000_000,
    "backslashes": '"' + "\\" * 1_000_000,
    "combining marks": "- a" + "\u0301" * 20_000,
    "percent signs": "%" * 1_000_000,
}
JSON_BOMBS = {
    "deep list": "[" * 100_000,
    "deep mapping": '{"a":' * 100_000,
    "escaped quotes": '\\"' * 500_000,
    "one long number": "1" * 1_000_000,
    "a large exponent": "1e999999999",
    "NaN": "NaN " * 20_000,
    "numbers": "[" + "1," * 500_000 + "1]",
    "duplicates": "{" + '"a":1,' * 20_000 + '"a":1}',
    "escapes": '["' + "\\u202e" * 10_000 + '"]',
}


MEBIBYTE = 1024 * 1024


@cache
def of_a_plain_file(size: int = MEBIBYTE) -> float:
    """Return the seconds that a file of so many bytes takes in which nothing is wrong."""
    data = b"- a plain line of text, as there are many\n" * (size // 42)
    seconds, (_, problems) = cost(lambda: parse_documents(data, "a.yaml"))
    assert not problems
    return seconds


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("file", "text"),
    [pytest.param("a.yaml", text, id=f"YAML: {name}") for name, text in BOMBS.items()]
    + [pytest.param("a.json", text, id=f"JSON: {name}") for name, text in JSON_BOMBS.items()],
)
def test_a_hostile_file_is_refused_soon(file: str, text: str) -> None:
    """In processor time, beside a plain file of a mebibyte; what it guards against takes minutes or does not end."""
    data = text.encode()[:MEBIBYTE]
    seconds, (documents, problems) = cost(lambda: parse_documents(data, file))
    assert seconds < 20 * of_a_plain_file()
    assert len(problems) <= limits.PROBLEMS + 1
    assert problems or file == "a.json" or "1_" in text or "1:1" in text, documents


@pytest.mark.no_cover
@pytest.mark.parametrize("name", ["broken documents", "combining marks", "deep blocks", "one long time"])
def test_the_largest_hostile_file_is_refused_soon(name: str) -> None:
    """These cost most where they are repeated to the limit: about what a plain file of that size does."""
    text = BOMBS[name]
    data = (text * (1 + limits.FILE_BYTES // len(text))).encode()[: limits.FILE_BYTES]
    seconds, (_, problems) = cost(lambda: parse_documents(data, "a.yaml"))
    assert problems
    assert seconds < 10 * of_a_plain_file(limits.FILE_BYTES)


@pytest.mark.parametrize("text", [MERGE, LAUGHS, "&a [*a]"])
def test_aliases_cost_no_memory(text: str) -> None:
    """Nothing is constructed from them."""
    tracemalloc.start()
    try:
        with pytest.raises(InvalidError):
            read_documents(text.encode(), "a.yaml")
        assert tracemalloc.get_traced_memory()[1] < 2 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_the_problems_of_one_file_are_bounded_and_counted() -> None:
    """Nobody reads a hundred thousand lines."""
    assert len(parse_documents(b"\x01" * 5000, "a.yaml")[1]) <= limits.PROBLEMS + 1
    listed = limit_problems(
        Diagnostic("document.example", Source("a.yaml", line, 1), "x", "y", "z") for line in range(500, 0, -1)
    )
    assert [problem.source.line for problem in listed] == list(range(1, limits.PROBLEMS + 2))
    assert listed[-1].message.startswith("400 more problems in this file")


def test_the_limits_are_the_published_ones() -> None:
    """A change of these is a change of the contract."""
    assert (limits.FILE_BYTES, limits.TABLE_BYTES) == (16 * 1024 * 1024, 64 * 1024 * 1024)
    assert (limits.DOCUMENTS, limits.DEPTH, limits.SCALAR_BYTES) == (10_000, 32, 65_536)


def nested(depth: int) -> str:
    """Return a list in a list in a list."""
    return "[" * depth + "]" * depth


@pytest.mark.no_cover
@pytest.mark.parametrize("file", ["a.yaml", "a.json"])
@pytest.mark.parametrize(
    ("name", "fits", "exceeds"),
    [
        ("DEPTH", nested(limits.DEPTH), nested(limits.DEPTH + 1)),
        ("SCALAR_BYTES", f'["{"x" * limits.SCALAR_BYTES}"]', f'["{"x" * (limits.SCALAR_BYTES + 1)}"]'),
        ("SCALAR_BYTES", f'["{"é" * (limits.SCALAR_BYTES // 2)}"]', f'["{"é" * (limits.SCALAR_BYTES // 2)}x"]'),
        ("NODES", "[" + "1," * (limits.NODES - 2) + "1]", "[" + "1," * (limits.NODES - 1) + "1]"),
        ("FILE_BYTES", '["x"]'.ljust(limits.FILE_BYTES), '["x"]'.ljust(limits.FILE_BYTES + 1)),
    ],
)
def test_every_limit_holds_to_the_unit_and_is_named(file: str, name: str, fits: str, exceeds: str) -> None:
    """What fits is read; one more is refused."""
    read_documents(fits.encode(), file)
    _, (problem, *_) = parse_documents(exceeds.encode(), file)
    assert f"limit {name}" in problem.message


@pytest.mark.no_cover
def test_documents_are_counted_over_all_files(tmp_path: Path) -> None:
    """Ten times as many cost about ten times as much; one more than the limit is refused."""
    part = limits.DOCUMENTS // 10
    spent = []
    for names in ("a", "bcdefghij"):
        for name in names:
            text = "---\n".join(lamp("{label: x}", name=f"{name}{n}") for n in range(part))
            write(tmp_path, {f"{name}.yaml": text})
        seconds, read = cost(lambda: loaded(tmp_path))
        found = read.documents
        spent.append(seconds)
    assert len(found) == limits.DOCUMENTS
    assert spent[1] < 40 * spent[0]
    write(tmp_path, {"k.yaml": lamp("{label: x}", name="last")})
    with pytest.raises(InvalidError, match="limit DOCUMENTS"):
        loaded(tmp_path)


def survives(files: dict[str, str | bytes], folder: Path) -> None:
    """Load files and let nothing through but an outcome of ours."""
    try:
        assert loaded(write(folder, files)).documents
    except ReconcilerError as error:
        problems = error.problems
    else:
        return
    assert problems
    assert all(problem.message.isprintable() for problem in problems)


FUZZ = settings(max_examples=150, deadline=30_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = r"""
apiVersion: reconciler/v1~kind: Lamp~kind: ~metadata: ~{name: a}~spec:~  label: ~x~- ~[~]~{~}~: ~? ~, ~'~"~|~>~&a ~*a
!!str ~---~...~# c~%YAML 1.1~<<~NO~010~\~@~null~  colours: ~  bulbs:~    - type: LED~  until: ~2027-01-31~  rows: a.csv
"""
WORDS = [*PIECES.replace("\n", "~").split("~"), "\n", "\n", "\n", "\t", "  ", "~", "é", "\u202e"]
YAMLISH = st.lists(st.sampled_from(WORDS), max_size=40).map("".join)


@FUZZ
@given(data=st.binary(max_size=200))
@example(data=b"a: !<tag:\xc3\xa9> b")
@example(data=b"[" * 40)
def test_no_bytes_lead_to_anything_but_a_complaint(data: bytes, tmp_path: Path) -> None:
    """Whatever the file is called."""
    survives({"a.yaml": data, "b.json": data}, tmp_path)


@FUZZ
@given(text=st.text(max_size=200) | YAMLISH)
@example(text='"\t"0')
def test_no_text_leads_to_anything_but_a_complaint(text: str, tmp_path: Path) -> None:
    """Neither as YAML nor as JSON nor as a table."""
    inventory = lamp("{rows: a.csv}").replace("Lamp", "Inventory")
    data = text.encode("utf-8", "surrogatepass")
    survives({"a.yaml": data, "b.json": data, "a.csv": data, "c.yaml": inventory}, tmp_path)


SPECS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["label", "colours", "bulbs", "type", "watts", "room", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@FUZZ
@given(spec=SPECS, kind=st.sampled_from([*KINDS, "Lmap"]))
def test_no_spec_is_refused_without_a_reason(spec: object, kind: str, tmp_path: Path) -> None:
    """A document is either wanted or complained about."""
    document = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": "n"}, "spec": spec}
    survives({"a.json": json.dumps(document)}, tmp_path)
