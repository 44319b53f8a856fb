"""CSV tables beside manifests."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents import csv_tables, limits
from reconciler.documents.characters import decode_text
from reconciler.documents.csv_sheets import COPIED_MARK
from reconciler.documents.files import FileRef
from reconciler.kinds.registry import KINDS
from reconciler.model import Table
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
        ("lamp,extra\na,c\n", ["x.csv:1:1: column owner is missing", 'x.csv:1:6: unknown column "extra"']),
        ("sep=;\nlamp;ower\na;b\n", ["x.csv:2:1: column owner is missing", 'x.csv:2:6: unknown column "ower"']),
        ("lamp,owner,lamp\na,b,c\n", ['x.csv:1:12: column "lamp" is given twice']),
        ("", ["x.csv:1:1: columns lamp and owner are missing"]),
        ("lamp,owner\n", ["x.csv:1:1: the table has a header and no rows"]),
        ("lamp,owner\na\nb,c,d\n", ["x.csv:2:1: 1 cells where", "x.csv:3:1: 3 cells where"]),
        ("lamp,owner\na,b\n\nc,d\n", ["x.csv:3:1: an empty line"]),
        ('lamp,owner\n,b\n"x,y", \n', ["x.csv:2:1: lamp is empty", "x.csv:3:7: owner is empty"]),
        ('lamp,owner\n"a\nb",c\n', ["x.csv:2:1: the quotes on this line don't match"]),
        ('lamp,owner\n"a"b,c\n', ["x.csv:2:1: the quotes on this line don't match"]),
        ("lamp,owner\na,b\x1bc\n", ["x.csv:2:4: U+001B"]),
        ("lamp,owner\na,b\u202ec\n", ["x.csv:2:4: U+202E"]),
        ("lamp,owner\na,e\u0301\n", ["x.csv:2:3: this cell is not in Unicode's composed form"]),
        ("lamp,owner\na,b\tc\nd,\te\n", ["x.csv:2:1: U+0009 (a tab) in a table whose columns it does not"]),
        ('lamp\towner\na\t"b\tc"\n', ["x.csv:2:3: this cell holds U+0009 (a tab)"]),
        ("lamp,owner\na,b\u00a0c\n", ["x.csv:2:3: this cell holds U+00A0 (a no-break space)"]),
        ("lamp,owner\na,b\u200e\n", ["x.csv:2:3: this cell holds U+200E LEFT-TO-RIGHT MARK"]),
        ("lamp;owner\na\nb;c;d\n", ["x.csv:2:1: 1 cells where", "x.csv:3:1: 3 cells where"]),
        ("owner,lamp,name\na,b,c, d\n", ["x.csv:2:1: 4 cells where the header has 3"]),
        ("lamp;owner\na;b\n;\nc;d\n;;\n\n", ["x.csv:3:1: an empty line"]),
        (
            "lamp;owner;x\na;b;\n;;\n;c;\n ;;\n;;y\na;;b\n",
            ["x.csv:3:1: an empty line (and on 1 more", "x.csv:4:1: lamp is", "x.csv:6:2: owner is"],
        ),
        ("l1,Ann\nl2,Bob\n", ["x.csv:1:1: columns lamp and owner are missing"]),
        ("lampe,Ann\nl2,Bob\n", ["x.csv:1:1: columns lamp and owner", 'x.csv:1:1: unknown column "lampe"']),
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


@pytest.mark.no_cover
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


CELLS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=8)


@pytest.mark.no_cover
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=8))
def test_what_is_written_in_quotes_is_read_back(rows: list[tuple[str, str]]) -> None:
    """Commas and quotes are part of the text there."""
    quoted = ["{},{}".format(*(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row)) for row in rows]
    table, problems = csv_tables.parse_table("\n".join(["lamp,owner", *quoted]), "x.csv", COLUMNS)
    assert not problems
    assert table is not None
    assert list(zip(table.columns["lamp"], table.columns["owner"], strict=True)) == rows


WRITTEN = {
    "with semicolons": "lamp;owner\nl1;Ann, PKI\nl2;Bob\n",
    "with tabs": "lamp\towner\nl1\tAnn, PKI\nl2\tBob\n",
    "with a line that names the separator": "sep=;\r\nlamp;owner\r\nl1;Ann, PKI\r\nl2;Bob\r\n",
    "with a header in capitals": 'LAMP,"Owner"\nl1,"Ann, PKI"\nl2,Bob\n',
    "with a mark before the header": "\ufeff\u200eLamp;Owner\nl1;Ann, PKI\nl2;Bob",
    "with empty columns behind it": "lamp;owner;;\nl1;Ann, PKI;;\nl2;Bob;;\n",
    "with empty cells behind some rows": "lamp;owner\nl1;Ann, PKI;\nl2;Bob\n",
    "with emptied rows below it": "lamp;owner\nl1;Ann, PKI\nl2;Bob\n;\n ; \n\n\n",
    "with the line of PowerShell's Export-Csv": '#TYPE System.Object\n"lamp","owner"\n"l1","Ann, PKI"\n"l2","Bob"\n',
    "with other columns": "name;lamp;used;owner;note\nx;l1;1;Ann, PKI;z\ny;l2;;Bob\n",
    "with commas in the names of a table of semicolons": "lamp;owner;a,b,c\nl1;Ann, PKI;\nl2;Bob;\n",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_table_is_read_as_spreadsheets_write_it(text: str, tmp_path: Path) -> None:
    """Whatever the country, and however much is empty around it."""
    write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": text})
    (one,) = loaded(tmp_path).documents
    assert dict(one.tables["rows"].columns) == {"lamp": ["l1", "l2"], "owner": ["Ann, PKI", "Bob"]}
    first = 3 if text.startswith(("sep", "#TYPE")) else 2
    assert list(one.tables["rows"].lines) == [first, first + 1]


def test_columns_that_nobody_asks_for_are_one_note(tmp_path: Path) -> None:
    """So that a column of names can make a table readable."""
    write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": WRITTEN["with other columns"]})
    (note,) = loaded(tmp_path).notes
    assert str(note) == 'x.csv:1:1: columns "name", "used", "note" passed over; they are for people alone'


def test_a_column_without_a_name_is_told_where_it_holds_something(tmp_path: Path) -> None:
    """A spreadsheet writes empty columns as it writes full ones."""
    write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": "name;;lamp;;owner\nx;;l1; y;Ann\nz;;l2;;Bob\n"})
    (note,) = loaded(tmp_path).notes
    assert str(note).startswith('x.csv:1:1: columns "name", no. 4 (without a name) passed over')


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_is_told_as_that(encoding: str, tmp_path: Path) -> None:
    """Excel's "Unicode text" begins with a mark; others leave it out."""
    write(tmp_path, {"a.yaml": manifest("x.csv")})
    (tmp_path / "x.csv").write_bytes("lamp\towner\r\nl1\tÄnn\r\n".encode(encoding))
    (complaint,) = complaints(tmp_path)
    assert complaint.startswith("x.csv:1:1: the file is UTF-16")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (",b", "x.csv:2:1: lamp is empty (and on 299 more lines, up to line 301)"),
        ("a", "x.csv:2:1: 1 cells where the header has 2 (and on 299 more lines, up to line 301)"),
        ('a,"b', "x.csv:2:1: the quotes on this line don't match (unexpected end of data) (and on 299 more lines"),
        ("a,b\u00a0", "x.csv:2:3: this cell holds U+00A0 (a no-break space) (and on 299 more lines"),
        (
            "a,b\0\0",
            "x.csv:2:4: U+0000 (\\x00) is a control character and can't be reviewed (and in 599 more places, up to",
        ),
        ("a,\tb", "x.csv:2:1: U+0009 (a tab) in a table whose columns it does not separate (and on 299 more"),
        (f"a,{'b' * 5000}", "x.csv:2:3: owner has more than 4096 characters (limit CELL_CHARACTERS) (and on 299"),
    ],
)
def test_one_cause_is_one_problem_with_its_count(row: str, message: str, tmp_path: Path) -> None:
    """300 rows with one fault of form are not 300 things to mend."""
    text = "lamp,owner\n" + f"{row}\n" * 300
    (complaint,) = complaints(write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": text}))
    assert complaint.startswith(message)


def test_a_cell_in_quotes_keeps_its_spaces_and_says_so(tmp_path: Path) -> None:
    """As a name in a manifest does; without quotes they are nobody's intention."""
    text = 'lamp,owner\nl1,"Ann "\nl2, Bob \nl3," Cid"\n'
    write(tmp_path, {"a.yaml": manifest("x.csv"), "x.csv": text})
    result = loaded(tmp_path)
    assert result.documents[0].tables["rows"].columns["owner"] == ["Ann ", "Bob", " Cid"]
    (note,) = result.notes
    assert str(note).startswith('x.csv:2:4: "Ann " starts or ends with a space (and on 1 more line, up to line 4)')


THUMBPRINT = "5B7E0123456789ABCDEF0123456789ABCDEF0123"
PAIRS = [THUMBPRINT[index : index + 2] for index in range(0, 40, 2)]


@pytest.mark.parametrize(
    "cell",
    [
        THUMBPRINT,
        THUMBPRINT.lower(),
        ":".join(PAIRS),
        " ".join(PAIRS).lower(),
        f"\u200e{' '.join(PAIRS)}",
        f"\u200e{THUMBPRINT}\u200e",
        f"SHA1 Fingerprint={':'.join(PAIRS)}",
        f"sha1 Fingerprint={':'.join(PAIRS)}",
        f'"{":".join(PAIRS)}"',
        f" {THUMBPRINT}\u00a0",
    ],
)
def test_thumbprints_are_read_as_tools_write_them(cell: str) -> None:
    """openssl with colons, the certificate window of Windows with spaces and a mark that nobody sees."""
    owners = KINDS["CertificateOwner"]
    text = f"thumbprint,owner\n{cell},Web\n"
    decoded, problems = decode_text(text.encode(), "x.csv", tolerated=COPIED_MARK)
    table, notes = csv_tables.parse_table(decoded, "x.csv", owners.tables["assignments"], owners.cell_forms)
    assert not problems
    assert not notes
    assert table is not None
    assert table.columns["thumbprint"][0].upper() == THUMBPRINT


def test_thumbprints_of_another_form_are_one_problem() -> None:
    """SHA-256, or what a spreadsheet made of digits."""
    cells = ["AB" * 32] * 150 + ["1,23E+39"] * 150
    table = Table("x.csv", range(2, 302), {"thumbprint": cells, "owner": ["Web"] * 300})
    spec = KINDS["CertificateOwner"].spec.load({"assignments": "x.csv"})
    texts = [words.message for _, words in spec.check("x", {"assignments": table})]
    (form,) = [text for text in texts if "is not a SHA-1 thumbprint" in text]
    assert form.startswith(f"'{'AB' * 32}' is not a SHA-1 thumbprint, so it can match no certificate (and on 299 more ")
    assert form.endswith("up to line 301); write its 40 hexadecimal digits")
    assert len(texts) == 3, "each of the two is listed more than once, and told once"
