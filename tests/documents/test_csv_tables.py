"""CSV tables beside manifests."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents import csv_tables, limits
from reconciler.documents.files import FileRef
from tests.support.cpu_time import cost
from tests.support.toy_kinds import complaints, lamp, loaded, write

COLUMNS = ("lamp", "owner")


def manifest(rows: str) -> str:
    """Return an inventory that names a table; the name stands at 4:14."""
    return lamp(f'{{rows: "{rows}"}}').replace("Lamp", "Inventory")


def test_a_table_comes_as_plain_columns(tmp_path: Path) -> None:
    """The header may be in any order; cells are stripped; the manifest keeps the file's name."""
    text = 'owner , lamp\r\n"Ann, PKI",l1\r\n "x ""y"" z", l2 \r\n'
    write(tmp_path, {"d/a.yaml": manifest("t/x.csv"), "d/t/x.csv": "\ufeff" + text})
    (one,) = loaded(tmp_path).documents
    table = one.tables["rows"]
    assert table.file == "d/t/x.csv"
    assert list(table.lines) == [2, 3]
    assert table.columns["lamp"] == ["l1", "l2"]
    assert table.columns["owner"] == ["Ann, PKI", 'x "y" z']
    assert one.spec.declared() == {"rows": "t/x.csv"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lamp\na\n", ["x.csv:1:1: column owner is missing"]),
        ("lamp,ower\na,b\n", ["x.csv:1:1: column owner is missing", 'x.csv:1:6: unknown column "ower"']),
        ("lamp,owner,extra\na,b,c\n", ['x.csv:1:12: unknown column "extra"']),
        ("lamp,owner,lamp\na,b,c\n", ['x.csv:1:12: column "lamp" is given twice']),
        ("", ["x.csv:1:1: column lamp is missing", "x.csv:1:1: column owner is missing"]),
        ("lamp,owner\n", ["x.csv:1:1: the table has a header and no rows"]),
        ("lamp,owner\na\nb,c,d\n", ["x.csv:2:1: 1 cells where", "x.csv:3:1: 3 cells where"]),
        ("lamp,owner\na,b\n\nc,d\n", ["x.csv:3:1: an empty line"]),
        ('lamp,owner\n,b\n"x,y", \n', ["x.csv:2:1: lamp is empty", "x.csv:3:7: owner is empty"]),
        ('lamp,owner\n"a\nb",c\n', ["x.csv:2:1: the quotes on this line don't match"]),
        ('lamp,owner\n"a"b,c\n', ["x.csv:2:1: the quotes on this line don't match"]),
        ("lamp,owner\na,b\x1bc\n", ["x.csv:2:4: U+001B"]),
        ("lamp,owner\na,b\u202ec\n", ["x.csv:2:4: U+202E"]),
        ("lamp,owner\na,e\u0301\n", ["x.csv:2:3: this cell is not in Unicode's composed form"]),
        ("lamp\towner\na\tb\n", ["x.csv:1:5: U+0009", "x.csv:2:2: U+0009"]),
        ("lamp,owner\na,b\rc,d\n", ["x.csv:2:4: U+000D"]),
        (f"lamp,owner\na,{'x' * (limits.CELL_CHARACTERS + 1)}\n", ["x.csv:2:3: owner has more than"]),
        (f"lamp,owner\na,{'x' * 200_000}\n", ["x.csv:2:1: the quotes on this line don't match (field larger"]),
        ("lamp,owner\nl1,b\nbroken,c\n", ["x.csv:3:1: the lamp is broken"]),
    ],
)
def test_every_row_that_is_wrong_is_named(text: str, expected: list[str], tmp_path: Path) -> None:
    """With file, line and column."""
    found = complaints(write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": text}))
    assert len(found) == len(expected), found
    for complaint, start in zip(found, expected, strict=True):
        assert complaint.startswith(start)


def test_a_table_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """As manifests are."""
    found = complaints(write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": b"lamp,owner\na,\xe9\n"}))
    assert found[0].startswith("x.csv:2:3: byte 0xe9 at offset 13 is not UTF-8")


@pytest.mark.parametrize(
    "name",
    ["/etc/passwd.csv", "../out.csv", "d/../../out.csv", "~/x.csv", "./x.csv", "d//x.csv", "d\\\\x.csv", ".", "/"],
)
def test_a_table_lies_below_the_folder_of_its_manifest(name: str, tmp_path: Path) -> None:
    """Whatever its name tries."""
    write(tmp_path, {"out.csv": "lamp,owner\na,b\n", "m/a.yaml": manifest(name)})
    (complaint,) = complaints(tmp_path / "m")
    assert complaint.startswith("a.yaml:4:14: rows: ")
    assert "is not a plain path below the manifest's folder" in complaint


def test_only_csv_files_are_read_as_tables(tmp_path: Path) -> None:
    """Complaints quote what they find, so nothing else may be looked at."""
    (complaint,) = complaints(write(tmp_path, {"a.yaml": manifest(".env"), ".env": "TOKEN=x"}))
    assert "does not end in .csv" in complaint
    assert "TOKEN" not in complaint


def test_links_and_missing_tables_are_refused_at_the_place_that_names_them(tmp_path: Path) -> None:
    """A link could lead anywhere, also as a folder on the way."""
    write(tmp_path, {"out/x.csv": "lamp,owner\na,b\n", "m/a.yaml": manifest("x.csv"), "m/b.yaml": manifest("d/x.csv")})
    write(tmp_path, {"m/c.yaml": manifest("gone.csv")})
    (tmp_path / "m/x.csv").symlink_to("../out/x.csv")
    (tmp_path / "m/d").symlink_to("../out")
    found = complaints(tmp_path / "m")
    assert [line.split(": is a symbolic link")[0] for line in found if "symbolic" in line] == [
        "a.yaml:4:14: rows",
        "b.yaml:4:14: rows",
        "d",
    ]
    assert any(line.startswith("c.yaml:4:14: rows: does not exist") for line in found)


def test_a_hundred_thousand_rows_are_read_in_proportion(tmp_path: Path) -> None:
    """They cost about three times what a third of them does."""
    spent = []
    for count in (33_333, 100_000):
        text = "lamp,owner\n" + "".join(f"{n:040X},Owner {n % 50}\n" for n in range(count))
        write(tmp_path, {"x.csv": text})
        place = FileRef(tmp_path, ("x.csv",), "x.csv")
        seconds, (table, problems) = cost(partial(csv_tables.read_table, place, COLUMNS), times=2)
        spent.append(seconds)
    assert spent[1] < 15 * spent[0]
    assert not problems
    assert table is not None
    assert len(table.lines) == len(table.columns["owner"]) == 100_000


CELLS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8).filter(
    lambda cell: cell.isascii()
)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_what_is_written_in_quotes_is_read_back(rows: list[tuple[str, str]]) -> None:
    """Commas and quotes are part of the text there."""
    quoted = ["{},{}".format(*(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row)) for row in rows]
    table, problems = csv_tables.parse_table("\n".join(["lamp,owner", *quoted]), "x.csv", COLUMNS)
    assert not problems
    assert table is not None
    assert list(zip(table.columns["lamp"], table.columns["owner"], strict=True)) == rows
