"""All calls, and how they print."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.vendors import command_rows, csms, trails
from tests.vendors.row import Row, observe

ROWS: tuple[Row, ...] = (*csms.ROWS, *command_rows.ROWS, *trails.ROWS)


def printed(rows: Iterable[Row]) -> Iterator[tuple[str, bool]]:
    """Carry out the calls; yield each one's line of the Markdown table and whether it passed."""
    yield "| call | expected | contract | result |\n| --- | --- | --- | --- |", True
    for row in rows:
        try:
            found = observe(row)
            result = "pass" if found == row.value else f"FAIL: {found!r}"
        except Exception as error:  # noqa: BLE001 - the table goes on
            result = f"FAIL: {type(error).__name__}: {error}"
        yield f"| {row.call} | {row.expect} | {row.source} | {result} |", result == "pass"
