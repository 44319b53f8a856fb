"""Print the table of calls; exit 1 where one failed."""

from __future__ import annotations

import sys

from tests.vendors.containment import contained
from tests.vendors.table import ROWS, printed


def main() -> int:
    """Print the Markdown table line by line."""
    passed = True
    with contained():
        for line, good in printed(ROWS):
            print(line, flush=True)  # noqa: T201
            passed = passed and good
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
