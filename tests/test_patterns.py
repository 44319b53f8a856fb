"""Name patterns: two wildcards, a way to mean each of them, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.patterns import escape_wildcards, matches_pattern

NAMES = st.text("aB*?[]!-^\\.", max_size=6)

# pattern, what fits, what doesn't
ROWS = [
    ("*.example.com", "WWW.example.com", "example.com"),
    ("*.example.com", "*.example.com", "a.example.org"),
    ("[*].example.com", "*.EXAMPLE.com", "www.example.com"),
    ("a[?]", "a?", "ab"),
    ("[*]*", "*x", "x"),
    ("[[*]]", "[*]", "*"),
    ("Web[12]*", "web[12] old", "web1"),
    ("[!a]", "[!a]", "b"),
    ("[*", "[x", "*"),
    ("CORP\\*", "corp\\ann", "corp*"),
    ("a?c", "aBc", "ac"),
]


@pytest.mark.parametrize(("pattern", "fitting", "other"), ROWS)
def test_patterns(pattern: str, fitting: str, other: str) -> None:
    """Letter case aside, the whole name."""
    assert matches_pattern(pattern, fitting)
    assert not matches_pattern(pattern, other)


@given(NAMES, NAMES)
def test_an_escaped_name_fits_itself_alone(name: str, other: str) -> None:
    """Whatever it holds."""
    assert matches_pattern(escape_wildcards(name), name.swapcase())
    assert matches_pattern(escape_wildcards(name), other) == (name.casefold() == other.casefold())
