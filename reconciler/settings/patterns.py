"""How names are spelled that a server is told, in a URL or a body, whoever says them: settings, a variable, a file."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class Spelling(NamedTuple):
    """A pattern for the whole of a name, its longest length in characters, and both in words."""

    pattern: str
    max_length: int
    words: str

    def fits(self, text: str) -> bool:
        """Say whether a text is spelled so; a variable's bytes that are no UTF-8 (lone surrogates) never are."""
        # fullmatch, since Python's `$` also matches before a last line break; in pydantic's engine (Rust) and
        # JSON Schema (ECMA-262) it doesn't.
        return (
            len(text) <= self.max_length
            and re.fullmatch(self.pattern, text) is not None
            and not _LONE_SURROGATE.search(text)
        )


REGION = Spelling(
    r"^[a-z0-9]+(-[a-z0-9]+)*$",
    64,
    "a region is small letters and digits with single dashes between them, such as cn-north-4",
)
ID = Spelling(r"^[A-Za-z0-9_-]{1,64}$", 64, "an id is letters, digits, dashes and underscores, at most 64")
LINE = Spelling(r"^[^\x00-\x1f\x7f]+$", 1024, "a name is one line of at most 1024 characters")
