"""The lines that git leaves in a file where two versions of it could not be merged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation, Source

# Always in the first column: git's documentation, "How conflicts are presented". `|||||||` comes with diff3 and zdiff3.
_MARKER: Final = re.compile(r"^(<{7}|={7}|>{7}|\|{7})(?=[ \r\n]|\Z)", re.MULTILINE)
_CONFLICT: Final = Explanation(
    "document.merge-conflict",
    "a merge conflict begins here",
    "both versions are in the file, and which one holds is not decided",
    "keep one and remove the lines that begin with <<<<<<<, ======= and >>>>>>>",
)


def find_merge_conflicts(text: str, file: str) -> Iterator[Diagnostic]:
    """Yield a problem for each conflict, at its first line, and for each line that is left of one."""
    if not _MARKER.search(text):
        return
    is_inside = False
    for match in _MARKER.finditer(text):
        marker = match.group(1)
        source = Source(file, text.count("\n", 0, match.start()) + 1, 1)
        if marker[0] == "<":
            yield _CONFLICT.locate(source)
        elif not is_inside:
            yield _CONFLICT._replace(summary=f"{marker} is what is left of a merge conflict").locate(source)
        is_inside = marker[0] == "<" or (is_inside and marker[0] != ">")
