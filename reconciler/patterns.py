"""Name patterns: `*` stands for anything, `?` for one character, letter case aside; a bracket is a bracket."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, name: str) -> bool:
    """True if the whole name fits the pattern."""
    return fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))
