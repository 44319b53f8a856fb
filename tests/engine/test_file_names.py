"""Files named after objects: safe on every system, no two alike on any, whatever the objects are called."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.engine.exporting.file_names import choose_file_stems, name_kind_files

NAMES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["con", "CON", "con.yaml", "a/b", "a\\b", "..", ".git", "A B", "a-b", "İ", "i̇", "Straße"]),
    st.sampled_from(["x" * 300, "x" * 299, "é" * 200, "ﬁ", "fi", "٣", "a\u202eb", "ｃｏｎ", "lpt¹", "com1-1"]),
)
RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9¹²³]")


@given(st.lists(NAMES, max_size=8))
def test_stems_are_safe_and_no_two_are_alike(names: list[str]) -> None:
    """One component of at most 255 bytes with its ending, no hidden file, no device; the order of names is nothing."""
    stems = choose_file_stems(names, "security-role")

    assert set(stems) == set(names)
    assert stems == choose_file_stems(sorted(names, reverse=True), "security-role")
    assert len({unicodedata.normalize("NFKC", stem.casefold()) for stem in stems.values()}) == len(stems)
    for stem in stems.values():
        assert re.fullmatch(r"(?:\w|-)+", "".join("x" if unicodedata.category(c)[0] == "M" else c for c in stem))
        assert stem.isprintable()
        assert stem[0] != "-"
        assert len(f".{stem}.yaml.0123456789abcdef".encode()) <= 255
        assert not RESERVED.fullmatch(stem)


# a name, and what its file is called
STEMS = {
    "PKI Operators": "pki-operators",
    "../../etc/passwd": "etc-passwd",
    ".hidden": "hidden",
    "CON": "con-1",
    "Prüfer": "prüfer",
    "Pru\u0308fer": "prüfer",
    "证书 管理": "证书-管理",
    "***": "security-role",
    "a\u202eb": "a-b",
}


@pytest.mark.parametrize(("name", "stem"), STEMS.items())
def test_a_stem_can_be_read(name: str, stem: str) -> None:
    """It is what a person would write."""
    assert choose_file_stems([name], "security-role") == {name: stem}


def test_those_that_would_be_alike_are_numbered_in_order() -> None:
    """And a number never meets a name that ends in one."""
    stems = choose_file_stems(["a b", "A B", "a-b-2", "a/b"], "x")
    assert stems == {"A B": "a-b", "a b": "a-b-2", "a-b-2": "a-b-2-2", "a/b": "a-b-3"}


def test_kinds_are_plural_in_kebab_case() -> None:
    """As anybody would call a folder of them."""
    assert name_kind_files("SecurityRole") == "security-roles"
