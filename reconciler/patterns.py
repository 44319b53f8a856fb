"""Name patterns: `*` stands for anything, `?` for one character, letter case aside; `[*]` and `[?]` for themselves.

Any other bracket is a bracket. A backslash can't be the escape: accounts are written as DOMAIN\\user.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

_BRACKET = re.compile(r"\[(?![*?]\])")
_WILDCARDS = re.compile(r"[*?]")


def matches_pattern(pattern: str, name: str) -> bool:
    """True if the whole name fits the pattern."""
    # fnmatch() itself would fold case and slashes as the operating system does; its only escape for a bracket is
    # a class that holds one, and `[*]` is such a class already.
    return fnmatchcase(name.casefold(), _BRACKET.sub("[[]", pattern.casefold()))


def escape_wildcards(name: str) -> str:
    """Return the pattern that this name alone fits."""
    return _WILDCARDS.sub(r"[\g<0>]", name)
