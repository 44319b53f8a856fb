"""Name patterns: `*` stands for anything, `?` for one character, letter case aside; a bracket is a bracket."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches_pattern(pattern: str, name: str) -> bool:
    """True if the whole name fits the pattern."""
    # fnmatch() itself would fold case and slashes as the operating system does; its only escape for a bracket is
    # a class that holds one.
    return fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))
