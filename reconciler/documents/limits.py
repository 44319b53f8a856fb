"""Every bound on what is read from files, with its unit. A message that refuses something names the bound."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from reconciler.diagnostics import Diagnostic, Explanation

FILE_BYTES: Final = 16 * 1024 * 1024
"""Size of one manifest or settings file: an export of 350,000 owned certificates; 3 s and 250 MiB of memory at most."""
TABLE_BYTES: Final = 64 * 1024 * 1024
"""Size of one CSV table."""
TOTAL_BYTES: Final = 64 * 1024 * 1024
"""Size of all manifests of one run together, tables not counted."""
FILES: Final = 10_000
"""Manifest files of one run."""
ENTRIES: Final = 100_000
"""Directory entries looked at while manifests are searched."""
FOLDERS: Final = 32
"""Depth of folders below a path that is given."""
DOCUMENTS: Final = 10_000
"""Documents of one run."""
WANTED: Final = 1_000_000
"""Documents of one run, each counted once for every target that it is for: 10 s and 0.3 GiB of memory."""
DEPTH: Final = 32
"""Lists and mappings inside each other."""
NODES: Final = 500_000
"""Values and keys in one file."""
SCALAR_BYTES: Final = 64 * 1024
"""Length of one scalar, encoded as UTF-8."""
DIGITS: Final = 4000
"""Digits of a number; Python refuses to convert longer ones."""
TABLE_ROWS: Final = 1_000_000
"""Lines of one CSV table."""
CELL_CHARACTERS: Final = 4096
"""Length of one cell of a table."""
PROBLEMS: Final = 100
"""Problems told of one file; what lies beyond is counted."""
NAME_CHARACTERS: Final = 256
"""Length of metadata.name and of a label."""


def describe_excess(limit: str, summary: str, reason: str = "", remedy: str = "") -> Explanation:
    """Say that something is beyond the bound of that name, which the summary cites with its number."""
    return Explanation("document.limit", f"{summary} (limit {limit})", reason, remedy)


def limit_problems(problems: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Sort one file's problems and keep the first `PROBLEMS`; a last one counts the rest."""
    # A set would mix up what is nearly in order already.
    ordered = sorted(dict.fromkeys(problems))
    if len(ordered) <= PROBLEMS:
        return ordered
    hidden_count = len(ordered) - PROBLEMS
    last = ordered[PROBLEMS]
    rest = Diagnostic(
        "document.more-problems",
        last.source,
        f"{hidden_count} more problems in this file",
        f"the first {PROBLEMS} are listed",
        "mend these and run again",
    )
    return [*ordered[:PROBLEMS], rest]
