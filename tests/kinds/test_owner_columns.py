"""Owners as columns: each short way says what the long one, an object for each certificate, says."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Address, Source
from reconciler.documents.characters import decode_text, find_unsafe_character
from reconciler.kinds.certificate_owner.inventory import count_undeclared_certificates, list_certificates
from reconciler.kinds.certificate_owner.reading import LiveOwners
from reconciler.kinds.certificate_owner.spec import (
    CertificateOwner,
    Certificates,
    are_thumbprints,
    is_thumbprint,
    strip_thumbprint,
)
from reconciler.kinds.conflicts import describe_author, find_contested_objects
from reconciler.kinds.declared_keys import collect_keys
from reconciler.kinds.kind import Wanted
from reconciler.model import Table
from reconciler.payloads.certificate_table import CertificateRow, CertificateTable
from reconciler.reader import split_columns

THUMBPRINTS = st.sampled_from([f"{digit}" * 40 for digit in "0a1B2c"])
IDS = st.integers(1, 6)
CELLS = THUMBPRINTS | st.text(st.sampled_from("0aA:fF= \u200e\u0661\u00e9"), max_size=4) | st.just("Fingerprint=AA:bb")


@st.composite
def documents(draw: st.DrawFn) -> Wanted[CertificateOwner]:
    """Draw a document that names certificates one by one, in a table, or both, as one with errors may."""
    tables: dict[str, Table] = {}
    fields: dict[str, Any] = {}
    if draw(st.booleans()):
        rows = draw(st.lists(st.tuples(CELLS, st.sampled_from(["Web", "Ops"])), min_size=1, max_size=4))
        columns = {"thumbprint": [row[0] for row in rows], "owner": [row[1] for row in rows]}
        tables = {"assignments": Table("owners.csv", range(2, 2 + len(rows)), columns)}
    if draw(st.booleans()):
        selection: dict[str, Any] = {}
        if draw(st.booleans()):
            selection["thumbprints"] = draw(st.lists(THUMBPRINTS, min_size=1, max_size=3))
        if draw(st.booleans()):
            selection["ids"] = draw(st.lists(IDS, min_size=1, max_size=3))
        fields = {"certificates": Certificates.model_construct(set(selection), **selection), "owner": "Web"}
    name = draw(st.sampled_from("abc"))
    spec = CertificateOwner.model_construct(set(fields), **fields)
    return Wanted(Address("command", "CertificateOwner", name), spec, Source("m.yaml"), tables=tables)


@settings(max_examples=60, deadline=None)
@given(documents())
def test_columns_are_those_of_the_assignments(document: Wanted[CertificateOwner]) -> None:
    spec, tables = document.spec, document.tables
    assignments = list(spec.list_assignments(tables))
    assert spec.list_keys(tables) == [assignment.key for assignment in assignments]
    assert list(spec.list_owner_names(tables)) == [assignment.owner for assignment in assignments]
    places = [spec.find_place(tables, index) for index in range(len(assignments))]
    assert places == [assignment.place for assignment in assignments]


ROWS = st.lists(
    st.tuples(IDS, THUMBPRINTS).map(lambda pair: CertificateRow(*pair, None, None)),
    max_size=6,
    unique_by=lambda row: row.id,
)


@settings(max_examples=60, deadline=None)
@given(st.lists(documents(), max_size=3), st.none() | ROWS)
def test_a_count_is_that_of_the_list(
    declared: list[Wanted[CertificateOwner]], inventory: list[CertificateRow] | None
) -> None:
    table = None if inventory is None else CertificateTable()
    if table is not None:
        table.add_page(split_columns(inventory or [], 8))
    live = LiveOwners({}, {}, {}, {}, {}, {}, table)
    listed = list_certificates(live, declared)
    count = None if listed is None else sum(not item.is_declared for item in listed)
    assert count_undeclared_certificates(live, declared) == count
    if inventory is not None:
        keys = collect_keys(declared)
        assert count == sum(keys.isdisjoint({row.thumbprint.casefold(), f"id {row.id}"}) for row in inventory)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(IDS, documents()), max_size=8))
def test_contested_objects_are_those_of_several_authors(assignments: list[tuple[int, Wanted]]) -> None:
    authors = defaultdict(set)
    for number, document in assignments:
        authors[number].add(describe_author(document))
    expected = {number: tuple(sorted(names)) for number, names in authors.items() if len(names) > 1}
    assert find_contested_objects(iter(assignments)) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(CELLS.map(str.upper), max_size=4))
def test_many_are_thumbprints_where_each_of_them_is(keys: list[str]) -> None:
    assert are_thumbprints(keys) == all(map(is_thumbprint, keys))


@settings(max_examples=100, deadline=None)
@given(CELLS)
def test_a_cell_loses_only_what_tools_put_around_digits(cell: str) -> None:
    bare = "".join(letter for letter in cell if not letter.isspace() and letter not in ":\u200e")
    assert strip_thumbprint(cell) == bare.rpartition("Fingerprint=")[2]


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("a \t\r\n\x00\x0b\x1f\x7f\x85~\u00e9\u200b"), max_size=6))
def test_a_text_is_safe_where_no_character_of_it_is_unsafe(text: str) -> None:
    _, problems = decode_text(text.encode(), "f")
    has_unsafe = any(problem.rule == "document.unsafe-text" for problem in problems)
    assert has_unsafe == bool(find_unsafe_character(text)) or problems[0].rule == "document.encoding"
